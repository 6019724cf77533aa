// SPDX-License-Identifier: Apache-2.0
#include "enrich/schema.h"

#include "unit/enrich/event_fixture.h"

namespace tapewatch {
namespace {

class SchemaTest : public EventFixture {
 protected:
  void use(std::string_view name) {
    fields_ = FieldTable();
    ecs_ = std::make_unique<EcsFields>(fields_);
    schema_ = std::make_unique<Schema>(name, *ecs_, fields_);
    parser_.reset();
  }
  Event& apply(std::string_view text) {
    Event& event = parse(text);
    has_time_ = schema_->apply(event);
    return event;
  }
  std::unique_ptr<EcsFields> ecs_;
  std::unique_ptr<Schema> schema_;
  bool has_time_ = false;
};

struct Case {
  const char* name;
  const char* schema;
  const char* in;
  const char* out;
};

class SchemaCases : public SchemaTest, public testing::WithParamInterface<Case> {};

TEST_P(SchemaCases, Names) {
  use(GetParam().schema);
  const std::string out = json(apply(GetParam().in));
  EXPECT_EQ(out, GetParam().out);
  EXPECT_TRUE(parse(out).is_json());
}

constexpr Case cases[] = {
    // Each logger as it writes by default.
    {"ecs", "ecs", R"({"@timestamp":"2026-01-05T00:00:00.000Z","log.level":"info","message":"a","time":"x"})",
     R"({"@timestamp":"2026-01-05T00:00:00.000Z","log.level":"INFO","message":"a","time":"x"})"},
    {"structlog", "structlog",
     R"({"user":"bob","event":"logged in","level":"info","timestamp":"2026-01-05T00:00:00Z"})",
     R"({"user.name":"bob","message":"logged in","log.level":"INFO","@timestamp":"2026-01-05T00:00:00Z"})"},
    {"python", "python-json-logger",
     R"({"asctime":"2026-01-05 00:00:00,123","levelname":"WARNING","name":"oms","message":"m","process":7,"exc_info":"T"})",
     R"({"@timestamp":"2026-01-05T00:00:00.123000000Z","log.level":"WARNING","log.logger":"oms","message":"m","process.pid":7,"error.stack_trace":"T"})"},
    {"pino", "pino", R"({"level":30,"time":1767571200123,"pid":1,"hostname":"h","name":"app","msg":"hi"})",
     R"({"log.level":"INFO","time":1767571200123,"process.pid":1,"host.name":"h","log.logger":"app","message":"hi"})"},
    {"zap", "zap", R"({"level":"error","ts":1767571200.5,"logger":"l","caller":"a/b.go:7","msg":"m","stacktrace":"s"})",
     R"({"log.level":"ERROR","ts":1767571200.5,"log.logger":"l","log.origin.file.name":"a/b.go:7","message":"m","error.stack_trace":"s"})"},
    {"logrus", "logrus", R"({"level":"warning","msg":"m","time":"2026-01-05T09:00:00+09:00","func":"main.f"})",
     R"({"log.level":"WARNING","message":"m","@timestamp":"2026-01-05T09:00:00+09:00","log.origin.function":"main.f"})"},
    {"logback", "logback",
     R"({"@timestamp":"2026-01-05T00:00:00.000Z","@version":"1","message":"m","logger_name":"L","thread_name":"t","level":"INFO"})",
     R"({"@timestamp":"2026-01-05T00:00:00.000Z","@version":"1","message":"m","log.logger":"L","process.thread.name":"t","log.level":"INFO"})"},
    {"log4j", "log4j",
     R"({"instant":{"epochSecond":1767571200,"nanoOfSecond":7},"thread":"main","level":"FATAL","loggerName":"L","message":"m"})",
     R"({"instant":{"epochSecond":1767571200,"nanoOfSecond":7},"process.thread.name":"main","log.level":"CRITICAL","log.logger":"L","message":"m"})"},
    {"bunyan", "bunyan",
     R"({"name":"app","hostname":"h","pid":3,"level":50,"msg":"m","time":"2026-01-05T00:00:00.000Z","v":0})",
     R"({"log.logger":"app","host.name":"h","process.pid":3,"log.level":"ERROR","message":"m","@timestamp":"2026-01-05T00:00:00.000Z","v":0})"},
    {"none", "none", R"({"level":"info","msg":"m","host":"h","time":"2026-01-05T00:00:00Z"})",
     R"({"level":"info","msg":"m","host":"h","time":"2026-01-05T00:00:00Z"})"},

    // Time.
    {"time_space", "auto", R"({"time":"2026-01-05 00:00:00.5"})", R"({"@timestamp":"2026-01-05T00:00:00.500000000Z"})"},
    {"time_digits", "auto", R"({"ts":"2026-01-05T00:00:00.1234567890Z"})",
     R"({"@timestamp":"2026-01-05T00:00:00.123456789Z"})"},
    {"time_escaped", "auto", R"({"ts":"2026\u002d01-05T00:00:00Z"})", R"({"@timestamp":"2026\u002d01-05T00:00:00Z"})"},
    {"time_two", "auto", R"({"time":"2026-01-05T00:00:01Z","timestamp":"2026-01-05T00:00:00Z"})",
     R"({"time":"2026-01-05T00:00:01Z","@timestamp":"2026-01-05T00:00:00Z"})"},
    {"time_own_first", "auto", R"({"timestamp":"2026-01-05T00:00:01Z","@timestamp":"2026-01-05T00:00:00Z"})",
     R"({"timestamp":"2026-01-05T00:00:01Z","@timestamp":"2026-01-05T00:00:00Z"})"},
    {"time_own_epoch", "auto", R"({"@timestamp":"1767571200000"})",
     R"({"@timestamp":"2026-01-05T00:00:00.000000000Z"})"},
    {"time_own_garbage", "auto", R"({"@timestamp":"yesterday","time":"2026-01-05T00:00:00Z"})",
     R"({"fields.@timestamp":"yesterday","@timestamp":"2026-01-05T00:00:00Z"})"},
    {"time_duration", "auto", R"({"time":12.5})", R"({"time":12.5})"},

    // Level.
    {"level_unknown", "auto", R"({"level":"loud"})", R"({"log.level":"loud"})"},
    {"level_number", "auto", R"({"level":35})", R"({"level":35})"},
    {"level_nested", "auto", R"({"log":{"level":"warn"},"level":"x"})", R"({"log":{"level":"WARNING"},"level":"x"})"},
    {"level_two", "auto", R"({"severity":"high","level":"info"})", R"({"severity":"high","log.level":"INFO"})"},

    // Names that mean different things.
    {"event_action", "auto", R"({"event":"order.new","message":"m"})", R"({"event.action":"order.new","message":"m"})"},
    {"event_action_msg", "auto", R"({"event":"order.new","msg":"m"})", R"({"event.action":"order.new","message":"m"})"},
    {"event_message", "auto", R"({"event":"order new"})", R"({"message":"order new"})"},
    {"event_code", "auto", R"({"event":17})", R"({"event.code":17})"},
    {"event_object", "auto", R"({"event":{"action":"a"}})", R"({"event":{"action":"a"}})"},
    {"host", "auto", R"({"host":"h","error":"e","service":"s","labels":["a"],"order":7,"trade":"T","url":"/x"})",
     R"({"host.name":"h","error.message":"e","service.name":"s","labels.value":["a"],"order.id":7,"trade.id":"T","url.original":"/x"})"},
    {"objects_stay", "auto", R"({"host":{"name":"h"},"user":[{"id":1}],"error":null,"labels":[]})",
     R"({"host":{"name":"h"},"user":[{"id":1}],"error":null,"labels":[]})"},
    {"taken", "auto", R"({"user":"bob","user.name":"Bob","user_id":1,"userId":2})",
     R"({"user.value":"bob","user.name":"Bob","user.id":1,"userId":2})"},
    {"nested_taken", "auto", R"({"order":{"id":"1"},"order_id":"1"})", R"({"order":{"id":"1"},"order_id":"1"})"},
    {"nested_other", "auto", R"({"order":{"qty":1},"order_id":"1"})", R"({"order":{"qty":1},"order.id":"1"})"},
    {"log_text", "auto", R"({"log":"line\n"})", R"({"message":"line\n"})"},
    {"message_object", "auto", R"({"message":{"a":1},"msg":"m"})", R"({"fields.message":{"a":1},"msg":"m"})"},
    {"request_scalar", "auto", R"({"http":{"request":"GET /"},"request_id":"r"})",
     R"({"http":{"request":"GET /"},"request_id":"r"})"},
    {"duplicate", "auto", R"({"level":"info","level":"warn"})", R"({"log.level":"INFO","level":"warn"})"},
    {"not_top", "auto", R"({"a":{"level":"info","user_id":1}})", R"({"a":{"level":"info","user_id":1}})"},

    // Trace context.
    {"traceparent", "auto", R"({"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})",
     R"({"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7"})"},
    {"trace_ids", "auto", R"({"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"})",
     R"({"trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7"})"},
    {"trace_invalid", "auto", R"({"trace_id":"00000000000000000000000000000000","span_id":"x"})",
     R"({"trace_id":"00000000000000000000000000000000","span_id":"x"})"},
    {"trace_datadog", "auto", R"({"dd":{"trace_id":"1234567890123456789"}})",
     R"({"dd":{"trace_id":"1234567890123456789"},"trace.id":"1234567890123456789"})"},
    {"correlation", "auto", R"({"correlationId":"c","requestId":7})",
     R"({"labels.correlation_id":"c","http.request.id":7})"},
};

