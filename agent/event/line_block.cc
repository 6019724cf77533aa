// SPDX-License-Identifier: Apache-2.0
#include "event/line_block.h"

namespace tapewatch {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

bool LineCursor::next(Line& line) {
  while (!rest_.empty()) {
    const std::size_t newline = rest_.find('\n');
    const bool ended = newline != std::string_view::npos;
    std::string_view text = rest_.substr(0, newline);
    line.offset = block_.begin + static_cast<std::uint64_t>(rest_.data() - block_.bytes.get());
    rest_.remove_prefix(ended ? newline + 1 : rest_.size());
    line.full_bytes = text.size();
    if (line.offset == 0 && text.substr(0, 3) == byte_order_mark) text.remove_prefix(3);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty()) {
      ++blank_lines_;
      continue;
    }
    line.text = text;
    line.cut = block_.cut;
    if (block_.cut) line.full_bytes = block_.cut_bytes;
    line.partial = !ended && !block_.cut;
    return true;
  }
  return false;
}

}  // namespace tapewatch
