// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pattern: a Sigma string value. '*' is any run of characters, '?' exactly one, everything else stands for itself;
// a backslash makes '*', '?' and itself literal. Modifiers change the pieces, then finish() prepares it for matching.
// A value, immutable once finished. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

class Pattern final {
 public:
  enum class PieceKind : std::uint8_t {
    literal,
    any_run,  // *
    any_one,  // ?
    dash,     // one of - / and the three Unicode dashes (windash)
  };
  struct Piece {
    PieceKind kind = PieceKind::literal;
    std::string text;  // of a literal
  };
  // How it is matched; glob is the general form.
  enum class Shape : std::uint8_t { anything, exact, prefix, suffix, substring, glob };

  [[nodiscard]] static Pattern parse(std::string_view sigma_text);
  [[nodiscard]] static Pattern literal(std::string text);

  void add_leading_run();
  void add_trailing_run();
  // Turns every dash or slash that starts a word into a `dash` piece.
  void widen_dashes();
  [[nodiscard]] bool has_wildcards() const;
  // REQUIRES: !has_wildcards(). Every text that it stands for: one, or five for each dash. Empty when these are more
  // than `max`.
  [[nodiscard]] std::vector<std::string> spellings(std::size_t max) const;
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  // Chooses the shape and, unless cased, folds the literals. Call once, after the last change.
  void finish(bool cased);
  [[nodiscard]] Shape shape() const { return shape_; }
  [[nodiscard]] bool cased() const { return cased_; }
  // The literal of every shape but anything and glob; folded unless cased.
  [[nodiscard]] const std::string& needle() const { return needle_; }
  // A text that occurs in everything the pattern matches, and is spelled in ASCII case variants only; the longest such.
  [[nodiscard]] std::string witness() const;
  // `text` is folded unless the pattern is cased.
  [[nodiscard]] bool matches(std::string_view text) const;
  // One text for each meaning.
  [[nodiscard]] std::string key() const;

 private:
  void append(PieceKind kind, std::string text = {});
  [[nodiscard]] bool glob_matches(std::string_view text) const;
  // The end of pieces [begin, end) matched at `at`, or npos.
  [[nodiscard]] std::size_t match_run(std::size_t begin, std::size_t end, std::string_view text, std::size_t at) const;

  std::vector<Piece> pieces_;
  Shape shape_ = Shape::exact;
  bool cased_ = false;
  std::string needle_;
};

}  // namespace tapewatch
