// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "fake/sqlite_vfs.h"
#include "storage_bench.h"

namespace tapewatch::bench {
namespace {

constexpr char schema[] = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body TEXT)";
constexpr int writers = 64;

struct Storm {
  double per_second = 0;
  double p99_ns = 0;
  double middle_ns = 0;
};

// So many threads that each do `work` so many times and wait for it.
Storm storm(int threads, int times, const std::function<std::function<void()>()>& worker) {
  std::mutex mutex;
  std::vector<double> waits;
  std::vector<std::thread> all;
  const double wall = wall_of([&] {
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&] {
        std::vector<double> mine;
        const std::function<void()> work = worker();
        for (int i = 0; i < times; ++i) mine.push_back(wall_of(work));
        const std::lock_guard<std::mutex> lock(mutex);
        waits.insert(waits.end(), mine.begin(), mine.end());
      });
    }
    for (std::thread& thread : all) thread.join();
  });
  std::sort(waits.begin(), waits.end());
  return {static_cast<double>(waits.size()) / (wall / 1e9), waits[waits.size() * 99 / 100], 0};
}

std::unique_ptr<Store> open(const std::string& path) {
  Store::Options options;
  options.path = path;
  options.schema = schema;
  return must(Store::open(options));
}

Status add(Tx& tx) {
  const auto done = tx.exec("INSERT INTO t(body) VALUES('a line of a journal that has to be on the disk')");
  return done.ok() ? success() : Status(done.error());
}

void measure_writers(const std::string& folder, Goals& goals) {
  Raw(folder + "/own.db", "FULL").run(schema);
  const Storm own = storm(writers, 5, [&] {
    const auto raw = std::make_shared<Raw>(folder + "/own.db", "FULL");
    return [raw] { raw->run("INSERT INTO t(body) VALUES('a line of a journal that has to be on the disk')"); };
  });
  const auto store = open(folder + "/together.db");
  const Storm together = storm(writers, 200, [&] { return [&] { must(store->write(add, Durability::durable)); }; });
  goals.push_back({"4", "64 durable writers: commits a second, against own connections", false, 50,
                   together.per_second / own.per_second, true});
  goals.push_back(
      {"4b", "the same: own connections' 99th percentile over ours", false, 50, own.p99_ns / together.p99_ns, true});
}

constexpr char point_read[] = "SELECT body FROM t WHERE id = 7";

// Point reads of four threads, each with a little to do between them, beside one writer whose commits take 2 ms.
Storm reads_beside(const std::function<void()>& commit, const std::function<void()>& read) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) commit();
  });
  Storm out;
  std::mutex mutex;
  std::vector<double> waits;
  std::vector<std::thread> readers;
  const double wall = wall_of([&] {
    for (int t = 0; t < 4; ++t) {
      readers.emplace_back([&] {
        std::vector<double> mine;
        const double until = clock_ns(CLOCK_MONOTONIC) + 7e8;
        while (clock_ns(CLOCK_MONOTONIC) < until) {
          mine.push_back(wall_of(read));
          std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        const std::lock_guard<std::mutex> lock(mutex);
        waits.insert(waits.end(), mine.begin(), mine.end());
      });
    }
    for (std::thread& reader : readers) reader.join();
  });
  stop = true;
  writer.join();
  out.per_second = static_cast<double>(waits.size()) / (wall / 1e9);
  out.middle_ns = median(std::move(waits));
  return out;
}

void measure_readers(const std::string& folder, Goals& goals) {
  const HookedVfs slow([](HookedVfs::Call call, const char*) {
    if (call == HookedVfs::Call::sync) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return SQLITE_OK;
  });
  Storm shared;
  {
    Raw raw(folder + "/shared.db", "FULL");
    raw.run(schema);
    for (int i = 0; i < 20; ++i) raw.run("INSERT INTO t(body) VALUES('x')");
    sqlite3_stmt* statement = raw.prepare(point_read);
    std::mutex mutex;
    shared = reads_beside(
        [&] {
          const std::lock_guard<std::mutex> lock(mutex);
          raw.run("INSERT INTO t(body) VALUES('x')");
        },
        [&] {
          const std::lock_guard<std::mutex> lock(mutex);
          raw.step(statement);
        });
    sqlite3_finalize(statement);
  }
  const auto store = open(folder + "/beside.db");
  for (int i = 0; i < 20; ++i) must(store->write(add));
  const Storm beside =
      reads_beside([&] { must(store->write(add, Durability::durable)); },
                   [&] { must(store->read([](Reader& r) { return r.first<std::string>(point_read); })); });
  goals.push_back({"7", "reads a second beside commits of 2 ms, against one shared connection", false, 4,
                   beside.per_second / shared.per_second});
  goals.push_back(
      {"7b", "the same: the shared connection's median over ours", false, 10, shared.middle_ns / beside.middle_ns});
}

}  // namespace

void measure_concurrency(const std::string& folder, Goals& goals) {
  measure_writers(folder, goals);
  measure_readers(folder, goals);
}

}  // namespace tapewatch::bench
