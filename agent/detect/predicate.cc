// SPDX-License-Identifier: Apache-2.0
#include "detect/predicate.h"

#include <algorithm>

#include "base/timestamp.h"
#include "detect/fold.h"

namespace tapewatch {
namespace {

constexpr std::size_t list_min = 8;  // shorter lists are walked
constexpr std::size_t ends_min = 3;
constexpr std::int64_t days_a_week = 7;

bool compare(Comparison comparison, std::strong_ordering order) {
  switch (comparison) {
    case Comparison::less:
      return order < 0;
    case Comparison::less_or_equal:
      return order <= 0;
    case Comparison::greater:
      return order > 0;
    case Comparison::greater_or_equal:
      return order >= 0;
  }
  return false;
}

// ISO 8601: the week of the year that holds its Thursday.
int iso_week(const CivilTime& time) {
  const std::int64_t day = days_from_civil(time.year, time.month, time.day);
  const std::int64_t weekday = (day + 3) % days_a_week;  // 0 is Monday: 1970-01-01 was a Thursday
  const std::int64_t thursday = day - weekday + 3;
  const CivilTime in_week = civil_from_ns(thursday * 86'400 * std::int64_t{1'000'000'000});
  return static_cast<int>((thursday - days_from_civil(in_week.year, 1, 1)) / days_a_week) + 1;
}

std::optional<Decimal> time_part(TimePart part, const ValueView& value) {
  const auto ns = value.type == JsonType::number ? parse_epoch(value.text) : parse_rfc3339(value.text);
  if (!ns) return std::nullopt;
  const CivilTime time = civil_from_ns(*ns);
  switch (part) {
    case TimePart::minute:
      return Decimal::from(time.minute);
    case TimePart::hour:
      return Decimal::from(time.hour);
    case TimePart::day:
      return Decimal::from(time.day);
    case TimePart::week:
      return Decimal::from(iso_week(time));
    case TimePart::month:
      return Decimal::from(time.month);
    case TimePart::year:
      return Decimal::from(time.year);
    case TimePart::none:
      break;
  }
  return std::nullopt;
}

bool number_holds(const Test& test, const ValueView& value) {
  if (value.type != JsonType::number && value.type != JsonType::string) return false;
  std::optional<std::strong_ordering> order;
  if (test.part == TimePart::none) {
    order = test.number.compare_text(value.text);
  } else if (const auto part = time_part(test.part, value)) {
    order = part->compare(test.number);
  }
  if (!order) return false;
  return test.kind == TestKind::number ? *order == 0 : compare(test.comparison, *order);
}

bool boolean_holds(bool flag, ValueView& value, EventValues& values) {
  const std::string_view want = flag ? "true" : "false";
  if (value.type == JsonType::boolean) return value.text == want;
  return value.type == JsonType::string && value.text.size() == want.size() && values.folded(value) == want;
}

bool pattern_holds(const Pattern& pattern, ValueView& value, EventValues& values) {
  if (pattern.shape() == Pattern::Shape::anything) return value.type != JsonType::null;
  if (!value.is_text()) return false;
  if (pattern.shape() == Pattern::Shape::exact && pattern.needle().size() != value.text.size()) return false;
  return pattern.matches(pattern.cased() ? value.text : values.folded(value));
}

bool related(TextRelation relation, std::string_view text, std::string_view other) {
  switch (relation) {
    case TextRelation::equals:
      return text == other;
    case TextRelation::contains:
      return text.find(other) != std::string_view::npos;
    case TextRelation::starts_with:
      return text.starts_with(other);
    case TextRelation::ends_with:
      return text.ends_with(other);
  }
  return false;
}

bool field_ref_holds(const Test& test, ValueView& value, EventValues& values) {
  if (!value.is_text()) return false;
  for (ValueView& other : values.of(test.other)) {
    if (!other.is_text()) continue;
    const std::string_view left = test.cased ? value.text : values.folded(value);
    const std::string_view right = test.cased ? other.text : values.folded(other);
    if (related(test.relation, left, right)) return true;
  }
  return false;
}

// One test against one value that is there.
bool value_holds(const Test& test, ValueView& value, EventValues& values) {
  switch (test.kind) {
    case TestKind::text:
      return pattern_holds(test.pattern, value, values);
    case TestKind::number:
    case TestKind::compare:
      return number_holds(test, value);
    case TestKind::boolean:
      return boolean_holds(test.flag, value, values);
    case TestKind::null:
      return value.type == JsonType::null;
    case TestKind::regex:
      return value.is_text() && test.regex->search(value.text);
    case TestKind::cidr:
      return value.type == JsonType::string && test.cidr.contains(value.text);
    case TestKind::exists:
      return test.flag;
    case TestKind::field_ref:
      return field_ref_holds(test, value, values);
  }
  return false;
}

int test_cost(const Test& test) {
  switch (test.kind) {
    case TestKind::null:
    case TestKind::exists:
    case TestKind::boolean:
      return 1;
    case TestKind::number:
    case TestKind::compare:
    case TestKind::cidr:
      return 4;
    case TestKind::text:
      return test.pattern.shape() == Pattern::Shape::substring || test.pattern.shape() == Pattern::Shape::glob ? 6 : 2;
    case TestKind::field_ref:
      return 6;
    case TestKind::regex:
      return 60;
  }
  return 1;
}

}  // namespace

