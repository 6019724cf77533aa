// SPDX-License-Identifier: Apache-2.0
#include "detect/pattern.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/utf8.h"
#include "detect/fold.h"

namespace tapewatch {
namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::array<std::string_view, 5> dashes = {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\x95"};

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A dash between a non-word character (or the start) and a word character.
bool dash_starts_word(std::string_view text, std::size_t at) {
  if (text[at] != '-' && text[at] != '/') return false;
  return (at == 0 || !is_word(text[at - 1])) && at + 1 < text.size() && is_word(text[at + 1]);
}

std::size_t character_bytes(std::string_view text) { return std::max<std::size_t>(1, utf8_sequence(text)); }

bool contains(std::string_view text, std::string_view needle) {
  if (needle.size() > text.size()) return false;
  return needle.empty() || memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

// The longest stretch of `text` without letters that have a case beyond ASCII.
std::string_view longest_caseless(std::string_view text) {
  std::string_view best;
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t bytes = character_bytes(text.substr(at));
    const bool breaks = static_cast<unsigned char>(text[at]) >= 0x80 && has_case_beyond_ascii(text.substr(at), bytes);
    if (breaks) {
      if (at - begin > best.size()) best = text.substr(begin, at - begin);
      begin = at + bytes;
    }
    at += bytes;
  }
  if (text.size() - std::min(begin, text.size()) > best.size()) best = text.substr(begin);
  return best;
}

}  // namespace

void Pattern::append(PieceKind kind, std::string text) {
  if (kind == PieceKind::any_run && !pieces_.empty() && pieces_.back().kind == PieceKind::any_run) return;
  if (kind == PieceKind::literal) {
    if (text.empty()) return;
    if (!pieces_.empty() && pieces_.back().kind == PieceKind::literal) {
      pieces_.back().text += text;
      return;
    }
  }
  pieces_.push_back({kind, std::move(text)});
}

Pattern Pattern::parse(std::string_view sigma_text) {
  Pattern pattern;
  std::string literal;
  for (std::size_t i = 0; i < sigma_text.size(); ++i) {
    const char c = sigma_text[i];
    const char next = i + 1 < sigma_text.size() ? sigma_text[i + 1] : '\0';
    if (c == '\\' && (next == '*' || next == '?' || next == '\\')) {
      literal.push_back(next);
      ++i;
    } else if (c == '*' || c == '?') {
      pattern.append(PieceKind::literal, std::move(literal));
      literal.clear();
      pattern.append(c == '*' ? PieceKind::any_run : PieceKind::any_one);
    } else {
      literal.push_back(c);
    }
  }
  pattern.append(PieceKind::literal, std::move(literal));
  return pattern;
}

Pattern Pattern::literal(std::string text) {
  Pattern pattern;
  pattern.append(PieceKind::literal, std::move(text));
  return pattern;
}

void Pattern::add_leading_run() {
  if (pieces_.empty() || pieces_.front().kind != PieceKind::any_run) {
    pieces_.insert(pieces_.begin(), {PieceKind::any_run, {}});
  }
}

void Pattern::add_trailing_run() { append(PieceKind::any_run); }

void Pattern::widen_dashes() {
  Pattern widened;
  for (const Piece& piece : pieces_) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < piece.text.size(); ++i) {
      if (!dash_starts_word(piece.text, i)) continue;
      widened.append(PieceKind::literal, piece.text.substr(begin, i - begin));
      widened.append(PieceKind::dash);
      begin = i + 1;
    }
    if (piece.kind == PieceKind::literal) {
      widened.append(PieceKind::literal, piece.text.substr(begin));
    } else {
      widened.append(piece.kind);
    }
  }
  pieces_ = std::move(widened.pieces_);
}

bool Pattern::has_wildcards() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return piece.kind == PieceKind::any_run || piece.kind == PieceKind::any_one;
  });
}

