// SPDX-License-Identifier: Apache-2.0
#pragma once
// SecretFinder: tokens and secrets in running text, known by their form (JWT, cloud and vendor keys, private keys), by
// what stands before them (Bearer, password=, "secret": in JSON inside a string) or by their place (user:password@ of a
// URL). One literal search says whether a text needs a closer look at all; regular expressions see only texts that do.
// Owned by the masker. Thread: one at a time.

#include <memory>
#include <string_view>
#include <vector>

#include "base/literals.h"
#include "base/regex.h"
#include "base/scan.h"

namespace tapewatch {

class SecretFinder final {
 public:
  SecretFinder();

  // Whether find() could find anything.
  [[nodiscard]] bool suspects(std::string_view text);
  // A place that made suspects() say yes, and which form may stand there.
  struct Place {
    std::uint32_t offset = 0;
    std::uint32_t form = 0;
  };
  // Appends all of them, in no order. REQUIRES: suspects() said yes of this text last.
  void append_places(std::string_view text, std::vector<Place>& places) const;
  // Appends the range of every secret, in no order; ranges may overlap.
  void find(std::string_view text, std::vector<TextRange>& secrets);
  // The same for one form alone.
  void find_form(std::string_view text, std::uint32_t form, std::vector<TextRange>& secrets) const;

 private:
  struct Form {
    Regex regex;
    bool (*plausible)(std::string_view secret);
    bool (*may_match)(std::string_view text);
  };
  std::vector<Form> forms_;
  std::vector<Literal> texts_;
  std::vector<std::size_t> form_of_;  // literal to form
  std::unique_ptr<LiteralSet> literals_;
  std::unique_ptr<LiteralSet::Scratch> scratch_;
  std::vector<std::uint32_t> hits_;
};

}  // namespace tapewatch
