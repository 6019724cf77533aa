// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/log_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"

namespace tapewatch {
namespace {

constexpr std::int64_t start_ns = 1'767'571'200'000'000'000;

// A store in a folder of its own, and lines that differ in everything a query can ask for.
class LogStoreTest : public ::testing::Test {
 protected:
  LogStore::Options options() const {
    LogStore::Options out;
    out.folder = folder_.path("store");
    out.keep_ids = true;
    out.block_bytes = 16 * 1024;
    out.commit_bytes = 64 * 1024;
    out.recent_bytes = 32 * 1024;
    out.retention_age = std::chrono::hours(24 * 365 * 100);
    return out;
  }
  std::unique_ptr<LogStore> open(const LogStore::Options& options) {
    Result<std::unique_ptr<LogStore>> opened = LogStore::open(options, clock_, log_);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  static std::string line(int i) {
    static constexpr const char* levels[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    static constexpr const char* texts[] = {"Order accepted",        "limit exceeded: retry later",    "約定しました",
                                            "\\u7d04\\u5b9a エラー", "path C:\\\\data \\\"quoted\\\"", "heartbeat"};
    const auto mixed = static_cast<unsigned>(i) * 2654435761u;
    char id[40];
    std::snprintf(id, sizeof id, "%08x-%04x-4a%02x", mixed, mixed >> 16, static_cast<unsigned>(i % 256));
    return std::string(R"({"log.level":")") + levels[i % 4] + R"(","message":")" + texts[i % 6] + R"( no )" +
           std::to_string(i) + R"(","labels":{"correlation_id":")" + id + R"("},"order.id":"ORD-)" +
           std::to_string(i / 5) + R"(","order":{"qty":)" + std::to_string(i % 1000) + R"(,"price":)" +
           std::to_string(i % 97) + R"(.5}})";
  }
  static LogRecord record(int i) {
    LogRecord out;
    out.time_ns = start_ns + i * ns_per_ms;
    out.level = static_cast<std::uint8_t>(i % 4);
    out.id_high = static_cast<std::uint64_t>(i);
    out.id_low = 7;
    out.file = 1 + static_cast<std::uint64_t>(i % 3);
    out.offset = static_cast<std::uint64_t>(i) * 100;
    return out;
  }
  static LogBatch batch(int from, int to) {
    LogBatch out;
    for (int i = from; i < to; ++i) out.add(record(i), line(i));
    if (to > from) {
      for (std::uint64_t file = 1; file <= 3; ++file)
        out.sources.push_back({file, static_cast<std::uint64_t>(to) * 100});
    }
    return out;
  }
  static void append(LogStore& store, int from, int to, int step = 50) {
    for (int i = from; i < to; i += step) ASSERT_TRUE(store.append(batch(i, std::min(to, i + step)), nullptr).ok());
  }
  static void append_and_flush(LogStore& store, int from, int to, int step = 50) {
    append(store, from, to, step);
    ASSERT_TRUE(store.flush().ok());
  }
  static Query query(std::string_view text) { return std::get<Query>(Query::parse(text)); }

  // All results, page by page, as the numbers that the ids carry.
  static std::vector<int> find(LogStore& store, std::string_view text, const SearchRange& range = {},
                               std::size_t page_size = 1'000'000) {
    std::vector<int> out;
    SearchLimits limits;
    limits.results_max = page_size;
    limits.bytes_max = 1u << 30;
    std::int64_t cursor = 0;
    do {
      const Result<SearchPage> page = store.search(query(text), range, limits, cursor);
      EXPECT_TRUE(page.ok());
      if (!page.ok()) return out;
      for (const LogDocument& document : page->documents) out.push_back(static_cast<int>(document.id_high));
      cursor = page->next_cursor;
    } while (cursor != 0);
    return out;
  }
  static std::vector<int> naive(std::string_view text, int from, int to) {
    const Query asked = query(text);
    std::vector<int> out;
    for (int i = to; i-- > from;) {
      if (asked.matches(line(i))) out.push_back(i);
    }
    return out;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  CapturedLog log_;
};

TEST_F(LogStoreTest, IsSearchableBeforeItsCommitAndAfterReopening) {
  {
    const auto store = open(options());
    append(*store, 0, 10);
    while (store->stats().records < 10) std::this_thread::yield();
    EXPECT_EQ(find(*store, "").size(), 10u);
    EXPECT_EQ(find(*store, "約定 and order.id:ord-0"), (std::vector<int>{3, 2}));
  }
  const auto store = open(options());
  EXPECT_EQ(find(*store, "").size(), 10u);
  const auto page = store->search(query("\"no 7\""), {}, {});
  ASSERT_EQ(page->documents.size(), 1u);
  EXPECT_EQ(page->documents[0].json, line(7));
  EXPECT_EQ(page->documents[0].time_ns, record(7).time_ns);
  EXPECT_EQ(page->documents[0].level, record(7).level);
  EXPECT_EQ(page->documents[0].id_low, 7u);
}

TEST_F(LogStoreTest, FindsWhatANaiveScanFinds) {
  // Blocks small enough for whole groups of filters, segments small enough for several of them.
  constexpr int lines = 4000;
  LogStore::Options small = options();
  small.block_bytes = 4 * 1024;
  small.commit_bytes = 8 * 1024;
  small.recent_bytes = 8 * 1024;
  small.segment_bytes_max = 1500 * 1024;
  const auto store = open(small);
  append_and_flush(*store, 0, lines - 30);
  append(*store, lines - 30, lines);
  while (store->stats().records < lines) std::this_thread::yield();
  EXPECT_GT(store->stats().segments, 1);
  const std::string id = line(1234).substr(line(1234).find("correlation_id\":\"") + 17, 8);
  const std::vector<std::string> queries = {"",
                                            "accepted",
                                            "\"limit exceeded\"",
                                            "約定",
                                            "エラー",
                                            "ORD-77",
                                            "order.id:ord-77",
                                            "order.id:=\"ORD-7\"",
                                            id,
                                            "labels.correlation_id:" + id + "*",
                                            "*" + id.substr(3),
                                            "log.level:error and not retry",
                                            "order.qty:[10..12]",
                                            "order.qty:>=995 and (accepted or heartbeat)",
                                            "order.price:3.5",
                                            "quoted",
                                            "\"c:\\\\data\"",
                                            "nosuchword",
                                            "-accepted -heartbeat -retry",
                                            "message:no",
                                            "u7d04",
                                            "accepted or nosuchword",
                                            "ord-7*9",
                                            "order.missing:*"};
  for (const std::string& text : queries) EXPECT_EQ(find(*store, text), naive(text, 0, lines)) << text;
  EXPECT_FALSE(naive(id, 0, lines).empty());
}

TEST_F(LogStoreTest, TheTimeRangeHoldsAtBothEnds) {
  const auto store = open(options());
  append_and_flush(*store, 0, 1000);
  const SearchRange range{record(300).time_ns, record(309).time_ns};
  EXPECT_EQ(find(*store, "", range).size(), 10u);
  EXPECT_EQ(find(*store, "", range).front(), 309);
  EXPECT_TRUE(find(*store, "", {record(2000).time_ns, INT64_MAX}).empty());
}

TEST_F(LogStoreTest, PagesGiveEachDocumentOnceWhileMoreArrive) {
  const auto store = open(options());
  append_and_flush(*store, 0, 1500);
  append(*store, 1500, 1600);
  while (store->stats().records < 1600) std::this_thread::yield();
  std::vector<int> found;
  SearchLimits limits;
  limits.results_max = 37;
  std::int64_t cursor = 0;
  int arrived = 1600;
  do {
    const auto page = store->search(Query(), {}, limits, cursor);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->documents.size(), 37u);
    for (const LogDocument& document : page->documents) found.push_back(static_cast<int>(document.id_high));
    cursor = page->next_cursor;
    append_and_flush(*store, arrived, arrived + 20);
    arrived += 20;
  } while (cursor != 0);
  ASSERT_EQ(found.size(), 1600u);
  for (int i = 0; i < 1600; ++i) ASSERT_EQ(found[static_cast<std::size_t>(i)], 1599 - i);
  EXPECT_EQ(find(*store, "accepted", {}, 7), naive("accepted", 0, arrived));
}

TEST_F(LogStoreTest, OneDocumentIsGivenHoweverSmallTheByteLimit) {
  const auto store = open(options());
  append_and_flush(*store, 0, 10);
  SearchLimits limits;
  limits.bytes_max = 1;
  const auto page = store->search(Query(), {}, limits);
  EXPECT_EQ(page->documents.size(), 1u);
  EXPECT_GT(page->next_cursor, 0);
}

TEST_F(LogStoreTest, SkipsWhatIsStoredAlreadyAlsoAfterACrash) {
  const std::string copy = folder_.path("copy");
  {
    const auto store = open(options());
    append_and_flush(*store, 0, 500);
    append_and_flush(*store, 400, 700);
    EXPECT_EQ(store->stats().duplicates, 100);
    append(*store, 700, 720);
    while (store->stats().records < 720) std::this_thread::yield();
    // What a kill leaves: the files as they are, write-ahead log and all, without what was not committed.
    std::filesystem::copy(folder_.path("store"), copy);
  }
  LogStore::Options crashed = options();
  crashed.folder = copy;
  const auto store = open(crashed);
  ASSERT_EQ(store->committed_positions().size(), 3u);
  EXPECT_EQ(store->committed_positions().at(2), 70'000u);
  EXPECT_EQ(find(*store, "").size(), 700u);
  append_and_flush(*store, 600, 800);
  EXPECT_EQ(store->stats().duplicates, 100);
  EXPECT_EQ(find(*store, ""), naive("", 0, 800));
}

TEST_F(LogStoreTest, RecordsWithoutAFileAreNeverDuplicates) {
  const auto store = open(options());
  for (int round = 0; round < 2; ++round) {
    LogBatch alert;
    LogRecord head = record(1);
    head.file = 0;
    alert.add(head, line(1));
    ASSERT_TRUE(store->append(std::move(alert), nullptr).ok());
  }
  ASSERT_TRUE(store->flush().ok());
  EXPECT_EQ(find(*store, "").size(), 2u);
}

TEST_F(LogStoreTest, RetentionRemovesWholeSegmentsAndKeepsPositions) {
  LogStore::Options small = options();
  small.segment_bytes_max = 64 * 1024;
  small.retention_bytes = 256 * 1024;
  {
    const auto store = open(small);
    append_and_flush(*store, 0, 8000, 500);
    const LogStore::Stats stats = store->stats();
    EXPECT_GT(stats.segments_removed_by_size, 0);
    EXPECT_LE(stats.disk_bytes, 400 * 1024);
    const std::vector<int> left = find(*store, "");
    EXPECT_EQ(left.front(), 7999);
    EXPECT_LT(left.size(), 8000u);
    EXPECT_EQ(left, naive("", left.back(), 8000));
  }
  const auto store = open(small);
  EXPECT_EQ(store->committed_positions().at(1), 800'000u);
}

TEST_F(LogStoreTest, RetentionByAgeKeepsThePositionsOfTheLastSegmentToo) {
  LogStore::Options aged = options();
  aged.segment_age_max = std::chrono::hours(1);
  aged.retention_age = std::chrono::hours(10);
  {
    const auto store = open(aged);
    append_and_flush(*store, 0, 100);
    clock_.advance(std::chrono::hours(2));
    ASSERT_TRUE(store->flush().ok());
    clock_.advance(std::chrono::hours(2));
    append_and_flush(*store, 100, 200);
    EXPECT_EQ(store->stats().segments, 2);
    clock_.advance(std::chrono::hours(7));
    ASSERT_TRUE(store->flush().ok());
    EXPECT_EQ(store->stats().segments_removed_by_age, 1);
    clock_.advance(std::chrono::hours(20));
    ASSERT_TRUE(store->flush().ok());
    ASSERT_TRUE(store->flush().ok());
    EXPECT_EQ(store->stats().segments_removed_by_age, 2);
  }
  const auto store = open(aged);
  EXPECT_TRUE(find(*store, "").empty());
  EXPECT_EQ(store->committed_positions().at(1), 20'000u);
}

TEST_F(LogStoreTest, MovesADamagedSegmentAsideAndGoesOn) {
  LogStore::Options small = options();
  small.segment_bytes_max = 64 * 1024;
  {
    const auto store = open(small);
    append_and_flush(*store, 0, 5000, 500);
    ASSERT_GT(store->stats().segments, 2);
  }
  std::set<std::string> segments;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("store"))) {
    if (entry.path().string().ends_with(".db")) segments.insert(entry.path().string());
  }
  std::fstream(*segments.begin(), std::ios::in | std::ios::out | std::ios::binary) << "not a database any more";
  const auto store = open(small);
  EXPECT_EQ(store->stats().segments_quarantined, 1);
  EXPECT_EQ(log_.count("moved aside"), 1u);
  const std::vector<int> left = find(*store, "");
  EXPECT_EQ(left, naive("", left.back(), 5000));
  EXPECT_GT(left.back(), 0);
  append_and_flush(*store, 5000, 5100);
  EXPECT_EQ(find(*store, "").front(), 5099);
  bool aside = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("store")))
    aside = aside || entry.path().string().find(".db.corrupt-") != std::string::npos;
  EXPECT_TRUE(aside);
}

TEST_F(LogStoreTest, SkipsADamagedBlockAndCountsIt) {
  {
    const auto store = open(options());
    append_and_flush(*store, 0, 2000, 500);
  }
  // One byte inside each of a few pages in the middle: bodies fill most of the file.
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("store"))) {
    if (entry.path().string().ends_with(".db")) path = entry.path().string();
  }
  const auto pages = static_cast<std::streamoff>(std::filesystem::file_size(path) / 4096);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (std::streamoff page = pages / 2; page < pages / 2 + 3; ++page) {
    file.seekp(page * 4096 + 2000);
    file.write("\xFF\x00\xFF\x00", 4);
  }
  file.close();
  const auto store = open(options());
  const auto page = store->search(query("no"), {}, SearchLimits{10'000, 1u << 30, std::chrono::seconds(10)});
  ASSERT_TRUE(page.ok());
  EXPECT_GT(page->damaged_blocks, 0);
  EXPECT_EQ(page->damaged_blocks, store->stats().damaged_blocks);
  EXPECT_LT(page->documents.size(), 2000u);
  EXPECT_GT(page->documents.size(), 1000u);
  append_and_flush(*store, 2000, 2010);
  EXPECT_EQ(find(*store, "\"no 2005\"").size(), 1u);
}

TEST_F(LogStoreTest, DamageOfTheNewestSegmentThatACommitMeetsCostsNoNewBatch) {
  {
    const auto store = open(options());
    append_and_flush(*store, 0, 100);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("store"))) {
    if (!entry.path().string().ends_with(".db")) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(37);  // how many pages are free: looked at when one is taken
    file.put('\x48');
  }
  const auto store = open(options());
  EXPECT_EQ(store->stats().segments_quarantined, 0) << "reading meets nothing";
  append_and_flush(*store, 5000, 5100);
  EXPECT_EQ(store->stats().segments_quarantined, 1);
  EXPECT_EQ(store->stats().commit_failures, 0);
  EXPECT_EQ(find(*store, "").front(), 5099);
}

TEST_F(LogStoreTest, AFullDiskFailsTheBatchAndNothingElse) {
  LogStore::Options small = options();
  small.file_bytes_max = 256 * 1024;
  small.segment_bytes_max = 128 * 1024;
  const auto store = open(small);
  append_and_flush(*store, 0, 100);
  LogBatch large;
  for (int i = 100; i < 200; ++i) {
    std::string noise;
    for (int k = 0; k < 2000; ++k) noise += std::to_string(static_cast<unsigned>(i * 2000 + k) * 2654435761u);
    large.add(record(i), "{\"noise\":\"" + noise + "\"}");
  }
  std::atomic<int> code{0};
  ASSERT_TRUE(store
                  ->append(std::move(large),
                           [&](Status status) { code = status.ok() ? -1 : static_cast<int>(status.error().code); })
                  .ok());
  static_cast<void>(store->flush().ok());
  EXPECT_EQ(code, static_cast<int>(Code::full));
  EXPECT_EQ(store->stats().commit_failures, 1);
  EXPECT_FALSE(store->stats().last_error.empty());
  EXPECT_EQ(find(*store, ""), naive("", 0, 100));
  append_and_flush(*store, 100, 200);
  EXPECT_EQ(find(*store, ""), naive("", 0, 200));
  EXPECT_EQ(store->stats().duplicates, 0);
  EXPECT_TRUE(store->stats().last_error.empty());
}

TEST_F(LogStoreTest, LiveReadingGoesOnWhereItWas) {
  const auto store = open(options());
  append_and_flush(*store, 0, 20);
  LiveRead read = store->read_since(0, 15);
  EXPECT_EQ(read.documents.size(), 15u);
  EXPECT_EQ(read.missed, 0);
  read = store->read_since(read.sequence, 100);
  ASSERT_EQ(read.documents.size(), 5u);
  EXPECT_EQ(read.documents.back().json, line(19));
  EXPECT_TRUE(store->read_since(read.sequence, 100).documents.empty());
  append_and_flush(*store, 20, 3000, 500);
  const LiveRead later = store->read_since(read.sequence, 10'000);
  EXPECT_GT(later.missed, 0);
  EXPECT_EQ(later.missed + static_cast<std::int64_t>(later.documents.size()), 2980);
  EXPECT_EQ(later.sequence, store->stats().sequence);
}

TEST_F(LogStoreTest, HistogramCountsByTimeAndLevel) {
  const auto store = open(options());
  append_and_flush(*store, 0, 1000);
  const SearchRange range{record(0).time_ns, record(999).time_ns};
  const auto all = store->histogram(Query(), range, 10, std::chrono::seconds(5));
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->buckets.size(), 10u);
  std::int64_t total = 0;
  for (const Histogram::Bucket& bucket : all->buckets) {
    EXPECT_NEAR(static_cast<double>(bucket.total), 100.0, 1.0);
    total += bucket.total;
  }
  EXPECT_EQ(total, 1000);
  const auto errors = store->histogram(query("log.level:error"), range, 1, std::chrono::seconds(5));
  EXPECT_EQ(errors->buckets[0].by_level[3], 250);
  EXPECT_FALSE(store->histogram(Query(), {}, 10, std::chrono::seconds(5)).ok());
}

TEST_F(LogStoreTest, TopValuesOfAFieldAreCounted) {
  const auto store = open(options());
  LogBatch batch;
  std::uint64_t offset = 0;
  const auto add = [&](const std::string& json, int times) {
    for (int i = 0; i < times; ++i) {
      LogRecord made = record(0);
      made.offset = offset++;
      batch.add(made, json);
    }
  };
  add(R"({"a":{"b":"x\u0041"},"k":1})", 3);
  add(R"({"a.b":"xA","k":2})", 2);
  add(R"({"a":{"b":["y",7,null]},"k":1})", 4);
  add(R"({"a":{"c":"z"},"k":1})", 1);
  add(R"({"a":{"b":")" + std::string(300, 'l') + "\"}}", 1);
  batch.sources.push_back({record(0).file, offset});
  ASSERT_TRUE(store->append(std::move(batch), [](const Status&) {}).ok());
  ASSERT_TRUE(store->flush().ok());
  const auto all = store->top_values(Query(), {}, "a.b", 3, std::chrono::seconds(5));
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->values.size(), 3u);
  EXPECT_EQ(all->values[0].text, "xA");
  EXPECT_EQ(all->values[0].count, 5);
  EXPECT_EQ(all->values[1].text, "7");
  EXPECT_EQ(all->values[2].text, "y");
  EXPECT_EQ(all->values[2].count, 4);
  EXPECT_EQ(all->others, 1) << "the long one";
  EXPECT_EQ(all->without, 1);
  EXPECT_EQ(all->documents, 11);
  EXPECT_TRUE(all->exact && all->complete);
  const auto some = store->top_values(query("k:2"), {}, "a.b", 10, std::chrono::seconds(5));
  ASSERT_EQ(some->values.size(), 1u);
  EXPECT_EQ(some->values[0].count, 2);
}

