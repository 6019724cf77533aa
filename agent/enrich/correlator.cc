// SPDX-License-Identifier: Apache-2.0
#include "enrich/correlator.h"

#include <cstdlib>

#include "base/json_writer.h"
#include "enrich/trace_context.h"

namespace tapewatch {
namespace {

bool is_id(const FieldValue& value) {
  return (value.type == JsonType::string || value.type == JsonType::number) && !value.raw.empty();
}

// What loggers write when there is no id.
bool is_placeholder(std::string_view id) {
  return id.empty() || id == "-" || id == "null" || id == "none" || id == "undefined" || id == "N/A";
}

constexpr std::size_t records_short = std::size_t{4} << 20;  // so many bytes are no reason to begin anew
constexpr std::size_t records_piece = 4096;                  // links

// "tw-" and 16 hexadecimal digits.
constexpr std::size_t made_bytes = 19;
void write_made(std::uint64_t hash, char* out) {
  static constexpr char hex[] = "0123456789abcdef";
  *out++ = 't';
  *out++ = 'w';
  *out++ = '-';
  for (int shift = 60; shift >= 0; shift -= 4) *out++ = hex[hash >> shift & 15];
}

// Letters, digits and separators of which neither an address nor a secret of this length can be made; anything longer
// or richer is for the masker to say.
bool is_short_and_clean(std::string_view id) {
  constexpr std::size_t shortest_token = 15;
  if (id.size() >= shortest_token) return false;
  std::size_t digits = 0;
  for (const char c : id) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!digit && !letter && c != '-' && c != '_' && c != '.') return false;
    if (digit) ++digits;
  }
  return digits < LineScan::run_min;
}

}  // namespace

Correlator::Correlator(const CorrelatorOptions& options, const EcsFields& ecs, FieldTable& table, Masker& masker)
    : enabled_(options.enabled),
      ecs_(ecs),
      ttl_ns_(std::chrono::nanoseconds(options.ttl).count()),
      masker_(masker),
      links_(options.enabled ? options.entries_max : 1) {
  for (const std::string& name : options.keys) {
    if (keys_.size() == keys_max) break;
    keys_.push_back(Key{table.add(name), name, hash64(name)});
  }
  for (const char* path : {"correlation.id", "context.correlation_id", "ctx.correlation_id", "extra.correlation_id",
                           "mdc.correlationId", "contextMap.correlationId"}) {
    elsewhere_.push_back(table.add(path));
  }
}

CorrelatorStats Correlator::stats() const {
  CorrelatorStats stats = stats_;
  stats.entries = links_.size();
  stats.evictions = links_.evictions();
  return stats;
}

LinkRecords Correlator::take_records() {
  LinkRecords records;
  if (links_.size() == 0) return records;
  const bool at_once = records_given_ == SIZE_MAX;
  if (at_once || (records_place_ == SIZE_MAX && records_given_ > 2 * records_whole_ + records_short)) {
    records.begins = true;
    records_given_ = records_whole_ = records_place_ = 0;
  }
  if (at_once) {
    links_.forget_changes();  // they are in everything as well
  } else {
    links_.save_changes(records.changes);
  }
  records_given_ += records.changes.size();
  if (records_place_ != SIZE_MAX) {
    records_place_ = links_.save(records.everything, records_place_, at_once ? SIZE_MAX : records_piece);
    records_whole_ += records.everything.size();
    records.completes = records_place_ == links_.size();
    if (records.completes) records_place_ = SIZE_MAX;
  }
  return records;
}

void Correlator::correlate(Event& event, const Hash128& id) {
  Choice choice;
  if (!enabled_) {
    if (choose_own(event, choice) && choice.is_in_line) event.correlation_id = choice.id;
    return;
  }
  if (!choose_own(event, choice) && !choose_trace(event, choice) && !choose_learned(event, choice) &&
      !choose_request(event, choice)) {
    choose_made(event, id, choice);
  }
  learn(event, choice);
  put_into(event, choice);
}

void Correlator::prepare(Event& event) {
  seen_.clear();
  if (!enabled_) return;
  for (const Key& key : keys_) {
    const FieldValue& value = event.field(key.field);
    if (!is_id(value)) continue;
    const std::string_view text = event.text(value);
    if (is_placeholder(text)) continue;
    seen_.push_back({&key, hash128(text, key.seed)});
    links_.prefetch(seen_.back().hash);
  }
}

