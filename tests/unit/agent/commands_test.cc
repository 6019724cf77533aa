// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "fake/scripted_server.h"
#include "tapewatch/dead_letters.h"

namespace tapewatch {
namespace {

namespace fs = std::filesystem;

// Runs a command line and keeps what it prints.
class CommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tapewatch-commands-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  int run(const std::vector<std::string>& given) {
    char* out = nullptr;
    char* err = nullptr;
    std::size_t out_bytes = 0;
    std::size_t err_bytes = 0;
    Console console;
    console.out = ::open_memstream(&out, &out_bytes);
    console.err = ::open_memstream(&err, &err_bytes);
    console.around = {[](const std::string& name) -> std::optional<std::string> {
                        if (name == "HOME") return "/home/trader";
                        return std::nullopt;
                      },
                      "trade-host-01", "/srv/app"};
    const int exit_code = run_command_line(given, console);
    std::fclose(console.out);
    std::fclose(console.err);
    out_.assign(out, out_bytes);
    err_.assign(err, err_bytes);
    std::free(out);
    std::free(err);
    return exit_code;
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }

  fs::path folder_;
  std::string out_;
  std::string err_;
};

TEST_F(CommandsTest, HelpIsDataAndUsageIsNotice) {
  EXPECT_EQ(run({}), exit_usage);
  EXPECT_EQ(out_, "");
  EXPECT_NE(err_.find("usage: tapewatch COMMAND"), std::string::npos);
  EXPECT_EQ(run({"help"}), exit_good);
  EXPECT_NE(out_.find("usage: tapewatch COMMAND"), std::string::npos);
  EXPECT_EQ(err_, "");
}

TEST_F(CommandsTest, EveryCommandHelpsWithExamples) {
  for (const Command& command : all_commands()) {
    EXPECT_EQ(run({std::string(command.name), "--help"}), exit_good);
    EXPECT_NE(out_.find("\nexamples:\n  tapewatch " + std::string(command.name)), std::string::npos) << out_;
    EXPECT_EQ(run({std::string(command.name), "--halp"}), exit_usage);
    EXPECT_NE(err_.find("did you mean --help?"), std::string::npos) << err_;
    for (const Flag& flag : command.flags) EXPECT_FALSE(flag.help.empty()) << command.name << " --" << flag.name;
  }
}

TEST_F(CommandsTest, ABacktestSeesWhatLiveEventsShow) {
  const std::string rules =
      write("rules.yaml",
            "title: r\nname: r\ndetection: {s: {password: hunter2, e: a}, condition: s}\n---\n"
            "title: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [e]\n  group-by: [password]\n"
            "  timespan: 1m\n  condition: {gte: 2}\n---\n"
            "title: e\nname: e\ndetection: {s: {e: a}, condition: s}\n");
  const std::string line = R"({"@timestamp":"2026-01-05T00:00:00Z","e":"a","password":"hunter2"})"
                           "\n";
  EXPECT_EQ(run({"backtest", "-r", rules, write("app.log", line + line)}), exit_good) << err_;
  EXPECT_NE(out_.find("\"rule\":\"c\""), std::string::npos) << out_;
  EXPECT_EQ(out_.find("\"rule\":\"r\""), std::string::npos) << "the password is masked before rules look: " << out_;
  EXPECT_EQ(out_.find("hunter2"), std::string::npos) << out_;
}

TEST_F(CommandsTest, ABacktestShowsWhatARuleThatLearnsThinksOfEachStep) {
  const std::string rules = write("rules.yaml",
                                  "title: e\nname: e\ndetection: {s: {e: a}, condition: s}\n---\n"
                                  "title: x\nid: x\nanomaly: {type: adaptive, rules: [e], group-by: [h], "
                                  "signal: {agg: avg, field: n}, step: 10s}\n");
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    lines += R"({"@timestamp":"2026-01-05T00:00:)" + std::string(i < 10 ? "0" : "") + std::to_string(i) +
             R"(Z","e":"a","h":"b","n":)" + std::to_string(i) + "}\n";
  }
  EXPECT_EQ(run({"backtest", "--scores", "-r", rules, write("app.log", lines)}), exit_good) << err_;
  EXPECT_NE(out_.find(R"({"rule":"x","@timestamp":"2026-01-05T00:00:10.000Z","group":{"h":"b"},"value":14.5,)"
                      R"("expected":4.5,)"),
            std::string::npos)
      << out_;
  EXPECT_NE(out_.find(R"("score":0,"alarm":false})"), std::string::npos) << out_;
}

TEST_F(CommandsTest, AnUnknownCommandIsSuggested) {
  EXPECT_EQ(run({"serach\x1b"}), exit_usage);
  EXPECT_EQ(err_, "tapewatch: unknown command \"serach\\x1b\"; did you mean search?\ntry: tapewatch help\n");
  EXPECT_EQ(out_, "");
}

