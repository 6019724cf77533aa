// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the parts of bench_storage share: raw SQLite as an application would use it by hand, clocks, and the table.

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "tapewatch/storage.h"

namespace tapewatch::bench {

inline double clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}
inline double cpu_of(const std::function<void()>& work) {
  const double begun = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  work();
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begun;
}
inline double wall_of(const std::function<void()>& work) {
  const double begun = clock_ns(CLOCK_MONOTONIC);
  work();
  return clock_ns(CLOCK_MONOTONIC) - begun;
}
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}
// Median of a over median of b, measured in turns.
inline double ratio(int rounds, const std::function<double()>& a, const std::function<double()>& b) {
  std::vector<double> of_a;
  std::vector<double> of_b;
  for (int i = 0; i < rounds; ++i) {
    of_a.push_back(a());
    of_b.push_back(b());
  }
  return median(of_a) / median(of_b);
}

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "bench_storage: %s\n", why.c_str());
  std::exit(2);
}
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) fail(result.error().message);
  return std::move(result).value();
}

// One connection by hand.
class Raw {
 public:
  Raw(const std::string& path, const std::string& synchronous) {
    if (sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr))
      fail("opening " + path);
    sqlite3_busy_timeout(db_, 60'000);
    run("PRAGMA journal_mode=WAL; PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=16000; PRAGMA synchronous=" +
        synchronous);
  }
  ~Raw() { sqlite3_close_v2(db_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  void run(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql + ": " + sqlite3_errmsg(db_));
  }
  sqlite3_stmt* prepare(const std::string& sql) {
    sqlite3_stmt* out = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &out, nullptr) != SQLITE_OK) fail(sql + ": " + sqlite3_errmsg(db_));
    return out;
  }
  void step(sqlite3_stmt* statement) {
    int result = SQLITE_ROW;
    while (result == SQLITE_ROW) result = sqlite3_step(statement);
    if (result != SQLITE_DONE) fail(sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }

 private:
  sqlite3* db_ = nullptr;
};

struct Goal {
  const char* number;
  const char* what;
  bool at_most;
  double floor;
  double measured;
  bool of_machine = false;  // decided by it or its load too: no ratio, or one of how long a sync of its disk takes
  [[nodiscard]] bool met() const { return at_most ? measured <= floor : measured >= floor; }
};
using Goals = std::vector<Goal>;

// How much is measured.
struct Run {
  std::string folder_of_program;
  std::size_t log_bytes = std::size_t{1} << 30;
  std::size_t full_text_lines = 150'000;
};

// Every file of a part begins with its name in `folder`.
void measure_writes(const std::string& folder, Goals& goals);
void measure_concurrency(const std::string& folder, Goals& goals);
void measure_reads(const std::string& folder, Goals& goals);
void measure_logs(const std::string& folder, const Run& run, Goals& goals);

}  // namespace tapewatch::bench
