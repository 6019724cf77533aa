// SPDX-License-Identifier: Apache-2.0
#include "detect/witness.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "detect/decimal.h"
#include "detect/fold.h"
#include "detect/witness_choice.h"

namespace tapewatch {
namespace {

constexpr std::size_t length_max = 63;  // longer ones share a bit

std::uint64_t length_bit(std::size_t length) { return std::uint64_t{1} << std::min(length, length_max); }

bool starts_number(std::string_view text) {
  return !text.empty() && ((text.front() >= '0' && text.front() <= '9') || text.front() == '-');
}

void insert_rules(std::vector<std::uint32_t>& into, const std::vector<std::uint32_t>& rules) {
  into.insert(into.end(), rules.begin(), rules.end());
}

}  // namespace

void WitnessIndex::ExactTable::add(std::string_view text, bool number, const Rules& rules) {
  const std::uint64_t hash = caseless_hash(text);
  lengths_ |= length_bit(text.size());
  has_numbers_ = has_numbers_ || number;
  const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.hash == hash; });
  if (same != entries_.end()) {
    insert_rules(same->rules, rules);
  } else {
    entries_.push_back({hash, rules});
  }
}

void WitnessIndex::ExactTable::finish() {
  std::size_t size = 4;
  while (size < entries_.size() * 2) size *= 2;
  table_.assign(size, 0);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & (size - 1);
    while (table_[at] != 0) at = (at + 1) & (size - 1);
    table_[at] = i + 1;
  }
}

const WitnessIndex::Rules* WitnessIndex::ExactTable::find(std::string_view text) const {
  if ((lengths_ & length_bit(text.size())) == 0) return nullptr;
  const std::uint64_t hash = caseless_hash(text);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask; table_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[table_[at] - 1];
    if (entry.hash == hash) return &entry.rules;
  }
  return nullptr;
}

template <typename Visit>
void WitnessIndex::ExactTable::find_parts(std::string_view text, bool at_end, const Visit& visit) const {
  for (std::uint64_t left = lengths_; left != 0; left &= left - 1) {
    const auto length = static_cast<std::size_t>(__builtin_ctzll(left));
    if (length > text.size()) return;
    const Rules* rules = find(at_end ? text.substr(text.size() - length) : text.substr(0, length));
    if (rules != nullptr) visit(*rules);
  }
}

WitnessIndex::WitnessIndex(const std::vector<DetectionRule>& rules) : turn_of_rule_(rules.size()) {
  const WitnessChoice choice(rules);
  std::map<Witness, Rules> rules_of;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].applies) continue;
    const auto witnesses = choice.of(rules[i]);
    if (!witnesses) {
      always_.push_back(i);
      continue;
    }
    for (const Witness& witness : *witnesses) rules_of[witness].push_back(i);
  }
  for (const auto& [witness, woken] : rules_of) add(witness, woken);
  finish();
}

void WitnessIndex::add(const Witness& witness, const Rules& rules) {
  LiteralTable* literals = &anywhere_;
  if (witness.field != no_field) {
    const auto known =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.id == witness.field; });
    Field& field = known != fields_.end() ? *known : fields_.emplace_back();
    field.id = witness.field;
    if (witness.kind == Witness::Kind::presence) {
      insert_rules(field.presence, rules);
      return;
    }
    field.texts = true;
    if (witness.kind != Witness::Kind::literal) {
      ExactTable& table = witness.kind == Witness::Kind::prefix   ? field.prefixes
                          : witness.kind == Witness::Kind::suffix ? field.suffixes
                                                                  : field.exact;
      table.add(witness.text, witness.kind == Witness::Kind::number, rules);
      field.wide = field.wide || !is_ascii(witness.text);
      return;
    }
    literals = &field.literals;
  }
  literals->literals.push_back({witness.text, true});
  literals->rules.push_back(rules);
}

