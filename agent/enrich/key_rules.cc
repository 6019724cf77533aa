// SPDX-License-Identifier: Apache-2.0
#include "enrich/key_rules.h"

#include <algorithm>

#include "base/ascii.h"

namespace tapewatch {
namespace {

constexpr std::size_t key_bytes_max = 256;  // of longer names the end counts

constexpr std::string_view whole_names =
    " authorization proxyauthorization xauthorization cookie cookies setcookie jwt bearer pin pinnumber userpin "
    "cardpin "
    "otp totp cvv cvv2 cvc cvc2 csc cardcvv cardcvc securitycode ssn socialsecurity iban pan primaryaccountnumber "
    "cardno "
    "cardnum creditcard ccnumber ccnum mynumber passportnumber ";

constexpr std::string_view endings =
    " password passwd pwd passphrase passcode passwordhash passwordnew passwordold passwordagain passwordconfirm "
    "passwordconfirmation secret secrets secretvalue token credential credentials apikey accesskey accesskeyid "
    "privatekey secretkey signingkey encryptionkey authkey sharedkey masterkey cardnumber sessioncookie ssnnumber ";

// Names that end like a secret and are none: where to go on in a list.
constexpr std::string_view harmless = " nexttoken pagetoken nextpagetoken cursortoken continuationtoken synctoken ";

bool is_in(std::string_view words, std::string_view name) {
  std::string padded = " ";
  padded.append(name).push_back(' ');
  return words.find(padded) != std::string_view::npos;
}

bool ends_like(std::string_view words, std::string_view name) {
  for (std::size_t begin = 1; begin < words.size();) {
    const std::size_t end = words.find(' ', begin);
    if (name.ends_with(words.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

// Lower case, without separators. `dots` are separators too.
std::string folded(std::string_view key, bool dots) {
  if (key.size() > key_bytes_max) key.remove_prefix(key.size() - key_bytes_max);
  std::string out;
  for (const char c : key) {
    if (c == '-' || c == '_' || c == ' ' || (dots && c == '.')) continue;
    out.push_back(ascii_lower(c));
  }
  return out;
}

// Iterative, with one point to go back to: linear in practice, never exponential.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view without_digits(std::string_view name) {
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
  return name;
}

bool built_in(std::string_view name) {
  if (is_in(whole_names, name)) return true;
  const std::string_view stem = without_digits(name);  // password1, password2
  return !is_in(harmless, stem) && ends_like(endings, stem);
}

}  // namespace

KeyRules::KeyRules(const std::vector<std::string>& keys, const std::vector<std::string>& allow) {
  for (const std::string& pattern : keys) keys_.push_back(folded(pattern, true));
  for (const std::string& pattern : allow) allow_.push_back(folded(pattern, true));
}

bool KeyRules::sensitive(std::string_view key) const {
  const std::string whole = folded(key, true);
  const std::string last = folded(key.substr(key.rfind('.') + 1), true);
  const auto in = [&](const std::vector<std::string>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches(pattern, whole) || matches(pattern, last); });
  };
  if (in(allow_)) return false;
  return built_in(last) || in(keys_);
}

}  // namespace tapewatch
