// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <malloc.h>

#include <fstream>

#include "fake/postgres_test.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;

struct Entry {
  std::int64_t id = 0;
  std::string_view text;
};

class PgStreamTest : public PostgresTest {
 protected:
  std::unique_ptr<PgStore> filled(int rows) const {
    return open(
        options("CREATE TABLE entries AS SELECT i::bigint AS id, repeat('x', i % 200) AS txt"
                " FROM generate_series(1, " +
                std::to_string(rows) + ") AS i; ALTER TABLE entries ADD PRIMARY KEY (id)"));
  }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // memory is theirs, and time too
#else
constexpr bool sanitized = false;
#endif

constexpr const char* by_key = "SELECT id, txt FROM entries WHERE id > ? ORDER BY id";

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

// Every row from `next` to `last` in order; how many.
Result<std::int64_t> read_all(PgStream<Entry>& stream, std::int64_t first = 1) {
  std::int64_t next = first;
  const Status done = stream.for_each([&](const Entry& entry) {
    EXPECT_EQ(entry.id, next);
    EXPECT_EQ(entry.text.size(), static_cast<std::size_t>(next % 200));
    next = entry.id + 1;
  });
  if (!done.ok()) return done.error();
  return next - first;
}

TEST_F(PgStreamTest, OneMillionRowsInBoundedMemory) {
  const auto store = open(options());
  const char* const million =
      "SELECT i, repeat('y', 100) FROM generate_series(1::bigint, 1000000::bigint) AS i WHERE i > ?";
  malloc_trim(0);
  const std::int64_t before = resident_bytes();
  std::int64_t peak = before;
  std::int64_t rows = 0;
  auto stream = store->stream<Entry>(StreamOptions(), million, 0);
  RowBatch<Entry> batch;
  for (;;) {
    const Result<bool> more = stream.next(batch);
    ASSERT_EQ(failure(more), "");
    if (!more.value()) break;
    rows += static_cast<std::int64_t>(batch.rows().size());
    EXPECT_LE(batch.bytes(), (1u << 20) + 1000);
    peak = std::max(peak, resident_bytes());
  }
  EXPECT_EQ(rows, 1000000);
  if (!sanitized) {
    EXPECT_LT(peak - before, 8 << 20);
  }
  RecordProperty("stream_bytes", std::to_string(peak - before));
}

TEST_F(PgStreamTest, EveryRowOnceInOrder) {
  const auto store = filled(5000);
  auto stream = store->stream<Entry>(StreamOptions(), by_key, 0);
  EXPECT_EQ(read_all(stream).value(), 5000);
  EXPECT_EQ(stream.snapshots(), 1);
  EXPECT_EQ(store->stats().streams_open, 0);
  auto none = store->stream<Entry>(StreamOptions(), by_key, 5000);
  EXPECT_EQ(read_all(none).value(), 0);
  auto some = store->stream<Entry>(StreamOptions(), by_key, 4990);
  EXPECT_EQ(read_all(some, 4991).value(), 10);
}

TEST_F(PgStreamTest, WideRowsAreAskedForOneByOne) {
  PgStore::Options small = options();
  small.stream_fetch_bytes = 10000;
  const auto store = open(small);
  auto stream = store->stream<std::string>(
      StreamOptions(),
      "SELECT repeat('z', CASE WHEN i < 1000 THEN 1 ELSE 300000 END) FROM generate_series(1, 1100) AS i");
  RowBatch<std::string> batch;
  std::size_t rows = 0;
  while (stream.next(batch).value()) {
    rows += batch.rows().size();
    EXPECT_LT(batch.bytes(), 2u << 20);
  }
  EXPECT_EQ(rows, 1100u);
}

TEST_F(PgStreamTest, ASnapshotThatIsOldIsLetGoAndTheStreamGoesOn) {
  const auto store = filled(3000);
  StreamOptions brief;
  brief.age_max = 30ms;
  brief.key_columns = 1;
  brief.batch_rows = 500;
  auto stream = store->stream<Entry>(brief, by_key, 0);
  RowBatch<Entry> batch;
  std::int64_t next = 1;
  while (stream.next(batch).value()) {
    for (const Entry& entry : batch.rows()) EXPECT_EQ(entry.id, next++);
    if (next != 1501) continue;
    // Nobody asks meanwhile: the server itself ends the snapshot.
    const auto held = [&] {
      return store->read([](PgReader& reader) {
        return reader.first<int>("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'");
      });
    };
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (held().value().value() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_EQ(held().value(), 0);
  }
  EXPECT_EQ(next, 3001);
  EXPECT_GE(stream.snapshots(), 2);
}

TEST_F(PgStreamTest, WithoutAKeyAnOldSnapshotIsTheEnd) {
  const auto store = filled(3000);
  StreamOptions brief;
  brief.age_max = 20ms;
  brief.batch_rows = 10;
  auto stream = store->stream<Entry>(brief, by_key, 0);
  RowBatch<Entry> batch;
  Result<bool> more = true;
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (more.ok() && more.value() && std::chrono::steady_clock::now() < until) {
    const auto next = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < next) std::this_thread::yield();
    more = stream.next(batch);
  }
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, Code::timeout) << more.error().message;
}

TEST_F(PgStreamTest, CanBeCancelledAndAskedOnAThreadOfTheStore) {
  const auto store = filled(3000);
  StreamOptions few;
  few.batch_rows = 100;
  auto stream = store->stream<Entry>(few, by_key, 0);
  RowBatch<Entry> batch;
  EXPECT_EQ(stream.next_async(batch).get().value(), true);
  EXPECT_EQ(batch.rows().size(), 100u);
  stream.cancel();
  const Result<bool> more = stream.next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, Code::cancelled);
  EXPECT_EQ(store->stats().streams_open, 0);
}

TEST_F(PgStreamTest, AWrongStatementIsAnError) {
  const auto store = open(options());
  auto stream = store->stream<Entry>(StreamOptions(), "SELECT * FROM none");
  RowBatch<Entry> batch;
  EXPECT_EQ(stream.next(batch).error().code, Code::sql);
  EXPECT_EQ(stream.next(batch).error().code, Code::sql);
}

}  // namespace
}  // namespace tapewatch