TEST_F(CommandsTest, ValidateExitsWith78AndKeepsStdoutForFaults) {
  const std::string good = write("good.yaml", "inputs: [{include: [/a.log]}]\n");
  const std::string warned = write("warned.yaml", "inputs: [{include: [/a.log]}]\nhttp: {token: x}\n");
  const std::string bad = write("bad.yaml", "inputs: [{include: [/a.log]}]\nlimits: {files_open_max: 0}\n");
  EXPECT_EQ(run({"validate", "-c", good}), exit_good);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, good + ": good\n");
  EXPECT_EQ(run({"validate", warned}), exit_good);
  EXPECT_EQ(out_.find("warning[TW0144]"), 0u) << out_;
  EXPECT_EQ(run({"validate", warned, "--deny-warnings"}), exit_bad_config);
  EXPECT_EQ(run({"validate", bad, "--format", "json"}), exit_bad_config);
  EXPECT_EQ(out_, "{\"severity\":\"error\",\"code\":\"TW0130\",\"file\":\"" + bad +
                      "\",\"line\":2,\"column\":26,\"message\":\"\\\"0\\\" is out of range for limits.files_open_max\","
                      "\"hint\":\"from 1 to 1000000\"}\n");
  EXPECT_EQ(run({"validate", bad, "--format", "xml"}), exit_usage);
}

TEST_F(CommandsTest, ExplainKnowsCodesInEveryForm) {
  for (const char* code : {"TW0123", "tw123", "123"}) {
    EXPECT_EQ(run({"explain", code}), exit_good);
    EXPECT_EQ(out_.find("TW0123: An unknown key."), 0u) << out_;
  }
  EXPECT_EQ(run({"explain", "TW0199"}), exit_failed);
  EXPECT_EQ(run({"explain", "99999999999"}), exit_failed);
  EXPECT_EQ(run({"explain"}), exit_good);
  EXPECT_NE(out_.find("TW0101  The file cannot be read.\n"), std::string::npos);
}

TEST_F(CommandsTest, VersionTellsLibraries) {
  EXPECT_EQ(run({"version"}), exit_good);
  EXPECT_EQ(out_.find("tapewatch "), 0u);
  EXPECT_EQ(run({"version", "--libs"}), exit_good);
  EXPECT_NE(out_.find("\nsimdjson "), std::string::npos) << out_;
}

TEST_F(CommandsTest, SearchPrintsEventsAndFollowsTheCursor) {
  ScriptedServer server(
      {json_answer(R"({"events":[{"message":"one"},{"message":"two"}],"cursor":"c 1","elapsed_ms":3})"),
       json_answer(R"({"events":[{"message":"three"}],"cursor":null,"elapsed_ms":2})")});
  EXPECT_EQ(run({"search", "--url", server.url(), "level:ERROR", "\"a b\"", "--json", "--limit", "5"}), exit_good);
  EXPECT_EQ(out_, "{\"message\":\"one\"}\n{\"message\":\"two\"}\n{\"message\":\"three\"}\n");
  EXPECT_EQ(err_, "3 events, took 2 ms\n");
  EXPECT_EQ(server.requests()[0].find("GET /api/v1/search?query=level%3AERROR%20%22a%20b%22&limit=5 "), 0u)
      << server.requests()[0];
  EXPECT_NE(server.requests()[1].find("&limit=3&cursor=c%201 "), std::string::npos) << server.requests()[1];
}

TEST_F(CommandsTest, SearchCountsValuesAndTimes) {
  ScriptedServer server(
      {json_answer(R"({"field":"a","values":[{"value":"x\u001b","count":80},{"value":"y","count":20}],)"
                   R"("others":3,"without":4,"complete":true})"),
       json_answer(R"({"buckets":[{"time":"T1","total":1,"levels":[]},{"time":"T2","total":0,"levels":[]}],)"
                   R"("complete":false})"),
       json_answer(R"({"values":[]})")});
  EXPECT_EQ(run({"search", "--url", server.url(), "--top", "a.b", "-n", "2", "k:v"}), exit_good);
  EXPECT_EQ(out_, "        80  " + std::string(40, '#') + "  x\\x1b\n        20  " + std::string(10, '#') +
                      std::string(30, ' ') + "  y\n");
  EXPECT_EQ(err_, "3 other values, 4 events without the field\n");
  EXPECT_EQ(server.requests()[0].find("GET /api/v1/top?field=a.b&query=k%3Av&limit=2 "), 0u) << server.requests()[0];
  EXPECT_EQ(run({"search", "--url", server.url(), "--histogram"}), exit_good);
  EXPECT_EQ(out_, "         1  " + std::string(40, '#') + "  T1\n         0  " + std::string(40, ' ') + "  T2\n");
  EXPECT_EQ(err_, "not all was looked at within the time\n");
  EXPECT_EQ(server.requests()[1].find("GET /api/v1/histogram?buckets=20&query=%2A "), 0u) << server.requests()[1];
  EXPECT_EQ(run({"search", "--url", server.url(), "--top", "a", "--json"}), exit_good);
  EXPECT_EQ(out_, "{\"values\":[]}\n");
}

