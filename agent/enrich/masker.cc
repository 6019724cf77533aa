// SPDX-License-Identifier: Apache-2.0
#include "enrich/masker.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "enrich/card.h"
#include "enrich/email.h"

namespace tapewatch {
namespace {

constexpr std::size_t shortest_secret = 6;  // of running text: "a@b.co", "cvv=123"
constexpr std::size_t hmac_bytes = 16;
constexpr std::string_view hmac_prefix = "hmac:";
constexpr int escape_depth_max = 4;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

template <typename Rule>
std::string_view fixed_text(Rule rule) {
  static constexpr std::array<std::string_view, 4> texts = {"[masked]", "[card]", "[email]", "[secret]"};
  return texts[static_cast<std::size_t>(rule)];
}

// The same secret written differently gives the same text: a card's digits, an address in lower case.
std::string canonical(std::string_view secret, bool card, bool email) {
  std::string out;
  for (const char c : secret) {
    if (card && (c < '0' || c > '9')) continue;
    out.push_back(email ? ascii_lower(c) : c);
  }
  return out;
}

// What stands there for a secret already, hidden by an agent before this one: it stays the same everywhere.
bool is_hmac_text(std::string_view text) {
  return text.size() == hmac_prefix.size() + 2 * hmac_bytes && text.starts_with(hmac_prefix) &&
         text.find_first_not_of("0123456789abcdef", hmac_prefix.size()) == std::string_view::npos;
}

// Takes one level of escapes away, as far as they are escapes; false when there are none.
bool take_escapes(std::string& text) {
  bool any = false;
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t slash = std::min(text.find('\\', i), text.size());
    out.append(text, i, slash - i);
    if (slash == text.size()) break;
    const std::size_t size = std::string_view(text).substr(slash + 1, 1) == "u" ? 6 : 2;
    const std::string_view escape = std::string_view(text).substr(slash, size);
    if (escape.size() == size && escapes_valid(escape)) {
      append_unescaped(out, escape);
      any = true;
      i = slash + size;
    } else {
      out.push_back('\\');
      i = slash + 1;
    }
  }
  text.swap(out);
  return any;
}

// Offset of the opening quote of the member name before the value at `value`. Quotes inside a name are escaped.
std::uint32_t name_begin(std::string_view line, std::uint32_t value) {
  std::uint32_t at = value - 1;
  while (line[at] != '"') --at;  // the closing quote, behind ':' and white space
  for (;;) {
    --at;
    if (line[at] != '"') continue;
    std::uint32_t slashes = 0;
    while (line[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return at;
  }
}

}  // namespace

Masker::Masker(const MaskOptions& options, Family<Counter>& masked_fields)
    : enabled_(options.enabled), options_(options), keys_(options.keys, options.allow) {
  static constexpr std::array<std::string_view, rule_count> names = {"key", "card", "email", "token"};
  for (std::size_t i = 0; i < names.size(); ++i) counters_[i] = &masked_fields.with({names[i]});
}

void Masker::mask(Event& event) {
  if (!enabled_) return;
  if (!event.is_json()) {
    mask_text_line(event);
    return;
  }
  mask_keys(event);
  mask_values(event);
}

bool Masker::has_card(std::string_view text) const {
  TextRange range;
  return std::any_of(scan_.digit_runs().begin(), scan_.digit_runs().end(),
                     [&](const TextRange& run) { return find_card(text, run, run.begin, range); });
}

Masker::Suspicion Masker::suspect(std::string_view text) {
  scan_.scan(text);
  Suspicion suspicion;
  suspicion.card = options_.cards && has_card(text);
  suspicion.email = options_.emails && (scan_.has_at_sign() || scan_.has_percent());
  suspicion.token = options_.tokens && secrets_.suspects(text);
  return suspicion;
}

void Masker::find_cards(std::string_view text) {
  scan_.scan(text);
  for (const TextRange& run : scan_.digit_runs()) {
    TextRange range;
    for (std::size_t from = run.begin; find_card(text, run, from, range); from = range.end) {
      findings_.push_back({range, Rule::card});
    }
  }
}

void Masker::find(std::string_view text, Suspicion suspicion) {
  findings_.clear();
  if (text.size() < shortest_secret) return;
  if (suspicion.token) {
    ranges_.clear();
    secrets_.find(text, ranges_);
    for (const TextRange& range : ranges_) {
      if (!is_hmac_text(text.substr(range.begin, range.end - range.begin))) findings_.push_back({range, Rule::token});
    }
  }
  if (suspicion.card) find_cards(text);
  if (suspicion.email) {
    TextRange range;
    for (std::size_t from = 0; find_email(text, from, range); from = range.end)
      findings_.push_back({range, Rule::email});
  }
  // In order, and of those that overlap the longest one with what it overlaps.
  std::sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return a.range.begin != b.range.begin ? a.range.begin < b.range.begin : a.range.end > b.range.end;
  });
  std::size_t kept = 0;
  for (const Finding& finding : findings_) {
    if (kept > 0 && finding.range.begin < findings_[kept - 1].range.end) {
      findings_[kept - 1].range.end = std::max(findings_[kept - 1].range.end, finding.range.end);
      continue;
    }
    findings_[kept++] = finding;
  }
  findings_.resize(kept);
}