TEST_F(LogStoreTest, TopValuesAreBounded) {
  const auto store = open(options());
  LogBatch batch;
  for (std::uint64_t i = 0; i < 10'500; ++i) {
    LogRecord made = record(0);
    made.offset = i;
    batch.add(made, "{\"n\":" + std::to_string(i) + "}");
  }
  ASSERT_TRUE(store->append(std::move(batch), [](const Status&) {}).ok());
  ASSERT_TRUE(store->flush().ok());
  const auto top = store->top_values(Query(), {}, "n", 10, std::chrono::seconds(5));
  ASSERT_EQ(top->values.size(), 10u);
  EXPECT_EQ(top->others, 10'490);
  EXPECT_FALSE(top->exact);
}

TEST_F(LogStoreTest, IdsAreKeptWhenAskedForAndElseZero) {
  LogStore::Options without = options();
  without.keep_ids = false;
  {
    const auto store = open(without);
    append_and_flush(*store, 0, 300);
  }
  const auto store = open(without);
  const auto page = store->search(query("\"no 7\""), {}, {});
  ASSERT_EQ(page->documents.size(), 1u);
  EXPECT_EQ(page->documents[0].json, line(7));
  EXPECT_EQ(page->documents[0].time_ns, record(7).time_ns);
  EXPECT_EQ(page->documents[0].level, record(7).level);
  EXPECT_EQ(page->documents[0].id_high + page->documents[0].id_low, 0u);
}

TEST_F(LogStoreTest, TimesAreExactToTheNanosecondOnBothSidesOf1970) {
  const std::vector<std::int64_t> times = {start_ns + 1, start_ns, -1, 0, INT64_MAX, INT64_MIN, -5'000'000, 7'000};
  {
    const auto store = open(options());
    // Each with another unit that divides it, alone in its block; then all in one.
    for (std::size_t from = 0; from <= times.size(); ++from) {
      LogBatch batch;
      for (std::size_t i = 0; i < times.size(); ++i) {
        if (from < times.size() && i != from) continue;
        LogRecord head;
        head.time_ns = times[i];
        batch.add(head, std::string(15'000 / (from < times.size() ? 1 : times.size()), 'x'));
      }
      ASSERT_TRUE(store->append(std::move(batch), nullptr).ok());
      ASSERT_TRUE(store->flush().ok());
    }
  }
  const auto store = open(options());
  const auto page = store->search(Query(), {}, SearchLimits{1000, 1u << 30, std::chrono::seconds(10)});
  ASSERT_EQ(page->documents.size(), 2 * times.size());
  EXPECT_EQ(page->damaged_blocks, 0);
  for (std::size_t i = 0; i < page->documents.size(); ++i)
    EXPECT_EQ(page->documents[i].time_ns, times[(2 * times.size() - 1 - i) % times.size()]) << i;
}

TEST_F(LogStoreTest, TraceIsInTheOrderOfTime) {
  const auto store = open(options());
  append_and_flush(*store, 0, 1000);
  const auto trace = store->trace("ORD-100", {});
  ASSERT_TRUE(trace.ok());
  ASSERT_EQ(trace->documents.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(trace->documents[static_cast<std::size_t>(i)].json, line(500 + i));
}

TEST_F(LogStoreTest, DoneComesAfterTheCommitAndTheIntervalMakesOne) {
  LogStore::Options quick = options();
  quick.flush_interval = std::chrono::milliseconds(5);
  const auto store = open(quick);
  std::atomic<int> done{0};
  ASSERT_TRUE(store->append(batch(0, 10), [&](Status status) { done = status.ok() ? 1 : 2; }).ok());
  while (store->stats().records < 10) std::this_thread::yield();
  EXPECT_EQ(done, 0);
  clock_.advance(std::chrono::milliseconds(6));
  while (done == 0) std::this_thread::yield();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(store->stats().commits, 1);
}

TEST_F(LogStoreTest, SecondOwnerIsRefusedAndTheQueueIsBounded) {
  LogStore::Options bounded = options();
  bounded.queue_bytes_max = 1;
  const auto store = open(bounded);
  EXPECT_EQ(LogStore::open(bounded, clock_, log_).error().code, Code::busy);
  // The first is always taken; while it waits, the next is refused and stays here.
  for (int i = 0;; ++i) {
    LogBatch more = batch(i * 10, i * 10 + 10);
    const Status put = store->append(std::move(more), nullptr);
    if (put.ok()) continue;
    EXPECT_EQ(put.error().code, Code::queue_full);
    EXPECT_EQ(more.records.size(), 10u);  // NOLINT(bugprone-use-after-move): that is the contract
    break;
  }
}

TEST_F(LogStoreTest, SearchesWhileItIsWrittenTo) {
  LogStore::Options small = options();
  small.segment_bytes_max = 512 * 1024;
  const auto store = open(small);
  std::atomic<bool> stop{false};
  std::thread searcher([&] {
    while (!stop) {
      const std::vector<int> found = find(*store, "heartbeat", {}, 50);
      for (std::size_t i = 1; i < found.size(); ++i) {
        if (found[i] != found[i - 1] - 6) {
          ADD_FAILURE() << found[i - 1] << " then " << found[i];
          return;
        }
      }
    }
  });
  append_and_flush(*store, 0, 12'000, 200);
  stop = true;
  searcher.join();
  EXPECT_EQ(find(*store, "heartbeat").size(), 2000u);
}

}  // namespace
}  // namespace tapewatch
