// SPDX-License-Identifier: Apache-2.0
#include "enrich/enricher.h"

#include "unit/enrich/event_fixture.h"

namespace tapewatch {
namespace {

constexpr std::int64_t minute_ns = 60'000'000'000;

class EnricherTest : public EventFixture {
 protected:
  EnricherTest() {
    options_.ecs_version = "";
    options_.file = false;
  }
  void start() {
    masker_ = std::make_unique<Masker>(mask_, masked_fields_);
    policy_ = masker_->key_policy();
    enricher_ = std::make_unique<Enricher>(options_, fields_, *masker_);
  }
  Event& enriched(std::string_view text, std::uint64_t id = 1) {
    if (!enricher_) start();
    Event& event = parse(text, offset_);
    enricher_->enrich(event, Hash128{0, id});
    masker_->mask(event);
    return event;
  }
  // The correlation id and where it comes from.
  std::string correlation(std::string_view members, std::int64_t minute = 0) {
    std::string text = R"({"@timestamp":)" + std::to_string(1'767'571'200 + minute * 60);
    text.append(members.empty() ? "" : ",").append(members).append("}");
    Event& event = enriched(text);
    EXPECT_TRUE(JsonIndex().build(json(event)));
    const EcsFields& ecs = enricher_->ecs();
    EXPECT_EQ(event.correlation_id, text_of(event, ecs.correlation_id));
    return std::string(event.correlation_id) + " " + text_of(event, ecs.correlation_source);
  }

  EnricherOptions options_;
  MaskOptions mask_;
  std::unique_ptr<Masker> masker_;
  std::unique_ptr<Enricher> enricher_;
  std::uint64_t offset_ = 0;
};

TEST_F(EnricherTest, OwnIdFirstThenTraceThenLearnedThenRequest) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(correlation(R"("correlation_id":"c1","trace_id":")" + trace + R"(","order_id":"o1","request_id":"r1")"),
            "c1 ");
  EXPECT_EQ(correlation(R"("trace_id":")" + trace + R"(","order_id":"o1","request_id":"r1")"), trace + " trace");
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"r1")"), "c1 order.id") << "an own id is surer than a trace";
  EXPECT_EQ(correlation(R"("order_id":"o2","request_id":"r1")"), "r1 request");
  EXPECT_EQ(correlation(R"("order_id":"o2")"), "r1 order.id") << "a request id links too";
  EXPECT_EQ(correlation(R"("context":{"correlation_id":"c9"})"), "c9 ");
}

TEST_F(EnricherTest, LinksPassOnOverFurtherKeys) {
  correlation(R"("correlation_id":"c1","order_id":"o1")");
  EXPECT_EQ(correlation(R"("order_id":"o1","trade_id":"t1")"), "c1 order.id");
  EXPECT_EQ(correlation(R"("trade_id":"t1","session_id":"s1")"), "c1 trade.id");
  EXPECT_EQ(correlation(R"("session":{"id":"s1"})"), "c1 session.id");
  EXPECT_EQ(correlation(R"("order":{"id":"o1"})"), "c1 order.id");
  EXPECT_EQ(enricher_->correlator().stats().hits, 4u);
  EXPECT_EQ(enricher_->correlator().stats().entries, 3u);
}

TEST_F(EnricherTest, LinksEndByEventTime) {
  correlation(R"("correlation_id":"c1","order_id":"o1")", 0);
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"r")", 14), "c1 order.id");
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"r")", 28), "c1 order.id") << "renewed by the event before";
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"r")", 44), "r request");
  EXPECT_EQ(correlation(R"("order_id":"o1")", 45), "r order.id");
}

TEST_F(EnricherTest, TheNewestOwnIdCounts) {
  correlation(R"("correlation_id":"c1","order_id":1)");
  correlation(R"("correlation_id":"c2","order_id":"1")");
  EXPECT_EQ(correlation(R"("order_id":1)"), "c2 order.id") << "a number is the same order as its text";
}

TEST_F(EnricherTest, MadeIdsRepeat) {
  const std::string alone = correlation("");
  EXPECT_EQ(alone, "tw-0000000000000001 generated");
  const std::string order = correlation(R"("order_id":"o7")");
  EXPECT_EQ(order.substr(order.size() - 10), " generated");
  EXPECT_EQ(correlation(R"("order_id":"o7")"), order) << "one order, one id, with nothing learned";
  EXPECT_EQ(correlation(R"("order_id":"o7","trade_id":"t7")"), order);
  EXPECT_EQ(correlation(R"("trade_id":"t7")").substr(0, 19), order.substr(0, 19));
}

