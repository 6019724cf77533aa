// SPDX-License-Identifier: Apache-2.0
#pragma once
// ZstdReader: what a zstd stream (RFC 8878) holds, as it is read, frame after frame, checksums included. Memory is
// bounded whatever the stream says. Thread: its owner's.

#include <cstddef>
#include <functional>
#include <memory>

#include "tapewatch/api.h"
#include "tapewatch/result.h"

namespace tapewatch {

class TAPEWATCH_API ZstdReader final {
 public:
  // Puts at most `bytes` bytes of the stream at `out`, and says how many; 0: there are no more.
  using Read = std::function<Result<std::size_t>(char* out, std::size_t bytes)>;

  explicit ZstdReader(Read packed);
  ~ZstdReader();
  ZstdReader(const ZstdReader&) = delete;
  ZstdReader& operator=(const ZstdReader&) = delete;

  // How many bytes were put at `out`, at most `bytes`, which is not 0; 0: there are no more. Code::corrupt: not zstd,
  // damaged, cut short, or of a window larger than 128 MiB.
  [[nodiscard]] Result<std::size_t> read(char* out, std::size_t bytes);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace tapewatch