TEST_F(CommandsTest, DeadLettersAreShownAndDropped) {
  const std::string config = write("t.yaml", "inputs: [{include: [/a.log]}]\nstate_dir: " + folder_.string() +
                                                 "\noutputs: {elasticsearch: {hosts: [\"http://localhost:1\"]}}\n");
  {
    DeadLetters::Options options;
    options.path = folder_.string() + "/dead-letters.db";
    const auto store = DeadLetters::open(options).value();
    for (const char* id : {"a", "b", "c"}) {
      DeadLetter letter;
      letter.id = id;
      letter.index = "logs";
      letter.document = "{\"m\":1}";
      letter.reason = "too odd";
      letter.status = 400;
      std::promise<Status> kept;
      ASSERT_TRUE(store->put({letter}, [&kept](const Status& status) { kept.set_value(status); }).ok());
      ASSERT_TRUE(kept.get_future().get().ok());
    }
  }
  EXPECT_EQ(run({"dlq", "list", "-c", config}), exit_good);
  EXPECT_EQ(out_.find("1  1970-01-01T00:00:00"), 0u) << out_;
  EXPECT_EQ(run({"dlq", "show", "2", "-c", config}), exit_good);
  EXPECT_NE(out_.find("id        b\nstatus    400\nreason    too odd\ndocument  {\"m\":1}\n"), std::string::npos)
      << out_;
  EXPECT_EQ(run({"dlq", "show", "9", "-c", config}), exit_failed);
  EXPECT_EQ(run({"dlq", "show", "-c", config}), exit_usage);
  EXPECT_EQ(run({"dlq", "list", "1", "-c", config}), exit_usage);
  EXPECT_EQ(run({"dlq", "drop", "x", "-c", config}), exit_usage);
  EXPECT_EQ(run({"dlq", "drop", "2", "9", "-c", config}), exit_failed);
  EXPECT_EQ(err_, "1 dropped\n");
  EXPECT_EQ(run({"dlq", "drop", "--all", "-c", config}), exit_good);
  EXPECT_EQ(err_, "2 dropped\n");
  EXPECT_EQ(run({"dlq", "list", "-c", config}), exit_good);
  EXPECT_EQ(out_, "");
}

TEST_F(CommandsTest, ABadQueryIsShownWithItsPlace) {
  ScriptedServer server({json_answer(
      R"({"title":"bad query","status":400,"detail":"a quote is not closed","offset":6,"hint":"close it"})",
      "400 Bad")});
  EXPECT_EQ(run({"search", "--url", server.url(), "user: \"x"}), exit_usage);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "tapewatch: bad query: a quote is not closed\n   user: \"x\n         ^ close it\n");
}

TEST_F(CommandsTest, TraceOfNothingFails) {
  ScriptedServer server({json_answer(R"({"events":[]})"), json_answer(R"({"events":[{"message":"m"}]})")});
  EXPECT_EQ(run({"trace", "--url", server.url(), "ORD-1/2"}), exit_failed);
  EXPECT_EQ(server.requests()[0].find("GET /api/v1/trace/ORD-1%2F2 "), 0u);
  EXPECT_EQ(run({"trace", "--url", server.url(), "ORD-1"}), exit_good);
  EXPECT_EQ(err_, "1 event\n");
}

