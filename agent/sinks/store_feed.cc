// SPDX-License-Identifier: Apache-2.0
#include "sinks/store_feed.h"

#include <algorithm>

namespace tapewatch {

void StoreFeed::begin_block(std::uint64_t file, std::uint64_t begin, std::int64_t read_ns) {
  open_span_ = Span{file, begin, begin};
  block_read_ns_ = read_ns;
}

void StoreFeed::add(const Event& event, const Hash128& id, std::string_view document) {
  if (!batch_.documents.records.empty() && batch_.documents.documents.size() + document.size() > options_.bytes_max) {
    cover(event.line().offset);
    seal();
  }
  if (opened_ns_ == 0) opened_ns_ = block_read_ns_;
  LogRecord record;
  record.time_ns = event.time_ns;
  record.level = static_cast<std::uint8_t>(event.level);
  record.id_high = id.high;
  record.id_low = id.low;
  record.file = open_span_.file;
  record.offset = event.line().offset;
  batch_.documents.add(record, document);
}

void StoreFeed::end_block(std::uint64_t end) { cover(end); }

void StoreFeed::cover(std::uint64_t end) {
  if (end <= open_span_.begin) return;
  if (opened_ns_ == 0) opened_ns_ = block_read_ns_;
  open_span_.end = end;
  add_span(batch_.spans, open_span_);
  open_span_.begin = end;
}

void StoreFeed::add_document(std::int64_t time_ns, Level level, const Hash128& id, std::optional<std::uint64_t> offset,
                             std::string_view document) {
  if (opened_ns_ == 0) opened_ns_ = std::max<std::int64_t>(block_read_ns_, 1);
  LogRecord record;
  record.time_ns = time_ns;
  record.level = static_cast<std::uint8_t>(level);
  record.id_high = id.high;
  record.id_low = id.low;
  if (offset) {
    record.file = open_span_.file;
    record.offset = *offset;
  }
  batch_.documents.add(record, document);
}

void StoreFeed::seal_if_due(std::int64_t steady_ns) {
  if (opened_ns_ != 0 && steady_ns - opened_ns_ >= options_.age_ns_max) seal();
}

void StoreFeed::seal() {
  if (batch_.documents.records.empty() && batch_.spans.empty()) return;
  for (const Span& span : batch_.spans) batch_.documents.sources.push_back({span.file, span.end});
  batch_.oldest_read_ns = opened_ns_;
  emit_(std::move(batch_));
  batch_ = StoreBatch{};
  opened_ns_ = 0;
}

}  // namespace tapewatch