INSTANTIATE_TEST_SUITE_P(Table, SchemaCases, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& c) { return c.param.name; });

TEST_F(SchemaTest, EveryPresetIsKnown) {
  for (const char* name : {"auto", "none", "ecs", "structlog", "python-json-logger", "pino", "zap", "logrus", "logback",
                           "log4j", "bunyan"}) {
    use(name);
    EXPECT_TRUE(parse(json(apply(R"({"a":1})"))).is_json());
  }
}

TEST_F(SchemaTest, FillsSlotsUnderBothNames) {
  for (const char* name : {"auto", "none"}) {
    use(name);
    Event& event = apply(R"({"level":"warn","user_id":"U1","time":"2026-01-05T00:00:01Z"})");
    EXPECT_EQ(event.level, Level::warning);
    EXPECT_EQ(event.time_ns, 1'767'571'201'000'000'000);
    EXPECT_TRUE(has_time_);
    EXPECT_EQ(text_of(event, ecs_->level), "WARNING");
    EXPECT_EQ(text_of(event, fields_.find("user.id")), "U1");
    EXPECT_EQ(text_of(event, fields_.find("user_id")), "U1");
    EXPECT_FALSE(apply("{}").field(ecs_->level).present()) << "nothing stays from the line before";
    EXPECT_FALSE(has_time_);
  }
}

