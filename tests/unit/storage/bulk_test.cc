// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

struct Position {
  std::string account;
  std::string symbol;
  std::int64_t quantity;
  std::optional<double> price;
};

class BulkTest : public testing::Test {
 protected:
  void SetUp() override {
    Store::Options options;
    options.path = folder_.path("bulk.db");
    options.schema =
        "CREATE TABLE positions(account TEXT NOT NULL, symbol TEXT NOT NULL, quantity INTEGER CHECK(quantity >= 0),"
        " price REAL, PRIMARY KEY(account, symbol)) WITHOUT ROWID;"
        "CREATE TABLE wide(c0,c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15);"
        "CREATE TABLE bodies(id INTEGER PRIMARY KEY, body BLOB)";
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    ASSERT_TRUE(opened.ok());
    store_ = std::move(opened).value();
  }

  static std::vector<Position> positions(std::size_t count) {
    std::vector<Position> out;
    for (std::size_t i = 0; i < count; ++i)
      out.push_back({"account-" + std::to_string(i / 100), "s" + std::to_string(i % 100), static_cast<std::int64_t>(i),
                     i % 3 == 0 ? std::optional<double>() : 1.5});
    return out;
  }
  Result<BulkResult> insert(const std::vector<Position>& rows, BulkOptions options = {}) {
    return in_job([&](Tx& tx) {
      return tx.insert_many("positions", {"account", "symbol", "quantity", "price"}, rows, options);
    });
  }
  template <typename F>
  Result<BulkResult> in_job(F f) {
    Result<BulkResult> out = BulkResult();
    const Status done = store_->write([&](Tx& tx) -> Status {
      out = f(tx);
      return out.ok() ? success() : Status(out.error());
    });
    EXPECT_EQ(done.ok(), out.ok());
    return out;
  }
  std::int64_t number(const std::string& sql) {
    const auto found = store_->read([&](Reader& r) { return r.first<std::int64_t>(sql); });
    return found.ok() ? found.value().value_or(-1) : -2;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(BulkTest, InsertsEveryRowInChunks) {
  const Result<BulkResult> done = insert(positions(1000), {OnConflict::fail, 300});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->written, 1000);
  EXPECT_EQ(done->left_out, 0);
  EXPECT_EQ(number("SELECT count(*) FROM positions"), 1000);
  EXPECT_EQ(number("SELECT sum(quantity) FROM positions"), 999 * 1000 / 2);
  EXPECT_EQ(number("SELECT count(*) FROM positions WHERE price IS NULL"), 334);
  ASSERT_TRUE(insert({}).ok());
}

TEST_F(BulkTest, AConflictTakesBackTheWholeCallAndNamesItsRow) {
  std::vector<Position> rows = positions(500);
  rows[417] = rows[3];
  const Result<BulkResult> done = insert(rows, {OnConflict::fail, 100});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::constraint);
  EXPECT_NE(done.error().message.find("row 417"), std::string::npos) << done.error().message;
  EXPECT_EQ(number("SELECT count(*) FROM positions"), 0);
}

TEST_F(BulkTest, AFailedCallLeavesWhatTheJobDidBefore) {
  std::vector<Position> twice = positions(2);
  twice[1] = twice[0];
  ASSERT_TRUE(store_
                  ->write([&](Tx& tx) -> Status {
                    const auto first = tx.exec("INSERT INTO bodies VALUES(1, 'x')");
                    const auto failed = tx.insert_many("positions", {"account", "symbol", "quantity", "price"}, twice);
                    EXPECT_FALSE(failed.ok());
                    return first.ok() ? success() : Status(first.error());
                  })
                  .ok());
  EXPECT_EQ(number("SELECT count(*) FROM bodies"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM positions"), 0);
}

TEST_F(BulkTest, SkipCountsDuplicatesAndReportListsEveryViolation) {
  std::vector<Position> rows = positions(10);
  rows[4] = rows[0];
  const Result<BulkResult> skipped = insert(rows, {OnConflict::skip});
  ASSERT_TRUE(skipped.ok());
  EXPECT_EQ(skipped->written, 9);
  EXPECT_EQ(skipped->left_out, 1);
  rows = positions(20);
  rows[13].quantity = -1;
  BulkOptions report{OnConflict::report, 7};
  report.errors_max = 5;
  const Result<BulkResult> reported = insert(rows, report);
  ASSERT_TRUE(reported.ok());
  EXPECT_EQ(reported->written, 10);
  EXPECT_EQ(reported->left_out, 10);
  ASSERT_EQ(reported->errors.size(), 5u);
  EXPECT_EQ(reported->errors[0].row, 0u);
  EXPECT_EQ(reported->errors[0].error.code, Code::constraint);
  // What skip does not forgive.
  rows.resize(14);
  EXPECT_FALSE(insert({rows[13]}, {OnConflict::skip}).ok());
}

TEST_F(BulkTest, UpsertsAndUpdatesByKey) {
  ASSERT_TRUE(insert(positions(100)).ok());
  std::vector<Position> rows = positions(150);
  for (Position& row : rows) row.quantity += 1000;
  const auto upsert = [&](Tx& tx) {
    return tx.upsert_many("positions", {"account", "symbol", "quantity", "price"}, {"account", "symbol"}, rows);
  };
  Result<BulkResult> done = in_job(upsert);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->written, 150);
  EXPECT_EQ(number("SELECT min(quantity) FROM positions"), 1000);
  EXPECT_EQ(number("SELECT count(*) FROM positions"), 150);
  using Change = std::tuple<std::int64_t, std::string_view, std::string_view>;
  const std::vector<Change> changes{{7, "account-0", "s1"}, {8, "account-0", "nowhere"}};
  done = in_job([&](Tx& tx) {
    return tx.update_many("positions", {"quantity", "account", "symbol"}, {"account", "symbol"}, changes);
  });
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->written, 1);
  EXPECT_EQ(done->left_out, 1);
  EXPECT_EQ(number("SELECT quantity FROM positions WHERE symbol = 's1' AND account = 'account-0'"), 7);
}

