// SPDX-License-Identifier: Apache-2.0
#include "rule_state.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "rule_memory.h"

namespace tapewatch {
namespace {

Alert alert_at(std::uint64_t file, std::uint64_t offset) {
  Alert alert;
  alert.id = {file, offset};
  alert.rule_id = "r";
  alert.title = "t";
  alert.labels = {{"desk", "tokyo"}};
  alert.group = {{"u", "x"}};
  alert.time_ns = 5'000'000'000;
  alert.measure = AlertMeasure{1, 2, 3, 4, 5};
  alert.evidence = {"{}", R"({"a":1})"};
  alert.source_file = file;
  alert.source_offset = offset;
  return alert;
}

RuleState some_state() {
  RuleState state;
  state.progress.seen = {{7, 100}, {9, 5}};
  state.progress.clock_file = 33;
  state.progress.clock_next = 4;
  state.progress.newest_event_ns = 1'767'571'200'000'000'000;
  state.progress.newest_read_wall_ns = 1'767'571'201'000'000'000;
  state.progress.ended = true;
  state.told = {alert_at(7, 90), alert_at(33, 3)};
  state.waiting = {{"id", "body"}};
  state.rules = "what the detector wrote";
  return state;
}

std::string document(const Alert& alert) {
  std::string text;
  append_alert_document(text, alert);
  append_alert_webhook(text, alert);
  return text;
}

TEST(RuleStateBytes, AreReadAsTheyWereWritten) {
  const RuleState state = some_state();
  const Result<RuleState> read = decode_rule_state(encode_rule_state_head(state) + state.rules);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->progress.seen, state.progress.seen);
  EXPECT_EQ(read->progress.clock_file, 33u);
  EXPECT_EQ(read->progress.clock_next, 4u);
  EXPECT_EQ(read->progress.newest_event_ns, state.progress.newest_event_ns);
  EXPECT_EQ(read->progress.newest_read_wall_ns, state.progress.newest_read_wall_ns);
  EXPECT_TRUE(read->progress.ended);
  ASSERT_EQ(read->told.size(), 2u);
  EXPECT_EQ(read->told[1].source_file, 33u);
  EXPECT_EQ(read->told[1].source_offset, 3u);
  EXPECT_EQ(document(read->told[0]), document(state.told[0]));
  EXPECT_EQ(read->waiting, state.waiting);
  EXPECT_EQ(read->rules, state.rules);
}

TEST(RuleStateBytes, DamageIsSeen) {
  const std::string head = encode_rule_state_head(some_state());
  for (std::size_t size = 0; size < head.size(); ++size) EXPECT_FALSE(decode_rule_state(head.substr(0, size)).ok());
  for (std::size_t at = 0; at < head.size(); ++at) {
    std::string flipped = head;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_FALSE(decode_rule_state(flipped).ok()) << at;
  }
}

class RuleMemoryTest : public testing::Test {
 protected:
  RuleMemory memory(std::size_t sinks = 1) {
    RuleMemory::Options options;
    options.bytes_max = 1 << 20;
    options.told_max = 3;
    options.sinks = sinks;
    return {options, folder_.path(), clock_, log_, [this](std::uint64_t file) -> std::optional<std::uint64_t> {
              const auto known = committed_.find(file);
              return known == committed_.end() ? std::nullopt : std::optional(known->second);
            }};
  }
  static RuleRecords records(std::uint64_t clock_file, std::unordered_map<std::uint64_t, std::uint64_t> seen) {
    RuleRecords records;
    records.progress.clock_file = clock_file;
    records.progress.seen = std::move(seen);
    records.rules = "rules";
    return records;
  }
  static std::vector<std::uint64_t> places(const RuleState& state) {
    std::vector<std::uint64_t> all;
    for (const Alert& alert : state.told) all.push_back(alert.source_offset);
    return all;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  CapturedLog log_;
  std::unordered_map<std::uint64_t, std::uint64_t> committed_;
};

TEST_F(RuleMemoryTest, KeepsPositionsOfFilesThatAreKnown) {
  committed_ = {{1, 0}, {2, 0}};
  RuleMemory first = memory();
  const std::uint64_t clock = first.open().progress.clock_file;
  EXPECT_NE(clock, 0u);
  EXPECT_TRUE(first.save(records(clock, {{1, 10}, {2, 20}}), {}));
  committed_.erase(2);
  EXPECT_TRUE(first.save(records(clock, {{1, 30}}), {{"m", "b"}}));
  const RuleState state = memory().open();
  EXPECT_EQ(state.progress.seen, (std::unordered_map<std::uint64_t, std::uint64_t>{{1, 30}}));
  EXPECT_EQ(state.progress.clock_file, clock);
  EXPECT_EQ(state.rules, "rules");
  EXPECT_EQ(state.waiting.size(), 1u);
}

TEST_F(RuleMemoryTest, AStateOfOtherFilesIsLeftOut) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  EXPECT_TRUE(first.save(records(first.open().progress.clock_file, {{1, 10}}), {}));
  committed_ = {{5, 0}};
  const RuleState state = memory().open();
  EXPECT_TRUE(state.rules.empty());
  EXPECT_TRUE(state.progress.seen.empty());
  EXPECT_TRUE(log_.has("all rules start anew"));
}

TEST_F(RuleMemoryTest, AlertsAreKeptUntilTheirLineIsAcknowledged) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  const std::uint64_t clock = first.open().progress.clock_file;
  for (const std::uint64_t offset : {10u, 20u, 30u}) first.told(alert_at(1, offset));
  committed_[1] = 20;
  EXPECT_TRUE(first.save(records(clock, {{1, 40}}), {}));
  EXPECT_EQ(places(memory().open()), (std::vector<std::uint64_t>{20, 30}));
  // Acknowledged since, though the state is older.
  committed_[1] = 31;
  EXPECT_TRUE(memory().open().told.empty());
}

