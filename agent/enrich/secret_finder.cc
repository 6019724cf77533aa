// SPDX-License-Identifier: Apache-2.0
#include "enrich/secret_finder.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/check.h"

namespace tapewatch {
namespace {

bool any(std::string_view) { return true; }

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "Bearer authentication" is prose, "Bearer abc123..." is not.
bool looks_random(std::string_view text) {
  const bool upper = std::any_of(text.begin() + 1, text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return has_digit(text) || (upper && lower) || text.size() >= 20;
}

// Base64 of "user:password": the decoded text has a colon.
bool is_basic_credential(std::string_view text) {
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const std::uint32_t byte = bits >> count & 0xFF;
    if (byte == ':') return true;
    if (byte < ' ') return false;
  }
  return false;
}

// What stands where a secret would and tells that there is none.
bool is_placeholder(std::string_view text) {
  static constexpr std::array<std::string_view, 11> words = {
      "null", "none", "nil", "true", "false", "undefined", "-", "[masked]", "[card]", "[email]", "[secret]"};
  if (text.find_first_not_of("*x") == std::string_view::npos) return true;
  if (text.starts_with("hmac:") && text.size() == 37) return true;  // what the masker wrote
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_secret(std::string_view text) { return !is_placeholder(text); }

// "token: expired" is prose; a token has a digit or is long.
bool is_token(std::string_view text) { return !is_placeholder(text) && (has_digit(text) || text.size() >= 8); }

struct FormText {
  // One of them is in every text that the pattern matches. In lower case if case is ignored.
  std::vector<Literal> literals;
  std::string_view pattern;                   // what is hidden is the first group, or all
  bool (*plausible)(std::string_view) = any;  // of what the pattern found
  bool (*may_match)(std::string_view) = any;  // spares a text the pattern
};

bool has_at_sign(std::string_view text) { return text.find('@') != std::string_view::npos; }
bool has_slack_host(std::string_view text) { return text.find("hooks.slack.com/") != std::string_view::npos; }
bool has_assignment(std::string_view text) { return text.find_first_of("=:") != std::string_view::npos; }

// A value in quotes (plain, or escaped as in JSON inside JSON; the end of a cut text closes them too), or one word.
#define TW_QUOTED R"re("(?:[^"\\]|\\.)*(?:"|\z)|\\+"(?:[^"\\]|\\[^"])*(?:\\*"|\z)|'[^']*(?:'|\z))re"
#define TW_WORD R"re([^\s"'\\,;&<>()\[\]{}][^\s"'\\,;&<>(){}]*)re"
// What stands between a key inside text and its value.
#define TW_IS R"re(["'\\]*\s*(?:=>|[:=])\s*)re"

std::vector<FormText> form_texts() {
  const auto exact = [](std::initializer_list<const char*> texts) {
    std::vector<Literal> out;
    for (const char* text : texts) out.push_back({text, false});
    return out;
  };
  const auto folded = [](std::initializer_list<const char*> texts) {
    std::vector<Literal> out;
    for (const char* text : texts) out.push_back({text, true});
    return out;
  };
  return {
      {exact({"eyJ"}), R"re(\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3})re"},
      {exact({"AKIA", "ASIA"}), R"re(\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)re"},
      {exact({"ghp_", "gho_", "ghs_"}), R"re(\bgh[pos]_[A-Za-z0-9]{20,})re"},
      {exact({"github_pat_"}), R"re(\bgithub_pat_[A-Za-z0-9_]{20,})re"},
      {exact({"glpat-"}), R"re(\bglpat-[A-Za-z0-9_-]{16,})re"},
      {exact({"xox"}), R"re(\bxox[abeoprs][.-][A-Za-z0-9-]{8,})re"},
      {exact({"k_live_"}), R"re(\b[sr]k_live_[A-Za-z0-9]{8,})re"},
      {exact({"\"sk-", " sk-", "=sk-"}), R"re(\bsk-[A-Za-z0-9_-]{20,})re", has_digit},
      {exact({"AIza"}), R"re(\bAIza[A-Za-z0-9_-]{30,})re"},
      {exact({"npm_"}), R"re(\bnpm_[A-Za-z0-9]{30,})re"},
      {exact({"://"}), R"re(hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]+))re", any, has_slack_host},
      {exact({"-----BEGIN"}),
       R"re((?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))re"},
      {exact({"://"}), R"re(://([^\s/?#@"'<>]*:[^\s/?#"'<>]+)@)re", any, has_at_sign},
      {folded({"bearer "}), R"re((?i)\bbearer\s+([A-Za-z0-9._~+/=-]{8,}))re", looks_random},
      {folded({"basic "}), R"re((?i)\bbasic\s+([A-Za-z0-9+/]{6,}={0,2}))re", is_basic_credential},
      {folded({"authorization"}),
       R"re((?i)\bauthorization["'\\]*\s*[:=]\s*["'\\]*((?:[A-Za-z][A-Za-z0-9-]*\s+)?[^\s"'\\,;]{6,}))re",
       looks_random},
      {folded({"cookie"}), R"re((?i)\b(?:set-)?cookie["'\\]*\s*[:=]\s*["'\\]*([^\s"'\\=;]+=[^\r\n"'\\]+))re"},
      {folded({"password", "passwd", "passphrase", "pwd"}),
       R"re((?i)(?:password|passwd|passphrase|pwd))re" TW_IS "(" TW_QUOTED "|" TW_WORD ")", is_secret, has_assignment},
      {folded({"secret", "api_key", "apikey", "api-key", "access_key", "accesskey", "credential"}),
       R"re((?i)(?:secret|api[_-]?key|(?:private|access|secret)[_-]?key(?:[_-]?id)?|credentials?))re" TW_IS
       "(" TW_QUOTED "|" TW_WORD ")",
       is_secret, has_assignment},
      {folded({"token"}), R"re((?i)token(?:["'\\]+\s*(?:=>|[:=])|\s*=>?)\s*()re" TW_QUOTED "|" TW_WORD ")", is_secret,
       has_assignment},
      {folded({"token"}), R"re((?i)token\s*:\s*()re" TW_QUOTED "|" TW_WORD ")", is_token, has_assignment},
      {folded({"cvv", "cvc"}), R"re((?i)\bcv[vc]2?["'\\]*\s*[:=]\s*["'\\]*([0-9]{3,4})\b)re"},
  };
}

#undef TW_QUOTED
#undef TW_WORD
#undef TW_IS

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// Index of the character of a literal that is rarest in logs.
std::size_t rarest(std::string_view literal) {
  static constexpr std::string_view common_first = "\"etaoinsr:,-lhdcu0123456789mpfgybw. vk_/jxqz";
  std::size_t best = 0;
  for (std::size_t i = 1; i < literal.size(); ++i) {
    const auto rank = [&](std::size_t at) { return common_first.find(literal[at]) + 1; };  // 0: not in the list
    if (rank(best) != 0 && (rank(i) == 0 || rank(i) > rank(best))) best = i;
  }
  return best;
}

// Calls `visit` with every place of the literal in the text, in no order.
template <typename Visit>
void for_each_place(std::string_view text, const Literal& literal, const Visit& visit) {
  const std::string_view wanted = literal.text;
  const auto same = [&](char a, char b) { return a == b || (literal.ignore_case && a == upper(b)); };
  const std::size_t key = rarest(wanted);
  const auto visit_all = [&](char c) {
    for (std::size_t at = text.find(c); at != std::string_view::npos; at = text.find(c, at + 1)) {
      if (at < key || at - key + wanted.size() > text.size()) continue;
      const std::string_view here = text.substr(at - key, wanted.size());
      if (std::equal(here.begin(), here.end(), wanted.begin(), same)) visit(at - key);
    }
  };
  visit_all(wanted[key]);
  if (literal.ignore_case && upper(wanted[key]) != wanted[key]) visit_all(upper(wanted[key]));
}

// Quotes, plain or escaped, stay; what is between them goes.
TextRange without_quotes(std::string_view text, const Match& match) {
  static constexpr std::string_view quotes = "\"'\\";
  TextRange range{match.begin, match.end};
  while (range.begin < range.end && quotes.find(text[range.begin]) != std::string_view::npos) ++range.begin;
  while (range.end > range.begin && quotes.find(text[range.end - 1]) != std::string_view::npos) --range.end;
  return range;
}

}  // namespace

SecretFinder::SecretFinder() {
  for (FormText& text : form_texts()) {
    Result<Regex> regex = Regex::compile(text.pattern);
    CHECK(regex.ok());
    for (Literal& literal : text.literals) {
      texts_.push_back(std::move(literal));
      form_of_.push_back(forms_.size());
    }
    forms_.push_back(Form{std::move(regex.value()), text.plausible, text.may_match});
  }
  auto set = LiteralSet::build(texts_);
  CHECK(set.ok());
  literals_ = std::move(set.value());
  scratch_ = literals_->make_scratch();
}

bool SecretFinder::suspects(std::string_view text) {
  hits_.clear();
  literals_->find(text, *scratch_, hits_);
  return !hits_.empty();
}

void SecretFinder::append_places(std::string_view text, std::vector<Place>& places) const {
  for (const std::uint32_t hit : hits_) {
    const Literal& literal = texts_[hit];
    const auto form = static_cast<std::uint32_t>(form_of_[hit]);
    if (!forms_[form].may_match(text)) continue;
    for_each_place(text, literal, [&](std::size_t at) {
      places.push_back({static_cast<std::uint32_t>(at + literal.text.size() - 1), form});
    });
  }
}

void SecretFinder::find(std::string_view text, std::vector<TextRange>& secrets) {
  if (!suspects(text)) return;
  for (std::uint32_t& hit : hits_) hit = static_cast<std::uint32_t>(form_of_[hit]);
  std::sort(hits_.begin(), hits_.end());
  hits_.erase(std::unique(hits_.begin(), hits_.end()), hits_.end());
  for (const std::uint32_t form : hits_) find_form(text, form, secrets);
}

void SecretFinder::find_form(std::string_view text, std::uint32_t form, std::vector<TextRange>& secrets) const {
  if (!forms_[form].may_match(text)) return;
  Match match;
  for (std::size_t from = 0; from < text.size() && forms_[form].regex.find(text, from, match);) {
    const TextRange secret = without_quotes(text, match);
    if (secret.end > secret.begin && forms_[form].plausible(text.substr(secret.begin, secret.end - secret.begin))) {
      secrets.push_back(secret);
    }
    from = std::max(match.end, from + 1);
  }
}

}  // namespace tapewatch