void WitnessIndex::finish() {
  const auto build = [](LiteralTable& table) {
    if (table.literals.empty()) return true;
    auto set = LiteralSet::build(table.literals);
    if (!set.ok()) return false;
    table.set = std::move(set).value();
    table.scratch = table.set->make_scratch();
    return true;
  };
  for (Field& field : fields_) {
    for (ExactTable* table : {&field.exact, &field.prefixes, &field.suffixes}) table->finish();
    if (build(field.literals)) continue;
    for (const Rules& rules : field.literals.rules) insert_rules(field.presence, rules);  // slower, never wrong
  }
  if (!build(anywhere_)) {
    for (const Rules& rules : anywhere_.rules) insert_rules(always_, rules);
  }
}

void WitnessIndex::wake_all(const Rules& rules) {
  for (const std::uint32_t rule : rules) {
    if (turn_of_rule_[rule] == turn_) continue;
    turn_of_rule_[rule] = turn_;
    woken_->push_back(rule);
  }
}

void WitnessIndex::wake(EventValues& values, std::vector<std::uint32_t>& woken) {
  ++turn_;
  woken.clear();
  woken_ = &woken;
  for (Field& field : fields_) {
    if (values.event().field(field.id).present()) wake_field(field, values);
  }
  if (anywhere_.set) scan_line(values);
  wake_all(always_);
}

void WitnessIndex::wake_field(Field& field, EventValues& values) {
  wake_all(field.presence);
  if (!field.texts) return;
  const FieldValue& value = values.event().field(field.id);
  const bool plain = !value.escaped && value.type != JsonType::array && value.more == no_more_values;
  if (plain) {
    ValueView view;
    view.type = value.type;
    view.text = value.raw;
    wake_value(field, values, view);
    return;
  }
  for (ValueView& view : values.of(field.id)) wake_value(field, values, view);
}

void WitnessIndex::wake_value(Field& field, EventValues& values, ValueView& value) {
  if (const Rules* known = field.memo.find(value.text); known != nullptr) {
    wake_all(*known);
    return;
  }
  found_.clear();
  look_up(field, field.wide ? values.folded(value) : value.text, value.type);
  if (field.literals.set) scan(field.literals, value.text);
  field.memo.keep(value.text, found_);
  wake_all(found_);
}

// Appends to found_, as do those below.
void WitnessIndex::look_up(const Field& field, std::string_view text, JsonType type) {
  const auto add = [this](const Rules& rules) { insert_rules(found_, rules); };
  field.prefixes.find_parts(text, false, add);
  field.suffixes.find_parts(text, true, add);
  if (field.exact.empty()) return;
  if (const Rules* rules = field.exact.find(text); rules != nullptr) add(*rules);
  if (!field.exact.has_numbers() || !starts_number(text)) return;
  if (type == JsonType::number || type == JsonType::string) look_up_number(field.exact, text);
}

// A number may be written in several ways: 5, 5.0, 50e-1.
void WitnessIndex::look_up_number(const ExactTable& table, std::string_view text) {
  if (is_plain_integer(text)) return;
  const auto number = Decimal::parse(text);
  if (!number) return;
  if (const Rules* rules = table.find(number->canonical()); rules != nullptr) insert_rules(found_, *rules);
}

void WitnessIndex::scan(LiteralTable& table, std::string_view text) {
  hits_.clear();
  table.set->find(text, *table.scratch, hits_);
  for (const std::uint32_t hit : hits_) insert_rules(found_, table.rules[hit]);
}

// The line's own bytes hold every value that is written without escapes and not masked; the others are scanned one by
// one. Of a line that is not JSON only what is delivered is looked at.
void WitnessIndex::scan_line(EventValues& values) {
  const Event& event = values.event();
  const std::string_view line = event.is_json() ? event.line().text : event.text_line();
  found_.clear();
  scan(anywhere_, line);
  values.for_each_rewritten([&](std::string_view text) { scan(anywhere_, text); });
  wake_all(found_);
}

}  // namespace tapewatch
