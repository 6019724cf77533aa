// SPDX-License-Identifier: Apache-2.0
#pragma once
// Event: one line, seen through numbered fields. A view into the line's block and the parser's scratch: it lives for
// one turn of the pipeline, only Parser makes it, and it can be neither copied nor moved. Whoever wants to keep
// anything copies bytes out (append_json). Thread: worker.
//
// Stages change an event in two ways only: edit() replaces a range of the original line (a masked value, a renamed
// key), add() splices a member in before the closing brace. Both take effect in the one copy, append_json().

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "event/field_table.h"
#include "event/json_index.h"
#include "event/level.h"
#include "event/line_block.h"

namespace tapewatch {

inline constexpr std::uint16_t no_more_values = 0xFFFF;

struct FieldValue {
  std::string_view raw;                 // a string's text between its quotes, escapes as written; else the JSON text
  std::uint32_t key_begin = 0;          // offset in the line of the key's opening quote
  std::uint32_t key_bytes = 0;          // with both quotes; 0 when the value is not in the line but was set by a stage
  JsonType type = JsonType::invalid;    // invalid: the field is absent
  bool escaped = false;                 // raw holds escapes
  bool top_level = false;               // a direct member of the line's object
  std::uint16_t more = no_more_values;  // further values of the same path (arrays of objects): index for more_value()

  [[nodiscard]] bool present() const { return type != JsonType::invalid; }
};

// A value whose key the key policy calls sensitive: byte range in the line, quotes included.
struct SensitiveValue {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view key;
};

class Event final {
 public:
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] const Line& line() const { return line_; }
  [[nodiscard]] const SourceFile& source() const { return *source_; }
  // Whether the line is a valid JSON object. If not, it is delivered as text: {"message": line, "error.type": "json"}.
  [[nodiscard]] bool is_json() const { return is_json_; }

  // The slot of a field; present() tells whether the line (or a stage) has it. For a text line all are absent.
  [[nodiscard]] const FieldValue& field(FieldId id) const { return slots_[id]; }
  [[nodiscard]] const FieldValue& more_value(std::uint16_t index) const { return more_[index]; }
  // The value as text: unescaped string, or a number's or literal's own text. Lives as long as the event.
  [[nodiscard]] std::string_view text(const FieldValue& value);
  // Sets a slot to a string that the caller keeps alive for this turn (see keep()); adds nothing to the output.
  void set(FieldId id, std::string_view unescaped_text);
  // Copies bytes into the event's scratch; the view lives for this turn. Empty when the scratch is full.
  [[nodiscard]] std::string_view keep(std::string_view bytes);

  // Replaces [begin, end) of the line by `json_text` (valid JSON where it stands), which must outlive the turn.
  void edit(std::uint32_t begin, std::uint32_t end, std::string_view json_text) {
    edits_.push_back({begin, end, json_text});
  }
  // Splices members in: `members` is `,"key":value` any number of times.
  void add_members(std::string_view members) { added_.append(members); }
  void add(std::string_view key, std::string_view unescaped_text);
  void add(std::string_view key, std::int64_t number);

  [[nodiscard]] const std::vector<SensitiveValue>& sensitive_values() const { return sensitive_; }
  [[nodiscard]] std::uint32_t offset_of(std::string_view part_of_line) const {
    return static_cast<std::uint32_t>(part_of_line.data() - line_.text.data());
  }
  // Calls visit(raw, escaped, type, begin, end) for every scalar value of the line at any depth; [begin, end) is its
  // byte range with quotes. Keys are not visited.
  template <typename Visit>
  void for_each_scalar(const Visit& visit);

  // Set by enrichment.
  std::int64_t time_ns = 0;  // event time, since 1970; the read time until enrichment finds a better one
  Level level = Level::none;
  std::string_view correlation_id;  // lives for this turn

  // The one copy: the line with edits applied and added members spliced in, as one JSON object without line end.
  void append_json(std::string& out);
  // Bytes that append_json() may add at most, to reserve room.
  [[nodiscard]] std::size_t json_bytes_max() const;

 private:
  friend class Parser;
  struct Edit {
    std::uint32_t begin;
    std::uint32_t end;
    std::string_view text;
  };

  explicit Event(std::size_t field_count);
  void reset(const Line& line, const SourceFile& source, std::int64_t read_wall_ns);
  void append_text_line(std::string& out) const;

  Line line_;
  const SourceFile* source_ = nullptr;
  bool is_json_ = false;
  bool empty_object_ = false;
  std::uint32_t close_ = 0;  // offset of the closing brace

  std::vector<FieldValue> slots_;
  std::vector<FieldId> touched_;  // slots to clear before the next line
  std::vector<FieldValue> more_;
  std::vector<SensitiveValue> sensitive_;
  std::vector<Edit> edits_;
  std::string added_;
  std::string scratch_;  // reserved once, never grows: views into it stay valid
  JsonIndex index_;
};

template <typename Visit>
void Event::for_each_scalar(const Visit& visit) {
  if (!is_json_) return;
  // In a valid text a string followed by ':' is a key, every other string, number and literal is a value.
  index_.seek(0);
  while (!index_.done()) {
    const char c = index_.peek();
    if (c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':') {
      index_.advance();
      continue;
    }
    const std::uint32_t begin = index_.position();
    const bool string = c == '"';
    const std::string_view raw = string ? index_.take_string_raw() : index_.take_scalar_raw();
    if (string && index_.peek() == ':') continue;
    const std::uint32_t end = begin + static_cast<std::uint32_t>(raw.size()) + (string ? 2 : 0);
    const bool escaped = string && index_.has_escapes() && raw.find('\\') != std::string_view::npos;
    visit(raw, escaped, string ? JsonType::string : scalar_type(raw), begin, end);
  }
}

}  // namespace tapewatch
