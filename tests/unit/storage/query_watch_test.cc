// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/query_watch.h"

#include <gtest/gtest.h>

#include "fake/folder.h"
#include "tapewatch/loader.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

TEST(ShapeOf, LeavesLiteralsBlanksAndCaseOut) {
  struct Case {
    std::string_view sql;
    std::string_view want;
  };
  for (const Case& c : {
           Case{"SELECT  a FROM t\nWHERE id = 12;", "select a from t where id=?"},
           Case{"select a from t where id=?", "select a from t where id=?"},
           Case{"SELECT 'it''s', \"Name\" FROM t -- why\nWHERE x IN (?, ?,?3)",
                "select ?,\"Name\" from t where x in(?)"},
           Case{"SELECT /* 1 */ 1.5e3, x'00' , t1.a FROM t1", "select ?,x?,t1.a from t1"},
           Case{"'open", "?"},
           Case{"SELECT :id", "select ?"},
       })
    EXPECT_EQ(shape_of(c.sql), c.want) << c.sql;
}

class QueryWatchTest : public testing::Test {
 protected:
  QueryWatchTest() {
    Store::Options options;
    options.path = folder.path("test.db");
    options.schema =
        "CREATE TABLE IF NOT EXISTS trades(id INTEGER PRIMARY KEY, instrument INTEGER);"
        "CREATE TABLE IF NOT EXISTS instruments(id INTEGER PRIMARY KEY, name TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
        " INSERT INTO trades SELECT i, i FROM n;"
        "INSERT INTO instruments SELECT id, 'n' || id FROM trades";
    store = Store::open(std::move(options)).value();
  }
  // The list and then one query a row; how many of these ran.
  Result<int> naive(QueryWatch& watch, bool same_key = false) {
    return store->read(
        [&](Reader& reader) -> Result<int> {
          const auto ids = reader.query<std::int64_t>("SELECT instrument FROM trades");
          if (!ids.ok()) return ids.error();
          int ran = 0;
          for (const std::int64_t id : ids.value()) {
            const auto name = reader.first<std::string>("SELECT name FROM instruments WHERE id = ?", same_key ? 7 : id);
            if (!name.ok()) return name.error();
            ++ran;
          }
          return ran;
        },
        &watch);
  }

  const TemporaryFolder folder;
  std::unique_ptr<Store> store;
};

QueryWatch::Options with(QueryWatch::Mode mode) {
  QueryWatch::Options options;
  options.mode = mode;
  return options;
}

TEST_F(QueryWatchTest, WarnsOnceAndCountsOn) {
  QueryWatch::Options options = with(QueryWatch::Mode::warn);
  int warned = 0;
  options.on_report = [&](const QueryWatch::Report&) { ++warned; };
  QueryWatch watch(options);
  ASSERT_TRUE(naive(watch).ok());
  EXPECT_EQ(warned, 1);
  ASSERT_EQ(watch.reports().size(), 1u);
  EXPECT_EQ(watch.reports()[0].times, 100);
  EXPECT_EQ(watch.reports()[0].parent, "select instrument from trades");
  EXPECT_EQ(watch.queries(), 101);
}

TEST_F(QueryWatchTest, RaisesInTests) {
  QueryWatch watch(with(QueryWatch::Mode::raise));
  const auto ran = naive(watch);
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().code, Code::repeated_query);
  EXPECT_EQ(watch.queries(), 6);
}

TEST_F(QueryWatchTest, OffCountsNothing) {
  QueryWatch watch(with(QueryWatch::Mode::off));
  ASSERT_TRUE(naive(watch).ok());
  EXPECT_EQ(watch.queries(), 0);
}

TEST_F(QueryWatchTest, EqualArgumentsAndLoopsWithoutAListAreNoReport) {
  QueryWatch watch(with(QueryWatch::Mode::raise));
  EXPECT_TRUE(naive(watch, true).ok());
  QueryWatch without_list(with(QueryWatch::Mode::raise));
  const auto ran = store->read(
      [&](Reader& reader) -> Status {
        for (int id = 1; id < 50; ++id) {
          const auto name = reader.first<std::string>("SELECT name FROM instruments WHERE id = ?", id);
          if (!name.ok()) return name.error();
        }
        return success();
      },
      &without_list);
  EXPECT_TRUE(ran.ok());
  EXPECT_TRUE(without_list.reports().empty());
}

TEST_F(QueryWatchTest, ALoaderTakesTwoStatements) {
  QueryWatch watch(with(QueryWatch::Mode::raise));
  const ExpectQueries two(watch, 2);
  using Instrument = std::tuple<std::int64_t, std::string>;
  using Instruments = Loader<std::int64_t, std::optional<Instrument>>;
  std::size_t found = 0;
  const Status done = store->read(
      [&](Reader& reader) -> Status {
        Instruments loader(Instruments::at_once([&](const std::vector<std::int64_t>& keys) -> Instruments::Outcomes {
          std::string list = "[";
          for (const std::int64_t key : keys) list += (list.size() > 1 ? "," : "") + std::to_string(key);
          auto rows = reader.query<Instrument>(
              "SELECT id, name FROM instruments WHERE id IN (SELECT value FROM json_each(?))", list + "]");
          if (!rows.ok()) return std::move(rows).error();
          return in_key_order(keys, std::move(rows).value(), [](const Instrument& i) { return std::get<0>(i); });
        }));
        Status listed = reader.for_each<std::int64_t>("SELECT instrument FROM trades", [&](std::int64_t id) {
          loader.load(id, [&](const auto& outcome) { found += outcome.ok() && outcome.value() ? 1 : 0; });
        });
        loader.dispatch();
        return listed;
      },
      &watch);
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(found, 100u);
  EXPECT_TRUE(two.check().ok());
  EXPECT_FALSE(ExpectQueries(watch, 1).check().ok());
}

}  // namespace
}  // namespace tapewatch
