// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "fake/postgres_test.h"

namespace tapewatch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* orders =
    "CREATE TABLE orders(id bigint PRIMARY KEY, symbol text NOT NULL, quantity bigint CHECK (quantity > 0), note "
    "bytea)";

struct Order {
  std::int64_t id = 0;
  std::optional<std::string> symbol;
  std::int64_t quantity = 1;
  std::optional<Blob> note{};
};

std::vector<Order> many(std::int64_t count, std::int64_t from = 0) {
  std::vector<Order> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(Order{from + i, "S" + std::to_string(i % 7), i % 100 + 1, {}});
  return out;
}

class PgBulkTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (!HasFailure() && !IsSkipped()) store_ = open(options(orders));
  }
  Result<BulkResult> insert(const std::vector<Order>& rows, OnConflict on_conflict = OnConflict::fail) {
    return run([&](PgTx& tx) {
      return tx.insert_many("orders", {"id", "symbol", "quantity", "note"}, rows, BulkOptions{on_conflict, 4096, 1000});
    });
  }
  Result<BulkResult> upsert(const std::vector<Order>& rows, OnConflict on_conflict = OnConflict::fail) {
    return run([&](PgTx& tx) {
      return tx.upsert_many("orders", {"id", "symbol", "quantity", "note"}, {"id"}, rows,
                            BulkOptions{on_conflict, 4096, 1000});
    });
  }
  template <typename F>
  Result<BulkResult> run(F f) {
    Result<BulkResult> out = Error{Code::internal, "it did not run"};
    const Status done = store_->write([&](PgTx& tx) -> Status {
      out = f(tx);
      return out.ok() ? success() : Status(out.error());
    });
    return done.ok() ? out : Result<BulkResult>(done.error());
  }
  template <typename T>
  T one(const std::string& sql) {
    return store_->read([&](PgReader& reader) { return reader.first<T>(sql); }).value().value();
  }
  std::int64_t count() { return one<std::int64_t>("SELECT count(*) FROM orders"); }

  std::unique_ptr<PgStore> store_;
};

TEST_F(PgBulkTest, OneHundredThousandRowsAreCopied) {
  const Result<BulkResult> done = insert(many(100000));
  ASSERT_EQ(failure(done), "");
  EXPECT_EQ(done->written, 100000);
  EXPECT_EQ(done->left_out, 0);
  EXPECT_EQ(one<std::int64_t>("SELECT sum(quantity) FROM orders"), 5050000);
  EXPECT_EQ(count(), 100000);
}

TEST_F(PgBulkTest, WhatIsCopiedIsWhatWasGiven) {
  std::vector<Order> rows = many(200);
  const std::string awkward = "a\tb\nc\rd\\e\\N\\.'\"株";
  const std::string bytes("\0\1\\\xff\n", 5);
  rows[3].symbol = awkward;
  rows[4].symbol = "";
  rows[5].symbol = "\\.";
  rows[6].note = Blob{bytes};
  rows[7].note = Blob{""};
  ASSERT_EQ(failure(insert(rows)), "");
  EXPECT_EQ(one<std::string>("SELECT symbol FROM orders WHERE id=3"), awkward);
  EXPECT_EQ(one<std::string>("SELECT symbol FROM orders WHERE id=4"), "");
  EXPECT_EQ(one<std::string>("SELECT symbol FROM orders WHERE id=5"), "\\.");
  EXPECT_EQ(one<std::string>("SELECT note FROM orders WHERE id=6"), bytes);
  EXPECT_EQ(one<std::optional<std::string>>("SELECT note FROM orders WHERE id=7"), "");
  EXPECT_EQ(one<std::optional<std::string>>("SELECT note FROM orders WHERE id=8"), std::nullopt);
}

