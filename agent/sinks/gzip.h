// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gzip: compresses whole request bodies with ISA-L. Keeps its work memory from one call to the next, so that whoever
// seals batches owns one. Thread: its owner's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

class Gzip final {
 public:
  // Level 0 is fastest, 1 a little smaller; there are no others.
  explicit Gzip(int level);
  // Replaces `out` by one gzip member (RFC 1952) of `in`. `out` keeps its capacity between calls.
  void compress(std::string_view in, std::string& out);

 private:
  const int level_;
  std::vector<std::uint8_t> work_;
};

}  // namespace tapewatch
