// SPDX-License-Identifier: Apache-2.0
#pragma once
// Regex: RE2 (linear time, whatever the pattern and the text). The only regular expressions in tapewatch. Thread: any.

#include <memory>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace re2 {
class RE2;
}

namespace tapewatch {

struct RegexFlags {
  bool ignore_case = false;
  bool multi_line = false;  // ^ and $ match at line ends
  bool dot_matches_newline = false;
};

struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class Regex final {
 public:
  // The error's message is RE2's own, with the offending part.
  [[nodiscard]] static Result<Regex> compile(std::string_view pattern, RegexFlags flags = {});
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // Unanchored.
  [[nodiscard]] bool search(std::string_view text) const;
  // The first match at or after `from`; its first capturing group when the pattern has one. False when there is none.
  [[nodiscard]] bool find(std::string_view text, std::size_t from, Match& match) const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> re);
  std::unique_ptr<re2::RE2> re_;
};

}  // namespace tapewatch
