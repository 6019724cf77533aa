// SPDX-License-Identifier: Apache-2.0
// Segments of other versions: an older one is read and never written again, a later one is left alone.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <iterator>

#include "base/hash.h"
#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "tapewatch/log_store.h"

namespace tapewatch {
namespace {

constexpr int lines = 600;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
void put_64(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 64; i += 8) out.push_back(static_cast<char>(value >> i));
}

class LogStoreVersionsTest : public ::testing::Test {
 protected:
  std::unique_ptr<LogStore> open() {
    LogStore::Options options;
    options.folder = folder_.path("store");
    options.block_bytes = 8 * 1024;
    options.keep_ids = true;
    options.dictionary_bytes = dictionary_bytes_;
    options.retention_age = std::chrono::hours(24 * 365 * 100);
    auto opened = LogStore::open(options, clock_, log_);
    EXPECT_TRUE(opened.ok());
    return std::move(opened).value();
  }
  static std::string line(int i) {
    return "line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 90), 'x');
  }
  static LogRecord record(int i) {
    LogRecord out;
    out.time_ns = 1'000'000'007 * std::int64_t{i};
    out.level = static_cast<std::uint8_t>(i % 7);
    out.id_high = static_cast<std::uint64_t>(i) << 40;
    out.id_low = static_cast<std::uint64_t>(i);
    out.file = 5;
    out.offset = static_cast<std::uint64_t>(i) * 200;
    return out;
  }
  static void append(LogStore& store, int from, int to) {
    LogBatch batch;
    for (int i = from; i < to; ++i) batch.add(record(i), line(i));
    batch.sources.push_back({5, static_cast<std::uint64_t>(to) * 200});
    ASSERT_TRUE(store.append(std::move(batch), nullptr).ok());
    ASSERT_TRUE(store.flush().ok());
  }
  std::string only_segment() const {
    const TemporaryFolder& folder = folder_;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path("store"))) {
      if (entry.path().string().ends_with(".db")) return entry.path().string();
    }
    return "";
  }
  static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What version 1 wrote for records `from` to `from + count`.
  static std::string heads_of_version_1(int from, int count) {
    std::string out(1, '\x01');
    put_varint(out, static_cast<std::uint64_t>(count));
    for (int i = from; i < from + count; ++i) out.push_back(static_cast<char>(record(i).level));
    for (int i = from; i < from + count; ++i) put_varint(out, line(i).size());
    std::uint64_t previous = 0;
    for (int i = from; i < from + count; ++i) {
      const auto time = static_cast<std::uint64_t>(record(i).time_ns);
      const std::uint64_t difference = time - previous;
      put_varint(out, difference << 1 ^ (0 - (difference >> 63)));
      previous = time;
    }
    for (int i = from; i < from + count; ++i) {
      put_64(out, record(i).id_high);
      put_64(out, record(i).id_low);
    }
    put_64(out, hash64(out));
    return out;
  }
  void make_version_1(const std::string& path) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* blocks = nullptr;
    sqlite3_stmt* put = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(handle, "SELECT first, records FROM blocks", -1, &blocks, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_prepare_v2(handle, "UPDATE bodies SET heads = ? WHERE first = ?", -1, &put, nullptr), SQLITE_OK);
    while (sqlite3_step(blocks) == SQLITE_ROW) {
      const std::string heads = heads_of_version_1(sqlite3_column_int(blocks, 0) - 1, sqlite3_column_int(blocks, 1));
      sqlite3_bind_blob(put, 1, heads.data(), static_cast<int>(heads.size()), SQLITE_TRANSIENT);
      sqlite3_bind_int64(put, 2, sqlite3_column_int64(blocks, 0));
      EXPECT_EQ(sqlite3_step(put), SQLITE_DONE);
      sqlite3_reset(put);
    }
    sqlite3_finalize(blocks);
    sqlite3_finalize(put);
    EXPECT_EQ(sqlite3_exec(handle, "DROP TABLE dictionaries", nullptr, nullptr, nullptr), SQLITE_OK);
    set_version(handle, 1);
    sqlite3_close(handle);
  }
  static void set_version(sqlite3* handle, int version) {
    const std::string sql = "PRAGMA user_version=" + std::to_string(version) + "; PRAGMA wal_checkpoint(TRUNCATE)";
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  }
  void expect_lines(LogStore& store, int first, int end) {
    const auto page = store.search(Query(), {}, SearchLimits{10'000, 1u << 30, std::chrono::seconds(10)});
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->damaged_blocks, 0);
    ASSERT_EQ(page->documents.size(), static_cast<std::size_t>(end - first));
    for (int i = first; i < end; ++i) {
      const LogDocument& found = page->documents[static_cast<std::size_t>(end - 1 - i)];
      ASSERT_EQ(found.json, line(i));
      ASSERT_EQ(found.time_ns, record(i).time_ns);
      ASSERT_EQ(found.level, record(i).level);
      ASSERT_EQ(found.id_high, record(i).id_high);
      ASSERT_EQ(found.id_low, record(i).id_low);
    }
  }

  const TemporaryFolder folder_;
  std::size_t dictionary_bytes_ = 64 * 1024;
  FakeClock clock_;
  CapturedLog log_;
};

TEST_F(LogStoreVersionsTest, AnOlderSegmentIsReadAndNeverWrittenAgain) {
  dictionary_bytes_ = 0;  // version 1 has none
  append(*open(), 0, lines);
  dictionary_bytes_ = 64 * 1024;
  const std::string old = only_segment();
  make_version_1(old);
  const std::string before = bytes_of(old);
  {
    const auto store = open();
    EXPECT_EQ(store->stats().segments_quarantined, 0);
    EXPECT_EQ(store->committed_positions().at(5), lines * 200u);
    expect_lines(*store, 0, lines);
    append(*store, lines - 50, lines + 100);
    EXPECT_EQ(store->stats().duplicates, 50);
    EXPECT_EQ(store->stats().segments, 2);
    expect_lines(*store, 0, lines + 100);
  }
  EXPECT_TRUE(bytes_of(old) == before);
  const auto store = open();
  expect_lines(*store, 0, lines + 100);
  EXPECT_EQ(store->stats().segments, 2);
}

TEST_F(LogStoreVersionsTest, ALaterSegmentIsLeftAloneWithAMessage) {
  append(*open(), 0, lines);
  const std::string later = only_segment();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(later.c_str(), &handle), SQLITE_OK);
  set_version(handle, 99);
  EXPECT_EQ(sqlite3_exec(handle, "DROP TABLE groups", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  const auto store = open();
  EXPECT_EQ(log_.count("left alone"), 1u);
  EXPECT_EQ(store->stats().segments_quarantined, 0);
  EXPECT_TRUE(std::filesystem::exists(later));
  append(*store, lines, lines + 10);
  expect_lines(*store, lines, lines + 10);
}

}  // namespace
}  // namespace tapewatch
