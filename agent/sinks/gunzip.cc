// SPDX-License-Identifier: Apache-2.0
#include "sinks/gunzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>

namespace tapewatch {
namespace {

constexpr std::size_t input_bytes = 256 * 1024;
constexpr std::size_t output_bytes_max = std::size_t{1} << 30;
constexpr std::uint8_t magic_first = 0x1F;

}  // namespace

struct Gunzip::State {
  inflate_state inflate{};
  bool in_member = false;  // not between two
  bool any = false;        // a member was read to its end
};

Gunzip::Gunzip(std::unique_ptr<ByteSource> packed)
    : packed_(std::move(packed)), state_(std::make_unique<State>()), input_(input_bytes) {
  isal_inflate_init(&state_->inflate);
}

Gunzip::~Gunzip() = default;

Status Gunzip::fill() {
  inflate_state& inflate = state_->inflate;
  if (inflate.avail_in > 0 || ended_) return success();
  const Result<std::size_t> got = packed_->read(input_.data(), input_.size());
  if (!got.ok()) return got.error();
  ended_ = *got == 0;
  inflate.next_in = reinterpret_cast<std::uint8_t*>(input_.data());
  inflate.avail_in = static_cast<std::uint32_t>(*got);
  return success();
}

Result<std::size_t> Gunzip::read(char* out, std::size_t bytes) {
  inflate_state& inflate = state_->inflate;
  const auto wanted = static_cast<std::uint32_t>(std::min(bytes, output_bytes_max));
  inflate.next_out = reinterpret_cast<std::uint8_t*>(out);
  inflate.avail_out = wanted;
  while (inflate.avail_out == wanted) {
    if (const Status filled = fill(); !filled.ok()) return filled.error();
    if (!state_->in_member) {
      // Behind the last member there may be padding, which says nothing.
      const bool more = inflate.avail_in > 0 && (!state_->any || *inflate.next_in == magic_first);
      if (!more) return std::size_t{0};
      isal_inflate_reset(&inflate);
      inflate.crc_flag = ISAL_GZIP;
      state_->in_member = true;
    }
    const int result = isal_inflate(&inflate);
    if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
      return Error{Code::corrupt, "damaged gzip (" + std::to_string(result) + ")"};
    if (inflate.block_state == ISAL_BLOCK_FINISH) {
      state_->in_member = false;
      state_->any = true;
    } else if (ended_ && inflate.avail_in == 0 && inflate.avail_out == wanted) {
      return Error{Code::corrupt, "gzip that is cut short"};
    }
  }
  return static_cast<std::size_t>(wanted - inflate.avail_out);
}

}  // namespace tapewatch
