// SPDX-License-Identifier: Apache-2.0
#pragma once
// Event: one line, seen through numbered fields. A view into the line's block and the parser's scratch: it lives for
// one turn of the pipeline, only Parser makes it, and it can be neither copied nor moved. Whoever wants to keep
// anything copies bytes out (append_json). Thread: worker.
//
// Stages change an event in three ways only: edit() replaces a range of the original line (a renamed key), add()
// splices a member in before the closing brace, and mask() and mask_line() hide a value for good: whatever looks at the
// event afterwards, by slot, by scalar or as JSON, sees the replacement. They take effect in the one copy,
// append_json().

#include <cstdint>
#include <memory>
#include <span>
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

// A key or a scalar value as it stands in the line: [begin, end) with quotes, `raw` without.
struct LineToken {
  std::string_view raw;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  JsonType type = JsonType::invalid;  // invalid: neither
  bool is_key = false;
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
  // The fields whose slots are filled, in the order in which they were.
  [[nodiscard]] std::span<const FieldId> present_fields() const { return touched_; }
  // Sets a slot to a string that the caller keeps alive for this turn (see keep()); adds nothing to the output.
  void set(FieldId id, std::string_view unescaped_text) {
    FieldValue value;
    value.raw = unescaped_text;
    value.type = JsonType::string;
    assign(id, value);
  }
  // Fills a slot with a value of the line that another slot holds as well.
  void assign(FieldId id, const FieldValue& value) {
    FieldValue& slot = slots_[id];
    if (!slot.present()) touched_.push_back(id);
    slot = value;
  }
  // Empties a slot.
  void clear(FieldId id) {
    FieldValue& slot = slots_[id];
    slot.raw = {};
    slot.type = JsonType::invalid;
    slot.more = no_more_values;
  }
  // Copies bytes into the event's scratch; the view lives for this turn.
  [[nodiscard]] std::string_view keep(std::string_view bytes);

  // Replaces [begin, end) of the line by `json_text` (valid JSON where it stands), which must outlive the turn.
  void edit(std::uint32_t begin, std::uint32_t end, std::string_view json_text) {
    if (edit_count_ == edits_.size()) edits_.resize(edits_.size() * 2);
    edits_[edit_count_++] = {begin, end, json_text};
  }
  // Splices members in: `members` is `,"key":value` any number of times.
  void add_members(std::string_view members) { added_.append(members); }
  // Replaces the value at [begin, end) by `json_text` in the output, and by the string `text` in every slot whose value
  // touches the range. Both must outlive the turn.
  void mask(std::uint32_t begin, std::uint32_t end, std::string_view json_text, std::string_view text);
  // Cuts [begin, end) out of the output (a member with its comma); slots that touch it show the string `text`.
  void cut(std::uint32_t begin, std::uint32_t end, std::string_view text);
  // Replaces the whole text of a line that is not JSON.
  void mask_line(std::string_view text) { text_ = text; }
  void add(std::string_view key, std::string_view unescaped_text);
  void add(std::string_view key, std::int64_t number);

  [[nodiscard]] const std::vector<SensitiveValue>& sensitive_values() const { return sensitive_; }
  [[nodiscard]] std::uint32_t offset_of(std::string_view part_of_line) const {
    return static_cast<std::uint32_t>(part_of_line.data() - line_.text.data());
  }
  [[nodiscard]] bool is_masked(std::uint32_t begin) const { return masked_at(begin) != nullptr; }
  [[nodiscard]] bool has_masked() const { return !masked_.empty(); }
  // Whether any string of the line is written with escapes.
  [[nodiscard]] bool has_escapes() const { return index_.has_escapes(); }
  // The text of a line that is not JSON, as it is delivered.
  [[nodiscard]] std::string_view text_line() const { return text_; }
  // Calls visit(raw, escaped, type, begin, end) for every scalar value of the line at any depth; [begin, end) is its
  // byte range with quotes. Keys are not visited. Masked values show their replacement.
  template <typename Visit>
  void for_each_scalar(const Visit& visit);
  // The same, as visit(raw, escaped), for those values alone that are not the line's own bytes: written with escapes,
  // or masked.
  template <typename Visit>
  void for_each_rewritten(const Visit& visit);
  // Calls visit(token) for every key and every scalar value.
  template <typename Visit>
  void for_each_token(const Visit& visit);
  // The one around the character at `offset`. REQUIRES: is_json().
  [[nodiscard]] LineToken token_at(std::uint32_t offset);

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
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::string_view text;
  };
  struct Masked {
    std::uint32_t begin;
    std::uint32_t end;
    std::string_view text;
  };
  // Bytes that live for one turn: views into them stay valid, whatever the line brings.
  class Scratch final {
   public:
    Scratch();
    [[nodiscard]] std::string_view keep(std::string_view bytes);
    [[nodiscard]] std::string_view unescape(std::string_view raw);
    void clear();

   private:
    [[nodiscard]] std::string& room_for(std::size_t bytes);
    std::string first_;                               // reserved once
    std::vector<std::unique_ptr<std::string>> more_;  // for lines that need more
  };

  explicit Event(std::size_t field_count);
  void reset(const Line& line, const SourceFile& source, std::int64_t read_wall_ns);
  void sort_edits();
  void append_text_line(std::string& out) const;
  void hide(std::uint32_t begin, std::uint32_t end, std::string_view text);
  [[nodiscard]] const Masked* masked_at(std::uint32_t begin) const;
  [[nodiscard]] LineToken take_token();

  Line line_;
  const SourceFile* source_ = nullptr;
  bool is_json_ = false;
  std::uint32_t close_ = 0;  // offset of the closing brace

  std::vector<FieldValue> slots_;
  std::vector<FieldId> touched_;  // slots to clear before the next line
  std::vector<FieldValue> more_;
  std::vector<SensitiveValue> sensitive_;
  std::vector<Edit> edits_;  // the first edit_count_ of them
  std::size_t edit_count_ = 0;
  std::string added_;
  std::string_view text_;  // what a text line is delivered as
  std::vector<Masked> masked_;
  Scratch scratch_;
  JsonIndex index_;
};

template <typename Visit>
void Event::for_each_token(const Visit& visit) {
  if (!is_json_) return;
  index_.restart();
  while (!index_.done()) {
    const LineToken token = take_token();
    if (token.type != JsonType::invalid) visit(token);
  }
}

template <typename Visit>
void Event::for_each_rewritten(const Visit& visit) {
  if (!is_json_) return;
  for (const Masked& masked : masked_) visit(masked.text, false);
  if (!index_.has_escapes()) return;
  for (std::size_t at = line_.text.find('\\'); at != std::string_view::npos;) {
    const LineToken token = token_at(static_cast<std::uint32_t>(at));
    if (!token.is_key && !is_masked(token.begin)) visit(token.raw, true);
    at = line_.text.find('\\', token.end);
  }
}

template <typename Visit>
void Event::for_each_scalar(const Visit& visit) {
  for_each_token([&](const LineToken& token) {
    if (token.is_key) return;
    if (const Masked* masked = masked_at(token.begin); masked != nullptr) {
      visit(masked->text, false, JsonType::string, token.begin, token.end);
      return;
    }
    const bool string = token.type == JsonType::string;
    const bool escaped = string && index_.has_escapes() && token.raw.find('\\') != std::string_view::npos;
    visit(token.raw, escaped, token.type, token.begin, token.end);
  });
}

}  // namespace tapewatch
