// SPDX-License-Identifier: Apache-2.0
#include "http/live_tail.h"

#include <gtest/gtest.h>

#include <string>

#include "fake/scheduler.h"
#include "fake/search_backend.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

struct Screen {
  std::string shown;
  std::size_t pending = 0;
  int ended = 0;
  LiveTail::Client client() {
    return {[this](std::string bytes) { shown += bytes; }, [this] { return pending; }, [this] { ++ended; }};
  }
  [[nodiscard]] bool has(const std::string& text) const { return shown.find(text) != std::string::npos; }
  [[nodiscard]] int events() const {
    int n = 0;
    for (std::size_t at = 0; (at = shown.find("id: ", at)) != std::string::npos; ++at) ++n;
    return n;
  }
};

class LiveTailTest : public testing::Test {
 protected:
  LiveTail::ClientId join(Screen& screen, const std::string& query = "", const std::string& last = "") {
    return std::get<LiveTail::ClientId>(tail_.join(query, last, screen.client()));
  }
  FakeScheduler scheduler_;
  FakeSearchBackend backend_;
  AgentMetrics metrics_{"1"};
  LiveTail::Options options_;
  LiveTail tail_{options_, scheduler_, &backend_, metrics_};
};

TEST_F(LiveTailTest, EachClientSeesWhatItAskedForAndOnlyWhatIsNew) {
  backend_.add(R"({"message":"old"})");
  Screen all, errors;
  join(all);
  const auto id = join(errors, "query=boom");
  backend_.add(R"({"message":"fine"})");
  backend_.add("{\"message\":\n\"boom\"}");
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(all.events(), 2);
  EXPECT_EQ(errors.events(), 1);
  EXPECT_TRUE(errors.has("id: 3\ndata: {\"message\": \"boom\"}\n\n")) << errors.shown;
  tail_.leave(id);
  backend_.add(R"({"message":"boom"})");
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(errors.events(), 1);
  EXPECT_EQ(all.events(), 3);
  EXPECT_EQ(metrics_.http_tail_clients.value(), 1);
}

TEST_F(LiveTailTest, GoesOnAfterTheLastEventSeen) {
  for (int i = 0; i < 5; ++i) backend_.add("{}");
  Screen since, again, foreign;
  join(since, "since=3");
  join(again, "since=1", "4");
  join(foreign, "", "999999");
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(since.events(), 2);
  EXPECT_EQ(again.events(), 1);
  EXPECT_EQ(foreign.events(), 0);
}

TEST_F(LiveTailTest, WhoIsTooSlowLosesEventsAndIsTold) {
  Screen slow;
  join(slow);
  slow.pending = options_.client_pending_bytes_max;
  for (int i = 0; i < 7; ++i) backend_.add("{}");
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(slow.shown, "");
  slow.pending = 0;
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(slow.shown, "event: skipped\ndata: {\"skipped\":7}\n\n");
  EXPECT_EQ(metrics_.http_tail_skipped.value(), 7U);
}

TEST_F(LiveTailTest, AFloodIsBoundedAndSaysSo) {
  Screen screen;
  join(screen);
  backend_.kept = 100;
  for (int i = 0; i < 10'000; ++i) backend_.add("{}");
  scheduler_.advance(milliseconds(100));
  EXPECT_EQ(screen.events(), 100);
  EXPECT_TRUE(screen.has("{\"skipped\":9900}"));
}

TEST_F(LiveTailTest, WhoTakesNothingForAMinuteIsEnded) {
  Screen stuck;
  join(stuck);
  stuck.pending = options_.client_pending_bytes_max;
  backend_.add("{}");
  scheduler_.advance(std::chrono::seconds(59));
  EXPECT_EQ(stuck.ended, 0);
  scheduler_.advance(std::chrono::seconds(2));
  EXPECT_GT(stuck.ended, 0);
}

TEST_F(LiveTailTest, AQuietStreamIsKeptAlive) {
  Screen screen;
  join(screen);
  scheduler_.advance(std::chrono::seconds(31));
  EXPECT_EQ(screen.shown, ": quiet\n\n: quiet\n\n");
}

TEST_F(LiveTailTest, RefusesWhatItCannotServe) {
  Screen screen;
  const auto status = [&](const std::string& query) {
    const auto joined = tail_.join(query, "", screen.client());
    return std::holds_alternative<HttpAnswer>(joined) ? std::get<HttpAnswer>(joined).status : 200;
  };
  EXPECT_EQ(status("query=("), 400);
  EXPECT_EQ(status("since=x"), 400);
  EXPECT_EQ(status("other=1"), 400);
  for (std::size_t i = 0; i < options_.clients_max; ++i) EXPECT_EQ(status(""), 200);
  EXPECT_EQ(status(""), 503);
  LiveTail off(options_, scheduler_, nullptr, metrics_);
  EXPECT_EQ(std::get<HttpAnswer>(off.join("", "", screen.client())).status, 404);
}

}  // namespace
}  // namespace tapewatch