TEST_F(PgBulkTest, FewRowsGoAsStatementsWithTheSameOutcome) {
  std::vector<Order> rows = many(5);
  rows[1].note = Blob{"x"};  // another type of argument in the middle
  const Result<BulkResult> done = insert(rows);
  ASSERT_EQ(failure(done), "");
  EXPECT_EQ(done->written, 5);
  EXPECT_EQ(one<std::string>("SELECT note FROM orders WHERE id=1"), "x");
  EXPECT_EQ(one<std::string>("SELECT string_agg(symbol, ',' ORDER BY id) FROM orders"), "S0,S1,S2,S3,S4");
}

TEST_F(PgBulkTest, AFailedRowFailsTheCallAndIsNamed) {
  for (const std::int64_t size : {10, 5000}) {
    std::vector<Order> rows = many(size);
    rows[7].symbol = std::nullopt;
    const Result<BulkResult> done = insert(rows);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, Code::constraint);
    EXPECT_THAT(done.error().message, HasSubstr("row 7 of the rows"));
    EXPECT_EQ(count(), 0);
    rows[7].symbol = "S";
    rows[8].id = 0;
    EXPECT_THAT(failure(insert(rows)), HasSubstr("row 8 of the rows"));
    rows[8].id = 8;
    rows[9].symbol = std::string("a\0b", 3);
    EXPECT_THAT(failure(insert(rows)), HasSubstr("row 9 of the rows"));
    EXPECT_EQ(count(), 0);
  }
}

TEST_F(PgBulkTest, AFailedCallLeavesTheTransactionUsable) {
  std::vector<Order> rows = many(200);
  rows[150].quantity = 0;
  const Status done = store_->write([&](PgTx& tx) -> Status {
    EXPECT_TRUE(tx.exec("INSERT INTO orders VALUES(1000, 'X', 1)").ok());
    EXPECT_FALSE(tx.insert_many("orders", {"id", "symbol", "quantity", "note"}, rows).ok());
    EXPECT_TRUE(tx.exec("INSERT INTO orders VALUES(1001, 'X', 1)").ok());
    return success();
  });
  EXPECT_EQ(failure(done), "");
  EXPECT_EQ(count(), 2);
}

TEST_F(PgBulkTest, RowsThatAreThereAreSkipped) {
  ASSERT_TRUE(insert(many(10, 5)).ok());
  for (const std::int64_t size : {20, 2000}) {
    const std::int64_t before = count();
    const Result<BulkResult> done = insert(many(size), OnConflict::skip);
    ASSERT_EQ(failure(done), "");
    EXPECT_EQ(done->written, size - before);
    EXPECT_EQ(done->left_out, before);
    EXPECT_EQ(count(), size);
  }
  std::vector<Order> wrong = many(3000);
  wrong[2500].quantity = 0;  // not a matter of keys
  EXPECT_THAT(failure(insert(wrong, OnConflict::skip)), HasSubstr("row 2500"));
}

TEST_F(PgBulkTest, ViolationsAreReportedAndTheOthersWritten) {
  for (const std::int64_t size : {50, 10000}) {
    ASSERT_TRUE(store_
                    ->write([](PgTx& tx) -> Status {
                      Result<std::int64_t> done = tx.exec("DELETE FROM orders");
                      return done.ok() ? success() : Status(done.error());
                    })
                    .ok());
    std::vector<Order> rows = many(size);
    rows[0].quantity = 0;
    rows[10].id = 9;
    rows[11].symbol = std::nullopt;
    rows.back().quantity = -1;
    const Result<BulkResult> done = insert(rows, OnConflict::report);
    ASSERT_EQ(failure(done), "");
    EXPECT_EQ(done->written, size - 4);
    EXPECT_EQ(done->left_out, 4);
    std::vector<std::size_t> places;
    for (const RowError& each : done->errors) {
      places.push_back(each.row);
      EXPECT_EQ(each.error.code, Code::constraint);
    }
    EXPECT_THAT(places, ElementsAre(0u, 10u, 11u, static_cast<std::size_t>(size - 1)));
    EXPECT_EQ(count(), size - 4);
  }
}

