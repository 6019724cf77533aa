// SPDX-License-Identifier: Apache-2.0
// An application of somebody else: it knows the storage library only as it was installed.
#include <tapewatch/cache.h>
#include <tapewatch/loader.h>
#include <tapewatch/storage.h>
#include <tapewatch/task.h>

#include <cstdio>

namespace {

struct Order {
  std::int64_t id;
  std::string symbol;
};

tapewatch::Task<std::int64_t> count(tapewatch::Store& store) {
  const auto rows = co_await store.fetch<std::int64_t>("SELECT count(*) FROM orders");
  co_return rows.ok() ? rows->front() : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  tapewatch::Store::Options options;
  options.path = argv[1];
  options.schema = "CREATE TABLE orders(id INTEGER PRIMARY KEY, symbol TEXT)";
  auto store = tapewatch::Store::open(options);
  if (!store.ok()) return 3;
  const std::vector<Order> orders{{1, "7203"}, {2, "6758"}};
  const auto written = store.value()->write([&](tapewatch::Tx& tx) -> tapewatch::Status {
    const auto done = tx.insert_many("orders", {"id", "symbol"}, orders);
    return done.ok() ? tapewatch::success() : tapewatch::Status(done.error());
  });
  if (!written.ok()) return 4;
  std::promise<std::int64_t> counted;
  auto task = count(*store.value());
  task.start([&](std::int64_t rows) { counted.set_value(rows); });
  const std::int64_t rows = counted.get_future().get();
  std::printf("%lld orders\n", static_cast<long long>(rows));
  return rows == 2 ? 0 : 5;
}
