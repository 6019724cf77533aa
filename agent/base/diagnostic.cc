// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include "base/json_writer.h"

namespace tapewatch {
namespace {

constexpr std::size_t shown_line_bytes_max = 200;

std::string code_text(int number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "TW%04d", number);
  return text.data();
}

// Bytes that could move a terminal's cursor (C0, DEL, and C1 as UTF-8) become '?'; a tab keeps its column as one space.
std::string printable(std::string_view line, std::size_t bytes_max = shown_line_bytes_max) {
  std::string out(line.substr(0, bytes_max));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    const auto before = i == 0 ? 0 : static_cast<unsigned char>(out[i - 1]);
    if (out[i] == '\t') {
      out[i] = ' ';
    } else if (byte < 0x20 || byte == 0x7F) {
      out[i] = '?';
    } else if (before == 0xC2 && byte >= 0x80 && byte <= 0x9F) {
      out[i - 1] = out[i] = '?';
    }
  }
  return out;
}

// Insertions, deletions, substitutions and swaps of neighbours, each counted once.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::add_source(std::string file, std::string text) {
  sources_.push_back({std::move(file), std::move(text)});
}

std::string_view Diagnostics::source_line(std::string_view file, int line) const {
  const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) { return s.file == file; });
  if (source == sources_.end() || line < 1) return {};
  std::string_view rest = source->text;
  for (int i = 1; i < line; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

std::string Diagnostics::render(bool colour) const {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& d : all_) sorted.push_back(&d);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return std::tie(a->file, a->line, a->column) < std::tie(b->file, b->line, b->column);
  });
  std::string out;
  for (const Diagnostic* d : sorted) {
    const bool error = d->severity == Severity::error;
    if (colour) out += error ? "\x1b[1;31m" : "\x1b[1;33m";
    out += std::string(error ? "error" : "warning") + "[" + code_text(d->number) + "]";
    if (colour) out += "\x1b[0m";
    out += " " + printable(d->file, std::string::npos);
    if (d->line > 0) out += ":" + std::to_string(d->line) + ":" + std::to_string(d->column);
    out += " " + printable(d->message) + "\n";
    const std::string_view line = source_line(d->file, d->line);
    if (line.empty()) {
      if (!d->hint.empty()) out += "        " + printable(d->hint) + "\n";
      continue;
    }
    std::string number = std::to_string(d->line);
    number.insert(0, number.size() < 5 ? 5 - number.size() : 0, ' ');
    out += number + " | " + printable(line) + "\n      | ";
    out.append(static_cast<std::size_t>(std::max(0, d->column - 1)), ' ');
    if (colour) out += "\x1b[1;32m";
    out += "^" + std::string(static_cast<std::size_t>(std::max(0, d->length - 1)), '~');
    if (colour) out += "\x1b[0m";
    if (!d->hint.empty()) out += " " + printable(d->hint);
    out += "\n";
  }
  return out;
}

std::string Diagnostics::render_json() const {
  std::string out;
  for (const Diagnostic& d : all_) {
    JsonObject object(out);
    object.add("severity", d.severity == Severity::error ? "error" : "warning");
    object.add("code", std::string_view(code_text(d.number)));
    object.add("file", std::string_view(d.file));
    object.add("line", d.line);
    object.add("column", d.column);
    object.add("message", std::string_view(d.message));
    if (!d.hint.empty()) object.add("hint", std::string_view(d.hint));
    object.end();
    out.push_back('\n');
  }
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace tapewatch
