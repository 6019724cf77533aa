// SPDX-License-Identifier: Apache-2.0
#include "storage/value_counts.h"

#include <algorithm>

#include "base/utf8.h"
#include "storage/json_path.h"

namespace tapewatch {
namespace {

constexpr std::size_t values_different_max = 10'000;
constexpr std::size_t value_bytes_max = 256;

}  // namespace

// Visits the scalars at the path.
struct FieldValues {
  ValueCounts& counts;
  bool found = false;

  RestOfPath member(RestOfPath rest, std::string_view raw_key, bool escaped) {
    return follow_key(rest, text_of(JsonScalar{raw_key, true, escaped}, counts.scratch_));
  }
  bool structure(RestOfPath) { return false; }
  bool scalar(RestOfPath rest, const JsonScalar& value) {
    if (!rest || !rest->empty() || (!value.string && value.raw == "null")) return false;
    found = true;
    counts.count(text_of(value, counts.scratch_));
    return false;
  }
};

void ValueCounts::add(std::string_view document) {
  ++documents_;
  FieldValues values{*this};
  static_cast<void>(JsonWalk<FieldValues, RestOfPath>(document, values).run(std::string_view(field_)));
  if (!values.found) ++without_;
}

void ValueCounts::count(std::string_view text) {
  key_.assign(text.substr(0, utf8_cut(text, value_bytes_max)));
  const auto known = counts_.find(key_);
  if (known != counts_.end()) {
    ++known->second;
  } else if (counts_.size() < values_different_max) {
    counts_.emplace(key_, 1);
  } else {
    ++beyond_;
  }
}

TopValues ValueCounts::top(std::size_t values_max) const {
  TopValues out;
  out.documents = documents_;
  out.without = without_;
  out.exact = beyond_ == 0;
  out.others = beyond_;
  for (const auto& [text, count] : counts_) {
    out.values.push_back({text, count});
    out.others += count;
  }
  const std::size_t shown = std::min(values_max, out.values.size());
  std::partial_sort(out.values.begin(), out.values.begin() + static_cast<std::ptrdiff_t>(shown), out.values.end(),
                    [](const TopValues::Value& a, const TopValues::Value& b) {
                      return a.count != b.count ? a.count > b.count : a.text < b.text;
                    });
  out.values.resize(shown);
  for (const TopValues::Value& value : out.values) out.others -= value.count;
  return out;
}

}  // namespace tapewatch
