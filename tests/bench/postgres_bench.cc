// SPDX-License-Identifier: Apache-2.0
// bench_postgres: PgStore on a real server of its own (Unix socket, syncs on) against what an application does by hand,
// as ratios measured in turns in one run, each with its floor. Exit 1 when one is missed. A Unix socket is the worst
// case for what saves round trips: over a network each costs more.

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "fake/postgres_server.h"
#include "tapewatch/loader.h"
#include "tapewatch/loader_turns.h"
#include "tapewatch/pg_store.h"

namespace tapewatch::bench {
namespace {

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_postgres: %s\n", why.c_str());
  std::exit(2);
}
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) fail(result.error().message);
  return std::move(result).value();
}

double wall_of(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}
// Median seconds of the slower and the faster way, in turns.
struct Pair {
  double slow = 0;
  double fast = 0;
  [[nodiscard]] double ratio() const { return slow / fast; }
};
Pair in_turns(int rounds, const std::function<void()>& slow, const std::function<void()>& fast) {
  std::vector<double> of_slow;
  std::vector<double> of_fast;
  for (int i = 0; i < rounds; ++i) {
    of_slow.push_back(wall_of(slow));
    of_fast.push_back(wall_of(fast));
  }
  return {median(of_slow), median(of_fast)};
}

