// SPDX-License-Identifier: Apache-2.0
// Blocks of lines through the real stages into outputs that only collect.
#include "pipeline.h"

#include <gmock/gmock.h>

#include "base/timestamp.h"
#include "fake/bulk.h"
#include "fake/folder.h"
#include "stages.h"
#include "unit/agent/block_of.h"

namespace tapewatch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    config_.service.instance = "test-1";
    config_.elastic.emplace();
    config_.elastic->data_stream = "logs-test";
    config_.store.enabled = true;
  }
  void open(const std::string& rules = "") {
    if (!rules.empty()) {
      folder_.write("rules.yaml", rules);
      config_.rules.include = {folder_.path("rules.yaml")};
    }
    Stages::Outputs outputs;
    outputs.clock = &clock_;
    outputs.batch = [this](Batch batch) { batches_.push_back(std::move(batch)); };
    outputs.store_batch = [this](StoreBatch batch) { stored_.push_back(std::move(batch)); };
    outputs.alerts = [this](std::vector<Alert> alerts) { alerts_.insert(alerts_.end(), alerts.begin(), alerts.end()); };
    Diagnostics diagnostics;
    stages_ = Stages::open(config_, metrics_, diagnostics, std::move(outputs));
    ASSERT_FALSE(diagnostics.has_errors()) << diagnostics.render(false);
  }
  // Runs one block and seals everything.
  void run(const std::string& text, std::uint64_t begin = 0) {
    stages_->pipeline().run(block_of(text, begin));
    stages_->pipeline().finish();
  }
  // The documents of the last bulk body, and those that the store was given last.
  [[nodiscard]] std::vector<std::string> sent() const {
    std::vector<std::string> documents;
    const Batch& batch = batches_.back();
    for (std::size_t i = 0; i < batch.items.size(); ++i) documents.emplace_back(split_item(batch.item(i)).document);
    return documents;
  }
  [[nodiscard]] std::vector<std::string> kept() const {
    std::vector<std::string> documents;
    const LogBatch& batch = stored_.back().documents;
    for (const LogRecord& record : batch.records) {
      documents.push_back(batch.documents.substr(record.begin, record.end - record.begin));
    }
    return documents;
  }
  [[nodiscard]] std::vector<std::string> ids() const { return ids_of(batches_.back().body); }

  TemporaryFolder folder_;
  const SystemClock clock_;
  Config config_;
  AgentMetrics metrics_{"test"};
  std::unique_ptr<Stages> stages_;
  std::vector<Batch> batches_;
  std::vector<StoreBatch> stored_;
  std::vector<Alert> alerts_;
};

TEST_F(PipelineTest, OneEventOfEachBlockIsTimed) {
  open("title: x\nid: x\ndetection: {s: {a: b}, condition: s}\n");
  run("{\"a\":\"c\"}\n{\"a\":\"c\"}\n");
  run("{\"a\":\"c\"}\n", 100);
  std::uint64_t timed = 0;
  for (std::size_t i = 0; i <= metrics_.rule_duration.bounds().size(); ++i) timed += metrics_.rule_duration.count(i);
  EXPECT_EQ(timed, 2u);
}

TEST_F(PipelineTest, TheClockOffsetIsThatOfTheNewestLine) {
  open();
  LineBlock block =
      block_of("{\"@timestamp\":\"2026-01-05T00:00:00Z\"}\n{\"@timestamp\":\"2026-01-05T00:00:09Z\"}\n", 0);
  block.read_wall_ns = *parse_rfc3339("2026-01-05T00:00:10.5Z");
  stages_->pipeline().run(block);
  EXPECT_DOUBLE_EQ(metrics_.input_clock_offset.with({block.source->input}).value(), 1.5);
}

TEST_F(PipelineTest, EveryOutputGetsTheSameDocumentsAndTheWholeSpan) {
  open();
  run("{\"message\":\"a\"}\n\nplain\n{\"message\":\"b\"}\r\n", 1000);
  ASSERT_THAT(batches_, SizeIs(1));
  ASSERT_THAT(stored_, SizeIs(1));
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("\"a\""), HasSubstr("\"plain\""), HasSubstr("\"b\"")));
  EXPECT_EQ(sent(), kept());
  for (const auto* spans : {&batches_[0].spans, &stored_[0].spans}) {
    ASSERT_THAT(*spans, SizeIs(1));
    EXPECT_EQ(spans->front().begin, 1000u);
    EXPECT_EQ(spans->front().end, 1040u) << "blank lines and line ends too";
  }
  EXPECT_EQ(metrics_.input_events.with({"in"}).value(), 3u);
  EXPECT_EQ(metrics_.events_discarded.with({"tail", "blank_line", "true"}).value(), 1u);
}

