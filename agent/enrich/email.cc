// SPDX-License-Identifier: Apache-2.0
#include "enrich/email.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tapewatch {
namespace {

constexpr std::size_t local_max = 64;
constexpr std::size_t domain_max = 253;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool in_domain(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; }
bool in_local(char c) {
  return is_letter(c) || is_digit(c) || (c != '\0' && std::string_view("._%+-").find(c) != std::string_view::npos);
}

std::size_t local_begin(std::string_view text, std::size_t from, std::size_t at) {
  std::size_t begin = at;
  while (begin > from && at - begin < local_max && in_local(text[begin - 1])) --begin;
  while (begin < at && (text[begin] == '.' || text[begin] == '%')) ++begin;
  return begin;
}

// "logo@2x.png" is a file.
bool is_file_suffix(std::string_view label) {
  static constexpr std::array<std::string_view, 8> suffixes = {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js"};
  return std::find(suffixes.begin(), suffixes.end(), label) != suffixes.end();
}

bool is_top_label(std::string_view label) {
  if (label.size() < 2) return false;
  if (label.substr(0, 4) == "xn--") return label.size() > 4;
  return std::all_of(label.begin(), label.end(), is_letter) && !is_file_suffix(label);
}

// End of the domain that starts at `begin`; `begin` when there is none.
std::size_t domain_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && end - begin < domain_max && in_domain(text[end])) ++end;
  while (end > begin && !is_letter(text[end - 1]) && !is_digit(text[end - 1])) --end;
  const std::string_view domain = text.substr(begin, end - begin);
  const std::size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || domain.front() == '.' || domain.front() == '-') return begin;
  if (domain.find("..") != std::string_view::npos) return begin;
  return is_top_label(domain.substr(dot + 1)) ? end : begin;
}

// The next '@' or "%40": its place and how long it is; 0 long when there is none.
std::pair<std::size_t, std::size_t> next_at(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('@', from);
  const std::size_t coded = text.substr(0, at).find("%40", from);
  if (coded != std::string_view::npos) return {coded, 3};
  return at == std::string_view::npos ? std::pair<std::size_t, std::size_t>{0, 0}
                                      : std::pair<std::size_t, std::size_t>{at, 1};
}

}  // namespace

bool find_email(std::string_view text, std::size_t from, TextRange& address) {
  for (std::size_t next = from;;) {
    const auto [at, length] = next_at(text, next);
    if (length == 0) return false;
    next = at + length;
    const std::size_t begin = local_begin(text, from, at);
    const std::size_t end = domain_end(text, next);
    if (begin == at || end == next) continue;
    address = {begin, end};
    return true;
  }
}

}  // namespace tapewatch
