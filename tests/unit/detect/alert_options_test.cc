// SPDX-License-Identifier: Apache-2.0
// What `tapewatch:` asks for: when an alert is told, told again, and over.
#include <gmock/gmock.h>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::int64_t second = 1'000'000'000;

class AlertOptionsTest : public RulesFixture {
 protected:
  void SetUp() override { detector_options_.tell_ends = true; }

  void single(const std::string& options) {
    start("title: r\ndetection: {s: {e: '*'}, condition: s}\ntapewatch: {" + options + "}\n");
  }
  // Two events of a user in ten seconds.
  void pair(const std::string& options, const std::string& type = "event_count",
            const std::string& condition = "{gte: 2}") {
    start(
        "title: base\nname: base\ndetection: {s: {e: '*'}, condition: s}\n---\ntitle: two\nid: two\ncorrelation:\n"
        "  type: " +
        type + "\n  rules: [base]\n  group-by: [user]\n  timespan: 10s\n  condition: " + condition + "\ntapewatch: {" +
        options + "}\n");
  }
  // "12 firing", "20 resolved": what comes of events of one user at these seconds.
  std::vector<std::string> told(const std::vector<int>& times, const std::string& user = "u1") {
    std::vector<std::string> all;
    for (const int time : times) {
      for (const Alert& alert : see(event(time, user))) all.push_back(text(alert));
    }
    return all;
  }
  std::vector<std::string> until(int time) {
    std::vector<Alert> alerts;
    detector_->advance(time * second, alerts);
    std::vector<std::string> all;
    for (const Alert& alert : alerts) all.push_back(text(alert));
    return all;
  }
  static std::string event(int time, const std::string& user) {
    return R"({"t":)" + std::to_string(time) + R"(,"e":"x","user":")" + user + R"("})";
  }
  static std::string text(const Alert& alert) {
    return std::to_string(alert.time_ns / second) + " " + std::string(alert_state_name(alert.state)) +
           (alert.repeated ? " again" : "");
  }
};

TEST_F(AlertOptionsTest, AnAlertIsOverWhenItsConditionHasBecomeFalse) {
  pair("evidence: 1");
  EXPECT_THAT(told({0, 5, 8}), ElementsAre("5 firing"));
  EXPECT_THAT(until(15), IsEmpty());
  EXPECT_THAT(until(16), ElementsAre("15 resolved")) << "5 and 8 were two until 15";
  EXPECT_THAT(told({100, 101}), ElementsAre("101 firing"));
  EXPECT_THAT(told({300}), ElementsAre("110 resolved")) << "an event tells the time too";
}

TEST_F(AlertOptionsTest, TheEndHasTheIdentityOfTheAlertAndAMessageOfItsOwn) {
  pair("evidence: 1");
  (void)told({0});
  const std::vector<Alert> first = see(event(5, "u1"));
  std::vector<Alert> last;
  detector_->advance(60 * second, last);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].id, first[0].id);
  EXPECT_EQ(last[0].started_ns, first[0].started_ns);
  EXPECT_THAT(last[0].group, ElementsAre(Pair("user", "u1")));
  EXPECT_EQ(alert_message_id(first[0]), first[0].id);
  EXPECT_NE(alert_message_id(last[0]), first[0].id);
  EXPECT_EQ(detector_->counters().alerts_ended, 1u);
  EXPECT_EQ(detector_->counters().firing, 0u);
}

TEST_F(AlertOptionsTest, ForWantsTheConditionToHold) {
  pair("for: 20s");
  EXPECT_THAT(told({0, 5, 10, 15, 20, 24}), IsEmpty());
  EXPECT_THAT(told({26}), ElementsAre("25 firing"));
  EXPECT_THAT(until(200), ElementsAre("34 resolved"));
  EXPECT_THAT(told({300, 305, 310}), IsEmpty());
  EXPECT_THAT(until(400), IsEmpty()) << "it did not hold for so long";
}

TEST_F(AlertOptionsTest, ForIsOverByTheClockToo) {
  pair("for: 4s");
  EXPECT_THAT(told({0, 1}), IsEmpty());
  EXPECT_THAT(until(5), IsEmpty());
  EXPECT_THAT(until(6), ElementsAre("5 firing"));
  EXPECT_THAT(until(60), ElementsAre("10 resolved"));
}

TEST_F(AlertOptionsTest, KeepFiringForBridgesWhatIsShortlyFalse) {
  pair("keep_firing_for: 60s");
  EXPECT_THAT(told({0, 5, 60, 65}), ElementsAre("5 firing")) << "false from 10 on, true again at 65";
  EXPECT_THAT(until(130), IsEmpty());
  EXPECT_THAT(until(200), ElementsAre("130 resolved"));
}

TEST_F(AlertOptionsTest, AnAlertOfASingleEventEndsByTheClock) {
  single("keep_firing_for: 20s");
  EXPECT_THAT(told({0, 1}), ElementsAre("0 firing", "1 firing"));
  EXPECT_THAT(until(21), ElementsAre("20 resolved"));
  EXPECT_THAT(until(400), ElementsAre("21 resolved"));
  single("evidence: 1");
  EXPECT_THAT(told({0}), ElementsAre("0 firing"));
  EXPECT_THAT(until(400), ElementsAre("300 resolved"));
}

TEST_F(AlertOptionsTest, FewEventsAreOverWithTheNextOne) {
  pair("evidence: 1", "event_count", "{lt: 1}");
  EXPECT_THAT(told({0}), IsEmpty());
  EXPECT_THAT(until(60), ElementsAre("10 firing"));
  EXPECT_THAT(told({70}), ElementsAre("70 resolved"));
}

