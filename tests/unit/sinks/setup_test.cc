// SPDX-License-Identifier: Apache-2.0
#include "sinks/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "fake/http_poster.h"
#include "fake/log.h"
#include "fake/scheduler.h"
#include "sinks/engine_probe.h"
#include "sinks/json_paths.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* elasticsearch_9 =
    R"({"name":"n","version":{"number":"9.3.0","build_flavor":"default"},"tagline":"You Know, for Search"})";
constexpr const char* opensearch_3 =
    R"({"name":"n","version":{"distribution":"opensearch","number":"3.8.0"},"tagline":"The OpenSearch Project"})";

TEST(Engine, ProductsAndVersions) {
  const Engine es = parse_engine(elasticsearch_9).value();
  EXPECT_EQ(es.product, Product::elasticsearch);
  EXPECT_EQ(es.version, "9.3.0");
  EXPECT_TRUE(es.at_least(Product::elasticsearch, 8, 14));
  EXPECT_FALSE(es.at_least(Product::elasticsearch, 9, 4));
  EXPECT_FALSE(es.at_least(Product::opensearch, 1, 0));
  EXPECT_EQ(parse_engine(opensearch_3).value().product, Product::opensearch);
  EXPECT_EQ(parse_engine(R"({"version":{"number":"1.0"}})").value().product, Product::unknown);
  for (const char* bad : {"", "{}", "<html>", "{\"version\":{}}", "[1]"}) EXPECT_FALSE(parse_engine(bad).ok()) << bad;
}

TEST(EngineProbe, AsksUntilAHostAnswers) {
  FakeScheduler time;
  FakePoster poster;
  CapturedLog log;
  EngineProbe::Options options;
  options.hosts = {"http://a:1", "http://b:2"};
  EngineProbe probe(
      options, [] { return Result<std::string>("ApiKey k"); }, time, poster, log, [] { return 0.5; });
  probe.start();
  EXPECT_THAT(poster.at().request.headers, ElementsAre("Authorization: ApiKey k"));
  poster.fail(Code::network, "refused");
  EXPECT_FALSE(probe.engine());
  time.advance(std::chrono::seconds(1));
  EXPECT_EQ(poster.at().request.url, "http://b:2");
  poster.answer(200, opensearch_3);
  ASSERT_TRUE(probe.engine());
  EXPECT_EQ(probe.engine()->version, "3.8.0");
  EXPECT_EQ(time.timers(), 0U);
}

TEST(JsonPaths, LeavesByPath) {
  const JsonPaths paths = read_json_paths(R"({"a":{"b.c":[1,"x",{"d":null}]},"e":{},"f\u00fc":"\n"})").value();
  EXPECT_THAT(paths, ElementsAre(testing::Pair("a.b.c.0", "1"), testing::Pair("a.b.c.1", "x"),
                                 testing::Pair("a.b.c.2.d", "null"), testing::Pair("f\xc3\xbc", "\n")));
  for (const char* bad : {"", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1 2]", "tru", "{} {}", "{\"a\":01}"}) {
    EXPECT_FALSE(read_json_paths(bad).ok()) << bad;
  }
  EXPECT_FALSE(read_json_paths(std::string(1000, '[') + std::string(1000, ']')).ok());
}

TEST(Templates, AreJsonAndDependOnTheEngine) {
  for (const char* who : {elasticsearch_9, opensearch_3}) {
    const Engine engine = parse_engine(who).value();
    for (const Template& made : make_templates(engine, {})) {
      EXPECT_TRUE(read_json_paths(made.body).ok()) << made.body;
    }
    EXPECT_THAT(print_templates(engine, {}), HasSubstr("PUT _index_template/logs-tapewatch.app\n"));
  }
  EXPECT_THAT(make_templates(parse_engine(elasticsearch_9).value(), {})[0].body,
              HasSubstr("ignore_dynamic_beyond_limit"));
  EXPECT_THAT(make_templates(parse_engine(opensearch_3).value(), {})[0].body,
              testing::Not(HasSubstr("ignore_dynamic_beyond_limit")));
  TemplateOptions plain;
  plain.app = {"trading-\"x\"", false, "30d"};
  const Template app = make_templates(Engine{}, plain)[1];
  EXPECT_THAT(app.body, testing::Not(HasSubstr("data_stream")));
  EXPECT_THAT(app.body, testing::Not(HasSubstr("lifecycle")));
  EXPECT_EQ(read_json_paths(app.body).value().at("index_patterns.0"), "trading-\"x\"");
}

TEST(Templates, RetentionIsTheLifecycleOfADataStream) {
  TemplateOptions options;
  options.app.retention = "30d";
  const auto body = [&options](const char* who) { return make_templates(parse_engine(who).value(), options)[1].body; };
  EXPECT_EQ(read_json_paths(body(elasticsearch_9)).value().at("template.lifecycle.data_retention"), "30d");
  EXPECT_THAT(body(opensearch_3), testing::Not(HasSubstr("lifecycle")));
}

