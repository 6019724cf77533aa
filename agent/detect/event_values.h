// SPDX-License-Identifier: Apache-2.0
#pragma once
// EventValues: the values of one event as rules compare them. Read when first asked for, once per field and event:
// unescaped, arrays taken apart, the folded form made when somebody needs it. Owned by the Matcher. Thread: worker.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "event/event.h"

namespace tapewatch {

// Bytes that live for one turn.
class TurnMemory final {
 public:
  [[nodiscard]] char* take(std::size_t bytes);
  void clear();

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
};

struct ValueView {
  std::string_view text;    // unescaped; a number's or literal's own text; of an object its JSON
  std::string_view folded;  // see EventValues::folded
  JsonType type = JsonType::invalid;
  bool has_folded = false;

  [[nodiscard]] bool is_text() const {
    return type == JsonType::string || type == JsonType::number || type == JsonType::boolean;
  }
};

class EventValues final {
 public:
  static constexpr std::size_t values_max = 4096;  // of one event; further ones are not looked at, and counted

  EventValues();
  // Forgets the last event. `event` must outlive the turn.
  void begin(Event& event);

  // Every value of the field: several where it is an array or stands in an array of objects; none when it is absent.
  [[nodiscard]] std::span<ValueView> of(FieldId field);
  // Every scalar of the line; when it is not JSON, the whole line as it is delivered.
  template <typename Visit>
  void for_each_scalar(const Visit& visit);
  // Those of them whose text is not to be found in the line as it stands, as visit(text).
  template <typename Visit>
  void for_each_rewritten(const Visit& visit);
  // The folded text; lives for this turn.
  [[nodiscard]] std::string_view folded(ValueView& value);

  [[nodiscard]] Event& event() { return *event_; }
  [[nodiscard]] std::uint64_t values_dropped() const { return values_dropped_; }

 private:
  struct Slot {
    std::uint64_t turn = 0;
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };
  void read(FieldId field, Slot& slot);
  void add_value(const FieldValue& value);
  void add_array(std::string_view json);
  void push(const ValueView& value);
  [[nodiscard]] std::string_view unescaped(std::string_view raw);

  Event* event_ = nullptr;
  std::uint64_t turn_ = 0;
  std::vector<Slot> slots_;
  std::vector<ValueView> values_;  // reserved once: spans into it stay valid
  TurnMemory memory_;
  std::unique_ptr<JsonIndex> array_index_;
  std::uint64_t values_dropped_ = 0;
};

template <typename Visit>
void EventValues::for_each_rewritten(const Visit& visit) {
  event_->for_each_rewritten([&](std::string_view raw, bool escaped) { visit(escaped ? unescaped(raw) : raw); });
}

template <typename Visit>
void EventValues::for_each_scalar(const Visit& visit) {
  if (!event_->is_json()) {
    ValueView line;
    line.text = event_->text_line();
    line.type = JsonType::string;
    visit(line);
    return;
  }
  event_->for_each_scalar(
      [&](std::string_view raw, bool escaped, JsonType type, std::uint32_t /*begin*/, std::uint32_t /*end*/) {
        ValueView value;
        value.type = type;
        value.text = escaped ? unescaped(raw) : raw;
        visit(value);
      });
}

}  // namespace tapewatch
