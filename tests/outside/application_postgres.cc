// SPDX-License-Identifier: Apache-2.0
// An application of somebody else that moved to PostgreSQL: one alias, and the rest stands. There is no server here: it
// says so.
#include <tapewatch/database.h>
#include <tapewatch/pg_store.h>

#include <cstdio>
#include <vector>

namespace {

using Db = tapewatch::PgStore;
static_assert(tapewatch::database<Db>);

struct Order {
  std::int64_t id;
  std::string symbol;
};

tapewatch::Result<std::vector<Order>> orders(Db& store) {
  return store.read([](Db::Reader& reader) { return reader.query<Order>("SELECT id, symbol FROM orders"); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Db::Options options;
  options.server = std::string("host=") + argv[1];
  options.retries_max = 0;
  auto store = Db::open(options);
  if (store.ok()) return orders(*store.value()).ok() ? 3 : 4;
  std::printf("TW%04d\n", static_cast<int>(store.error().code));
  return 0;
}
