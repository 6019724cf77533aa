// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gunzip: what a gzip file (RFC 1952) holds, as it is read, member after member, with ISA-L, checksums included. Memory
// is the same whatever the file says. Thread: its owner's.

#include <memory>
#include <vector>

#include "base/byte_source.h"

namespace tapewatch {

class Gunzip final : public ByteSource {
 public:
  explicit Gunzip(std::unique_ptr<ByteSource> packed);
  ~Gunzip() override;
  // Code::corrupt: not gzip, damaged, or cut short.
  [[nodiscard]] Result<std::size_t> read(char* out, std::size_t bytes) override;
  [[nodiscard]] std::uint64_t bytes_read() const override { return packed_->bytes_read(); }

 private:
  struct State;
  [[nodiscard]] Status fill();

  const std::unique_ptr<ByteSource> packed_;
  const std::unique_ptr<State> state_;
  std::vector<char> input_;
  bool ended_ = false;
};

}  // namespace tapewatch