TEST_F(AlertOptionsTest, ARealertDoubles) {
  single("realert: {every: 10s, exponential: true, max: 40s}");
  EXPECT_THAT(told({0, 5, 10, 20, 29, 30, 69, 70, 109, 110, 149, 150}),
              ElementsAre("0 firing", "10 firing", "30 firing", "70 firing", "110 firing", "150 firing"));
  EXPECT_THAT(told({1000, 1009, 1010}), testing::Contains("1010 firing")) << "it begins anew after a pause";
}

TEST_F(AlertOptionsTest, ARepetitionIsTheSameAlert) {
  pair("realert: 20s");
  EXPECT_THAT(told({0, 5, 10, 15, 20, 25}), ElementsAre("5 firing", "25 firing again"));
}

TEST_F(AlertOptionsTest, SilenceIsToldAgainByTheClock) {
  pair("realert: 60s", "event_count", "{lt: 1}");
  (void)told({0});
  EXPECT_THAT(until(140), ElementsAre("10 firing", "70 firing again", "130 firing again"));
}

TEST_F(AlertOptionsTest, MinSamples) {
  pair("min_samples: 3");
  EXPECT_THAT(told({0, 1, 2}), ElementsAre("2 firing"));
}

// 1970-01-01 was a Thursday.
TEST_F(AlertOptionsTest, ActiveHoursAreOfEventTimeAndOfAPlace) {
  single("keep_firing_for: 1s, active: {days: mon-fri, hours: '09:00-17:00', timezone: Asia/Tokyo}");
  const int hour = 3600;
  EXPECT_THAT(told({0, 8 * hour - 1, 8 * hour}), testing::Not(testing::Contains("28800 firing")));
  EXPECT_THAT(told({20 * hour, 24 * hour}), testing::Contains("86400 firing")) << "nine in the morning in Tokyo";
  EXPECT_EQ(detector_->counters().alerts_inactive, 2u);
  EXPECT_THAT(told({2 * 24 * hour}), testing::Not(testing::Contains("172800 firing"))) << "a Saturday";
}

TEST_F(AlertOptionsTest, AnAlertEndsWithTheHours) {
  pair("active: {hours: '00:00-00:01'}", "event_count", "{gte: 1}");
  EXPECT_THAT(told({50, 55, 58}), ElementsAre("50 firing"));
  EXPECT_THAT(until(70), ElementsAre("60 resolved"));
}

TEST_F(AlertOptionsTest, NoSilenceIsToldOfTheTimeBeforeTheHours) {
  pair("active: {hours: '00:05-00:10'}", "event_count", "{lt: 1}");
  (void)told({0});
  EXPECT_THAT(until(309), IsEmpty());
  EXPECT_THAT(until(400), ElementsAre("310 firing")) << "ten seconds of those hours were silent";
  EXPECT_THAT(until(4000), ElementsAre("600 resolved"));
}

TEST_F(AlertOptionsTest, AnnotationsShowWhatTheDocumentShows) {
  pair("annotations: {summary: '{{ count }} of {{group.user}} from {{ source.ip }}, {{ secret }}, {{ none.such }}'}");
  document_ = R"({"user":"u1","source":{"ip":"10.0.0.1"},"secret":"***"})";
  (void)told({0});
  const auto alerts = see(R"({"t":1,"e":"x","user":"u1","source":{"ip":"10.0.0.1"},"secret":"hunter2"})");
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_THAT(alerts[0].annotations, ElementsAre(Pair("summary", "2 of u1 from 10.0.0.1, ***, (none)")));
}

TEST_F(AlertOptionsTest, WhatIsAwaitedIsBounded) {
  detector_options_.firing_max = 2;
  single("keep_firing_for: 60s");
  EXPECT_THAT(told({0, 1, 2}), ElementsAre("0 firing", "1 firing", "2 firing", "2 resolved"));
  EXPECT_EQ(detector_->counters().alerts_ended_early, 1u);
}

TEST_F(AlertOptionsTest, EndsAreToldOnlyWhereTheyAreWanted) {
  detector_options_.tell_ends = false;
  pair("evidence: 1");
  EXPECT_THAT(told({0, 5, 300}), ElementsAre("5 firing"));
  EXPECT_THAT(until(900), IsEmpty());
}

TEST_F(AlertOptionsTest, WhatBeginsAgainFromTheSameFirstEventIsAnotherAlert) {
  pair("evidence: 0", "value_avg", "{gte: 10, field: n}");
  std::vector<Alert> firing;
  for (const auto& [time, n] : std::vector<std::pair<int, int>>{{0, 20}, {1, 0}, {2, 0}, {3, 40}}) {
    const std::string line =
        R"({"t":)" + std::to_string(time) + R"(,"e":"x","user":"u1","n":)" + std::to_string(n) + "}";
    for (Alert& alert : see(line)) {
      if (alert.state == AlertState::firing) firing.push_back(std::move(alert));
    }
  }
  ASSERT_EQ(firing.size(), 2u);
  EXPECT_EQ(firing[0].started_ns, firing[1].started_ns);
  EXPECT_NE(alert_message_id(firing[0]), alert_message_id(firing[1]));
}

TEST_F(AlertOptionsTest, WithoutRealertEveryEventIsToldThoughItComesLate) {
  single("evidence: 0");
  int alerts = 0;
  for (const int time : {10, 4, 11, 3, 10}) {
    for (const Alert& alert : see(event(time, "alice"))) alerts += alert.state == AlertState::firing ? 1 : 0;
  }
  EXPECT_EQ(alerts, 5);
  EXPECT_EQ(detector_->counters().alerts_suppressed, 0u);
}

}  // namespace
}  // namespace tapewatch