TEST(TimeReader, AgreesWithItselfWhateverItRemembers) {
  TimeReader reader;
  const struct {
    const char* text;
    std::int64_t ns;
    bool strict;
  } times[] = {{"2026-01-05T00:00:00.000144Z", 1'767'571'200'000'144'000, true},
               {"2026-01-05T00:00:59.9Z", 1'767'571'259'900'000'000, true},
               {"2026-01-05T00:00:59Z", 1'767'571'259'000'000'000, true},
               {"2026-01-05T00:00:59.9+00:00", 1'767'571'259'900'000'000, true},
               {"2026-01-05T00:00:01+09:00", 1'767'538'801'000'000'000, true},
               {"2026-01-05T00:00:02Z", 1'767'571'202'000'000'000, true},
               {"2026-01-05T00:00:60Z", 1'767'571'260'000'000'000, false},
               {"2026-01-05T00:00:02,5Z", 1'767'571'202'500'000'000, false},
               {"2026-01-05T00:00:02.1234567891Z", 1'767'571'202'123'456'789, false},
               {"2026-01-05 00:00:02Z", 1'767'571'202'000'000'000, false},
               {"1767571202.5", 1'767'571'202'500'000'000, false}};
  for (int round = 0; round < 2; ++round) {
    for (const auto& time : times) {
      const ReadTime read = reader.read(time.text);
      EXPECT_TRUE(read.valid) << time.text;
      EXPECT_EQ(read.ns, time.ns) << time.text;
      EXPECT_EQ(read.is_strict, time.strict) << time.text;
    }
  }
  for (const char* text : {"2026-01-05T00:00:0", "2026-01-05T00:00:02.Z", "2026-01-05T00:00:02X",
                           "2026-01-05T00:00:6xZ", "12", "", "99999999999999999999", "now"}) {
    EXPECT_FALSE(reader.read(text).valid) << text;
  }
}

}  // namespace
}  // namespace tapewatch
