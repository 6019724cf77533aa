// SPDX-License-Identifier: Apache-2.0
// A whole agent on temporary folders, from its first line to its last.
#include "agent.h"

#include <gmock/gmock.h>

#include <csignal>

#include "fake/folder.h"
#include "fake/log.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;

class AgentTest : public testing::Test {
 protected:
  AgentTest() {
    InputConfig input;
    input.name = "in";
    input.include = {folder_.path("*.log")};
    config_.inputs = {input};
    config_.state_dir = folder_.path();
    config_.store.enabled = true;
    config_.store.path = folder_.path("store");
    config_.store.flush_interval = milliseconds(1);
    config_.http.enabled = false;
    folder_.write("rules.yaml", "title: seen\nid: seen\ndetection: {s: {a: 2}, condition: s}\n");
    config_.rules.include = {folder_.path("rules.yaml")};
    options_.once = true;
    options_.alert = [this](const Alert& alert) { alerts_.push_back(alert.rule_id); };
  }
  Agent::Ending run() {
    Diagnostics diagnostics;
    auto agent = Agent::open(config_, diagnostics, clock_, log_, options_);
    EXPECT_TRUE(agent.ok()) << agent.error().message;
    if (opened_) opened_();
    return agent.ok() ? (*agent)->run() : Agent::Ending::failed;
  }
  // How many documents the store holds.
  std::size_t stored() {
    LogStore::Options options;
    options.folder = config_.store.path;
    auto store = LogStore::open(options, clock_, log_);
    if (!store.ok()) return 0;
    SearchLimits limits;
    limits.results_max = 10'000;
    return (*store)->search(std::get<Query>(Query::parse("*")), {}, limits).value().documents.size();
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  CapturedLog log_;
  Config config_;
  Agent::Options options_;
  std::function<void()> opened_;
  std::vector<std::string> alerts_;
};

TEST_F(AgentTest, OnceReadsDeliversAndEnds) {
  folder_.write("a.log", "{\"a\":1}\n{\"a\":2}\n");
  folder_.write("b.log", "text without an end");
  EXPECT_EQ(run(), Agent::Ending::finished);
  EXPECT_THAT(alerts_, ElementsAre("seen"));
  EXPECT_EQ(stored(), 4u) << "three lines and the alert";
  EXPECT_EQ(run(), Agent::Ending::finished);
  EXPECT_EQ(stored(), 4u) << "the checkpoint knows";
}

TEST_F(AgentTest, TermDrainsWhatWasRead) {
  options_.once = false;
  folder_.write("a.log", "{\"a\":2}\n");
  options_.alert = [](const Alert&) { ::kill(::getpid(), SIGTERM); };
  EXPECT_EQ(run(), Agent::Ending::finished);
  EXPECT_EQ(stored(), 2u);
}

TEST_F(AgentTest, TermReadsToTheEndWhereTheFilesVanish) {
  options_.once = false;
  config_.limits.stop_at_end = true;
  config_.limits.read_block_bytes = 4 * kib;
  std::string lines = "{\"a\":2}\n";
  for (int i = 0; i < 5'000; ++i) lines += "{\"b\":" + std::to_string(i) + "}\n";
  folder_.write("a.log", lines + "no end");
  options_.alert = [](const Alert&) { ::kill(::getpid(), SIGTERM); };
  EXPECT_EQ(run(), Agent::Ending::finished);
  EXPECT_TRUE(log_.has("reading to the end"));
  EXPECT_EQ(stored(), 5'003u) << "every line, the one without an end, and the alert";
}

TEST_F(AgentTest, HupEndsForAReloadOnlyWhenItIsSound) {
  options_.once = false;
  int asked = 0;
  options_.reload = [&]() -> Status {
    if (++asked == 2) return success();
    ::kill(::getpid(), SIGHUP);
    return Error{Code::invalid, "unsound"};
  };
  opened_ = [] { ::kill(::getpid(), SIGHUP); };
  EXPECT_EQ(run(), Agent::Ending::reload);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(log_.count("reload refused"), 1u);
}

TEST_F(AgentTest, APartThatCannotBeOpenedFailsTheStart) {
  config_.http.enabled = true;
  config_.http.host = "192.0.2.1";  // nobody's
  Diagnostics diagnostics;
  const auto agent = Agent::open(config_, diagnostics, clock_, log_, options_);
  ASSERT_FALSE(agent.ok());
  EXPECT_THAT(agent.error().message, testing::HasSubstr("opening the page and the API"));
}

}  // namespace
}  // namespace tapewatch