std::vector<std::string> Pattern::spellings(std::size_t max) const {
  std::vector<std::string> texts(1);
  for (const Piece& piece : pieces_) {
    if (piece.kind == PieceKind::literal) {
      for (std::string& text : texts) text += piece.text;
      continue;
    }
    if (texts.size() * dashes.size() > max) return {};
    std::vector<std::string> longer;
    for (const std::string& text : texts) {
      for (const std::string_view dash : dashes) longer.push_back(text + std::string(dash));
    }
    texts = std::move(longer);
  }
  return texts;
}

void Pattern::finish(bool cased) {
  cased_ = cased;
  if (!cased) {
    for (Piece& piece : pieces_) piece.text = folded(piece.text);
  }
  std::string kinds;
  for (const Piece& piece : pieces_) kinds.push_back("l*?-"[static_cast<std::size_t>(piece.kind)]);
  const auto use = [this](Shape shape, std::size_t piece) {
    shape_ = shape;
    needle_ = pieces_[piece].text;
  };
  shape_ = Shape::glob;
  if (kinds.empty()) {
    shape_ = Shape::exact;
  } else if (kinds == "*") {
    shape_ = Shape::anything;
  } else if (kinds == "l") {
    use(Shape::exact, 0);
  } else if (kinds == "l*") {
    use(Shape::prefix, 0);
  } else if (kinds == "*l") {
    use(Shape::suffix, 1);
  } else if (kinds == "*l*") {
    use(Shape::substring, 1);
  }
}

std::string Pattern::witness() const {
  std::string_view best;
  for (const Piece& piece : pieces_) {
    const std::string_view part = longest_caseless(piece.text);
    if (part.size() > best.size()) best = part;
  }
  return std::string(best);
}

bool Pattern::matches(std::string_view text) const {
  switch (shape_) {
    case Shape::anything:
      return true;
    case Shape::exact:
      return text == needle_;
    case Shape::prefix:
      return text.starts_with(needle_);
    case Shape::suffix:
      return text.ends_with(needle_);
    case Shape::substring:
      return contains(text, needle_);
    case Shape::glob:
      return glob_matches(text);
  }
  return false;
}

std::size_t Pattern::match_run(std::size_t begin, std::size_t end, std::string_view text, std::size_t at) const {
  for (std::size_t i = begin; i < end; ++i) {
    const std::string_view rest = text.substr(at);
    if (pieces_[i].kind == PieceKind::literal) {
      if (!rest.starts_with(pieces_[i].text)) return npos;
      at += pieces_[i].text.size();
    } else if (pieces_[i].kind == PieceKind::any_one) {
      if (rest.empty()) return npos;
      at += character_bytes(rest);
    } else {
      const auto* dash = std::find_if(dashes.begin(), dashes.end(), [&](auto d) { return rest.starts_with(d); });
      if (dash == dashes.end()) return npos;
      at += dash->size();
    }
  }
  return at;
}

// Between two '*' the leftmost place is always a right one, so no way back is needed; what follows the last '*' must
// end at the text's end.
bool Pattern::glob_matches(std::string_view text) const {
  std::size_t at = 0;
  std::size_t begin = 0;
  bool floating = false;
  while (begin <= pieces_.size()) {
    std::size_t end = begin;
    while (end < pieces_.size() && pieces_[end].kind != PieceKind::any_run) ++end;
    const bool last = end == pieces_.size();
    std::size_t found = npos;
    for (std::size_t from = at; from <= text.size();
         from += from < text.size() ? character_bytes(text.substr(from)) : 1) {
      const std::size_t stop = match_run(begin, end, text, from);
      if (stop != npos && (!last || stop == text.size())) {
        found = stop;
        break;
      }
      if (!floating) break;
    }
    if (found == npos) return false;
    at = found;
    floating = true;
    begin = end + 1;
  }
  return true;
}

std::string Pattern::key() const {
  std::string key = cased_ ? "c" : "i";
  for (const Piece& piece : pieces_) {
    key.push_back("l*?-"[static_cast<std::size_t>(piece.kind)]);
    if (piece.kind == PieceKind::literal) key.append(std::to_string(piece.text.size())).append(":").append(piece.text);
  }
  return key;
}

}  // namespace tapewatch