class SetupTest : public testing::Test {
 protected:
  void run(SetupMode mode) {
    setup_.run(mode, [this](Result<SetupReport> result) { result_ = std::move(result); });
  }
  // What a GET of this template gives, when the engine has it.
  static std::string stored(const Template& made) {
    return made.path.starts_with("_component")
               ? "{\"component_templates\":[{\"name\":\"x\",\"component_template\":" + made.body + "}]}"
               : "{\"index_templates\":[{\"name\":\"x\",\"index_template\":" + made.body + "}]}";
  }
  std::string sent() const { return poster_.at().request.method + " " + poster_.at().request.url; }

  FakePoster poster_;
  SetupOptions options_ = [] {
    SetupOptions o;
    o.hosts = {"http://a:1", "http://b:2/es/"};
    o.authorization = "ApiKey k";
    return o;
  }();
  tapewatch::Setup setup_{options_, poster_};
  std::optional<Result<SetupReport>> result_;
  std::vector<Template> templates_ = make_templates(parse_engine(elasticsearch_9).value(), {});
};

TEST_F(SetupTest, ApplyPutsWhatIsMissingOrDifferentAndLeavesTheRest) {
  run(SetupMode::apply);
  EXPECT_EQ(sent(), "GET http://a:1/");
  poster_.fail(Code::network, "refused");
  EXPECT_EQ(sent(), "GET http://b:2/es/");
  EXPECT_THAT(poster_.at().request.headers, ElementsAre("Authorization: ApiKey k"));
  poster_.answer(200, elasticsearch_9);
  EXPECT_EQ(sent(), "GET http://b:2/es/_component_template/tapewatch-common");
  poster_.answer(404, "{}");
  EXPECT_EQ(sent(), "PUT http://b:2/es/_component_template/tapewatch-common");
  EXPECT_EQ(poster_.at().body, templates_[0].body);
  poster_.answer(200, "{\"acknowledged\":true}");
  poster_.answer(200, stored(templates_[1]));
  Template changed = templates_[2];
  changed.body.replace(changed.body.find("500"), 3, "100");
  poster_.answer(200, stored(changed));
  EXPECT_EQ(sent(), "PUT http://b:2/es/_index_template/logs-tapewatch.alerts");
  poster_.answer(200, "{\"acknowledged\":true}");
  poster_.answer(200, stored(templates_[3]));
  ASSERT_TRUE(result_ && result_->ok());
  const SetupReport& report = result_->value();
  EXPECT_TRUE(report.same());
  EXPECT_TRUE(report.templates[0].put);
  EXPECT_FALSE(report.templates[1].put);
  EXPECT_THAT(report.templates[2].differences, ElementsAre("priority: engine has 100, ours is 500"));
  EXPECT_THAT(print_report(report), HasSubstr("put  _component_template/tapewatch-common"));
}

TEST_F(SetupTest, DiffChangesNothing) {
  run(SetupMode::diff);
  poster_.answer(200, elasticsearch_9);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(poster_.at().request.method, "GET");
    poster_.answer(404, "");
  }
  ASSERT_TRUE(result_ && result_->ok());
  EXPECT_FALSE(result_->value().same());
}

TEST_F(SetupTest, FailuresNameWhatFailed) {
  run(SetupMode::apply);
  poster_.answer(200, elasticsearch_9);
  poster_.answer(404, "");
  poster_.answer(400, "{\"error\":\"unknown setting\"}");
  ASSERT_TRUE(result_ && !result_->ok());
  EXPECT_THAT(result_->error().message, HasSubstr("PUT _component_template/tapewatch-common: HTTP status 400"));
  EXPECT_THAT(result_->error().message, HasSubstr("unknown setting"));
}

TEST_F(SetupTest, AnEngineThatMayNotBeAskedGetsWhatEveryEngineTakes) {
  run(SetupMode::diff);
  poster_.answer(405, "");
  poster_.answer(403, "");
  for (int i = 0; i < 4; ++i) poster_.answer(404, "");
  ASSERT_TRUE(result_ && result_->ok());
  EXPECT_EQ(result_->value().engine.product, Product::unknown);
}

TEST_F(SetupTest, ANodeTellsWhatTheFrontDoorDoesNot) {
  run(SetupMode::diff);
  poster_.answer(405, "");
  EXPECT_EQ(sent(), "GET http://a:1/_nodes/_local?filter_path=nodes.*.version,nodes.*.build_flavor");
  poster_.answer(200, R"({"nodes":{"n1":{"version":"8.19.21","build_flavor":"default"}}})");
  for (int i = 0; i < 4; ++i) poster_.answer(404, "");
  ASSERT_TRUE(result_ && result_->ok());
  EXPECT_TRUE(result_->value().engine.at_least(Product::elasticsearch, 8, 19));
  EXPECT_FALSE(engine_of_node(R"({"nodes":{"n1":{"version":"2.19.1"}}})").at_least(Product::elasticsearch, 1, 0));
}

TEST_F(SetupTest, NoHostAnswers) {
  run(SetupMode::diff);
  poster_.answer(401, "");
  poster_.answer(200, "<html>");
  ASSERT_TRUE(result_ && !result_->ok());
  EXPECT_EQ(result_->error().code, Code::bad_reply);
}

}  // namespace
}  // namespace tapewatch
