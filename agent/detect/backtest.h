// SPDX-License-Identifier: Apache-2.0
#pragma once
// Backtest: the detector over old files, line by line, with event time as the only clock: the same lines give the same
// alerts as live. Thread: the caller's.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/hash.h"
#include "detect/detector.h"
#include "event/field_table.h"
#include "tapewatch/result.h"

namespace tapewatch {

class KeyPolicy;

struct BacktestOptions {
  const KeyPolicy* key_policy = nullptr;     // of whoever masks in `enrich`: names the values to hide, as live
  std::size_t line_bytes_max = 1024 * 1024;  // of a longer line only the first bytes are seen, as live
  std::size_t read_bytes = 1024 * 1024;
  // Empty: files are read as they are.
  std::function<Result<std::unique_ptr<ByteSource>>(const std::string& path)> open;
};

struct BacktestReport {
  std::uint64_t lines = 0;
  std::uint64_t not_json = 0;
  std::uint64_t bytes = 0;       // of lines
  std::uint64_t file_bytes = 0;  // read of the files, which may be packed
  std::uint64_t alerts = 0;
};

struct BacktestAlert {
  std::uint64_t event = 0;  // 0-based line over all files
  Hash128 id;
  std::string json;
};
using BacktestEmit = std::function<void(const BacktestAlert& alert)>;
// Called after every block read, for a progress line.
using BacktestProgress = std::function<void(const BacktestReport& so_far)>;

// Runs every line of `files` through parser, `enrich` and `detector`, and hands each alert to `emit` as one JSON
// object without line end: {"event": 0-based line over all files, "rule", "title", "level", "group", "@timestamp",
// ...}; an alert that the clock made due carries the line that showed the time. Error: a file cannot be read.
[[nodiscard]] Result<BacktestReport> backtest(const std::vector<std::string>& files, const FieldTable& fields,
                                              Detector& detector, const BacktestOptions& options,
                                              const std::function<void(Event&)>& enrich, const BacktestEmit& emit,
                                              const BacktestProgress& progress);

// One alert as a line of a backtest.
void append_backtest_alert(std::string& out, std::uint64_t event, const Alert& alert);

// What two runs over the same lines say differently. The first run's alerts are kept, up to `alerts_max`.
class BacktestDiff final {
 public:
  explicit BacktestDiff(std::size_t alerts_max = 1'000'000) : alerts_max_(alerts_max) {}
  // Of the run with the other rules. False: there are too many.
  [[nodiscard]] bool before(const BacktestAlert& alert);
  // Of the run with the rules themselves: empty when both say it, else the line with `"diff":"added"`.
  [[nodiscard]] std::string after(const BacktestAlert& alert);
  // What only the other rules said, in the order of the events, with `"diff":"removed"`.
  [[nodiscard]] std::vector<std::string> removed() const;

 private:
  using Key = std::pair<std::uint64_t, std::string>;
  const std::size_t alerts_max_;
  std::map<Key, std::string> alerts_;
};

}  // namespace tapewatch