void Masker::append_replacement(std::string& out, Rule rule, std::string_view secret) const {
  counters_[static_cast<std::size_t>(rule)]->add();
  if (options_.action == MaskOptions::Action::fixed) {
    out.append(fixed_text(rule));
  } else if (options_.action == MaskOptions::Action::hmac) {
    static constexpr char hex[] = "0123456789abcdef";
    const auto digest = hmac_sha256(options_.hmac_key, canonical(secret, rule == Rule::card, rule == Rule::email));
    out.append(hmac_prefix);
    for (std::size_t i = 0; i < hmac_bytes; ++i) {
      out.push_back(hex[digest[i] >> 4]);
      out.push_back(hex[digest[i] & 15]);
    }
  }
}

void Masker::replace_findings(std::string_view text) {
  masked_.clear();
  std::size_t copied = 0;
  for (const Finding& finding : findings_) {
    masked_.append(text.substr(copied, finding.range.begin - copied));
    append_replacement(masked_, finding.rule,
                       text.substr(finding.range.begin, finding.range.end - finding.range.begin));
    copied = finding.range.end;
  }
  masked_.append(text.substr(copied));
}

void Masker::mask_keys(Event& event) {
  dropped_.clear();
  const std::string_view line = event.line().text;
  for (const SensitiveValue& value : event.sensitive_values()) {
    std::string_view raw = line.substr(value.begin, value.end - value.begin);
    if (raw == "null" || raw == "true" || raw == "false" || raw == "\"\"") continue;
    if (options_.action == MaskOptions::Action::drop) {
      counters_[static_cast<std::size_t>(Rule::key)]->add();
      drop_member(event, value.begin, value.end, fixed_text(Rule::key));
      continue;
    }
    if (raw.front() == '"') {
      raw = raw.substr(1, raw.size() - 2);
      unescaped_.clear();
      append_unescaped(unescaped_, raw);
      raw = unescaped_;
    }
    json_ = "\"";
    append_replacement(json_, Rule::key, raw);
    json_.push_back('"');
    const std::string_view kept = event.keep(json_);
    event.mask(value.begin, value.end, kept, kept.substr(1, kept.size() - 2));
  }
}

void Masker::drop_member(Event& event, std::uint32_t begin, std::uint32_t end, std::string_view text) {
  const std::string_view line = event.line().text;
  std::uint32_t from = name_begin(line, begin);
  std::uint32_t to = end;
  while (is_space(line[to])) ++to;
  if (line[to] == ',') {
    ++to;  // the members behind it move up
  } else {
    // The last member: the comma before it goes, over all members that are already gone.
    std::uint32_t at = from;
    for (bool moved = true; moved;) {
      while (is_space(line[at - 1])) --at;
      const auto gone = std::find_if(dropped_.begin(), dropped_.end(), [&](const TextRange& r) { return r.end == at; });
      moved = gone != dropped_.end();
      if (moved) at = static_cast<std::uint32_t>(gone->begin);
    }
    from = line[at - 1] == ',' ? at - 1 : at;
    to = end;
  }
  dropped_.push_back({from, to});
  event.cut(from, to, text);
}

void Masker::mask_values(Event& event) {
  names_masked_ = 0;
  const std::string_view line = event.line().text;
  const Suspicion plain = suspect(line);
  if (plain.any()) mask_plain(event, plain);
  // A secret behind escapes shows only when they are taken away: every text with escapes is looked at by itself.
  if (!event.has_escapes()) return;
  for (std::size_t at = line.find('\\'); at != std::string_view::npos;) {
    const LineToken token = event.token_at(static_cast<std::uint32_t>(at));
    mask_token(event, token, plain);
    at = line.find('\\', token.end);
  }
}