TEST_F(EnricherTest, PlaceholdersAreNoIds) {
  EXPECT_EQ(correlation(R"("correlation_id":"","request_id":"r1")"), "r1 request");
  EXPECT_EQ(correlation(R"("correlation_id":"-","request_id":"r1")"), "r1 request");
  EXPECT_EQ(json(enriched(R"({"@timestamp":"2026-01-05T00:00:00Z","correlation_id":"-","request_id":"r1"})")),
            R"({"@timestamp":"2026-01-05T00:00:00Z","labels.correlation_id":"r1","http.request.id":"r1",)"
            R"("labels.correlation_source":"request"})");
}

TEST_F(EnricherTest, AnIdThatHidesASecretIsNotCopied) {
  EXPECT_EQ(correlation(R"("correlation_id":"bob@example.com","order_id":"o1")"), "[email] ");
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"al@example.com")").substr(0, 3), "tw-");
  EXPECT_EQ(correlation(R"("order_id":"o3","request_id":"4111-1111-1111-1111")").substr(0, 3), "tw-");
  EXPECT_EQ(correlation(R"("order_id":"o4","request_id":"quote\"and more")"), "quote\"and more request");
}

TEST_F(EnricherTest, AnIdOfASecretNameIsNotCopied) {
  mask_.keys = {"request_id", "correlation_id"};
  EXPECT_EQ(correlation(R"("order_id":"o1","request_id":"r1")").substr(0, 3), "tw-");
  EXPECT_EQ(correlation(R"("order_id":"o2","correlation_id":"c1")"), "[masked] ");
  EXPECT_EQ(correlation(R"("order_id":"o2")").substr(0, 3), "tw-");
}

TEST_F(EnricherTest, AnOwnIdOfTraceFormIsTheTraceId) {
  EXPECT_EQ(
      json(enriched(R"({"@timestamp":"2026-01-05T00:00:00Z","correlation_id":"4bf92f3577b34da6a3ce929d0e0e4736"})")),
      R"({"@timestamp":"2026-01-05T00:00:00Z","labels.correlation_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
      R"("trace.id":"4bf92f3577b34da6a3ce929d0e0e4736"})");
}

TEST_F(EnricherTest, CorrelationMemoryIsBounded) {
  options_.correlation.entries_max = 100;
  for (int i = 0; i < 1000; ++i) {
    correlation(R"("correlation_id":"c","order_id":)" + std::to_string(i));
  }
  EXPECT_EQ(enricher_->correlator().stats().entries, 100u);
  EXPECT_EQ(enricher_->correlator().stats().evictions, 900u);
}

TEST_F(EnricherTest, CorrelationSurvivesARestart) {
  correlation(R"("correlation_id":"c1","order_id":"o1")");
  const std::string saved = enricher_->correlator().take_records().everything;
  parser_.reset();
  start();
  enricher_->correlator().restore(saved);
  EXPECT_EQ(correlation(R"("order_id":"o1")"), "c1 order.id");
}

TEST_F(EnricherTest, CorrelationIsHandedOnAsItIsLearned) {
  start();
  Correlator& correlator = enricher_->correlator();
  EXPECT_TRUE(correlator.take_records().empty());
  correlation(R"("correlation_id":"c1","order_id":"o1")");
  const LinkRecords first = correlator.take_records();
  EXPECT_TRUE(first.begins && first.completes) << "a file begins with everything";
  EXPECT_TRUE(correlator.take_records().empty());
  correlation(R"("correlation_id":"c2","order_id":"o2")");
  const LinkRecords second = correlator.take_records();
  EXPECT_TRUE(!second.begins && second.everything.empty());
  EXPECT_EQ(second.changes.size(), first.everything.size());
  correlator.restart_records();
  const LinkRecords all = correlator.take_records();
  EXPECT_TRUE(all.begins && all.completes);
  EXPECT_EQ(all.everything.size(), 2 * first.everything.size());
}