Predicate::Predicate(const Item& item) : item_(item) {
  for (const auto& alternatives : item.values) {
    for (const Test& test : alternatives) cost_ += test_cost(test);
  }
  if (item.field == no_field) {
    cost_ += 500;
  } else if (!item.all) {
    compile_lists();
  }
}

void Predicate::compile_lists() {
  std::vector<const Test*> exact;
  std::vector<const Test*> ends;
  std::vector<const Test*> substrings;
  for (const auto& alternatives : item_.values) {
    for (const Test& test : alternatives) {
      const bool text = test.kind == TestKind::text && !test.pattern.cased() && !test.pattern.needle().empty();
      if (text && test.pattern.shape() == Pattern::Shape::exact) {
        exact.push_back(&test);
      } else if (text && test.pattern.shape() == Pattern::Shape::suffix) {
        ends.push_back(&test);
      } else if (text && test.pattern.shape() == Pattern::Shape::substring) {
        substrings.push_back(&test);
      } else {
        rest_.push_back(&test);
      }
    }
  }
  if (exact.size() < list_min) {
    rest_.insert(rest_.end(), exact.begin(), exact.end());
  } else {
    for (const Test* test : exact) exact_.insert(test->pattern.needle());
  }
  if (ends.size() < ends_min) {
    rest_.insert(rest_.end(), ends.begin(), ends.end());
  } else {
    for (const Test* test : ends) ends_.add(test->pattern.needle());
  }
  if (substrings.size() >= list_min) {
    std::vector<Literal> literals;
    literals.reserve(substrings.size());
    for (const Test* test : substrings) literals.push_back({test->pattern.needle(), false});
    auto set = LiteralSet::build(literals);
    if (set.ok()) {
      substrings_ = std::move(set).value();
      scratch_ = substrings_->make_scratch();
      substrings.clear();
    }
  }
  rest_.insert(rest_.end(), substrings.begin(), substrings.end());
  has_texts_ = !exact_.empty() || !ends_.empty() || substrings_;
}

bool Predicate::holds(EventValues& values) const {
  const bool holds = item_.field == no_field ? keywords_hold(values) : field_holds(values);
  return holds != item_.negated;
}

bool Predicate::field_holds(EventValues& values) const {
  if (!item_.all) return lists_hold(values);
  return std::all_of(item_.values.begin(), item_.values.end(),
                     [&](const auto& alternatives) { return alternatives_hold(alternatives, values); });
}

bool Predicate::lists_hold(EventValues& values) const {
  const std::span<ValueView> found = values.of(item_.field);
  if (found.empty())
    return std::any_of(rest_.begin(), rest_.end(), [&](const Test* test) { return absent_holds(*test, values); });
  return std::any_of(found.begin(), found.end(), [&](ValueView& value) {
    if (has_texts_ && value.is_text() && texts_hold(values.folded(value))) return true;
    return std::any_of(rest_.begin(), rest_.end(), [&](const Test* test) { return value_holds(*test, value, values); });
  });
}

bool Predicate::texts_hold(std::string_view folded) const {
  if (!exact_.empty() && exact_.contains(folded)) return true;
  if (!ends_.empty() && ends_.ends(folded)) return true;
  if (!substrings_) return false;
  hits_.clear();
  substrings_->find(folded, *scratch_, hits_);
  return !hits_.empty();
}

bool Predicate::alternatives_hold(const std::vector<Test>& alternatives, EventValues& values) const {
  return std::any_of(alternatives.begin(), alternatives.end(),
                     [&](const Test& test) { return test_holds(test, values); });
}

// A test of a field that has no value. An empty array is there, though it holds nothing.
bool Predicate::absent_holds(const Test& test, EventValues& values) const {
  const bool absent = !values.event().field(item_.field).present();
  if (test.kind == TestKind::null) return absent;
  return test.kind == TestKind::exists && test.flag != absent;
}

bool Predicate::test_holds(const Test& test, EventValues& values) const {
  const std::span<ValueView> found = values.of(item_.field);
  if (found.empty()) return absent_holds(test, values);
  return std::any_of(found.begin(), found.end(), [&](ValueView& value) { return value_holds(test, value, values); });
}

// Each member may be found in another value.
bool Predicate::keywords_hold(EventValues& values) const {
  std::vector<bool> found(item_.values.size());
  values.for_each_scalar([&](ValueView& value) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i]) continue;
      const auto& alternatives = item_.values[i];
      found[i] = std::any_of(alternatives.begin(), alternatives.end(),
                             [&](const Test& test) { return value_holds(test, value, values); });
    }
  });
  return item_.all ? std::find(found.begin(), found.end(), false) == found.end()
                   : std::find(found.begin(), found.end(), true) != found.end();
}

}  // namespace tapewatch
