// SPDX-License-Identifier: Apache-2.0
#include "storage_bench.h"

namespace tapewatch::bench {
namespace {

struct Order {
  std::int64_t account;
  std::string symbol;
  std::string side;
  std::int64_t quantity;
  double price;
  std::int64_t created;
  std::string state;
  std::string note;
};
struct Position {
  std::int64_t id;
  std::int64_t quantity;
  double price;
  std::string note;
};

constexpr char orders_table[] =
    "DROP TABLE IF EXISTS orders; CREATE TABLE orders(account INTEGER, symbol TEXT, side TEXT, quantity INTEGER,"
    " price REAL, created INTEGER, state TEXT, note TEXT)";
constexpr char orders_insert[] = "INSERT INTO orders VALUES(?,?,?,?,?,?,?,?)";
constexpr char positions_table[] =
    "DROP TABLE IF EXISTS positions; CREATE TABLE positions(id INTEGER PRIMARY KEY, quantity INTEGER, price REAL,"
    " note TEXT) WITHOUT ROWID; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    " INSERT INTO positions SELECT i, i, i * 0.5, 'as it was at first' FROM n";

std::vector<Order> orders(int count) {
  std::vector<Order> out;
  for (int i = 0; i < count; ++i)
    out.push_back({i % 97, "7203.T", i % 2 == 0 ? "buy" : "sell", i, i * 0.25, 1'700'000'000 + i, "accepted",
                   "a note of about fifty bytes, as they are written here"});
  return out;
}
std::vector<Position> positions(int count, int times) {
  std::vector<Position> out;
  for (int i = 0; i < count; ++i) out.push_back({i * 7919LL % 100'000 + 1, i + times, i * 0.5, "as it is now"});
  return out;
}

void bind(sqlite3_stmt* s, int at, const std::string& text) {
  sqlite3_bind_text(s, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}
void insert(Raw& raw, sqlite3_stmt* s, const Order& o) {
  sqlite3_bind_int64(s, 1, o.account);
  bind(s, 2, o.symbol);
  bind(s, 3, o.side);
  sqlite3_bind_int64(s, 4, o.quantity);
  sqlite3_bind_double(s, 5, o.price);
  sqlite3_bind_int64(s, 6, o.created);
  bind(s, 7, o.state);
  bind(s, 8, o.note);
  raw.step(s);
}

class Writes {
 public:
  explicit Writes(const std::string& folder)
      : raw_full_(folder + "/raw_full.db", "FULL"), raw_(folder + "/raw.db", "NORMAL") {
    Store::Options options;
    options.path = folder + "/writes.db";
    options.schema = std::string(orders_table) + ";" + positions_table;
    options.idle_checkpoint = std::chrono::seconds(60);
    store_ = must(Store::open(options));
    for (Raw* raw : {&raw_full_, &raw_}) {
      raw->run(orders_table);
      raw->run(positions_table);
    }
  }
  void run(Goals& goals) {
    const std::vector<Order> many = orders(20'000);
    const std::vector<Order> thousand = orders(1000);
    // Other values each time: SQLite does not write what is there already.
    int times = 0;
    const auto changed = [&] { return positions(1000, ++times); };
    goals.push_back({"1", "insert_many of 20 000 rows, time of a prepared loop in one transaction", true, 0.85,
                     ratio(
                         5, [&] { return cpu_of([&] { insert_many(many, Durability::fast); }); },
                         [&] { return cpu_of([&] { loop(raw_, many, false); }); })});
    goals.push_back({"2", "insert_many of 1000 against a commit per row, both durable", false, 100,
                     ratio(
                         3, [&] { return wall_of([&] { loop(raw_full_, thousand, true); }); },
                         [&] { return wall_of([&] { insert_many(thousand, Durability::durable); }); }),
                     true});
    goals.push_back({"2b", "the same, neither durable, CPU", false, 18,
                     ratio(
                         5, [&] { return cpu_of([&] { loop(raw_, thousand, true); }); },
                         [&] { return cpu_of([&] { insert_many(thousand, Durability::fast); }); })});
    goals.push_back({"3", "upsert_many of 1000 against look, write, commit each, both durable", false, 100,
                     ratio(
                         3, [&] { return wall_of([&] { merge(raw_full_, changed()); }); },
                         [&] { return wall_of([&] { upsert_many(changed(), Durability::durable); }); }),
                     true});
    goals.push_back({"3b", "the same, neither durable, CPU", false, 4,
                     ratio(
                         5, [&] { return cpu_of([&] { merge(raw_, changed()); }); },
                         [&] { return cpu_of([&] { upsert_many(changed(), Durability::fast); }); })});
    goals.push_back({"5", "write() of one row, time of a commit by hand, CPU", true, 1.15,
                     ratio(
                         5,
                         [&] {
                           return cpu_of([&] {
                             for (const Order& o : thousand) write_one(o);
                           });
                         },
                         [&] { return cpu_of([&] { loop(raw_, thousand, true); }); })});
  }

 private:
  void insert_many(const std::vector<Order>& rows, Durability durability) {
    must(store_->write(
        [&](Tx& tx) -> Status {
          const auto done = tx.insert_many(
              "orders", {"account", "symbol", "side", "quantity", "price", "created", "state", "note"}, rows);
          return done.ok() ? success() : Status(done.error());
        },
        durability));
  }
  void upsert_many(const std::vector<Position>& rows, Durability durability) {
    must(store_->write(
        [&](Tx& tx) -> Status {
          const auto done = tx.upsert_many("positions", {"id", "quantity", "price", "note"}, {"id"}, rows);
          return done.ok() ? success() : Status(done.error());
        },
        durability));
  }
  void write_one(const Order& o) {
    must(store_->write([&](Tx& tx) -> Status {
      const auto done =
          tx.exec(orders_insert, o.account, o.symbol, o.side, o.quantity, o.price, o.created, o.state, o.note);
      return done.ok() ? success() : Status(done.error());
    }));
  }
  static void loop(Raw& raw, const std::vector<Order>& rows, bool commit_each) {
    sqlite3_stmt* statement = raw.prepare(orders_insert);
    if (!commit_each) raw.run("BEGIN IMMEDIATE");
    for (const Order& row : rows) insert(raw, statement, row);
    if (!commit_each) raw.run("COMMIT");
    sqlite3_finalize(statement);
  }
  // As it is often written: text, a look, a write, a commit.
  static void merge(Raw& raw, const std::vector<Position>& rows) {
    for (const Position& row : rows) {
      const std::string id = std::to_string(row.id);
      sqlite3_stmt* look = raw.prepare("SELECT quantity FROM positions WHERE id = " + id);
      const bool there = sqlite3_step(look) == SQLITE_ROW;
      sqlite3_finalize(look);
      const std::string quantity = std::to_string(row.quantity);
      const std::string price = std::to_string(row.price);
      raw.run(there ? "UPDATE positions SET quantity = " + quantity + ", price = " + price + ", note = '" + row.note +
                          "' WHERE id = " + id
                    : "INSERT INTO positions VALUES(" + id + "," + quantity + "," + price + ",'" + row.note + "')");
    }
  }

  Raw raw_full_;
  Raw raw_;
  std::unique_ptr<Store> store_;
};

}  // namespace

void measure_writes(const std::string& folder, Goals& goals) { Writes(folder).run(goals); }

}  // namespace tapewatch::bench