// The file would grow for ever: now and then it is put together anew, piece by piece.
TEST_F(EnricherTest, CorrelationIsHandedOnWholeNowAndThen) {
  options_.correlation.entries_max = 10'000;
  std::size_t given = 0;
  int pieces = 0;
  int completed = 0;
  for (int i = 0; i < 300'000 && completed < 2; ++i) {
    correlation(R"("correlation_id":"c3","order_id":)" + std::to_string(i));
    if (i % 100 != 0) continue;
    const LinkRecords records = enricher_->correlator().take_records();
    given += records.changes.size();
    if (records.begins) pieces = 0;
    if (!records.everything.empty()) ++pieces;
    if (records.completes) ++completed;
  }
  EXPECT_EQ(completed, 2);
  EXPECT_EQ(pieces, 3) << "10,000 links, 4,096 at a time";
  EXPECT_GT(given, 4u << 20);
}

TEST_F(EnricherTest, SwitchedOff) {
  options_.correlation.enabled = false;
  EXPECT_EQ(correlation(R"("correlation_id":"c1")"), "c1 ") << "its own id stays known";
  EXPECT_EQ(json(enriched(R"({"@timestamp":"2026-01-05T00:00:00Z"})")), R"({"@timestamp":"2026-01-05T00:00:00Z"})");
}

TEST_F(EnricherTest, StaticFieldsAndPlace) {
  options_.correlation.enabled = false;
  options_.file = true;
  options_.ecs_version = "9.5.0";
  options_.fields = {{"service.name", "oms"}, {"labels.desk", "to\"kyo"}, {"service.name", "second"}};
  offset_ = 42;
  const std::string time = R"({"@timestamp":"2026-01-05T00:00:00Z")";
  EXPECT_EQ(json(enriched(time + "}")), time + R"(,"service.name":"oms","labels.desk":"to\"kyo","ecs.version":"9.5.0",)"
                                               R"("log.file.path":"/var/log/a.log","log.offset":42})");
  EXPECT_EQ(json(enriched(time + R"(,"service":"own","log":{"offset":1}})")),
            time + R"(,"service.name":"own","log":{"offset":1},"labels.desk":"to\"kyo","ecs.version":"9.5.0"})");
  EXPECT_EQ(text_of(enriched(time + "}"), fields_.find("service.name")), "oms");
  source_.path = "/var/log/b.log";
  EXPECT_NE(json(enriched(time + "}")).find("/var/log/b.log"), std::string::npos);
  EXPECT_EQ(json(enriched("{}")).find("{,"), std::string::npos);
}

TEST_F(EnricherTest, TimeOfLinesWithoutOne) {
  options_.correlation.enabled = false;
  EXPECT_EQ(json(enriched("{}")), R"({"@timestamp":"2026-01-05T00:00:00.000000000Z"})") << "read time";
  enriched(R"({"time":"2026-01-05T00:01:00Z"})");
  Event& event = enriched(R"({"time":"garbage"})");
  EXPECT_EQ(json(event), R"({"time":"garbage","@timestamp":"2026-01-05T00:01:00.000000000Z"})");
  EXPECT_EQ(event.time_ns, read_ns_ + minute_ns);
  source_.file = 2;
  EXPECT_EQ(enriched("{}").time_ns, read_ns_) << "another file";
}

TEST_F(EnricherTest, ATimeUnderAnotherNameIsAddedWhenItIsANumber) {
  options_.correlation.enabled = false;
  const auto added = [this](const std::string& line) {
    return std::string(json(enriched(line))).substr(line.size() - 1);
  };
  EXPECT_EQ(added(R"({"time":1767571200123})"), R"(,"@timestamp":"2026-01-05T00:00:00.123000000Z"})");
  EXPECT_EQ(added(R"({"instant":{"epochSecond":1767571200,"nanoOfSecond":7}})"),
            R"(,"@timestamp":"2026-01-05T00:00:00.000000007Z"})");
}

TEST_F(EnricherTest, WithoutASchemaATimeIsAddedAsTheLineTellsItIfAnEngineTakesThat) {
  options_.correlation.enabled = false;
  options_.schema = "none";
  const auto added = [this](const std::string& line) {
    return std::string(json(enriched(line))).substr(line.size() - 1);
  };
  EXPECT_EQ(added(R"({"timestamp":"2026-01-05T09:00:00.5+09:00"})"), R"(,"@timestamp":"2026-01-05T09:00:00.5+09:00"})");
  EXPECT_EQ(added(R"({"timestamp":"2026\u002d01-05T00:00:00Z"})"), R"(,"@timestamp":"2026-01-05T00:00:00Z"})");
  EXPECT_EQ(added(R"({"timestamp":"2026-01-05 00:00:00,5"})"), R"(,"@timestamp":"2026-01-05T00:00:00.500000000Z"})");
}

