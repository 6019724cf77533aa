// SPDX-License-Identifier: Apache-2.0
#include "sinks/bulk_builder.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/check.h"
#include "base/json_writer.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::size_t action_bytes_max = 512;  // an action line with the longest index name Elasticsearch takes (255)
constexpr std::size_t slack_bytes = 64 * 1024;

}  // namespace

BulkBuilder::BulkBuilder(BulkBuilderOptions options, Emit emit)
    : options_(std::move(options)), emit_(std::move(emit)) {}

void BulkBuilder::begin_block(std::uint64_t file, std::uint64_t begin, std::int64_t read_ns) {
  CHECK(!in_block_);
  in_block_ = true;
  open_span_ = Span{file, begin, begin};
  block_read_ns_ = read_ns;
}

std::string_view BulkBuilder::add(Event& event, const Hash128& id) {
  const std::size_t wanted = event.json_bytes_max() + action_bytes_max;
  if (!batch_.items.empty() &&
      (batch_.body.size() + wanted > options_.bytes_max || batch_.items.size() >= options_.events_max)) {
    cover(event.line().offset);
    seal();
  }
  if (batch_.body.capacity() == 0) batch_.body.reserve(options_.bytes_max + slack_bytes);
  if (opened_ns_ == 0) opened_ns_ = block_read_ns_;
  open_item(options_.index.empty() ? std::string_view() : index_of(event.time_ns), id);
  const std::size_t begin = batch_.body.size();
  event.append_json(batch_.body);
  close_item();
  return std::string_view(batch_.body).substr(begin, batch_.body.size() - begin - 1);
}

void BulkBuilder::add_document(std::string_view index, const Hash128& id, std::string_view document) {
  if (opened_ns_ == 0) opened_ns_ = std::max<std::int64_t>(block_read_ns_, 1);
  open_item(index, id);
  batch_.body.append(document);
  close_item();
}

void BulkBuilder::open_item(std::string_view index, const Hash128& id) {
  batch_.body.append("{\"create\":{");
  if (!index.empty()) {
    batch_.body.append("\"_index\":");
    append_json_string(batch_.body, index);
    batch_.body.push_back(',');
  }
  std::array<char, base64url_length> text{};
  base64url(id, text.data());
  batch_.body.append("\"_id\":\"").append(text.data(), text.size()).append("\"}}\n");
}

void BulkBuilder::close_item() {
  batch_.body.push_back('\n');
  batch_.items.push_back(static_cast<std::uint32_t>(batch_.body.size()));
}

void BulkBuilder::cover(std::uint64_t end) {
  if (!in_block_ || end <= open_span_.begin) return;
  open_span_.end = end;
  if (opened_ns_ == 0) opened_ns_ = block_read_ns_;
  add_span(batch_.spans, open_span_);
  open_span_.begin = end;
}

void BulkBuilder::end_block(std::uint64_t end) {
  CHECK(in_block_);
  cover(end);
  in_block_ = false;
}

void BulkBuilder::seal_if_due(std::int64_t steady_ns) {
  if (opened_ns_ != 0 && steady_ns - opened_ns_ >= options_.age_ns_max) seal();
}

void BulkBuilder::seal() {
  if (batch_.items.empty() && batch_.spans.empty()) return;
  batch_.number = next_number_++;
  batch_.oldest_read_ns = opened_ns_;
  if (options_.gzip && !batch_.body.empty()) gzip_.compress(batch_.body, batch_.compressed);
  emit_(std::move(batch_));
  batch_ = Batch{};
  opened_ns_ = 0;
}

std::string_view BulkBuilder::index_of(std::int64_t time_ns) {
  const std::int64_t hour = time_ns / (3600 * ns_per_second);
  if (hour != index_hour_) {
    const CivilTime civil = civil_from_ns(time_ns);
    std::tm parts{};
    parts.tm_year = civil.year - 1900;
    parts.tm_mon = civil.month - 1;
    parts.tm_mday = civil.day;
    parts.tm_hour = civil.hour;
    std::array<char, 256> name{};
    const std::size_t n = std::strftime(name.data(), name.size(), options_.index.c_str(), &parts);
    index_name_.assign(name.data(), n);
    index_hour_ = hour;
  }
  return index_name_;
}

}  // namespace tapewatch
