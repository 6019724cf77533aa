// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"
#include "tapewatch/stream_ahead.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

struct Trade {
  std::int64_t id;
  std::string_view symbol;
  double price;
  std::optional<std::string> note;
};

constexpr std::int64_t rows_total = 20'000;
constexpr char by_id[] = "SELECT id, symbol, price, note FROM trades WHERE id > ? ORDER BY id";

class StreamTest : public testing::Test {
 protected:
  void SetUp() override {
    Store::Options options;
    options.path = folder_.path("stream.db");
    options.schema =
        "CREATE TABLE trades(id INTEGER PRIMARY KEY, symbol TEXT, price REAL, note TEXT);"
        "CREATE TABLE pairs(a TEXT, b INTEGER, PRIMARY KEY(a, b)) WITHOUT ROWID;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " INSERT INTO trades SELECT i, 'symbol-' || (i % 500), i * 0.5, CASE WHEN i % 2 THEN NULL ELSE 'note' END FROM "
        "n;"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
        " INSERT INTO pairs SELECT 'a' || (i / 10), i % 10 FROM n";
    options.steady_ns = [this] { return now_ns_.load(); };
    options.idle_checkpoint = milliseconds(2);
    options.streams_max = 2;
    options.read_wait_max = milliseconds(0);
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }

  static StreamOptions keyed(std::size_t batch_bytes = 16384) {
    StreamOptions out;
    out.batch_bytes = batch_bytes;
    out.key_columns = 1;
    out.age_max = milliseconds(100);
    return out;
  }
  void add_row() {
    ASSERT_TRUE(store_
                    ->write([](Tx& tx) -> Status {
                      const auto done = tx.exec("INSERT INTO trades(symbol, price) VALUES('late', 1)");
                      return done.ok() ? success() : Status(done.error());
                    })
                    .ok());
  }
  // Until the store's own thread has seen that the snapshot is too old.
  void wait_until_let_go() {
    while (store_->stats().streams_open > 0) std::this_thread::yield();
  }
  void pass(milliseconds time) { now_ns_ += std::chrono::nanoseconds(time).count(); }

  const TemporaryFolder folder_;
  std::atomic<std::int64_t> now_ns_{1'000'000'000};
  std::unique_ptr<Store> store_;
};

TEST_F(StreamTest, GivesEveryRowInBatchesThatStayWithinTheirBytes) {
  Stream<Trade> stream = store_->stream<Trade>(keyed(), by_id, 0);
  RowBatch<Trade> batch;
  std::int64_t seen = 0;
  int batches = 0;
  for (;;) {
    const Result<bool> more = stream.next(batch);
    ASSERT_TRUE(more.ok()) << more.error().message;
    if (!more.value()) break;
    ++batches;
    EXPECT_LT(batch.bytes(), 16384u + 256u);
    for (const Trade& trade : batch.rows()) {
      ++seen;
      ASSERT_EQ(trade.id, seen);
      ASSERT_EQ(trade.symbol, "symbol-" + std::to_string(seen % 500));
      ASSERT_EQ(trade.note.has_value(), seen % 2 == 0);
    }
  }
  EXPECT_EQ(seen, rows_total);
  EXPECT_GT(batches, 50);
  EXPECT_EQ(stream.snapshots(), 1);
  EXPECT_EQ(store_->stats().streams_open, 0);
  EXPECT_FALSE(stream.next(batch).value());
}

TEST_F(StreamTest, OneSnapshotAsLongAsItIsYoungEnough) {
  Stream<Trade> stream = store_->stream<Trade>(keyed(), by_id, 0);
  RowBatch<Trade> batch;
  ASSERT_TRUE(stream.next(batch).ok());
  add_row();
  std::int64_t seen = static_cast<std::int64_t>(batch.rows().size());
  ASSERT_TRUE(stream.for_each([&](const Trade&) { ++seen; }).ok());
  EXPECT_EQ(seen, rows_total);
}

TEST_F(StreamTest, AnOldSnapshotIsLetGoWhileNobodyAsksAndTheStreamGoesOnBehindItsKey) {
  Stream<Trade> stream = store_->stream<Trade>(keyed(), by_id, 0);
  RowBatch<Trade> batch;
  ASSERT_TRUE(stream.next(batch).ok());
  const std::int64_t last = batch.rows().back().id;
  EXPECT_EQ(store_->stats().streams_open, 1);
  pass(milliseconds(99));
  EXPECT_GE(store_->stats().oldest_stream_age_ns, 99'000'000);
  pass(milliseconds(2));
  wait_until_let_go();
  add_row();
  ASSERT_TRUE(stream.next(batch).ok());
  EXPECT_EQ(batch.rows().front().id, last + 1);
  EXPECT_EQ(stream.snapshots(), 2);
  std::int64_t seen = 0;
  ASSERT_TRUE(stream.for_each([&](const Trade& trade) { seen = trade.id; }).ok());
  EXPECT_EQ(seen, rows_total + 1);
}

TEST_F(StreamTest, AKeyOfTwoColumns) {
  StreamOptions options = keyed(400);
  options.key_columns = 2;
  using Pair = std::tuple<std::string, std::int64_t>;
  Stream<Pair> stream =
      store_->stream<Pair>(options, "SELECT a, b FROM pairs WHERE (a, b) > (?, ?) ORDER BY a, b", "", 0);
  RowBatch<Pair> batch;
  std::vector<Pair> all;
  for (;;) {
    const Result<bool> more = stream.next(batch);
    ASSERT_TRUE(more.ok()) << more.error().message;
    if (!more.value()) break;
    all.insert(all.end(), batch.rows().begin(), batch.rows().end());
    pass(milliseconds(101));
  }
  EXPECT_EQ(all.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_GT(stream.snapshots(), 50);
}

TEST_F(StreamTest, WithoutAKeyItEndsWhenItsSnapshotIsTooOld) {
  StreamOptions options = keyed();
  options.key_columns = 0;
  Stream<Trade> stream = store_->stream<Trade>(options, "SELECT * FROM trades");
  RowBatch<Trade> batch;
  ASSERT_TRUE(stream.next(batch).ok());
  pass(milliseconds(101));
  wait_until_let_go();
  const Result<bool> late = stream.next(batch);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_EQ(stream.next(batch).error().code, Code::timeout);
}

TEST_F(StreamTest, HowManySnapshotsAreHeldIsBounded) {
  RowBatch<Trade> batch;
  std::vector<Stream<Trade>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(store_->stream<Trade>(keyed(), by_id, 0));
  ASSERT_TRUE(streams[0].next(batch).ok());
  ASSERT_TRUE(streams[1].next(batch).ok());
  const Result<bool> refused = streams[2].next(batch);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::busy);
  // Reads have connections of their own.
  EXPECT_TRUE(store_->read([](Reader& r) { return r.first<int>("SELECT 1"); }).ok());
}

TEST_F(StreamTest, CancelEndsTheStepThatIsUnderWayAndEveryOneAfterIt) {
  StreamOptions options = keyed();
  Stream<std::int64_t> endless = store_->stream<std::int64_t>(
      options, "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0", 1);
  RowBatch<std::int64_t> batch;
  Pending<bool> more = endless.next_async(batch);
  while (endless.snapshots() == 0) std::this_thread::yield();
  endless.cancel();
  const Result<bool> ended = std::move(more).get();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, Code::cancelled);
  EXPECT_EQ(endless.next(batch).error().code, Code::cancelled);
  EXPECT_EQ(store_->stats().streams_open, 0);
}