bool Correlator::choose_own(Event& event, Choice& choice) {
  const FieldValue& own = event.field(ecs_.correlation_id);
  if (is_id(own)) {
    choice.id = event.text(own);
    choice.strength = LinkStrength::explicit_id;
    choice.is_in_line = true;
    return !is_placeholder(choice.id);
  }
  for (const FieldId field : elsewhere_) {
    const FieldValue& value = event.field(field);
    if (!is_id(value)) continue;
    const std::string_view id = event.text(value);
    if (is_placeholder(id) || !may_copy(event, id)) continue;
    choice.id = id;
    choice.strength = LinkStrength::explicit_id;
    choice.is_clean = true;
    return true;
  }
  return false;
}

bool Correlator::choose_trace(Event& event, Choice& choice) {
  const FieldValue& value = event.field(ecs_.trace_id);
  if (!is_id(value)) return false;
  const std::string_view id = event.text(value);
  if (!is_trace_id(id)) return false;
  choice = {id, "trace", LinkStrength::trace, false, true};
  return true;
}

bool Correlator::choose_learned(Event& event, Choice& choice) {
  for (const Seen& seen : seen_) {
    const LinkTable::Link* const link = links_.find(seen.hash);
    if (link == nullptr || std::abs(event.time_ns - link->time_ns) > ttl_ns_) continue;
    if (!choice.source.empty() && link->strength <= choice.strength) continue;
    choice = {event.keep(link->id_text()), seen.key->name, link->strength, false, true};
  }
  if (choice.source.empty()) {
    if (!seen_.empty()) ++stats_.misses;
    return false;
  }
  ++stats_.hits;
  return true;
}

bool Correlator::choose_request(Event& event, Choice& choice) {
  const FieldValue& value = event.field(ecs_.request_id);
  if (!is_id(value)) return false;
  const std::string_view id = event.text(value);
  if (is_placeholder(id) || !may_copy(event, id)) return false;
  choice = {id, "request", LinkStrength::request, false, true};
  return true;
}

void Correlator::choose_made(Event& event, const Hash128& id, Choice& choice) {
  char made[made_bytes];
  write_made(seen_.empty() ? id.high ^ id.low : seen_.front().hash.high, made);
  choice = {event.keep(std::string_view(made, made_bytes)), "generated", LinkStrength::generated, false, true};
  ++stats_.generated;
}

void Correlator::learn(const Event& event, const Choice& choice) {
  if (seen_.empty() || choice.id.size() > LinkTable::id_bytes_max) return;
  // What is made from the only key is made again for the next event.
  if (choice.strength == LinkStrength::generated && seen_.size() == 1) return;
  if (!choice.is_clean && !may_copy(event, choice.id)) return;
  for (const Seen& seen : seen_) {
    LinkTable::Link& link = links_.at(seen.hash);
    if (link.id_bytes > 0 && link.strength > choice.strength && std::abs(event.time_ns - link.time_ns) <= ttl_ns_) {
      continue;
    }
    links_.set(link, choice.id, choice.strength, event.time_ns);
    ++stats_.learned;
  }
}

void Correlator::put_into(Event& event, const Choice& choice) {
  event.correlation_id = choice.id;
  if (choice.is_in_line) {
    const bool is_trace = is_w3c_trace_id(choice.id) && !event.field(ecs_.trace_id).present();
    if (is_trace && may_copy(event, choice.id)) {
      event.add("trace.id", choice.id);
      event.set(ecs_.trace_id, choice.id);
    }
    return;
  }
  const FieldValue placeholder = event.field(ecs_.correlation_id);
  if (!placeholder.present()) {
    event.add("labels.correlation_id", choice.id);
  } else if (placeholder.type == JsonType::string || placeholder.type == JsonType::null) {
    const std::uint32_t quote = placeholder.type == JsonType::string ? 1 : 0;
    const std::uint32_t begin = event.offset_of(placeholder.raw) - quote;
    json_.clear();
    append_json_string(json_, choice.id);
    event.edit(begin, begin + static_cast<std::uint32_t>(placeholder.raw.size()) + 2 * quote, event.keep(json_));
  } else {
    return;
  }
  event.set(ecs_.correlation_id, choice.id);
  if (choice.source.empty()) return;
  event.add("labels.correlation_source", choice.source);
  event.set(ecs_.correlation_source, choice.source);
}

bool Correlator::may_copy(const Event& event, std::string_view id) {
  const bool in_line = !id.empty() && id.data() >= event.line().text.data() &&
                       id.data() < event.line().text.data() + event.line().text.size();
  if (in_line) {
    const std::uint32_t begin = event.offset_of(id);
    for (const SensitiveValue& value : event.sensitive_values()) {
      if (begin >= value.begin && begin < value.end) return false;
    }
  } else if (!event.sensitive_values().empty()) {
    return false;  // unescaped elsewhere: where it came from is not known
  }
  if (id.size() > LinkTable::id_bytes_max) return false;
  return is_plain_id(id) || is_short_and_clean(id) || masker_.is_clean(id);
}

}  // namespace tapewatch