TEST_F(EnricherTest, TextLines) {
  offset_ = 7;
  options_.file = true;
  options_.fields = {{"service.name", "oms"}};
  EXPECT_EQ(json(enriched("plain \"text\"")),
            R"({"message":"plain \"text\"","error.type":"json","@timestamp":"2026-01-05T00:00:00.000000000Z",)"
            R"("service.name":"oms","log.file.path":"/var/log/a.log","log.offset":7,)"
            R"("labels.correlation_id":"tw-0000000000000001","labels.correlation_source":"generated"})");
}

TEST_F(EnricherTest, FlagsOfCutAndPartialLines) {
  options_.correlation.enabled = false;
  start();
  Line line;
  line.text = "{\"a\":";
  line.full_bytes = 5'000'000;
  line.cut = true;
  Parser parser(fields_, policy_);
  Event& cut = parser.parse(line, source_, read_ns_);
  enricher_->enrich(cut, {});
  EXPECT_NE(json(cut).find(R"("log.flags":["truncated"],"log.original_bytes":5000000})"), std::string::npos);
  line.cut = false;
  line.partial = true;
  Event& partial = parser.parse(line, source_, read_ns_);
  enricher_->enrich(partial, {});
  EXPECT_NE(json(partial).find(R"("log.flags":["partial"]})"), std::string::npos);
}

struct Security {
  const char* name;
  const char* members;
  const char* added;
};

class SecurityEvents : public EnricherTest, public testing::WithParamInterface<Security> {};

TEST_P(SecurityEvents, AreClassified) {
  options_.correlation.enabled = false;
  const std::string head = R"({"@timestamp":"2026-01-05T00:00:00Z","message":"m",)" + std::string(GetParam().members);
  EXPECT_EQ(json(enriched(head + "}")), head + GetParam().added + "}");
}

constexpr Security security_events[] = {
    {"login", R"("event.action":"auth.login","outcome":"success")",
     R"(,"event.category":["authentication","session"],"event.type":["start"],"event.outcome":"success")"},
    {"login_failed", R"("event.action":"user-login-failed")",
     R"(,"event.category":["authentication","session"],"event.type":["start"],"event.outcome":"failure")"},
    {"login_plain", R"("event.action":"LOGIN","success":false)",
     R"(,"event.category":["authentication","session"],"event.type":["start"],"event.outcome":"failure")"},
    {"login_camel", R"("event.action":"userLogin")",
     R"(,"event.category":["authentication","session"],"event.type":["start"])"},
    {"logout", R"("event.action":"auth.logout")",
     R"(,"event.category":["authentication","session"],"event.type":["end"])"},
    {"permission", R"("event.action":"auth.permission_change","context":{"outcome":"failure"})",
     R"(,"event.category":["iam"],"event.type":["change","admin","user"],"event.outcome":"failure")"},
    {"export", R"("event.action":"data.export")", R"(,"event.category":["database"],"event.type":["access"])"},
    {"trade", R"("event.action":"trade.execution")", R"(,"event.type":["info"])"},
    {"request", R"("event.action":"approval.request")", R"(,"event.category":["iam"],"event.type":["info"])"},
    {"granted", R"("event.action":"approval-granted")",
     R"(,"event.category":["iam"],"event.type":["info","allowed"],"event.outcome":"success")"},
    {"decision", R"("event.action":"approval.decision","decision":"rejected","outcome":"success")",
     R"(,"event.category":["iam"],"event.type":["info","denied"],"event.outcome":"failure")"},
    {"kept", R"("event.action":"login","event.category":"mine","event.outcome":"unknown")",
     R"(,"event.type":["start"])"},
    {"ordinary", R"("event.action":"order.accepted")", ""},
};

INSTANTIATE_TEST_SUITE_P(Table, SecurityEvents, testing::ValuesIn(security_events),
                         [](const testing::TestParamInfo<Security>& c) { return c.param.name; });

}  // namespace
}  // namespace tapewatch
