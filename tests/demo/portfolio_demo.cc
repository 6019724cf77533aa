// SPDX-License-Identifier: Apache-2.0
// demo_portfolio FOLDER [POSITIONS]: saves a whole portfolio so that it is on the disk, as it is often written (look,
// then insert or update, commit, one position after the other) and with upsert_many in one durable job.
#include "measure.h"

namespace tapewatch::demo {
namespace {

struct Position {
  std::string account;
  std::string symbol;
  std::int64_t quantity;
  double price;
};

std::vector<Position> portfolio(int count) {
  std::vector<Position> out;
  for (int i = 0; i < count; ++i)
    out.push_back({"account-" + std::to_string(i * 7919 % 1000), "symbol-" + std::to_string(i), 100 + i, i * 0.25});
  return out;
}

constexpr char schema[] =
    "CREATE TABLE IF NOT EXISTS positions(account TEXT, symbol TEXT, quantity INTEGER, price REAL,"
    " PRIMARY KEY(account, symbol)) WITHOUT ROWID";

std::int64_t sum_of(Store& store) {
  return must(store.read([](Reader& reader) {
           return reader.first<std::int64_t>("SELECT sum(quantity) + count(*) FROM positions");
         }))
      .value_or(-1);
}

Status save_one(Tx& tx, const Position& p, std::int64_t& queries) {
  queries += 2;
  const auto there =
      tx.first<std::int64_t>("SELECT 1 FROM positions WHERE account = ? AND symbol = ?", p.account, p.symbol);
  if (!there.ok()) return there.error();
  const auto done = there.value()
                        ? tx.exec("UPDATE positions SET quantity = ?, price = ? WHERE account = ? AND symbol = ?",
                                  p.quantity, p.price, p.account, p.symbol)
                        : tx.exec("INSERT INTO positions VALUES(?, ?, ?, ?)", p.account, p.symbol, p.quantity, p.price);
  return done.ok() ? success() : Status(done.error());
}

void one_by_one(const std::string& path, const std::vector<Position>& positions, Figures& out) {
  const auto store = open(path, schema);
  out.begin();
  for (const Position& position : positions) {
    must(store->write([&](Tx& tx) { return save_one(tx, position, out.queries); }, Durability::durable));
  }
  out.answer = sum_of(*store);
}

void all_at_once(const std::string& path, const std::vector<Position>& positions, Figures& out) {
  const auto store = open(path, schema);
  out.begin();
  out.queries = 1;
  must(store->write(
      [&](Tx& tx) -> Status {
        const auto done =
            tx.upsert_many("positions", {"account", "symbol", "quantity", "price"}, {"account", "symbol"}, positions);
        return done.ok() ? success() : Status(done.error());
      },
      Durability::durable));
  out.answer = sum_of(*store);
}

int run(const std::string& folder, int count) {
  const std::vector<Position> positions = portfolio(count);
  std::printf("a portfolio of %d positions, on the disk when saved\n", count);
  const Figures naive = measure([&](Figures& out) { one_by_one(folder + "/naive.db", positions, out); });
  print("look, write, commit, one by one", naive);
  const Figures bulk = measure([&](Figures& out) { all_at_once(folder + "/bulk.db", positions, out); });
  print("upsert_many in one job", bulk);
  std::printf("  %.0f times faster\n", naive.ms / bulk.ms);
  const bool same = check(naive.answer > 0 && naive.answer == bulk.answer, "both saved the same");
  return same && check(naive.ms >= 10 * bulk.ms, "at least 10 times faster") ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch::demo

int main(int count, char** words) {
  if (count < 2) return 2;
  return tapewatch::demo::run(words[1], count > 2 ? std::atoi(words[2]) : 1000);
}