TEST_F(CommandsTest, TailPrintsWhatPasses) {
  ScriptedServer server(
      {"HTTP/1.1 200 OK\r\n\r\ndata: {\"a\":1}\n\ndata: {\"a\":2}\n\nevent: skipped\ndata: {\"skipped\":7}\n\n"});
  EXPECT_EQ(run({"tail", "--url", server.url(), "--json"}), exit_good);
  EXPECT_EQ(out_, "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_EQ(err_, "7 events passed too fast to be shown\nthe agent ended the stream\n");
}

TEST_F(CommandsTest, TopPrintsFigures) {
  ScriptedServer server({json_answer(R"({"events":{"read":12},"state":"healthy"})")});
  EXPECT_EQ(run({"top", "--url", server.url(), "--once"}), exit_good);
  EXPECT_NE(out_.find("events.read"), std::string::npos);
  EXPECT_NE(out_.find("12\n"), std::string::npos);
}

TEST_F(CommandsTest, StrictRunRefusesRulesWithFaults) {
  write("a.log", "{}\n");
  write("rules.yaml", "title: t\ndetection: {s: {a: 1}, condition: nowhere}\n");
  const std::string folder = folder_.string();
  const std::string file = write("t.yaml", "inputs: [{include: [" + folder + "/*.log]}]\nstate_dir: " + folder +
                                               "/state\nrules: {include: [rules.yaml]}\nhttp: {enabled: false}\n");
  EXPECT_EQ(run({"run", "--once", "--strict", "-c", file}), exit_bad_config);
  EXPECT_NE(err_.find("unknown search identifier"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "state"));
}

TEST_F(CommandsTest, HealthIsAnExitCode) {
  ScriptedServer server(
      {json_answer(R"({"status":"healthy"})"), json_answer("{}"), "HTTP/1.1 503 x\r\n\r\nnot ready\n"});
  EXPECT_EQ(run({"health", "--url", server.url()}), exit_good);
  EXPECT_EQ(out_, "{\"status\":\"healthy\"}\n");
  EXPECT_EQ(run({"health", "--ready", "--url", server.url()}), exit_good);
  EXPECT_EQ(run({"health", "--ready", "--url", server.url()}), exit_failed);
  EXPECT_EQ(out_, "not ready\n");
  EXPECT_EQ(server.requests()[0].substr(0, 11), "GET /livez ");
  EXPECT_EQ(server.requests()[1].substr(0, 12), "GET /readyz ");
  EXPECT_EQ(run({"health", "--url", "127.0.0.1:1"}), exit_failed) << "nobody answers";
}

TEST_F(CommandsTest, TheAgentOfTheConfigurationIsAsked) {
  ScriptedServer server({json_answer(R"({"events":[]})")});
  const std::string token = write("token", "s3cret\n");
  fs::permissions(token, fs::perms::owner_read);
  const std::string file =
      write("t.yaml", "inputs: [{include: [/a.log]}]\nhttp: {token: {file: token}, address: \"127.0.0.1:" +
                          std::to_string(server.port()) + "\"}\n");
  EXPECT_EQ(run({"search", "-c", file}), exit_good);
  EXPECT_NE(server.requests()[0].find("Authorization: Bearer s3cret"), std::string::npos);
  EXPECT_EQ(run({"search", "-c", write("b.yaml", "inputs: 1\n")}), exit_bad_config);
}

TEST_F(CommandsTest, InitWritesAConfigurationThatPasses) {
  std::string log;
  for (int i = 0; i < 20; ++i) {
    log += R"({"@timestamp":"2026-01-05T00:00:00Z","log.level":"INFO","message":"m","service":{"name":"oms"},)"
           R"("orderId":"ORD-)" +
           std::to_string(i % 4) + R"(","correlation_id":"c-)" + std::to_string(i) + "\"}\n";
  }
  const std::string path = write("oms-2026-01-05.log", log + "plain text\n");
  const std::string config = (folder_ / "tapewatch.yaml").string();
  EXPECT_EQ(run({"init", path, "-o", config}), exit_good);
  EXPECT_EQ(run({"validate", "-c", config, "--deny-warnings"}), exit_good) << out_;
  EXPECT_EQ(run({"init", path, "-o", config}), exit_failed);
  EXPECT_NE(err_.find("exists already"), std::string::npos);
  EXPECT_EQ(run({"init", path}), exit_good);
  EXPECT_NE(out_.find("from the first 21 lines of oms-2026-01-05.log: 20 JSON objects and 1 other line"),
            std::string::npos);
  EXPECT_NE(out_.find("name: \"oms\"\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("/oms-*.log\"]"), std::string::npos) << out_;
  EXPECT_NE(out_.find("keys: [orderId]"), std::string::npos) << out_;
  EXPECT_NE(out_.find("look like ecs"), std::string::npos) << out_;
  EXPECT_NE(out_.find("correlation_id ties"), std::string::npos) << out_;
}

TEST_F(CommandsTest, InitSurvivesHostileSamples) {
  const std::string texts[] = {"\n",
                               "no line end",
                               "{}\n",
                               "{\"level\":\"\\u001b[2J\\n- x: y\",\"a\\n: b\":1}\n",
                               "{\"service\":\"x: {y\",\"order_id: x\":1,\"#order_id\":2}\n",
                               std::string(600'000, 'x') + "\n"};
  int n = 0;
  for (const std::string& text : texts) {
    const std::string path = write("a ${HOME} [" + std::to_string(n++) + "]{.log", text);
    const int exit_code = run({"init", path});
    if (exit_code != exit_good) continue;
    const std::string config = write("made.yaml", out_);
    EXPECT_EQ(out_.find('\x1b'), std::string::npos);
    EXPECT_EQ(run({"validate", config}), exit_good) << out_;
  }
  EXPECT_EQ(run({"init", (folder_ / "none.log").string()}), exit_failed);
  EXPECT_EQ(run({"init", folder_.string()}), exit_failed);
}

}  // namespace
}  // namespace tapewatch
