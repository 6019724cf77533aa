// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/zstd_reader.h"

#include <zstd.h>

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr int window_log_max = 27;

}  // namespace

struct ZstdReader::State {
  explicit State(Read read) : packed(std::move(read)), stream(ZSTD_createDStream()), input(ZSTD_DStreamInSize()) {
    CHECK(stream != nullptr);
    (void)ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, window_log_max);
  }
  ~State() { ZSTD_freeDStream(stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const Read packed;
  ZSTD_DStream* const stream;
  std::vector<char> input;
  ZSTD_inBuffer in{};
  bool ended = false;
  bool in_frame = false;
};

ZstdReader::ZstdReader(Read packed) : state_(std::make_unique<State>(std::move(packed))) {}
ZstdReader::~ZstdReader() = default;

Result<std::size_t> ZstdReader::read(char* out, std::size_t bytes) {
  State& state = *state_;
  ZSTD_outBuffer buffer{out, bytes, 0};
  while (buffer.pos == 0) {
    if (state.in.pos == state.in.size && !state.ended) {
      const Result<std::size_t> got = state.packed(state.input.data(), state.input.size());
      if (!got.ok()) return got.error();
      state.ended = *got == 0;
      state.in = {state.input.data(), *got, 0};
    }
    if (state.ended && !state.in_frame) return std::size_t{0};
    const std::size_t result = ZSTD_decompressStream(state.stream, &buffer, &state.in);
    if (ZSTD_isError(result) != 0)
      return Error{Code::corrupt, std::string("damaged zstd: ") + ZSTD_getErrorName(result)};
    state.in_frame = result != 0;
    if (state.ended && state.in_frame && buffer.pos == 0) return Error{Code::corrupt, "zstd that is cut short"};
  }
  return buffer.pos;
}

}  // namespace tapewatch