TEST_F(BulkTest, RefusesWhatDoesNotFit) {
  const std::vector<Position> rows = positions(1);
  const std::initializer_list<std::string_view> three{"account", "symbol", "quantity"};
  EXPECT_EQ(in_job([&](Tx& tx) { return tx.insert_many("positions", three, rows); }).error().code, Code::invalid);
  const auto unknown_key = [&](Tx& tx) {
    return tx.upsert_many("positions", {"account", "symbol", "quantity", "price"}, {"id"}, rows);
  };
  EXPECT_EQ(in_job(unknown_key).error().code, Code::invalid);
  const auto unknown_column = [&](Tx& tx) {
    return tx.insert_many("positions", {"account", "symbol", "quantity", "x\" OR 1"}, rows);
  };
  EXPECT_EQ(in_job(unknown_column).error().code, Code::sql);
}

TEST_F(BulkTest, SixteenMembersOfEveryTypeComeBackAsTheyWere) {
  struct Wide {
    std::int64_t a;
    std::int32_t b;
    bool c;
    double d;
    std::string e;
    std::string_view f;
    Blob g;
    std::optional<std::int64_t> h;
    std::optional<std::string> i;
    std::optional<double> j;
    std::uint8_t k;
    float l;
    std::optional<bool> m;
    std::string n;
    std::int64_t o;
    double p;
  };
  const std::string bytes("a\0b", 3);
  const std::vector<Wide> rows{{-1, -2, true, 0.5, "五", "six", Blob{bytes}, std::nullopt, "nine", std::nullopt, 255,
                                1.25F, false, "", INT64_MAX, -0.0}};
  const Result<BulkResult> done = in_job([&](Tx& tx) {
    return tx.insert_many(
        "wide", {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15"},
        rows);
  });
  ASSERT_TRUE(done.ok()) << done.error().message;
  int seen = 0;
  const Status read = store_->read([&](Reader& r) {
    return r.for_each<Wide>("SELECT * FROM wide", [&](const Wide& row) {
      ++seen;
      EXPECT_EQ(row.a, -1);
      EXPECT_EQ(row.b, -2);
      EXPECT_TRUE(row.c);
      EXPECT_EQ(row.d, 0.5);
      EXPECT_EQ(row.e, "五");
      EXPECT_EQ(row.f, "six");
      EXPECT_EQ(row.g.bytes, bytes);
      EXPECT_EQ(row.h, std::nullopt);
      EXPECT_EQ(row.i, "nine");
      EXPECT_EQ(row.k, 255);
      EXPECT_EQ(row.l, 1.25F);
      EXPECT_EQ(row.m, false);
      EXPECT_EQ(row.n, "");
      EXPECT_EQ(row.o, INT64_MAX);
    });
  });
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(seen, 1);
}

TEST_F(BulkTest, TheStatementCacheTellsHitsAndMisses) {
  const Store::Stats before = store_->stats();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(number("SELECT count(*) FROM bodies"), 0);
  const Store::Stats after = store_->stats();
  EXPECT_EQ(after.statement_misses - before.statement_misses, 3);  // BEGIN, the query, and what opening asks
  EXPECT_GE(after.statement_hits - before.statement_hits, 4);
  EXPECT_GT(after.statements_kept, 0);
}

}  // namespace
}  // namespace tapewatch