TEST_F(PgBulkTest, EveryRowWrongIsReportedToo) {
  std::vector<Order> rows = many(300);
  for (Order& row : rows) row.quantity = 0;
  const Result<BulkResult> done = insert(rows, OnConflict::report);
  ASSERT_EQ(failure(done), "");
  EXPECT_EQ(done->written, 0);
  EXPECT_EQ(done->errors.size(), 300u);
}

TEST_F(PgBulkTest, UpsertsUpdateWhatIsThere) {
  for (const std::int64_t size : {20, 5000}) {
    std::vector<Order> rows = many(size);
    for (Order& row : rows) row.quantity = size;
    const Result<BulkResult> done = upsert(rows);
    ASSERT_EQ(failure(done), "");
    EXPECT_EQ(done->written, size);
    EXPECT_EQ(done->left_out, 0);
    EXPECT_EQ(count(), size);
    EXPECT_EQ(one<std::int64_t>("SELECT min(quantity) FROM orders"), size);
  }
  // A key twice in one batch: the later row wins, as row by row.
  std::vector<Order> twice = many(1000);
  twice[900].id = 5;
  twice[900].symbol = "LATER";
  const Result<BulkResult> done = upsert(twice);
  ASSERT_EQ(failure(done), "");
  EXPECT_EQ(done->written, 1000);
  EXPECT_EQ(one<std::string>("SELECT symbol FROM orders WHERE id=5"), "LATER");
  // Several calls in one transaction.
  EXPECT_EQ(failure(store_->write([&](PgTx& tx) -> Status {
              for (int i = 0; i < 2; ++i) {
                const auto again = tx.upsert_many("orders", {"id", "symbol", "quantity", "note"}, {"id"}, many(500));
                if (!again.ok()) return again.error();
              }
              return success();
            })),
            "");
}

TEST_F(PgBulkTest, UpdatesSetTheOtherColumns) {
  ASSERT_TRUE(insert(many(1000)).ok());
  struct Change {
    std::int64_t id = 0;
    std::int64_t quantity = 0;
  };
  std::vector<Change> changes;
  for (std::int64_t id = 0; id < 1100; ++id) changes.push_back({id, 7});
  const auto update = [&](OnConflict on_conflict) {
    return run([&](PgTx& tx) {
      return tx.update_many("orders", {"id", "quantity"}, {"id"}, changes, BulkOptions{on_conflict, 4096, 1000});
    });
  };
  const Result<BulkResult> done = update(OnConflict::fail);
  ASSERT_EQ(failure(done), "");
  EXPECT_EQ(done->written, 1000);
  EXPECT_EQ(done->left_out, 100);
  EXPECT_EQ(one<std::int64_t>("SELECT sum(quantity) FROM orders"), 7000);
  changes[3].quantity = -1;
  const Result<BulkResult> skipped = update(OnConflict::skip);
  ASSERT_EQ(failure(skipped), "");
  EXPECT_EQ(skipped->written, 999);
  ASSERT_EQ(skipped->errors.size(), 1u);
  EXPECT_EQ(skipped->errors[0].row, 3u);
  EXPECT_THAT(failure(update(OnConflict::fail)), HasSubstr("row 3"));
}

TEST_F(PgBulkTest, WrongCallsAreRefused) {
  const std::vector<Order> rows = many(1);
  EXPECT_THAT(failure(run([&](PgTx& tx) { return tx.insert_many("orders", {"id"}, rows); })),
              HasSubstr("4 members for 1"));
  EXPECT_THAT(failure(run([&](PgTx& tx) {
                return tx.upsert_many("orders", {"id", "symbol", "quantity", "note"}, {}, rows);
              })),
              HasSubstr("no key column"));
  EXPECT_THAT(
      failure(run([&](PgTx& tx) {
        return tx.insert_many("orders\"; DROP TABLE orders; --", {"id", "symbol", "quantity", "note"}, many(100));
      })),
      HasSubstr("does not exist"));
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace tapewatch
