// SPDX-License-Identifier: Apache-2.0
// bench_cache FOLDER [REDIS_SOCKET]: what a hit of the in-process cache costs beside the reads that it saves, in one
// run: a point read of the store, and, with a socket, the same through the cache from Redis. CPU nanoseconds of the
// whole process per operation, median of five rounds that take turns. Exit 1 when a ratio is below its floor.
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tapewatch/redis_level.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

constexpr int keys = 100'000;
constexpr int rounds = 5;
constexpr double floor_hit = 8;  // times cheaper than a point read

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double wall_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Row {
  const char* name;
  int operations;
  std::function<bool(int, const std::string&)> run;  // one operation on a key, by number and name
  std::vector<double> cpu{};
  std::vector<double> wall{};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string name_of(int key) { return "quote:" + std::to_string(key); }

Status fill(Store& store) {
  return store.write([](Tx& tx) -> Status {
    for (int i = 0; i < keys; ++i) {
      const Result<std::int64_t> done =
          tx.exec("INSERT INTO quotes(id, body) VALUES(?, ?)", std::int64_t{i}, std::string(100, 'x'));
      if (!done.ok()) return done.error();
    }
    return success();
  });
}

bool measure(Row& row, std::mt19937& random) {
  std::vector<int> order(static_cast<std::size_t>(row.operations));
  for (int& key : order) key = static_cast<int>(random() % keys);
  // Who asks has the name at hand: making it is not a part of what is measured.
  std::vector<std::string> names;
  for (const int key : order) names.push_back(name_of(key));
  const double cpu = cpu_ns();
  const double wall = wall_ns();
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!row.run(order[i], names[i])) return false;
  }
  row.cpu.push_back((cpu_ns() - cpu) / row.operations);
  row.wall.push_back((wall_ns() - wall) / row.operations);
  return true;
}

Result<std::optional<std::string>> read_quote(Store& store, int key) {
  return store.read([&](Reader& reader) {
    return reader.first<std::string>("SELECT body FROM quotes WHERE id=?", std::int64_t{key});
  });
}

int run(const std::string& folder, const char* socket) {
  Store::Options options;
  options.path = folder + "/cache_bench.db";
  options.schema = "DROP TABLE IF EXISTS quotes; CREATE TABLE quotes(id INTEGER PRIMARY KEY, body TEXT)";
  Result<std::unique_ptr<Store>> opened = Store::open(options);
  if (!opened.ok() || !fill(*opened.value()).ok()) {
    std::fprintf(stderr, "bench_cache: cannot fill %s\n", options.path.c_str());
    return 2;
  }
  Store& store = *opened.value();

  static constexpr std::array<std::string_view, 1> tables{"quotes"};
  Cache::Request request;
  request.tables = tables;
  Cache cache((Cache::Options()));
  for (int i = 0; i < keys; ++i) {
    if (!cache.get_or_load(name_of(i), request, [&] { return read_quote(store, i); }).ok()) return 2;
  }
  std::vector<Row> table;
  table.push_back(
      {"store point read", 100'000, [&](int key, const std::string&) { return read_quote(store, key).ok(); }});
  table.push_back({"cache hit", 1'000'000, [&](int key, const std::string& name) {
                     const Result<Cache::Value> value =
                         cache.get_or_load(name, request, [&] { return read_quote(store, key); });
                     return value.ok() && value.value() != nullptr;
                   }});
  std::unique_ptr<SecondLevel> redis;
  SecondLevel::Found first;
  if (socket != nullptr) {
    RedisOptions where;
    where.unix_path = socket;
    where.reply_wait_max = std::chrono::seconds(1);
    redis = redis_level(where);
    (void)redis->get(name_of(0), tables);
    first = redis->get(name_of(0), tables);
    redis->put(name_of(0), std::string(100, 'x'), std::chrono::minutes(1), tables, first.token);
    table.push_back({"redis hit", 10'000, [&](int, const std::string&) { return redis->get(name_of(0), tables).hit; }});
  }
  std::mt19937 random(1);
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : table) {
      if (measure(row, random)) continue;
      std::fprintf(stderr, "bench_cache: %s failed\n", row.name);
      return 2;
    }
  }
  std::printf("%-18s %12s %12s\n", "operation", "CPU ns", "wall ns");
  for (const Row& row : table) std::printf("%-18s %12.0f %12.0f\n", row.name, median(row.cpu), median(row.wall));
  const double ratio = median(table[0].cpu) / median(table[1].cpu);
  std::printf("hit against point read: %.1fx cheaper (floor %.0fx)\n", ratio, floor_hit);
  return ratio >= floor_hit ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: bench_cache FOLDER [REDIS_SOCKET]\n");
    return 2;
  }
  return tapewatch::run(words[1], count > 2 ? words[2] : nullptr);
}
