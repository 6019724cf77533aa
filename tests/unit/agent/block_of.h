// SPDX-License-Identifier: Apache-2.0
#pragma once
// block_of: a block as the tailer hands it on, made from text.

#include <cstring>
#include <memory>
#include <string_view>

#include "event/line_block.h"

namespace tapewatch {

inline LineBlock block_of(std::string_view text, std::uint64_t begin = 0, std::int64_t read_ns = 1) {
  LineBlock block;
  SourceFile source;
  source.file = 7;
  source.path = "/var/log/app.log";
  source.input = "in";
  block.source = std::make_shared<const SourceFile>(std::move(source));
  block.begin = begin;
  block.end = begin + text.size();
  block.size = text.size();
  block.bytes = std::make_unique<char[]>(text.size());
  std::memcpy(block.bytes.get(), text.data(), text.size());
  block.read_ns = read_ns;
  block.read_wall_ns = 1'767'571'200'000'000'000;
  return block;
}

}  // namespace tapewatch