TEST_F(RuleMemoryTest, AlertsOfTheClockAreKeptUntilEverySinkHasThem) {
  committed_ = {{1, 0}};
  RuleMemory first = memory(2);
  const std::uint64_t clock = first.open().progress.clock_file;
  RuleRecords all = records(clock, {{1, 40}});
  all.progress.clock_next = 3;
  for (const std::uint64_t number : {0u, 1u, 2u}) first.told(alert_at(clock, number));
  first.acked(0, {{clock, 0, 3}});
  first.acked(1, {{clock, 0, 1}, {1, 0, 99}});
  EXPECT_TRUE(first.save(std::move(all), {}));
  RuleMemory second = memory(2);
  EXPECT_EQ(places(second.open()), (std::vector<std::uint64_t>{1, 2}));
  second.acked(0, {{clock, 1, 3}});
  second.acked(1, {{clock, 1, 3}});
  RuleRecords later = records(clock, {});
  later.progress.clock_next = 3;
  EXPECT_TRUE(second.save(std::move(later), {}));
  EXPECT_TRUE(memory(2).open().told.empty());
}

TEST_F(RuleMemoryTest, TooManyAlertsAreForgottenAndCounted) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  (void)first.open();
  for (std::uint64_t offset = 0; offset < 5; ++offset) first.told(alert_at(1, offset));
  EXPECT_EQ(first.told_dropped(), 2u);
}

TEST_F(RuleMemoryTest, DamageIsPutAsideAndTold) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  EXPECT_TRUE(first.save(records(first.open().progress.clock_file, {{1, 10}}), {}));
  folder_.write("rules", "TWRS and no more");
  RuleMemory second = memory();
  EXPECT_TRUE(second.open().rules.empty());
  EXPECT_EQ(second.stats().quarantined, 1u);
  EXPECT_TRUE(log_.has("a damaged state of the rules was put aside"));
  EXPECT_EQ(read_file(folder_.path("rules"), 100).error().code, Code::not_found);
}

TEST_F(RuleMemoryTest, WhatCannotBeWrittenHoldsPositionsAndIsAskedForAgain) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  const std::uint64_t clock = first.open().progress.clock_file;
  ASSERT_TRUE(make_folders(folder_.path("rules.new")).ok());  // in the way
  EXPECT_FALSE(first.save(records(clock, {{1, 10}}), {}));
  RuleRecords unchanged = records(clock, {{1, 20}});
  unchanged.rules.reset();
  EXPECT_FALSE(first.save(std::move(unchanged), {}));
  EXPECT_EQ(first.stats().failures, 1u);
}

TEST_F(RuleMemoryTest, LargeStatesAreWrittenSeldom) {
  committed_ = {{1, 0}};
  RuleMemory first = memory();
  RuleRecords large = records(first.open().progress.clock_file, {{1, 10}});
  large.rules = std::string(std::size_t{32} << 20, 'x');
  EXPECT_TRUE(first.due());
  EXPECT_TRUE(first.save(std::move(large), {}));
  EXPECT_FALSE(first.due());
  clock_.advance(std::chrono::milliseconds(1999));
  EXPECT_FALSE(first.due());
  clock_.advance(std::chrono::milliseconds(2));
  EXPECT_TRUE(first.due());
}

}  // namespace
}  // namespace tapewatch