TEST_F(PipelineTest, LinesThatAreNoJsonObjectAreCountedByKind) {
  open();
  run("{\"a\":1}\n[1]\n\"text\"\n{\"a\":\n\xFF\n");
  EXPECT_EQ(metrics_.parse_errors.with({"not_object"}).value(), 2u);
  EXPECT_EQ(metrics_.parse_errors.with({"json"}).value(), 2u);
  EXPECT_THAT(sent(), SizeIs(5)) << "each is delivered all the same";
}

TEST_F(PipelineTest, IdsFollowFromPlaceAndLineAlone) {
  const std::string text = "{\"a\":1}\n{\"a\":1}\n";
  open();
  run(text);
  const std::vector<std::string> first = ids();
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_NE(first[0], first[1]) << "two equal lines are two events";
  open();
  run(text);
  EXPECT_EQ(ids(), first) << "read again";
  config_.service.instance = "test-2";
  open();
  run(text);
  EXPECT_NE(ids(), first) << "another instance";
}

constexpr const char* card_rule =
    "title: seen\nid: seen\ndetection: {words: [gateway, 4111111111111111], condition: words}\n";

TEST_F(PipelineTest, AnAlertGoesWhereItsLineGoesAndCarriesNoSecret) {
  open(card_rule);
  run("{\"message\":\"gateway\",\"card\":\"4111111111111111\"}\npaid with 4111111111111111\ngateway 4111 1111 1111 "
      "1111\n");
  ASSERT_THAT(alerts_, SizeIs(2)) << "the second line holds nothing but a masked secret";
  EXPECT_THAT(sent(), SizeIs(5));
  EXPECT_EQ(sent(), kept());
  for (const std::string& document : sent())
    EXPECT_THAT(document, AllOf(Not(HasSubstr("4111111")), Not(HasSubstr("4111 1111"))));
  for (const Alert& alert : alerts_) {
    ASSERT_THAT(alert.evidence, SizeIs(1));
    EXPECT_THAT(alert.evidence[0], AllOf(HasSubstr("gateway"), Not(HasSubstr("4111"))));
  }
  EXPECT_THAT(batches_.back().body, HasSubstr(config_.elastic->alerts_data_stream));
}

TEST_F(PipelineTest, WithoutMaskingNothingIsHidden) {
  config_.mask.enabled = false;
  open(card_rule);
  run("paid with 4111111111111111\n");
  EXPECT_THAT(alerts_, SizeIs(1));
  EXPECT_THAT(sent()[0], HasSubstr("4111111111111111"));
}

TEST_F(PipelineTest, AgeSealsWhatIsOpen) {
  open();
  stages_->pipeline().run(block_of("{\"a\":1}\n", 0, ns_per_second));
  stages_->pipeline().turn(ns_per_second + 1);
  EXPECT_THAT(batches_, IsEmpty());
  EXPECT_THAT(stored_, IsEmpty());
  stages_->pipeline().turn(ns_per_second + 50 * ns_per_ms + 1);
  EXPECT_THAT(stored_, SizeIs(1));
  stages_->pipeline().turn(ns_per_second + 500 * ns_per_ms + 1);
  EXPECT_THAT(batches_, SizeIs(1));
}

TEST_F(PipelineTest, OneOutputAlone) {
  for (const bool elastic : {false, true}) {
    batches_.clear();
    stored_.clear();
    config_.store.enabled = !elastic;
    if (!elastic) config_.elastic.reset();
    if (elastic) config_.elastic.emplace().data_stream = "logs-test";
    open(card_rule);
    run("gateway down\n");
    EXPECT_EQ(batches_.size(), elastic ? 1u : 0u);
    EXPECT_EQ(stored_.size(), elastic ? 0u : 1u);
    EXPECT_THAT(elastic ? sent() : kept(), ElementsAre(HasSubstr("gateway down"), HasSubstr("\"alert\"")));
  }
}

