// SPDX-License-Identifier: Apache-2.0
#include "metrics_scraper.h"

#include <gtest/gtest.h>

#include "fake/http_poster.h"
#include "fake/log.h"
#include "fake/scheduler.h"

namespace tapewatch {
namespace {

using std::chrono::seconds;

class ScraperTest : public testing::Test {
 protected:
  ScraperTest() {
    metrics_.add_source([this](auto& out) { scraper_.collect(out); });
    scraper_.start();
    timers_.settle();
  }
  static ScrapeOptions options() {
    ScrapeOptions options;
    options.name = "oms";
    options.url = "http://127.0.0.1:1/metrics";
    options.token = "t0ken";
    return options;
  }
  void answer(const std::string& body, const std::string& type) {
    HttpReply reply;
    reply.code = 200;
    reply.body = body;
    reply.content_type = type;
    reply.elapsed = std::chrono::milliseconds(20);
    poster_.answer(std::move(reply));
  }
  [[nodiscard]] bool shows(const std::string& line, MetricsFormat format = MetricsFormat::text) const {
    return metrics_.serialize(format).find("\n" + line) != std::string::npos;
  }
  std::uint64_t failures(const char* reason) { return metrics_.scrape_failures.with({"oms", reason}).value(); }

  FakePoster poster_;
  FakeScheduler timers_;
  CapturedLog log_;
  AgentMetrics metrics_{"1"};
  MetricsScraper scraper_{options(), poster_, timers_, metrics_, log_};
};

TEST_F(ScraperTest, IsServedAsPartOfOurs) {
  EXPECT_TRUE(shows("up{app=\"oms\"} 0\n")) << "nothing is known yet";
  const HttpRequest& request = poster_.at().request;
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.headers.back(), "Authorization: Bearer t0ken");
  answer(
      "# TYPE process_open_fds gauge\nprocess_open_fds 7\n# TYPE jobs counter\njobs_total 3 # {trace_id=\"a\"} 1\n# "
      "EOF\n",
      "application/openmetrics-text; version=1.0.0");
  EXPECT_TRUE(shows("up{app=\"oms\"} 1\n"));
  EXPECT_TRUE(shows("jobs_total{app=\"oms\"} 3 # {trace_id=\"a\"} 1\n", MetricsFormat::openmetrics));
  EXPECT_TRUE(shows("tapewatch_scrape_duration_seconds{app=\"oms\"} 0.02\n"));
  const std::string text = metrics_.serialize();
  EXPECT_NE(text.find("process_open_fds{app=\"oms\"} 7\n"), std::string::npos);
  EXPECT_EQ(text.find("# TYPE process_open_fds"), text.rfind("# TYPE process_open_fds")) << "one family with ours";
}

TEST_F(ScraperTest, AgainAndAgainButOneAtATime) {
  timers_.advance(seconds(31));
  EXPECT_EQ(poster_.pending(), 1U);
  answer("a 1\n", "text/plain");
  timers_.advance(seconds(15));
  EXPECT_EQ(poster_.urls.size(), 2U);
}

TEST_F(ScraperTest, WhatFailsIsCountedAndDown) {
  answer("a 1\n", "text/plain; version=0.0.4");
  EXPECT_TRUE(shows("a{app=\"oms\"} 1\n"));
  const auto again = [this] { timers_.advance(seconds(15)); };
  again();
  poster_.answer(500, "a 1\n");
  EXPECT_FALSE(shows("a{app=\"oms\"}")) << "gone at once";
  EXPECT_TRUE(shows("up{app=\"oms\"} 0\n"));
  again();
  answer("<html>", "text/html");
  again();
  poster_.fail(Code::limit, "too large");
  again();
  poster_.fail(Code::timeout, "slow");
  again();
  poster_.fail(Code::network, "refused");
  for (const char* reason : {"status", "not_understood", "too_large", "timeout", "connection"}) {
    EXPECT_EQ(failures(reason), 1U) << reason;
  }
  EXPECT_EQ(log_.count("cannot be had"), 1U) << "told once";
  again();
  answer("a 2\n", "text/plain");
  EXPECT_TRUE(log_.has("there again"));
  EXPECT_TRUE(shows("up{app=\"oms\"} 1\n"));
}

TEST_F(ScraperTest, AnotherTypeThanOursIsLeftOutAndTold) {
  answer("# TYPE tapewatch_buffer_bytes counter\ntapewatch_buffer_bytes 1\n", "text/plain");
  EXPECT_TRUE(shows("tapewatch_conflicting_families 1\n"));
  EXPECT_FALSE(shows("tapewatch_buffer_bytes{app="));
}

}  // namespace
}  // namespace tapewatch
