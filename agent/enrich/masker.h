// SPDX-License-Identifier: Apache-2.0
#pragma once
// Masker: hides secrets before anything of an event leaves memory: members whose name tells (KeyRules), and card
// numbers, e-mail addresses, tokens and secrets wherever they stand: in a value of any depth, in a number, in a key,
// behind escapes, in JSON inside a string, in a line that is not JSON. What is hidden is hidden everywhere at once: in
// the output and in the slots that rules, alerts, metrics and the store read.
// It looks closely only at lines that one fast pass suspects. Thread: worker. It never logs what it finds.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrich/key_rules.h"
#include "enrich/secret_finder.h"
#include "event/event.h"
#include "metrics/series.h"

namespace tapewatch {

struct MaskOptions {
  enum class Action : std::uint8_t {
    drop,   // a member goes with its name; in running text the secret goes, a number becomes null
    fixed,  // "[masked]", "[card]", "[email]", "[secret]"
    hmac,   // "hmac:" and 32 hexadecimal digits of HMAC-SHA-256: the same secret, the same text
  };
  bool enabled = true;
  std::vector<std::string> keys;
  std::vector<std::string> allow;
  bool cards = true;
  bool emails = true;
  bool tokens = true;
  Action action = Action::fixed;
  std::string hmac_key;
};

class Masker final {
 public:
  // Hits are counted in `masked_fields` {rule: key, card, email, token}.
  Masker(const MaskOptions& options, Family<Counter>& masked_fields);

  // For the Parser; null when masking is off.
  [[nodiscard]] const KeyPolicy* key_policy() const { return enabled_ ? &keys_ : nullptr; }
  void mask(Event& event);

  // For text that is no event: samples in the agent's log, reasons in dead letters.
  [[nodiscard]] std::string mask_text(std::string_view text);
  // Whether a text holds nothing that would be hidden, so that it may be copied into another event.
  [[nodiscard]] bool is_clean(std::string_view text);

 private:
  enum class Rule : std::uint8_t { key, card, email, token };
  static constexpr std::size_t rule_count = 4;
  struct Finding {
    TextRange range;
    Rule rule;
  };
  // What a text may hold; of a line, what any of its plain values may hold.
  struct Suspicion {
    bool card = false;
    bool email = false;
    bool token = false;
    [[nodiscard]] bool any() const { return card || email || token; }
  };
  [[nodiscard]] Suspicion suspect(std::string_view text);
  void find(std::string_view text, Suspicion suspicion);
  void find_cards(std::string_view text);
  [[nodiscard]] bool has_card(std::string_view text) const;
  void mask_keys(Event& event);
  void drop_member(Event& event, std::uint32_t begin, std::uint32_t end, std::string_view text);
  void mask_values(Event& event);
  void mask_token(Event& event, const LineToken& token, Suspicion suspicion);
  void mask_plain(Event& event, Suspicion plain);
  [[nodiscard]] bool hide_in(std::string_view text, Suspicion suspicion);
  [[nodiscard]] std::string found_texts(std::string_view text) const;
  void mask_value(Event& event, const LineToken& token);
  void mask_name(Event& event, const LineToken& token);
  void mask_text_line(Event& event);
  // Writes `text` with every finding replaced into masked_.
  void replace_findings(std::string_view text);
  void append_replacement(std::string& out, Rule rule, std::string_view secret) const;

  const bool enabled_;
  const MaskOptions options_;
  const KeyRules keys_;
  SecretFinder secrets_;
  std::array<Counter*, rule_count> counters_;

  LineScan scan_;
  std::vector<TextRange> ranges_;
  std::vector<Finding> findings_;
  std::vector<SecretFinder::Place> places_;
  std::vector<TextRange> dropped_;  // members of this event, in order
  std::string masked_;
  std::string json_;
  std::string unescaped_;
  std::string deeper_;
  std::string found_;
  unsigned names_masked_ = 0;
};

}  // namespace tapewatch
