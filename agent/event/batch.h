// SPDX-License-Identifier: Apache-2.0
#pragma once
// Batch: encoded documents on their way to one sink, owned, moved from the pipeline (worker) to the sink (loop thread).
// A sink acknowledges a batch once every item of it is finally resolved; only then do its spans count as delivered.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace tapewatch {

// Bytes [begin, end) of one file: everything in them is in this batch or was dropped with a counter.
struct Span {
  std::uint64_t file = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Batch {
  std::uint64_t number = 0;          // counts up per sink: spans of one file are in order of it
  std::string body;                  // newline-delimited JSON: an action line and a document line per item
  std::vector<std::uint32_t> items;  // end offset in body of each item
  std::vector<Span> spans;
  std::string compressed;           // gzip of body, when the sink wants it
  std::int64_t oldest_read_ns = 0;  // steady time of the oldest read in it

  [[nodiscard]] std::string_view item(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : items[i - 1];
    return std::string_view(body).substr(begin, items[i] - begin);
  }
};

// Adds [begin, end) to spans, joined to the last one of the same file when they touch.
void add_span(std::vector<Span>& spans, const Span& span);

// 128-bit id of an event: XXH3 over the line's bytes, seeded with service instance, input, head of the file and offset.
// No inode and no stored state: a rename, a copy, a crash, a retry and a replay give the same id.
[[nodiscard]] std::uint64_t file_seed(std::string_view instance, std::string_view input, const Hash128& head);
[[nodiscard]] Hash128 event_id(std::uint64_t seed, std::uint64_t offset, std::string_view line);

}  // namespace tapewatch
