// SPDX-License-Identifier: Apache-2.0
#include "demo.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "cli_events.h"
#include "demo_app.h"
#include "demo_files.h"
#include "demo_view.h"
#include "fake/folder.h"
#include "fake/scripted_server.h"

namespace tapewatch {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t start = 1'767'571'200'000'000'000;
constexpr std::int64_t second = 1'000'000'000;

std::string lines_of(DemoApp& app, int seconds, int steps_per_second) {
  std::string out;
  for (int i = 1; i <= seconds * steps_per_second; ++i) app.advance(start + i * (second / steps_per_second), out);
  return out;
}

TEST(DemoApp, SameSeedSameBytesHoweverOftenItIsAsked) {
  DemoApp a({.seed = 7}, start);
  DemoApp b({.seed = 7}, start);
  DemoApp c({.seed = 8}, start);
  const std::string lines = lines_of(a, 10, 1);
  EXPECT_EQ(lines, lines_of(b, 10, 50));
  EXPECT_NE(lines, lines_of(c, 10, 1));
}

TEST(DemoApp, ADayHasEverythingInIt) {
  DemoApp app({}, start);
  const std::string lines = lines_of(app, 60, 10);
  std::map<std::string, int> actions;
  std::map<std::string, int> failures;  // by address
  std::map<std::string, std::set<std::string>> ids_of_order;
  int count = 0;
  int other = 0;
  for (std::size_t at = 0; at < lines.size(); ++count) {
    const std::size_t end = lines.find('\n', at);
    const auto document = flatten_json(std::string_view(lines).substr(at, end - at));
    at = end + 1;
    if (!document) {
      ++other;
      continue;
    }
    const std::string action(first_of(*document, {"event.action"}));
    ++actions[action];
    if (first_of(*document, {"event.outcome"}) == "failure")
      ++failures[std::string(first_of(*document, {"source.ip"}))];
    const std::string order(first_of(*document, {"order.id"}));
    if (!order.empty()) ids_of_order[order].insert(std::string(first_of(*document, {"labels.correlation_id"})));
  }
  EXPECT_NEAR(count, 60 * 200, 60 * 30) << "about the rate that was asked for";
  EXPECT_GT(other, 10) << "lines that are not JSON";
  for (const char* action : {"order-submitted", "order-routed", "order-rejected", "trade-executed", "user-login",
                             "user-logout", "approval-requested", "approval-granted", "approval-denied",
                             "permission-changed", "data-exported", "venue-disconnected"}) {
    EXPECT_GT(actions[action], 0) << action;
  }
  int brute_forces = 0;
  for (const auto& [address, n] : failures) brute_forces += n >= 10 ? 1 : 0;
  EXPECT_EQ(brute_forces, 3);
  int learned = 0;  // orders with lines that carry the id and lines that do not
  for (const auto& [order, ids] : ids_of_order) learned += ids.size() == 2 ? 1 : 0;
  EXPECT_GT(learned, 1'000);
  for (const char* text :
       {"4111 1111 1111 1111", "@example.com", "Bearer ", "注文を受け付けました", "Exception in thread"}) {
    EXPECT_NE(lines.find(text), std::string::npos) << text;
  }
}

TEST(DemoFiles, TheConfigurationLoads) {
  std::string pattern = (fs::temp_directory_path() / "tapewatch-demo-test-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "t.yaml") << demo_configuration(folder.string(), "127.0.0.1:0");
  fs::create_directory(folder / "metrics");
  std::ofstream(folder / "metrics" / "trading.yaml") << demo_metrics();
  Diagnostics diagnostics;
  const auto config = load_config((folder / "t.yaml").string(), {nullptr, "h", "/"}, diagnostics);
  EXPECT_TRUE(config) << diagnostics.render(false);
  EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.render(false);
  EXPECT_GE(config->metrics.from_logs.size(), 8U);
  fs::remove_all(folder);
}

// What the demo prints while `run_agent` runs.
std::string demo_output(const DemoOptions& options, const RunAgent& run_agent, int& exit_code) {
  char* text = nullptr;
  std::size_t bytes = 0;
  Console console;
  console.err = ::open_memstream(&text, &bytes);
  console.around = {[](const std::string&) { return std::nullopt; }, "h", "/"};
  exit_code = run_demo(options, console, run_agent);
  std::fclose(console.err);
  std::string out(text, bytes);
  std::free(text);
  return out;
}

TEST(Demo, WritesTheLogAloneUntilItsTimeIsOver) {
  const TemporaryFolder folder;
  DemoOptions options;
  options.duration = std::chrono::milliseconds(60);
  Console console;
  console.err = ::tmpfile();
  EXPECT_EQ(write_demo_log(options, folder.path("app.log"), console), 0);
  EXPECT_GT(std::filesystem::file_size(folder.path("app.log")), 0u);
  EXPECT_EQ(write_demo_log(options, folder.path("nowhere/app.log"), console), 1);
  EXPECT_GT(std::ftell(console.err), 0);
  std::fclose(console.err);
}

TEST(Demo, CleansUpWhenTheAgentEnds) {
  std::string folder;
  int exit_code = 0;
  const std::string none = json_answer("{}");
  ScriptedServer server({none, none, none, none});
  const RunAgent agent = [&](const Config& config, const std::string& file, const auto& listening) {
    listening("127.0.0.1:" + std::to_string(server.port()));
    folder = fs::path(file).parent_path().string();
    EXPECT_EQ(config.inputs[0].include[0], folder + "/log/*.log");
    // The application is a process of its own: all that can be waited for is its file.
    for (int i = 0; i < 2'000 && (!fs::exists(folder + "/log/app.log") || fs::file_size(folder + "/log/app.log") == 0);
         ++i)
      ::usleep(1'000);
    EXPECT_GT(fs::file_size(folder + "/log/app.log"), 0u);
    for (int i = 0; i < 2'000 && server.answered() == 0; ++i) ::usleep(1'000);
    EXPECT_GT(server.answered(), 0) << "the viewer asks the agent";
    return 3;
  };
  const std::string out = demo_output({.address = "127.0.0.1:0"}, agent, exit_code);
  EXPECT_EQ(exit_code, 3);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_NE(out.find(folder + " removed"), std::string::npos) << out;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

TEST(DemoView, ShowsEventsAlertsAndATrace) {
  const std::string event = R"({"@timestamp":"2026-01-05T00:00:00Z","message":"first","order.id":"ORD-1"})";
  const std::string events = "{\"events\":[" + event + "]}";
  const std::string alerts = json_answer(
      R"({"alerts":[{"id":"a1","title":"Many failed logins","level":"high","group":{"source.ip":"203.0.113.9"},"count":12}]})");
  std::vector<std::string> answers;
  for (int tick = 1; tick <= 5; ++tick) {
    answers.push_back(json_answer(events));
    answers.push_back(alerts);
  }
  answers.push_back(json_answer(events));
  answers.push_back(json_answer("{\"events\":[" + event + "," + event + "," + event + "," +
                                R"({"@timestamp":"2026-01-05T00:00:00.250Z","message":"last\u001b"}]})"));
  ScriptedServer server(answers);
  char* text = nullptr;
  std::size_t bytes = 0;
  Console console;
  console.err = ::open_memstream(&text, &bytes);
  DemoView view({"127.0.0.1", server.port(), ""}, console);
  view.show_welcome();
  for (int tick = 1; tick <= 5; ++tick) view.tick();
  std::fclose(console.err);
  const std::string out(text, bytes);
  std::free(text);
  EXPECT_NE(out.find("http://127.0.0.1:" + std::to_string(server.port()) + "/"), std::string::npos);
  EXPECT_EQ(out.find("first"), out.rfind("first", out.find("trace of"))) << "an event is shown once: " << out;
  EXPECT_NE(out.find("ALERT high: Many failed logins  source.ip=203.0.113.9  12 events"), std::string::npos) << out;
  EXPECT_EQ(out.find("ALERT"), out.rfind("ALERT"));
  EXPECT_NE(out.find("trace of ORD-1"), std::string::npos) << out;
  EXPECT_NE(out.find("250 ms"), std::string::npos) << out;
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace tapewatch
