// SPDX-License-Identifier: Apache-2.0
#include "sinks/gzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t step_min = 64 * 1024;

// ISA-L reads its input through a pointer to non-const, and does not write to it.
std::uint8_t* input_of(std::string_view in) {
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(in.data()));
}

}  // namespace

Gzip::Gzip(int level) : level_(level), work_(level == 0 ? ISAL_DEF_LVL0_DEFAULT : ISAL_DEF_LVL1_DEFAULT) {
  CHECK(level == 0 || level == 1);
}

void Gzip::compress(std::string_view in, std::string& out) {
  CHECK(in.size() < std::numeric_limits<std::uint32_t>::max());
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = static_cast<std::uint32_t>(level_);
  stream.level_buf = work_.data();
  stream.level_buf_size = static_cast<std::uint32_t>(work_.size());
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  stream.next_in = input_of(in);
  stream.avail_in = static_cast<std::uint32_t>(in.size());
  out.clear();
  std::size_t used = 0;
  do {
    // Log lines shrink to about a fifth; what does not grows the output as it goes.
    out.resize(std::max(out.capacity(), used + std::max(step_min, in.size() / 4)));
    const std::size_t room = std::min<std::size_t>(out.size() - used, std::numeric_limits<std::uint32_t>::max());
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data()) + used;
    stream.avail_out = static_cast<std::uint32_t>(room);
    CHECK(isal_deflate(&stream) == COMP_OK);
    used += room - stream.avail_out;
  } while (stream.internal_state.state != ZSTATE_END);
  out.resize(used);
}

}  // namespace tapewatch