TEST_F(StreamTest, ATextLargerThanABatchIsABatchOfItsOwn) {
  ASSERT_TRUE(store_
                  ->write([](Tx& tx) -> Status {
                    const auto done =
                        tx.exec("UPDATE trades SET symbol = ? WHERE id IN (2, 3)", std::string(200'000, 'x'));
                    return done.ok() ? success() : Status(done.error());
                  })
                  .ok());
  Stream<Trade> stream = store_->stream<Trade>(keyed(), by_id, 1);
  RowBatch<Trade> batch;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(stream.next(batch).ok());
    ASSERT_EQ(batch.rows().size(), 1u);
    EXPECT_EQ(batch.rows()[0].symbol, std::string(200'000, 'x'));
  }
}

TEST_F(StreamTest, AheadGivesTheSameRowsWhileItReadsTheNext) {
  StreamAhead<Trade> ahead(store_->stream<Trade>(keyed(), by_id, 0));
  std::int64_t expected = 1;
  std::size_t batches = 0;
  for (;;) {
    const auto batch = ahead.next();
    ASSERT_TRUE(batch.ok()) << batch.error().message;
    if (batch.value() == nullptr) break;
    ++batches;
    for (const Trade& trade : batch.value()->rows()) {
      ASSERT_EQ(trade.id, expected);
      ASSERT_EQ(trade.symbol, "symbol-" + std::to_string(expected % 500));
      ++expected;
    }
  }
  EXPECT_EQ(expected, rows_total + 1);
  EXPECT_GT(batches, 10u);
  EXPECT_EQ(ahead.next().value(), nullptr) << "the end stays the end";
}

TEST_F(StreamTest, AheadEndsInTheMiddleAndTellsErrors) {
  {
    StreamAhead<Trade> ahead(store_->stream<Trade>(keyed(), by_id, 0));
    ASSERT_TRUE(ahead.next().ok());
  }
  StreamAhead<Trade> cancelled(store_->stream<Trade>(keyed(), by_id, 0));
  ASSERT_TRUE(cancelled.next().ok());
  cancelled.cancel();
  Status end = cancelled.for_each([](const Trade&) {});
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, Code::cancelled);
  StreamAhead<std::int64_t> wrong(store_->stream<std::int64_t>({}, "SELECT nothing FROM nowhere"));
  EXPECT_FALSE(wrong.next().ok());
}

TEST_F(StreamTest, AnErrorOfTheStatementIsTold) {
  Stream<std::int64_t> wrong = store_->stream<std::int64_t>(keyed(), "SELECT nothing FROM nowhere WHERE id > ?", 0);
  RowBatch<std::int64_t> batch;
  EXPECT_EQ(wrong.next(batch).error().code, Code::sql);
}

}  // namespace
}  // namespace tapewatch
