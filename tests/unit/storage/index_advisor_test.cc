// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

using Strings = std::vector<std::string>;

class IndexAdvisorTest : public testing::Test {
 protected:
  void open(bool advise = true) {
    Store::Options how;
    how.path = folder_.path("advised.db");
    how.schema =
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, account TEXT, day INTEGER, state TEXT, quantity INTEGER);"
        "CREATE TABLE accounts(name TEXT, desk TEXT); CREATE INDEX orders_state ON orders(state);"
        "CREATE TABLE small(id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO small VALUES(1, 1), (2, 2);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO orders SELECT i, 'a' || (i % 50), i % 100, 's' || (i % 3), i FROM n;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
        " INSERT INTO accounts SELECT 'a' || i, 'd' || (i % 7) FROM n; ANALYZE";
    how.advise_indexes = advise;
    auto opened = Store::open(how);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  template <typename... Args>
  void run(const std::string& sql, const Args&... args) {
    const Status done = store_->read([&](Reader& r) {
      return r.for_each<std::int64_t>(
          sql, [](auto) {}, args...);
    });
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::vector<IndexAdvice> advice() {
    auto out = store_->index_advice();
    EXPECT_TRUE(out.ok());
    return out.ok() ? std::move(out).value() : std::vector<IndexAdvice>();
  }
  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

struct AdviceCase {
  const char* name;
  const char* sql;
  Strings create;
};

class IndexAdvisorCaseTest : public IndexAdvisorTest, public testing::WithParamInterface<AdviceCase> {};

TEST_P(IndexAdvisorCaseTest, NamesTheIndexThatThePlannerWouldUse) {
  open();
  run(GetParam().sql);
  const auto all = advice();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].create, GetParam().create);
  EXPECT_EQ(all[0].sql, GetParam().sql);
  EXPECT_EQ(all[0].runs, 1);
  EXPECT_FALSE(all[0].plan.empty());
  EXPECT_EQ(all[0].plan_with.empty(), all[0].create.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Storage, IndexAdvisorCaseTest,
    testing::Values(AdviceCase{"equality",
                               "SELECT id FROM orders WHERE account = 'a7'",
                               {"CREATE INDEX orders_account ON orders(account)"}},
                    AdviceCase{"equality_then_range",
                               "SELECT quantity FROM orders WHERE day > 90 AND account = 'a7'",
                               {"CREATE INDEX orders_account_day ON orders(account, day)"}},
                    AdviceCase{"equality_then_order",
                               "SELECT id FROM orders WHERE account = 'a7' ORDER BY day",
                               {"CREATE INDEX orders_account_day ON orders(account, day)"}},
                    AdviceCase{"an_alias",
                               "SELECT o.id FROM orders AS o WHERE o.quantity BETWEEN 5 AND 9",
                               {"CREATE INDEX orders_quantity ON orders(quantity)"}},
                    AdviceCase{"a_join",
                               "SELECT o.id FROM orders o JOIN accounts a ON a.name = o.account WHERE o.id = 77",
                               {"CREATE INDEX accounts_name ON accounts(name)"}},
                    AdviceCase{"nothing_helps", "SELECT sum(quantity) FROM orders", {}},
                    AdviceCase{"an_expression_no_index_serves", "SELECT id FROM orders WHERE quantity % 10 = 3", {}}),
    [](const auto& about) { return std::string(about.param.name); });

TEST_F(IndexAdvisorTest, CountsStatementsOfOneShapeTogetherAndLeavesOutWhatIsCheap) {
  open();
  run("SELECT id FROM orders WHERE account = ?", "a1");
  run("SELECT id FROM orders WHERE account = ?", "a2");
  run("SELECT id FROM orders WHERE account = 'a3'");
  run("SELECT id FROM orders WHERE id = 4");
  run("SELECT v FROM small");
  run("SELECT sum(quantity) FROM orders");
  const auto all = advice();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].runs, 3);
  EXPECT_GE(all[0].rows_scanned, 3 * 4999);
  EXPECT_EQ(all[0].sql, "SELECT id FROM orders WHERE account = ?");
}

TEST_F(IndexAdvisorTest, SeesWhatWritesLookAtAndCreatesNothing) {
  open();
  const Status done = store_->write([](Tx& tx) -> Status {
    const auto changed = tx.exec("UPDATE orders SET state = 'done' WHERE account = ? AND day = ?", "a7", 7);
    return changed.ok() ? success() : Status(changed.error());
  });
  ASSERT_TRUE(done.ok());
  const auto all = advice();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].create, Strings{"CREATE INDEX orders_account_day ON orders(account, day)"});
  const auto indexes = store_->read(
      [](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE type = 'index'"); });
  EXPECT_EQ(**indexes, 1);
}

TEST_F(IndexAdvisorTest, AfterTheAdviceWasTakenThereIsNone) {
  open();
  const Status done = store_->write([](Tx& tx) -> Status {
    const auto made = tx.exec("CREATE INDEX orders_account ON orders(account)");
    return made.ok() ? success() : Status(made.error());
  });
  ASSERT_TRUE(done.ok());
  run("SELECT id FROM orders WHERE account = 'a7'");
  EXPECT_TRUE(advice().empty());
}

TEST_F(IndexAdvisorTest, OffByDefault) {
  open(false);
  run("SELECT id FROM orders WHERE account = 'a7'");
  const auto refused = store_->index_advice();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_FALSE(Store::Options().advise_indexes);
}

}  // namespace
}  // namespace tapewatch