// What is found in the line as it stands lies in one key or value, and there it is looked for again.
void Masker::mask_plain(Event& event, Suspicion plain) {
  static constexpr std::uint32_t no_form = UINT32_MAX;
  const std::string_view line = event.line().text;
  places_.clear();
  if (plain.token) secrets_.append_places(line, places_);
  find(line, Suspicion{plain.card, plain.email, false});
  for (const Finding& finding : findings_) {
    places_.push_back({static_cast<std::uint32_t>(finding.range.begin), no_form});
  }
  std::sort(places_.begin(), places_.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  for (std::size_t i = 0; i < places_.size();) {
    const LineToken token = event.token_at(places_[i].offset);
    bool secret = false;
    for (const std::size_t first = i; i < places_.size() && (i == first || places_[i].offset < token.end); ++i) {
      if (secret) continue;
      ranges_.clear();
      if (places_[i].form != no_form) secrets_.find_form(token.raw, places_[i].form, ranges_);
      secret = places_[i].form == no_form || !ranges_.empty();
    }
    if (secret) mask_token(event, token, plain);
  }
}

// Looks at one key or value. `suspicion` is that of the whole line.
void Masker::mask_token(Event& event, const LineToken& token, Suspicion suspicion) {
  if (token.raw.size() < shortest_secret || event.is_masked(token.begin)) return;
  std::string_view text = token.raw;
  if (token.type == JsonType::string && event.has_escapes() && text.find('\\') != std::string_view::npos) {
    unescaped_.clear();
    append_unescaped(unescaped_, text);
    text = unescaped_;
    suspicion = suspect(text);
  }
  if (!hide_in(text, suspicion)) return;
  if (token.is_key) {
    mask_name(event, token);
  } else {
    mask_value(event, token);
  }
}

// Writes the text with what was found replaced into masked_; false when nothing was found. A secret may stand behind
// further escapes (JSON inside a string inside JSON): if other secrets show when they are taken away, the text is
// delivered without them.
bool Masker::hide_in(std::string_view text, Suspicion suspicion) {
  find(text, suspicion);
  bool found = !findings_.empty();
  if (found) replace_findings(text);
  if (text.find('\\') == std::string_view::npos) return found;
  deeper_ = text;
  found_ = found_texts(text);
  for (int level = 0; level < escape_depth_max && take_escapes(deeper_); ++level) {
    static_cast<void>(take_escapes(found_));
    find(deeper_, suspect(deeper_));
    std::string texts = found_texts(deeper_);
    if (!findings_.empty() && texts != found_) {
      found = true;
      replace_findings(deeper_);
    }
    found_ = std::move(texts);
  }
  return found;
}

std::string Masker::found_texts(std::string_view text) const {
  std::string texts;
  for (const Finding& finding : findings_) {
    texts.append(text.substr(finding.range.begin, finding.range.end - finding.range.begin)).push_back('\n');
  }
  return texts;
}

void Masker::mask_value(Event& event, const LineToken& token) {
  if (masked_.empty() && token.type != JsonType::string) {
    event.mask(token.begin, token.end, "null", "");
    return;
  }
  json_.clear();
  append_json_string(json_, masked_);
  event.mask(token.begin, token.end, event.keep(json_), event.keep(masked_));
}

// Two names of one object must not become one.
void Masker::mask_name(Event& event, const LineToken& token) {
  if (++names_masked_ > 1 || masked_.empty()) masked_.append("#").append(std::to_string(names_masked_));
  json_.clear();
  append_json_string(json_, masked_);
  event.edit(token.begin, token.end, event.keep(json_));
}

void Masker::mask_text_line(Event& event) {
  const std::string_view text = event.line().text;
  if (hide_in(text, suspect(text))) event.mask_line(event.keep(masked_));
}

std::string Masker::mask_text(std::string_view text) {
  if (!enabled_ || !hide_in(text, suspect(text))) return std::string(text);
  return masked_;
}

bool Masker::is_clean(std::string_view text) { return !enabled_ || !hide_in(text, suspect(text)); }

}  // namespace tapewatch
