// SPDX-License-Identifier: Apache-2.0
// The sink's small parts: bodies, gzip, backoff, hosts, queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "fake/bulk.h"
#include "sinks/backoff.h"
#include "sinks/bulk.h"
#include "sinks/concurrency.h"
#include "sinks/gzip.h"
#include "sinks/host_pool.h"
#include "sinks/part_queue.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

Bulk bulk_of(std::size_t items, std::size_t document_bytes = 10) {
  Batch batch = fake_batch(1, items, document_bytes);
  return Bulk{std::move(batch.body), std::move(batch.items), {}};
}

TEST(Bulk, CopiesNamedItems) {
  const Bulk bulk = bulk_of(5);
  const Bulk copy = copy_items(bulk, {1, 3});
  EXPECT_THAT(ids_of(copy.body), ElementsAre("1-1", "1-3"));
  EXPECT_EQ(copy.item(1), bulk.item(3));
}

TEST(Bulk, HalvesByBytesAndNeverEmpty) {
  for (std::size_t n : {2U, 3U, 7U}) {
    const Bulk bulk = bulk_of(n);
    const auto [first, second] = halve(bulk);
    EXPECT_EQ(first.body + second.body, bulk.body);
    EXPECT_FALSE(first.items.empty());
    EXPECT_FALSE(second.items.empty());
    EXPECT_EQ(second.items.back(), second.body.size());
  }
  Bulk uneven = bulk_of(1, 10'000);
  uneven.body += "{\"create\":{}}\n{}\n";
  uneven.items.push_back(static_cast<std::uint32_t>(uneven.body.size()));
  const auto [first, second] = halve(uneven);
  EXPECT_EQ(first.items.size(), 1U);
  EXPECT_EQ(second.items.size(), 1U);
}

TEST(Bulk, SplitsAnItem) {
  const BulkItem item = split_item("{\"create\":{\"_id\":\"a\"}}\n{\"x\":1}\n");
  EXPECT_EQ(item.action, "{\"create\":{\"_id\":\"a\"}}");
  EXPECT_EQ(item.document, "{\"x\":1}");
  EXPECT_EQ(id_of_action(item.action), "a");
  EXPECT_EQ(id_of_action("{\"create\":{}}"), "");
}

std::string gunzip(const std::string& bytes) {
  const std::string path = testing::TempDir() + "gzip_test_" + std::to_string(::getpid()) + ".gz";
  std::ofstream(path, std::ios::binary) << bytes;
  std::string out;
  FILE* pipe = ::popen(("gzip -dc " + path).c_str(), "r");
  std::array<char, 65536> buffer{};
  for (std::size_t n = 0; (n = ::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), n);
  EXPECT_EQ(::pclose(pipe), 0);
  ::unlink(path.c_str());
  return out;
}

TEST(Gzip, RoundTripsAtBothLevelsAlsoWhatDoesNotShrink) {
  std::string noise;
  std::uint64_t state = 42;
  for (int i = 0; i < 300'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    noise.push_back(static_cast<char>(state >> 56));
  }
  for (const int level : {0, 1}) {
    Gzip gzip(level);
    std::string out;
    for (const std::string& in : {std::string(), std::string("x"), fake_batch(1, 2000).body, noise}) {
      gzip.compress(in, out);
      EXPECT_TRUE(gunzip(out) == in) << level << " " << in.size();
    }
    gzip.compress(fake_batch(1, 2000).body, out);
    EXPECT_LT(out.size(), fake_batch(1, 2000).body.size() / 4);
  }
}

TEST(Backoff, FullJitterWithinItsBounds) {
  BackoffOptions options;
  EXPECT_EQ(backoff_delay(options, 1, [] { return 0.0; }).count(), 0);
  const std::array<int, 8> widest_s = {1, 2, 4, 8, 16, 32, 60, 60};
  for (int attempt = 1; attempt <= 8; ++attempt) {
    const auto widest = backoff_delay(options, attempt, [] { return 1.0; });
    EXPECT_EQ(widest, seconds(widest_s[static_cast<std::size_t>(attempt - 1)]));
  }
  EXPECT_EQ(backoff_delay(options, 1'000'000, [] { return 1.0; }), seconds(60));
  for (int i = 0; i < 1000; ++i) {
    const double r = random_unit();
    EXPECT_GE(r, 0.0);
    EXPECT_LT(r, 1.0);
  }
}

TEST(Backoff, HttpDates) {
  const std::int64_t want = 784'111'777 * ns_per_second;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), want);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), want);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), want);
  for (const char* bad : {"", "tomorrow", "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49 GMT", "a b c d e f g h i j k"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

TEST(Backoff, ARetryAfterDateCountsFromTheServersOwnClock) {
  const auto delay = parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:37 GMT",
                                       1'767'571'200 * ns_per_second, seconds(300));
  EXPECT_EQ(delay, seconds(10));
}

TEST(HostPool, NamesHoldNoPassword) {
  EXPECT_EQ(without_userinfo("https://u:p@es:9200/x"), "https://es:9200/x");
  EXPECT_EQ(without_userinfo("https://u:p@ss@es"), "https://es");
  EXPECT_EQ(without_userinfo("http://es/a@b"), "http://es/a@b");
  EXPECT_EQ(without_userinfo("u:p@es"), "es");
  EXPECT_EQ(without_userinfo("es"), "es");
}

TEST(HostPool, AHostOnTrialGetsOneRequest) {
  HostPool pool({"http://a"}, {}, [] { return 0.5; });
  const std::size_t host = *pool.take(0);
  EXPECT_TRUE(pool.take(0)) << "a healthy host takes several";
  pool.failed(host, 0, 10, std::nullopt);
  pool.failed(host, 5, 11, std::nullopt);  // was in flight at the same time: the same failure
  EXPECT_EQ(pool.at(host).failures, 1);
  EXPECT_FALSE(pool.take(11));
  const std::int64_t next = *pool.next_ns(11);
  EXPECT_EQ(next, 10 + ns_per_second / 2);
  EXPECT_TRUE(pool.take(next));
  EXPECT_FALSE(pool.take(next)) << "one request at a time while on trial";
  pool.succeeded(host);
  EXPECT_TRUE(pool.take(next));
  EXPECT_TRUE(pool.take(next));
}

TEST(Concurrency, SlowRepliesLowerIt) {
  Concurrency limit(8);
  std::int64_t now = 0;
  for (int i = 0; i < 60; ++i) {
    limit.succeeded(now, now + 20 * ns_per_ms, 8);
    now += 20 * ns_per_ms;
  }
  EXPECT_EQ(limit.limit(), 8);
  limit.succeeded(now, now + 500 * ns_per_ms, 8);
  EXPECT_EQ(limit.limit(), 7);
  for (int i = 0; i < 10; ++i) {
    now += ns_per_second;
    limit.refused(now, now);
  }
  EXPECT_EQ(limit.limit(), 1);
}

TEST(Concurrency, ALimitThatIsNotUsedDoesNotGrow) {
  Concurrency limit(8);
  for (std::int64_t i = 0; i < 60; ++i) limit.succeeded(i * ns_per_second, i * ns_per_second + 5, 0);
  EXPECT_EQ(limit.limit(), 1);
}

Part part_of(std::uint64_t job, std::int64_t ready_ns) {
  Part part;
  part.job = job;
  part.ready_ns = ready_ns;
  return part;
}

TEST(PartQueue, OldestBatchFirstAndStrictlySoWhenAsked) {
  PartQueue queue;
  queue.push(part_of(2, 0));
  queue.push(part_of(1, 50));
  queue.push(part_of(1, 20));
  EXPECT_FALSE(queue.has_ready(10, true));
  EXPECT_EQ(queue.next_ns(10), 20);
  EXPECT_EQ(queue.take(30, true)->ready_ns, 20);
  EXPECT_FALSE(queue.take(30, true));
  EXPECT_EQ(queue.take(30, false)->job, 2U);
  EXPECT_EQ(queue.take(50, true)->job, 1U);
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace tapewatch
