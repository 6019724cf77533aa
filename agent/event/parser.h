// SPDX-License-Identifier: Apache-2.0
#pragma once
// Parser: one pass over one line. Checks the whole line against RFC 8259, fills the slots of the fields that anybody
// asked for, and notes the values whose keys are sensitive. It owns the one Event of its pipeline.
// Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"

namespace tapewatch {

// Says which keys hold secrets, asked once per distinct key (the parser remembers the answers, boundedly).
class KeyPolicy {
 public:
  virtual ~KeyPolicy() = default;
  [[nodiscard]] virtual bool sensitive(std::string_view key) const = 0;
};

enum class LineKind : std::uint8_t { json, not_object, invalid };

class Parser final {
 public:
  static constexpr int depth_max = 64;

  // `fields` and `policy` (may be null: no key is sensitive) outlive the parser.
  Parser(const FieldTable& fields, const KeyPolicy* policy);

  // The event of this line; valid until the next call. `line` and `source` must outlive it.
  [[nodiscard]] Event& parse(const Line& line, const SourceFile& source, std::int64_t read_wall_ns);
  // Why the last line was not JSON.
  [[nodiscard]] LineKind kind() const { return kind_; }

 private:
  // What is known about a key of at most key_bytes_max bytes; a longer one is looked up each time.
  struct KeyAnswer {
    static constexpr std::size_t key_bytes_max = 30;
    char key[key_bytes_max];
    std::uint8_t size = no_key;
    static constexpr std::uint8_t no_key = 0xFF;
    bool sensitive = false;
    KeyAnswer* next = nullptr;              // the key that followed last: most lines have the keys of another one,
    KeyAnswer* other_next = nullptr;        // or of two
    const KeyNode* node = nullptr;          // where it was looked for last,
    const KeyNode::Entry* entry = nullptr;  // and what was found there
    [[nodiscard]] bool is(std::string_view text) const {
      return text.size() == size && same_bytes(key, text.data(), text.size());
    }
  };
  struct Place {
    JsonCursor cursor;
    KeyAnswer* before = nullptr;  // the key before the one to look at
  };
  struct Member {
    const KeyNode* node = nullptr;  // wanted paths below this value
    FieldId field = no_field;       // wanted itself
    std::uint32_t key_begin = 0;
    std::uint32_t key_bytes = 0;
    bool top_level = false;
  };
  [[nodiscard]] LineKind walk();
  [[nodiscard]] bool object(const KeyNode* node, int depth);
  [[nodiscard]] bool array(const KeyNode* node, int depth);
  [[nodiscard]] bool key_of(Place& place, const KeyNode* node, int depth, Member& member, bool& sensitive);
  [[nodiscard]] bool value(Place& place, const Member& member, int depth);
  [[nodiscard]] bool container(const Member& member, char open, int depth);
  void record(const Member& member, JsonType type, std::string_view raw, bool escaped);
  void record_more(const Member& member, JsonType type, std::string_view raw, bool escaped);
  [[nodiscard]] KeyAnswer& answer_for(std::string_view key, KeyAnswer*& before);
  [[nodiscard]] KeyAnswer& look_up(std::string_view key);
  [[nodiscard]] KeyAnswer& make_answer(std::string_view key, KeyAnswer& place);
  [[nodiscard]] bool sensitive_value(Place& place, const Member& member, int depth);

  const FieldTable& fields_;
  const KeyPolicy* const policy_;
  Event event_;
  LineKind kind_ = LineKind::json;
  std::string key_scratch_;
  std::vector<KeyAnswer> key_answers_;  // open addressing; emptied when half full
  std::size_t keys_known_ = 0;
  KeyAnswer line_start_;            // stands before the first key
  std::string_view sensitive_key_;  // the last key that is one
  KeyAnswer passing_;               // for what is not remembered
  Place place_;                     // of whoever is called next
};

}  // namespace tapewatch