constexpr const char* three_rule = R"(title: a
name: a
detection: {s: {e: a}, condition: s}
---
title: three
id: three
correlation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 3}}
)";

TEST_F(PipelineTest, WhatTheRulesHaveSeenIsDeliveredAndNotSeenAgain) {
  const std::string line = "{\"@timestamp\":\"2026-01-05T00:00:00Z\",\"e\":\"a\"}\n";
  const auto size = static_cast<std::uint64_t>(line.size());
  open(three_rule);
  stages_->pipeline().resume({}, {}, 1, 1);
  stages_->pipeline().run(block_of(line + line + line));
  ASSERT_THAT(alerts_, SizeIs(1));
  EXPECT_EQ(alerts_[0].source_file, 7u);
  EXPECT_EQ(alerts_[0].source_offset, 2 * size);
  EXPECT_TRUE(stages_->pipeline().progressed());
  RuleProgress progress = stages_->pipeline().take_progress();
  EXPECT_FALSE(stages_->pipeline().progressed());
  EXPECT_EQ(progress.seen, (std::unordered_map<std::uint64_t, std::uint64_t>{{7, 3 * size}}));
  std::string rules;
  stages_->detector()->save(rules);
  stages_->pipeline().finish();
  const std::vector<std::string> first = sent();
  const std::vector<std::string> first_ids = ids();

  const std::vector<Alert> told = std::exchange(alerts_, {});
  open(three_rule);
  ASSERT_TRUE(stages_->detector()->load(rules).ok());
  stages_->pipeline().resume(progress, told, 1, 1);
  stages_->pipeline().run(block_of(line + line));
  stages_->pipeline().run(block_of(line + line, 2 * size));
  stages_->pipeline().finish();
  EXPECT_THAT(alerts_, IsEmpty()) << "nobody who takes messages is told again";
  EXPECT_EQ(stages_->detector()->counters().events, 4u) << "three of the earlier life, and the one behind them";
  ASSERT_THAT(sent(), SizeIs(5));
  EXPECT_EQ(ids()[3], first_ids[3]) << "the alert's document comes behind its line, under its id";
  EXPECT_EQ(sent()[3], first[3]);
  EXPECT_EQ(stages_->pipeline().take_progress().seen.at(7), 4 * size);
}

TEST_F(PipelineTest, AlertsOfTheClockAreLinesOfAFileOfTheirOwn) {
  const std::string rule =
      "title: a\nname: a\ndetection: {s: {e: a}, condition: s}\n---\n"
      "title: none\nid: none\nanomaly: {type: silence, rules: [a], window: 1m}\n";
  open(rule);
  RuleProgress progress;
  progress.clock_file = 99;
  progress.clock_next = 5;
  stages_->pipeline().resume(progress, {}, 1, 1);
  stages_->pipeline().run(block_of("{\"@timestamp\":\"2026-01-05T00:00:00Z\",\"e\":\"a\"}\n"));
  stages_->pipeline().silent_until(200 * ns_per_second);
  ASSERT_THAT(alerts_, SizeIs(1));
  EXPECT_EQ(alerts_[0].source_file, 99u);
  EXPECT_EQ(alerts_[0].source_offset, 5u);
  progress = stages_->pipeline().take_progress();
  EXPECT_EQ(progress.clock_next, 6u);
  stages_->pipeline().finish();
  for (const auto* spans : {&batches_.back().spans, &stored_.back().spans}) {
    ASSERT_THAT(*spans, SizeIs(2));
    EXPECT_EQ(spans->back().file, 99u);
    EXPECT_EQ(spans->back().begin, 5u);
    EXPECT_EQ(spans->back().end, 6u);
  }
  const std::vector<std::string> first_ids = ids();

  const std::vector<Alert> told = std::exchange(alerts_, {});
  open(rule);
  stages_->pipeline().resume(progress, told, 1, 1);
  stages_->pipeline().finish();
  EXPECT_THAT(ids(), ElementsAre(first_ids.back())) << "told again as soon as it starts";
  ASSERT_THAT(stored_.back().spans, SizeIs(1));
  EXPECT_EQ(stored_.back().documents.records[0].file, 99u);
  EXPECT_EQ(stored_.back().documents.records[0].offset, 5u);
  EXPECT_THAT(alerts_, IsEmpty());
}

}  // namespace
}  // namespace tapewatch
