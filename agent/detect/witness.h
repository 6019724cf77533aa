// SPDX-License-Identifier: Apache-2.0
#pragma once
// WitnessIndex: which rules an event can concern at all. Every rule has a cheapest set of witnesses, one of which must
// be seen if the rule matches: an exact value of a field, its first or last bytes, a literal in a field or anywhere in
// the line, or the mere presence of a field. All exact values of a field are one hash look-up, all its beginnings of
// one length another, all literals of a field are one scan, so the cost does not grow with the number of rules; and of
// a value that was seen lately all that is known from then. A rule
// that absence alone can satisfy is woken by every event. Owned by the Matcher. Thread: worker.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/literals.h"
#include "detect/event_values.h"
#include "detect/rule.h"
#include "detect/value_memo.h"

namespace tapewatch {

// One thing to be seen.
struct Witness {
  enum class Kind : std::uint8_t { exact, number, prefix, suffix, literal, presence };
  Kind kind = Kind::presence;
  FieldId field = no_field;  // no_field: literal anywhere in the line
  std::string text;          // folded; of a number its canonical form
  friend auto operator<=>(const Witness&, const Witness&) = default;
};

class WitnessIndex final {
 public:
  // Rules whose `applies` is false are left out.
  explicit WitnessIndex(const std::vector<DetectionRule>& rules);

  // Fills `woken` with the rules to evaluate, each once, in no order.
  void wake(EventValues& values, std::vector<std::uint32_t>& woken);

  [[nodiscard]] std::size_t always_awake() const { return always_.size(); }
  [[nodiscard]] std::size_t fields() const { return fields_.size(); }

 private:
  using Rules = std::vector<std::uint32_t>;

  // Exact values of one field: an open hash table over caseless hashes. A false hit only wakes a rule in vain.
  class ExactTable final {
   public:
    void add(std::string_view text, bool number, const Rules& rules);
    void finish();
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] const Rules* find(std::string_view text) const;
    // Calls `visit(rules)` for the entries that `text` starts, or ends, with.
    template <typename Visit>
    void find_parts(std::string_view text, bool at_end, const Visit& visit) const;
    [[nodiscard]] bool has_numbers() const { return has_numbers_; }

   private:
    struct Entry {
      std::uint64_t hash = 0;
      Rules rules;
    };
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> table_;  // index of an entry plus one; a power of two, at most half full
    std::uint64_t lengths_ = 0;         // bit min(length, 63)
    bool has_numbers_ = false;
  };

  struct LiteralTable {
    std::vector<Literal> literals;
    std::vector<Rules> rules;  // in step with `literals`
    std::unique_ptr<LiteralSet> set;
    std::unique_ptr<LiteralSet::Scratch> scratch;
  };

  struct Field {
    FieldId id = no_field;
    ExactTable exact;
    ExactTable prefixes;
    ExactTable suffixes;
    LiteralTable literals;
    Rules presence;
    ValueMemo memo;
    bool wide = false;   // some value is not ASCII: the event's text must be folded first
    bool texts = false;  // there is something to look up or to scan
  };

  void add(const Witness& witness, const Rules& rules);
  void finish();
  void wake_field(Field& field, EventValues& values);
  void wake_value(Field& field, EventValues& values, ValueView& value);
  void look_up(const Field& field, std::string_view text, JsonType type);
  void look_up_number(const ExactTable& table, std::string_view text);
  void scan(LiteralTable& table, std::string_view text);
  void scan_line(EventValues& values);
  void wake_all(const Rules& rules);

  std::vector<Field> fields_;
  LiteralTable anywhere_;
  Rules always_;
  std::vector<std::uint64_t> turn_of_rule_;
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t>* woken_ = nullptr;
  std::vector<std::uint32_t> hits_;
  Rules found_;  // by one value
};

}  // namespace tapewatch
