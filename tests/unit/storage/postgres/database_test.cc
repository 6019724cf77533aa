// SPDX-License-Identifier: Apache-2.0
// The same functions on SQLite and on PostgreSQL: what the concept promises, and that it comes to the same.
#include "tapewatch/database.h"

#include <gmock/gmock.h>

#include "fake/folder.h"
#include "fake/postgres_test.h"
#include "tapewatch/loader.h"
#include "tapewatch/loader_turns.h"
#include "tapewatch/storage.h"
#include "tapewatch/task.h"

namespace tapewatch {
namespace {

static_assert(database<Store>);
static_assert(database<PgStore>);
static_assert(!database<std::string>);

using Lines = std::vector<std::string>;

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS trades(id BIGINT PRIMARY KEY, symbol TEXT NOT NULL, price DOUBLE PRECISION,"
    " quantity BIGINT CHECK (quantity > 0), note TEXT)";

struct Trade {
  std::int64_t id = 0;
  std::string symbol;
  double price = 0;
  std::int64_t quantity = 0;
  std::optional<std::string> note;
};
constexpr const char* all_trades = "SELECT id, symbol, price, quantity, note FROM trades ORDER BY id";

std::string shown(const Trade& trade) {
  return std::to_string(trade.id) + " " + trade.symbol + " " + std::to_string(trade.price) + " " +
         std::to_string(trade.quantity) + " " + trade.note.value_or("-");
}

std::string shown(const Result<BulkResult>& result) {
  if (!result.ok()) return "failed with " + std::to_string(static_cast<int>(result.error().code));
  std::string out = std::to_string(result->written) + " written, " + std::to_string(result->left_out) + " left out";
  for (const RowError& each : result->errors) out += ", row " + std::to_string(each.row);
  return out;
}

std::vector<Trade> trades(std::int64_t count) {
  std::vector<Trade> out;
  for (std::int64_t i = 0; i < count; ++i)
    out.push_back(Trade{i, "株" + std::to_string(i % 3), 0.1 * static_cast<double>(i), i + 1, std::nullopt});
  return out;
}

// Statements, bulk calls and their failures, in transactions that end well or not.
template <database Db>
Lines write_trades(Db& store) {
  Lines out;
  const auto note = [&](const Status& status) {
    out.push_back(status.ok() ? "done" : "failed with " + std::to_string(static_cast<int>(status.error().code)));
  };
  const auto bulk = [&](auto call) {
    note(store.write([&](typename Db::Tx& tx) -> Status {
      const Result<BulkResult> result = call(tx);
      out.push_back(shown(result));
      return result.ok() ? success() : Status(result.error());
    }));
  };
  std::vector<Trade> rows = trades(200);
  const std::initializer_list<std::string_view> columns{"id", "symbol", "price", "quantity", "note"};
  bulk([&](auto& tx) { return tx.insert_many("trades", columns, rows); });
  bulk([&](auto& tx) { return tx.insert_many("trades", columns, rows); });
  bulk([&](auto& tx) {
    return tx.insert_many("trades", columns, trades(300), BulkOptions{OnConflict::skip, 4096, 10});
  });
  rows = trades(310);
  rows[5].quantity = 0;
  bulk([&](auto& tx) { return tx.insert_many("trades", columns, rows, BulkOptions{OnConflict::report, 4096, 3}); });
  rows[5].quantity = 6;
  rows[7].note = "changed 'by' upsert?";
  bulk([&](auto& tx) { return tx.upsert_many("trades", columns, {"id"}, rows); });
  bulk([&](auto& tx) {
    return tx.update_many("trades", {"id", "price"}, {"id"},
                          std::vector<std::tuple<std::int64_t, double>>{{1, 2.5}, {2, -0.125}, {999, 1.0}});
  });
  note(store.write([](typename Db::Tx& tx) -> Status {
    const Result<std::int64_t> changed = tx.exec("DELETE FROM trades WHERE id BETWEEN ? AND ?", 10, 299);
    if (!changed.ok()) return changed.error();
    return changed.value() == 290 ? success() : Status(Error{Code::internal, "another count"});
  }));
  note(store.write([](typename Db::Tx& tx) -> Status {
    const Result<std::int64_t> changed = tx.exec("DELETE FROM trades");
    if (!changed.ok()) return changed.error();
    return Error{Code::cancelled, "taken back"};
  }));
  return out;
}

// Typed reads, a stream, asynchronous calls.
template <database Db>
Lines read_trades(Db& store) {
  Lines out;
  const auto rows = store.read([](typename Db::Reader& reader) { return reader.template query<Trade>(all_trades); });
  for (const Trade& trade : rows.value()) out.push_back(shown(trade));
  const auto none = store.read([](typename Db::Reader& reader) {
    return reader.template first<std::string>("SELECT note FROM trades WHERE id = ? AND symbol = 'a?'", 7);
  });
  out.push_back(none->has_value() ? "some" : "none");
  StreamOptions few;
  few.batch_rows = 4;
  auto stream = store.template stream<std::tuple<std::int64_t, std::string_view>>(
      few, "SELECT id, symbol FROM trades WHERE id > ? ORDER BY id", 3);
  RowBatch<std::tuple<std::int64_t, std::string_view>> batch;
  while (stream.next(batch).value()) out.push_back(std::to_string(batch.rows().size()) + " streamed");
  const auto changed = store.execute(CallOptions(), "UPDATE trades SET note = ? WHERE id < ?", "async", 4).get();
  out.push_back(std::to_string(changed.value()) + " changed");
  const auto fetched = store.template fetch<std::string>("SELECT note FROM trades WHERE id = ?", 3).get();
  out.push_back(fetched->at(0));
  const auto summed = store.async_read([](typename Db::Reader& reader) -> Result<std::int64_t> {
    const auto sum = reader.template first<std::int64_t>("SELECT CAST(SUM(quantity) AS BIGINT) FROM trades");
    if (!sum.ok()) return sum.error();
    return sum->value();
  });
  out.push_back(std::to_string(std::move(const_cast<Pending<std::int64_t>&>(summed)).get().value()));
  return out;
}

template <database Db>
Task<std::string> awaited(Db& store) {
  const auto changed = co_await store.execute(CallOptions(), "UPDATE trades SET price = ? WHERE id = ?", 9.5, 1);
  const auto price = co_await store.template fetch<double>("SELECT price FROM trades WHERE id = ?", 1);
  co_return std::to_string(changed.value()) + " " + std::to_string(price->at(0));
}

// One query for the list, one for all that hangs on it.
template <database Db>
std::pair<std::int64_t, std::int64_t> load_names(Db& store) {
  QueryWatch watch;
  LoaderTurns turns;
  std::int64_t found = 0;
  const auto done = store.read(
      [&](typename Db::Reader& reader) -> Result<int> {
        LoaderOptions options;
        options.at_turn_end = [&](std::function<void()> job) { turns.at_end(std::move(job)); };
        using Names = Loader<std::int64_t, std::optional<Trade>>;
        Names loader(Names::at_once([&](const std::vector<std::int64_t>& keys) -> Names::Outcomes {
                       std::string sql = "SELECT id, symbol, price, quantity, note FROM trades WHERE id IN (?";
                       for (std::size_t i = 1; i < keys.size(); ++i) sql += ",?";
                       const std::vector<Value> values(keys.begin(), keys.end());
                       auto result = reader.run(sql + ")", values.data(), values.size());
                       if (!result.ok()) return result.error();
                       std::vector<Trade> rows;
                       const Status read = row_detail::each_row<Trade>(
                           result.value(), [&](Trade row) { rows.push_back(std::move(row)); });
                       if (!read.ok()) return read.error();
                       return in_key_order(keys, std::move(rows), [](const Trade& row) { return row.id; });
                     }),
                     options);
        const auto ids = reader.template query<std::int64_t>("SELECT id FROM trades ORDER BY id LIMIT 100");
        for (const std::int64_t id : ids.value()) {
          loader.load(id, [&](const Result<std::optional<Trade>>& trade) {
            if (trade.ok() && trade->has_value()) ++found;
          });
        }
        turns.run();
        return 1;
      },
      &watch);
  return {done.ok() ? watch.queries() : -1, found};
}

class DatabaseTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (HasFailure() || IsSkipped()) return;
    large_ = open(options(schema));
    Store::Options small;
    small.path = folder_.path("small.db");
    small.schema = schema;
    small_ = Store::open(small).value();
  }
  TemporaryFolder folder_;
  std::unique_ptr<Store> small_;
  std::unique_ptr<PgStore> large_;
};

TEST_F(DatabaseTest, TheSameFunctionsComeToTheSame) {
  const Lines written = write_trades(*small_);
  EXPECT_EQ(written, write_trades(*large_));
  EXPECT_THAT(written, ::testing::Contains("200 written, 0 left out"));
  EXPECT_THAT(written, ::testing::Contains("failed with 401"));
  EXPECT_THAT(written, ::testing::Contains("100 written, 200 left out"));
  const Lines read = read_trades(*small_);
  EXPECT_EQ(read, read_trades(*large_));
  EXPECT_THAT(read, ::testing::Contains("7 株1 0.700000 8 changed 'by' upsert?"));
}

TEST_F(DatabaseTest, CoroutinesAwaitBoth) {
  (void)write_trades(*small_);
  (void)write_trades(*large_);
  Lines out;
  Task<std::string> one = awaited(*small_);
  std::promise<void> first;
  one.start([&](std::string text) {
    out.push_back(std::move(text));
    first.set_value();
  });
  first.get_future().wait();
  Task<std::string> two = awaited(*large_);
  std::promise<void> second;
  two.start([&](std::string text) {
    out.push_back(std::move(text));
    second.set_value();
  });
  second.get_future().wait();
  EXPECT_THAT(out, ::testing::ElementsAre("1 9.500000", "1 9.500000"));
}

TEST_F(DatabaseTest, ALoaderMakesTwoStatementsOfOneHundredAndOne) {
  for (const auto& fill :
       {std::string("INSERT INTO trades SELECT i, 's', 1, 1, NULL FROM generate_series(1, 100) AS i")}) {
    EXPECT_EQ(large_->execute(CallOptions(), fill).get().value(), 100);
  }
  EXPECT_TRUE(
      small_
          ->write([](Tx& tx) -> Status {
            const auto done = tx.insert_many("trades", {"id", "symbol", "price", "quantity", "note"}, trades(100));
            return done.ok() ? success() : Status(done.error());
          })
          .ok());
  EXPECT_EQ(load_names(*large_), std::pair(std::int64_t{2}, std::int64_t{100}));
  EXPECT_EQ(load_names(*small_), std::pair(std::int64_t{2}, std::int64_t{100}));
}

}  // namespace
}  // namespace tapewatch
