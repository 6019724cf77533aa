// SPDX-License-Identifier: Apache-2.0
#pragma once
// IndexAdvisor: notes statements that look at many rows, and finds the indexes that would help by trying them: in a
// copy of the schema and its statistics in memory, without rows, it asks SQLite's own planner. Owned by Store, and told
// by its connections. Thread: any.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/database.h"
#include "tapewatch/index_advice.h"

namespace tapewatch {

class IndexAdvisor final {
 public:
  explicit IndexAdvisor(IndexAdviceOptions options) : options_(options) {}

  // Called with each statement that is given back; its counters begin anew.
  void note(sqlite3_stmt* statement) EXCLUDES(mutex_);
  // What was noted, those that looked at most rows first. `reader` gives schema and statistics.
  [[nodiscard]] Result<std::vector<IndexAdvice>> advice(Database& reader) const EXCLUDES(mutex_);

 private:
  const IndexAdviceOptions options_;
  mutable Mutex mutex_;
  std::map<std::string, IndexAdvice, std::less<>> noted_ GUARDED_BY(mutex_);  // by shape
};

}  // namespace tapewatch
