// SPDX-License-Identifier: Apache-2.0
#include "base/regex.h"

#include <re2/re2.h>

#include <array>

namespace tapewatch {
namespace {

constexpr std::int64_t program_bytes_max = 8 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> re) : re_(std::move(re)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::compile(std::string_view pattern, RegexFlags flags) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!flags.ignore_case);
  options.set_dot_nl(flags.dot_matches_newline);
  options.set_max_mem(program_bytes_max);
  std::string text = flags.multi_line ? "(?m)" : "";
  text.append(pattern);
  auto re = std::make_unique<re2::RE2>(text, options);
  if (!re->ok()) return Error{Code::invalid, re->error()};
  return Regex(std::move(re));
}

bool Regex::search(std::string_view text) const {
  return re_->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Regex::find(std::string_view text, std::size_t from, Match& match) const {
  std::array<re2::StringPiece, 2> groups;
  const int wanted = re_->NumberOfCapturingGroups() > 0 ? 2 : 1;
  if (!re_->Match(piece(text), from, text.size(), re2::RE2::UNANCHORED, groups.data(), wanted)) return false;
  const re2::StringPiece& hit = wanted == 2 && groups[1].data() != nullptr ? groups[1] : groups[0];
  match.begin = static_cast<std::size_t>(hit.data() - text.data());
  match.end = match.begin + hit.size();
  return true;
}

}  // namespace tapewatch