int missed = 0;
void show(const char* what, bool at_most, double floor, double measured, const std::string& more) {
  const bool met = at_most ? measured <= floor : measured >= floor;
  if (!met) ++missed;
  std::printf("%-62s %s %6.1f %9.1f  %s%s\n", what, at_most ? "<=" : ">=", floor, measured, more.c_str(),
              met ? "" : "  MISSED");
}
void show(const char* what, double floor, const Pair& pair) {
  char times[80];
  std::snprintf(times, sizeof times, "%.2f ms -> %.2f ms", pair.slow * 1e3, pair.fast * 1e3);
  show(what, false, floor, pair.ratio(), times);
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

struct Order {
  std::int64_t id = 0;
  std::string symbol;
  double price = 0;
  std::int64_t quantity = 0;
};
constexpr const char* insert_order = "INSERT INTO orders(id, symbol, price, quantity) VALUES(?, ?, ?, ?)";
constexpr const char* upsert_order =
    "INSERT INTO orders(id, symbol, price, quantity) VALUES(?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " symbol=excluded.symbol, price=excluded.price, quantity=excluded.quantity";

std::vector<Order> orders(std::int64_t count) {
  std::vector<Order> out;
  for (std::int64_t i = 0; i < count; ++i)
    out.push_back({i, "SYMBOL" + std::to_string(i % 50), 100.25 + static_cast<double>(i), i % 1000 + 1});
  return out;
}

void run(PgStore& store, const std::string& sql) {
  must(store.write([&](PgTx& tx) -> Status {
    const Result<std::int64_t> done = tx.exec(sql);
    return done.ok() ? success() : Status(done.error());
  }));
}

void one_by_one(PgStore& store, const char* sql, const std::vector<Order>& rows) {
  must(store.write(
      [&](PgTx& tx) -> Status {
        for (const Order& row : rows) {
          const auto done = tx.exec(sql, row.id, row.symbol, row.price, row.quantity);
          if (!done.ok()) return done.error();
        }
        return success();
      },
      Durability::durable));
}

void reads(PgStore& store, const PgStore::Options& options) {
  const auto point = [](PgReader& reader, int id) {
    return reader.first<double>("SELECT price FROM points WHERE id = ?", id);
  };
  const auto round_trips = [&] {
    must(store.read([&](PgReader& reader) -> Result<int> {
      for (int i = 0; i < 100; ++i) must(point(reader, i));
      return 0;
    }));
  };
  const auto each_alone = [&] {
    for (int i = 0; i < 100; ++i) must(store.read([&](PgReader& reader) { return point(reader, i); }));
  };
  const auto pipelined = [&] {
    std::vector<Pending<std::vector<double>>> pending;
    for (int i = 0; i < 100; ++i) pending.push_back(store.fetch<double>("SELECT price FROM points WHERE id = ?", i));
    for (auto& each : pending) must(std::move(each).get());
  };
  const auto connection_each = [&] {
    for (int i = 0; i < 10; ++i) {
      const auto own = must(PgStore::open(options));
      must(own->read([&](PgReader& reader) { return point(reader, i); }));
    }
  };
  each_alone();
  pipelined();
  show("100 point reads: read() each, over pipelined fetch()", 3, in_turns(15, each_alone, pipelined));
  show("100 point reads: in one read(), over pipelined fetch()", 1.5, in_turns(15, round_trips, pipelined));
  Pair pooled = in_turns(5, connection_each, each_alone);
  pooled.slow *= 10;
  show("100 point reads: a connection each, over the pool", 20, pooled);
}

void loader(PgStore& store) {
  const auto naive = [&] {
    must(store.read([&](PgReader& reader) -> Result<int> {
      for (const std::int64_t id : must(reader.query<std::int64_t>("SELECT id FROM points ORDER BY id LIMIT 100")))
        must(reader.first<double>("SELECT price FROM points WHERE id = ?", id));
      return 0;
    }));
  };
  std::int64_t statements = 0;
  const auto loaded = [&] {
    QueryWatch watch;
    LoaderTurns turns;
    must(store.read(
        [&](PgReader& reader) -> Result<int> {
          using Prices = Loader<std::int64_t, std::optional<std::tuple<std::int64_t, double>>>;
          LoaderOptions options;
          options.at_turn_end = [&](std::function<void()> job) { turns.at_end(std::move(job)); };
          Prices prices(Prices::at_once([&](const std::vector<std::int64_t>& keys) -> Prices::Outcomes {
                          std::string list = "{";
                          for (const std::int64_t key : keys) list += std::to_string(key) + ",";
                          list.back() = '}';
                          auto rows = must(reader.query<std::tuple<std::int64_t, double>>(
                              "SELECT id, price FROM points WHERE id = ANY(?::bigint[])", list));
                          return in_key_order(keys, std::move(rows), [](const auto& row) { return std::get<0>(row); });
                        }),
                        options);
          for (const std::int64_t id : must(reader.query<std::int64_t>("SELECT id FROM points ORDER BY id LIMIT 100")))
            prices.load(id, [](const auto& price) {
              if (!price.ok()) fail(price.error().message);
            });
          turns.run();
          return 0;
        },
        &watch));
    statements = watch.queries();
  };
  naive();
  loaded();
  show("statements of a loader where 101 are asked for", true, 2, static_cast<double>(statements), "");
  show("101 statements over the loader's two", 4, in_turns(15, naive, loaded));
}

void writes(PgStore& store) {
  const std::vector<Order> rows = orders(10'000);
  const auto empty = [&] { run(store, "TRUNCATE orders"); };
  const auto copied = [&] {
    empty();
    must(store.write(
        [&](PgTx& tx) -> Status {
          const auto done = tx.insert_many("orders", {"id", "symbol", "price", "quantity"}, rows);
          return done.ok() ? success() : Status(done.error());
        },
        Durability::durable));
  };
  const auto looped = [&] {
    empty();
    one_by_one(store, insert_order, rows);
  };
  copied();
  show("insert of 10 000 in one transaction: a loop over insert_many", 5, in_turns(5, looped, copied));
  const std::vector<Order> few(rows.begin(), rows.begin() + 1000);
  const auto copied_few = [&] {
    empty();
    must(store.write(
        [&](PgTx& tx) -> Status {
          const auto done = tx.insert_many("orders", {"id", "symbol", "price", "quantity"}, few);
          return done.ok() ? success() : Status(done.error());
        },
        Durability::durable));
  };
  const auto committed = [&] {
    empty();
    for (const Order& row : few) one_by_one(store, insert_order, {row});
  };
  show("insert of 1000, durable: a commit a row over insert_many", 20, in_turns(3, committed, copied_few));
  const auto upserted = [&] {
    must(store.write(
        [&](PgTx& tx) -> Status {
          const auto done = tx.upsert_many("orders", {"id", "symbol", "price", "quantity"}, {"id"}, rows);
          return done.ok() ? success() : Status(done.error());
        },
        Durability::durable));
  };
  copied();
  show("upsert of 10 000 in one transaction: a loop over upsert_many", 3,
       in_turns(
           5, [&] { one_by_one(store, upsert_order, rows); }, upserted));
  const auto executed = [&] {
    empty();
    CallOptions durable;
    durable.durability = Durability::durable;
    std::vector<Pending<std::int64_t>> pending;
    for (const Order& row : few)
      pending.push_back(store.execute(durable, insert_order, row.id, row.symbol, row.price, row.quantity));
    for (auto& each : pending) must(std::move(each).get());
  };
  show("1000 durable inserts: write() each, over execute()", 4, in_turns(3, committed, executed));
}

void streams(PgStore& store) {
  using Row = std::tuple<std::int64_t, std::string_view>;
  const char* const million = "SELECT i, repeat('y', 100) FROM generate_series(1::bigint, 1000000::bigint) AS i";
  malloc_trim(0);
  const std::int64_t before = resident_bytes();
  std::int64_t peak = before;
  double first = 0;
  const double streamed = wall_of([&] {
    auto stream = store.stream<Row>(StreamOptions(), million);
    RowBatch<Row> batch;
    const auto begun = std::chrono::steady_clock::now();
    while (must(stream.next(batch))) {
      if (first == 0) first = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      peak = std::max(peak, resident_bytes());
    }
  });
  const double stream_mib = static_cast<double>(peak - before) / (1 << 20);
  char times[80];
  std::snprintf(times, sizeof times, "%.0f k rows/s, first batch %.1f ms", 1000 / streamed, first * 1e3);
  show("MiB that a stream of 1 M rows takes", true, 16, stream_mib, times);
  malloc_trim(0);
  const std::int64_t before_all = resident_bytes();
  double all_mib = 0;
  const double whole = wall_of([&] {
    const auto rows = must(
        store.read([&](PgReader& reader) { return reader.query<std::tuple<std::int64_t, std::string>>(million); }));
    all_mib = static_cast<double>(resident_bytes() - before_all) / (1 << 20);
  });
  std::snprintf(times, sizeof times, "%.0f MiB, %.0f k rows/s", all_mib, 1000 / whole);
  show("memory of reading all of them, over that", false, 20, all_mib / std::max(stream_mib, 0.1), times);
}

int measure() {
  PostgresServer server(std::vector<std::string>{});
  if (!PostgresServer::installed() || !server.set_up() || !server.start()) fail("no server");
  PgStore::Options options;
  options.server = server.address();
  options.result_bytes_max = 1u << 30;
  const auto store = must(PgStore::open(options));
  run(*store, "CREATE TABLE orders(id bigint PRIMARY KEY, symbol text, price double precision, quantity bigint)");
  run(*store,
      "CREATE TABLE points AS SELECT i::bigint AS id, i * 1.5::float8 AS price FROM generate_series(0, 99999) AS i");
  run(*store, "ALTER TABLE points ADD PRIMARY KEY (id)");
  std::printf("%-62s    %6s %9s\n", "ratio", "floor", "measured");
  reads(*store, options);
  loader(*store);
  writes(*store);
  streams(*store);
  std::printf("%d missed\n", missed);
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch::bench

int main() { return tapewatch::bench::measure(); }
