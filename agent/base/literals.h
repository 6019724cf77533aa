// SPDX-License-Identifier: Apache-2.0
#pragma once
// LiteralSet: finds which of many literal strings occur in a text, in one pass whose cost does not grow with their
// number. Hyperscan where it exists and the processor can run it, an Aho-Corasick automaton of ours elsewhere; both
// give the same answers. Immutable once built. Thread: any, but each thread passes its own Scratch.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

class LiteralFilter;

struct Literal {
  std::string text;          // not empty
  bool ignore_case = false;  // ASCII letters only
};

class LiteralSet final {
 public:
  enum class Engine : std::uint8_t { best, portable };
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  [[nodiscard]] static Result<std::unique_ptr<LiteralSet>> build(const std::vector<Literal>& literals,
                                                                 Engine engine = Engine::best);
  ~LiteralSet();

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const;
  // Appends to `hits` the index of every literal that occurs in `text`, once each, in any order.
  void find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& hits) const;

 private:
  class Scanner;  // the seam between the engines
  class HyperscanScanner;
  class AutomatonScanner;
  LiteralSet(std::unique_ptr<Scanner> scanner, std::unique_ptr<LiteralFilter> filter);
  std::unique_ptr<Scanner> scanner_;
  std::unique_ptr<LiteralFilter> filter_;  // spares the scanner most texts; null when it would not
};

}  // namespace tapewatch
