// SPDX-License-Identifier: Apache-2.0
#include "http/api.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "base/json_writer.h"
#include "base/timestamp.h"
#include "http/event_json.h"
#include "http/query_params.h"

namespace tapewatch {
namespace {

constexpr std::int64_t histogram_range_default_ns = 3600 * ns_per_second;
constexpr std::int64_t buckets_default = 60;
constexpr std::size_t trace_id_bytes_max = 512;
constexpr std::size_t field_bytes_max = 512;
constexpr std::int64_t values_default = 10;

HttpAnswer json_answer(std::string body) {
  HttpAnswer answer;
  answer.body = std::move(body);
  return answer;
}

// Ends the object that `body` holds so far.
HttpAnswer page_answer(std::string body, const SearchPage& page) {
  body.append("\"events\":[");
  for (const LogDocument& document : page.documents) {
    if (body.back() != '[') body.push_back(',');
    append_event_json(body, document);
  }
  // A cursor is text: it may pass what JavaScript's numbers can hold.
  body.append("],\"cursor\":");
  body.append(page.next_cursor == 0 ? "null" : "\"" + std::to_string(page.next_cursor) + "\"");
  body.append(",\"complete\":").append(page.complete ? "true" : "false");
  body.append(",\"scanned_lines\":");
  append_json_int(body, page.scanned_lines);
  body.append(",\"scanned_bytes\":");
  append_json_int(body, page.scanned_bytes);
  body.append(",\"damaged_blocks\":");
  append_json_int(body, page.damaged_blocks);
  body.append(",\"elapsed_ms\":");
  const std::int64_t elapsed_us = page.elapsed_ns / 1000;
  append_json_double(body, static_cast<double>(elapsed_us) / 1000);
  body.push_back('}');
  return json_answer(std::move(body));
}

template <typename T>
HttpAnswer failed(const SearchBackend::Answer<T>& answer) {
  if (const auto* fault = std::get_if<QueryFault>(&answer)) return search_problem(*fault);
  return search_problem(std::get<Error>(answer));
}

Result<SearchRange> range_of(const QueryParams& params, std::int64_t now_ns) {
  SearchRange range;
  const Result<std::int64_t> from = params.time("from", now_ns, range.from_ns);
  if (!from) return from.error();
  const Result<std::int64_t> to = params.time("to", now_ns, range.to_ns);
  if (!to) return to.error();
  if (*from > *to) return Error{Code::invalid, "parameter \"from\" lies behind \"to\""};
  return SearchRange{*from, *to};
}

}  // namespace

HttpAnswer search_problem(const QueryFault& fault) {
  return query_problem(fault.message, fault.offset, fault.length, fault.hint);
}

HttpAnswer search_problem(const Error& error) {
  switch (error.code) {
    case Code::invalid:
    case Code::limit:
      return problem(400, error.message);
    case Code::busy:
    case Code::timeout:
    case Code::queue_full:
    case Code::closed:
      return problem(503, error.message);
    default:
      return problem(500, error.message);
  }
}

HttpAnswer no_store_problem() {
  return problem(404, "the embedded store is off: set store.enabled in the configuration");
}

HttpAnswer Api::search(std::string_view query) const {
  if (backend_ == nullptr) return no_store_problem();
  const Result<QueryParams> params = QueryParams::parse(query, {"query", "from", "to", "limit", "cursor"});
  if (!params) return search_problem(params.error());
  const Result<SearchRange> range = range_of(*params, clock_.wall_ns());
  if (!range) return search_problem(range.error());
  const Result<std::int64_t> limit = params->number("limit", 1, limits_.results_max, limits_.results_default);
  if (!limit) return search_problem(limit.error());
  const Result<std::int64_t> cursor = params->number("cursor", INT64_MIN, INT64_MAX, 0);
  if (!cursor) return search_problem(cursor.error());
  SearchLimits limits;
  limits.results_max = static_cast<std::size_t>(*limit);
  limits.bytes_max = limits_.bytes_max;
  // Where a live tail goes on without a gap and without a double: behind the newest document that this search saw.
  std::int64_t sequence = backend_->newest();
  const auto answer = backend_->search(params->text("query"), *range, limits, *cursor);
  if (!std::holds_alternative<SearchPage>(answer)) return failed(answer);
  const SearchPage& page = std::get<SearchPage>(answer);
  if (!page.documents.empty()) sequence = std::max(sequence, page.documents.front().sequence);
  std::string body = "{\"sequence\":";
  append_json_int(body, sequence);
  body.push_back(',');
  return page_answer(std::move(body), page);
}

HttpAnswer Api::trace(std::string_view query) const {
  if (backend_ == nullptr) return no_store_problem();
  const Result<QueryParams> params = QueryParams::parse(query, {"id", "limit"});
  if (!params) return search_problem(params.error());
  const std::string& id = params->text("id");
  if (id.empty() || id.size() > trace_id_bytes_max) return problem(400, "an id is needed: /api/v1/trace/ID");
  const Result<std::int64_t> limit = params->number("limit", 1, limits_.trace_results_max, limits_.results_max);
  if (!limit) return search_problem(limit.error());
  SearchLimits limits;
  limits.results_max = static_cast<std::size_t>(*limit);
  limits.bytes_max = limits_.bytes_max;
  const auto answer = backend_->trace(id, limits);
  if (!std::holds_alternative<SearchPage>(answer)) return failed(answer);
  std::string body = "{\"id\":";
  append_json_string(body, id);
  body.push_back(',');
  return page_answer(std::move(body), std::get<SearchPage>(answer));
}

HttpAnswer Api::histogram(std::string_view query) const {
  if (backend_ == nullptr) return no_store_problem();
  const Result<QueryParams> params = QueryParams::parse(query, {"query", "from", "to", "buckets"});
  if (!params) return search_problem(params.error());
  const std::int64_t now_ns = clock_.wall_ns();
  Result<SearchRange> range = range_of(*params, now_ns);
  if (!range) return search_problem(range.error());
  if (range->to_ns == INT64_MAX) range->to_ns = now_ns;
  if (range->from_ns == INT64_MIN) range->from_ns = range->to_ns - histogram_range_default_ns;
  if (range->from_ns > range->to_ns) return problem(400, "parameter \"from\" lies behind \"to\"");
  const Result<std::int64_t> buckets = params->number("buckets", 1, limits_.buckets_max, buckets_default);
  if (!buckets) return search_problem(buckets.error());
  const auto answer = backend_->histogram(params->text("query"), *range, static_cast<int>(*buckets));
  if (!std::holds_alternative<Histogram>(answer)) return failed(answer);
  const Histogram& histogram = std::get<Histogram>(answer);
  std::string body = "{\"buckets\":[";
  for (const Histogram::Bucket& bucket : histogram.buckets) {
    if (body.back() != '[') body.push_back(',');
    JsonObject o(body);
    o.add("time", format_rfc3339(bucket.from_ns));
    o.add("total", bucket.total);
    o.key("levels");
    body.push_back('[');
    for (const std::int64_t count : bucket.by_level) {
      if (body.back() != '[') body.push_back(',');
      append_json_int(body, count);
    }
    body.push_back(']');
    o.end();
  }
  body.append("],\"complete\":").append(histogram.complete ? "true" : "false").append(",\"scanned_lines\":");
  append_json_int(body, histogram.scanned_lines);
  body.push_back('}');
  return json_answer(std::move(body));
}

HttpAnswer Api::top(std::string_view query) const {
  if (backend_ == nullptr) return no_store_problem();
  const Result<QueryParams> params = QueryParams::parse(query, {"field", "query", "from", "to", "limit"});
  if (!params) return search_problem(params.error());
  const std::string& field = params->text("field");
  if (field.empty() || field.size() > field_bytes_max) return problem(400, "a field is needed: field=event.action");
  const Result<SearchRange> range = range_of(*params, clock_.wall_ns());
  if (!range) return search_problem(range.error());
  const Result<std::int64_t> limit = params->number("limit", 1, limits_.results_max, values_default);
  if (!limit) return search_problem(limit.error());
  const auto answer = backend_->top_values(params->text("query"), *range, field, static_cast<std::size_t>(*limit));
  if (!std::holds_alternative<TopValues>(answer)) return failed(answer);
  const TopValues& top = std::get<TopValues>(answer);
  std::string body;
  JsonObject o(body);
  o.add("field", std::string_view(field));
  o.key("values");
  body.push_back('[');
  for (const TopValues::Value& value : top.values) {
    if (body.back() != '[') body.push_back(',');
    JsonObject item(body);
    item.add("value", std::string_view(value.text));
    item.add("count", value.count);
    item.end();
  }
  body.push_back(']');
  o.add("others", top.others);
  o.add("without", top.without);
  o.add("documents", top.documents);
  o.add("exact", top.exact);
  o.add("complete", top.complete);
  o.add("scanned_lines", top.scanned_lines);
  o.end();
  return json_answer(std::move(body));
}

HttpAnswer Api::alerts() const { return json_answer(alerts_json(*status_.current())); }
HttpAnswer Api::rules() const { return json_answer(rules_json(*status_.current())); }
HttpAnswer Api::files() const { return json_answer(files_json(*status_.current())); }
HttpAnswer Api::status() const { return json_answer(status_json(*status_.current())); }

}  // namespace tapewatch
