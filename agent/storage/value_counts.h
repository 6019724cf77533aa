// SPDX-License-Identifier: Apache-2.0
#pragma once
// ValueCounts: how often each value of one field occurs in the documents that are shown to it. Bounded: beyond so many
// different values new ones are counted together. Thread: one.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tapewatch/log_store.h"

namespace tapewatch {

class ValueCounts final {
 public:
  explicit ValueCounts(std::string_view field) : field_(field) {}

  void add(std::string_view document);
  // The most frequent `values_max`; what the scan knows is left to its caller.
  [[nodiscard]] TopValues top(std::size_t values_max) const;

 private:
  friend struct FieldValues;
  void count(std::string_view text);

  const std::string field_;
  std::unordered_map<std::string, std::int64_t> counts_;
  std::int64_t documents_ = 0;
  std::int64_t without_ = 0;
  std::int64_t beyond_ = 0;  // values that found no room
  std::string scratch_;
  std::string key_;
};

}  // namespace tapewatch
