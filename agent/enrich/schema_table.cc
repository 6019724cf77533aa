// SPDX-License-Identifier: Apache-2.0
#include "enrich/schema_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::uint16_t bit(Preset preset) { return static_cast<std::uint16_t>(preset); }
constexpr std::uint16_t automatic = bit(Preset::automatic);
constexpr std::uint16_t ecs = bit(Preset::ecs);
constexpr std::uint16_t structlog = bit(Preset::structlog);
constexpr std::uint16_t python = bit(Preset::python_json_logger);
constexpr std::uint16_t pino = bit(Preset::pino);
constexpr std::uint16_t zap = bit(Preset::zap);
constexpr std::uint16_t logrus = bit(Preset::logrus);
constexpr std::uint16_t logback = bit(Preset::logback);
constexpr std::uint16_t log4j = bit(Preset::log4j);
constexpr std::uint16_t bunyan = bit(Preset::bunyan);
constexpr std::uint16_t all = 1023;
constexpr std::uint16_t loggers = all & ~ecs;

using K = SourceKind;

constexpr SchemaRow rows[] = {
    // Time. What is not taken stays as it is.
    {"@timestamp", "@timestamp", K::time, all},
    {"timestamp", "@timestamp", K::time, loggers},
    {"time", "@timestamp", K::time, automatic | structlog | pino | zap | logrus | bunyan | python},
    {"ts", "@timestamp", K::time, automatic | zap | pino},
    {"asctime", "@timestamp", K::time, automatic | python},
    {"datetime", "@timestamp", K::time, automatic},
    {"date", "@timestamp", K::time, automatic},
    {"@t", "@timestamp", K::time, automatic},
    {"event_time", "@timestamp", K::time, automatic},
    {"eventTime", "@timestamp", K::time, automatic},
    {"log_time", "@timestamp", K::time, automatic},
    {"timeMillis", "@timestamp", K::time, automatic | log4j},
    {"instant.epochSecond", "@timestamp", K::time, automatic | log4j},

    // Level.
    {"log.level", "log.level", K::level, all},
    {"level", "log.level", K::level, loggers},
    {"severity", "log.level", K::level, automatic | structlog | zap},
    {"levelname", "log.level", K::level, automatic | python},
    {"lvl", "log.level", K::level, automatic},
    {"loglevel", "log.level", K::level, automatic},
    {"log_level", "log.level", K::level, automatic | structlog},
    {"severity_text", "log.level", K::level, automatic},
    {"@l", "log.level", K::level, automatic},

    // Message.
    {"message", "message", K::leaf, all},
    {"msg", "message", K::text, loggers},
    {"@m", "message", K::text, automatic},
    {"short_message", "message", K::text, automatic},

    // Logger, thread, process.
    {"logger", "log.logger", K::text, loggers},
    {"logger_name", "log.logger", K::text, automatic | logback | structlog | python},
    {"loggerName", "log.logger", K::text, automatic | log4j},
    {"name", "log.logger", K::text, python | pino | bunyan},
    {"caller", "log.origin.file.name", K::text, zap},
    {"func", "log.origin.function", K::text, logrus},
    {"file", "log.origin.file.name", K::text, logrus},
    {"thread_name", "process.thread.name", K::text, automatic | logback},
    {"threadName", "process.thread.name", K::text, automatic | python},
    {"thread", "process.thread.name", K::text, log4j},
    {"processName", "process.name", K::text, automatic | python},
    {"pid", "process.pid", K::number, loggers},
    {"hostname", "host.name", K::text, automatic | pino | bunyan | logrus},

    // Errors.
    {"stack_trace", "error.stack_trace", K::text, automatic | logback},
    {"stacktrace", "error.stack_trace", K::text, automatic | zap},
    {"exc_info", "error.stack_trace", K::text, automatic | python | structlog},
    {"exception", "error.stack_trace", K::text, automatic | structlog},
    {"err", "error.message", K::text, automatic | pino | zap | bunyan},

    // Trace context and correlation.
    {"trace.id", "trace.id", K::leaf, all},
    {"trace_id", "trace.id", K::trace_id, all},
    {"traceId", "trace.id", K::trace_id, all},
    {"traceID", "trace.id", K::trace_id, all},
    {"otelTraceID", "trace.id", K::trace_id, all},
    {"dd.trace_id", "trace.id", K::trace_id, all},
    {"mdc.traceId", "trace.id", K::trace_id, all},
    {"contextMap.traceId", "trace.id", K::trace_id, all},
    {"span_id", "span.id", K::span_id, all},
    {"spanId", "span.id", K::span_id, all},
    {"spanID", "span.id", K::span_id, all},
    {"otelSpanID", "span.id", K::span_id, all},
    {"dd.span_id", "span.id", K::span_id, all},
    {"traceparent", "trace.id", K::traceparent, all},
    {"correlation_id", "labels.correlation_id", K::id, all},
    {"correlationId", "labels.correlation_id", K::id, all},
    {"correlationID", "labels.correlation_id", K::id, all},
    {"correlation-id", "labels.correlation_id", K::id, all},
    {"x_correlation_id", "labels.correlation_id", K::id, all},
    {"x-correlation-id", "labels.correlation_id", K::id, all},
    {"X-Correlation-ID", "labels.correlation_id", K::id, all},
    {"X-Correlation-Id", "labels.correlation_id", K::id, all},
    {"corr_id", "labels.correlation_id", K::id, all},

    // Known ids.
    {"request_id", "http.request.id", K::id, all},
    {"requestId", "http.request.id", K::id, all},
    {"requestID", "http.request.id", K::id, all},
    {"request-id", "http.request.id", K::id, all},
    {"x_request_id", "http.request.id", K::id, all},
    {"x-request-id", "http.request.id", K::id, all},
    {"X-Request-ID", "http.request.id", K::id, all},
    {"X-Request-Id", "http.request.id", K::id, all},
    {"req_id", "http.request.id", K::id, all},
    {"reqId", "http.request.id", K::id, all},
    {"order_id", "order.id", K::id, all},
    {"orderId", "order.id", K::id, all},
    {"orderID", "order.id", K::id, all},
    {"trade_id", "trade.id", K::id, all},
    {"tradeId", "trade.id", K::id, all},
    {"tradeID", "trade.id", K::id, all},
    {"approval_id", "approval.id", K::id, all},
    {"approvalId", "approval.id", K::id, all},
    {"session_id", "session.id", K::id, all},
    {"sessionId", "session.id", K::id, all},
    {"user_id", "user.id", K::id, all},
    {"userId", "user.id", K::id, all},
    {"username", "user.name", K::text, loggers},
    {"user_name", "user.name", K::text, loggers},
    {"userName", "user.name", K::text, loggers},
    {"client_ip", "source.ip", K::text, loggers},
    {"clientIp", "source.ip", K::text, loggers},
    {"remote_ip", "source.ip", K::text, loggers},
    {"source_ip", "source.ip", K::text, loggers},

    // The only name whose meaning depends on its neighbours.
    {"event", "event.action", K::event, all, "event.code"},

    // ECS objects that are often scalars.
    {"agent", "agent.name", K::object, all},
    {"approval", "approval.id", K::object, all},
    {"client", "client.address", K::object, all},
    {"cloud", "cloud.provider", K::object, all},
    {"container", "container.name", K::object, all},
    {"data_stream", "data_stream.dataset", K::object, all},
    {"destination", "destination.address", K::object, all},
    {"device", "device.id", K::object, all},
    {"ecs", "ecs.version", K::object, all},
    {"error", "error.message", K::object, all},
    {"file", "file.path", K::object, all},
    {"group", "group.name", K::object, all},
    {"host", "host.name", K::object, all},
    {"http", "http.value", K::object, all},
    {"kubernetes", "kubernetes.value", K::object, all},
    {"labels", "labels.value", K::object, all},
    {"log", "message", K::object, all},
    {"network", "network.name", K::object, all},
    {"order", "order.id", K::object, all},
    {"orchestrator", "orchestrator.type", K::object, all},
    {"organization", "organization.name", K::object, all},
    {"process", "process.name", K::object, all, "process.pid"},
    {"rule", "rule.name", K::object, all},
    {"server", "server.address", K::object, all},
    {"service", "service.name", K::object, all},
    {"session", "session.id", K::object, all},
    {"source", "source.address", K::object, all},
    {"span", "span.id", K::object, all},
    {"trace", "trace.id", K::object, all},
    {"trade", "trade.id", K::object, all},
    {"transaction", "transaction.id", K::object, all},
    {"url", "url.original", K::object, all},
    {"user", "user.name", K::object, all},
    {"user_agent", "user_agent.original", K::object, all},
};

constexpr std::array<std::pair<std::string_view, Preset>, 10> presets = {{
    {"auto", Preset::automatic},
    {"ecs", Preset::ecs},
    {"structlog", Preset::structlog},
    {"python-json-logger", Preset::python_json_logger},
    {"pino", Preset::pino},
    {"zap", Preset::zap},
    {"logrus", Preset::logrus},
    {"logback", Preset::logback},
    {"log4j", Preset::log4j},
    {"bunyan", Preset::bunyan},
}};

}  // namespace

std::span<const SchemaRow> schema_rows() { return rows; }

std::optional<Preset> preset_of(std::string_view name) {
  if (name == "none") return std::nullopt;
  const auto found = std::find_if(presets.begin(), presets.end(), [&](const auto& p) { return p.first == name; });
  CHECK(found != presets.end());
  return found->second;
}

}  // namespace tapewatch
