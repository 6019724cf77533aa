// SPDX-License-Identifier: Apache-2.0
#pragma once
// The structured logger an application links (libtapewatch-log.so). One JSON object a line with Elastic Common Schema
// names, so that tapewatch reads it without any configuration. Depends on the C++ library only.
//
//   auto log = std::move(tapewatch::Logger::open("/var/log/trading/app.log", {.service_name = "oms"})).value();
//   tapewatch::CorrelationScope scope("req-7f3a");           // every line of this thread, until the scope ends
//   log->info("order accepted", {{"order.id", "ORD-42"}, {"order.quantity", 100}});
//
// A line is formatted in the calling thread and written whole with one write() to a file opened for appending, so that
// lines of several threads and processes never mix. Nothing here throws, waits for anything but the file, or fails the
// application: what could not be written is counted. Thread: any.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "tapewatch/api.h"
#include "tapewatch/result.h"

namespace tapewatch {

class TAPEWATCH_API Logger final {
 public:
  enum class Level : std::uint8_t { debug, info, warning, error, critical };

  // One member of the line. Names may be dotted ("order.id") and are written as they are; the views need to live only
  // for the call. A name that the line has anyway ("message") should not be used.
  struct Field {
    std::string_view name;
    std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view> value;

    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, const char* v) : name(n), value(std::string_view(v == nullptr ? "" : v)) {}
    Field(std::string_view n, bool v) : name(n), value(v) {}
    Field(std::string_view n, double v) : name(n), value(v) {}
    template <typename I>
    requires std::is_integral_v<I> Field(std::string_view n, I v) : name(n) {
      if constexpr (std::is_signed_v<I>) {
        value = static_cast<std::int64_t>(v);
      } else {
        value = static_cast<std::uint64_t>(v);
      }
    }
  };
  using Fields = std::initializer_list<Field>;

  struct Options {
    std::string service_name{};  // service.name; "": not written
    std::string logger = "app";  // log.logger
    Level lowest = Level::info;
    std::size_t line_bytes_max = 256 * 1024;  // a longer line is dropped
    bool sync_errors = false;                 // fdatasync() behind every line of error and above
  };

  // Creates the file (mode 0640) or appends to it.
  [[nodiscard]] static Result<std::unique_ptr<Logger>> open(const std::string& path, Options options);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void write(Level level, std::string_view message, Fields fields = {}) noexcept;
  // The same with the line's @timestamp in nanoseconds since 1970.
  void write_at(std::int64_t time_ns, Level level, std::string_view message, Fields fields = {}) noexcept;
  void debug(std::string_view message, Fields fields = {}) noexcept { write(Level::debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) noexcept { write(Level::info, message, fields); }
  void warning(std::string_view message, Fields fields = {}) noexcept { write(Level::warning, message, fields); }
  void error(std::string_view message, Fields fields = {}) noexcept { write(Level::error, message, fields); }
  void critical(std::string_view message, Fields fields = {}) noexcept { write(Level::critical, message, fields); }

  // Opens the path anew, for a rotation by rename; say, when SIGHUP came. Other threads may write meanwhile. When it
  // fails the old file stays in use.
  [[nodiscard]] Status reopen();

  struct Counts {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    std::uint64_t dropped_lines = 0;  // could not be written whole, or were too long
  };
  [[nodiscard]] Counts counts() const noexcept;

 private:
  struct State;
  explicit Logger(std::unique_ptr<State> state);
  void put(std::string_view line, Level level) noexcept;

  const std::unique_ptr<State> state_;
};

// Gives every line of this thread a correlation id until the scope ends; scopes nest. 32 hexadecimal digits are a W3C
// trace id and are written as trace.id, anything else as labels.correlation_id. A "traceparent" header
// ("00-4bf92f35...-00f067aa...-01") is taken apart into trace.id and span.id. Neither copied nor moved, and ended in
// the thread where it began.
class TAPEWATCH_API CorrelationScope final {
 public:
  explicit CorrelationScope(std::string_view id_or_traceparent) noexcept;
  ~CorrelationScope();
  CorrelationScope(const CorrelationScope&) = delete;
  CorrelationScope& operator=(const CorrelationScope&) = delete;

  // The id of the innermost scope of this thread, "" outside of any; the view lives until that scope ends.
  [[nodiscard]] static std::string_view current() noexcept;

 private:
  std::string outer_id_;
  std::string outer_span_;
};

}  // namespace tapewatch
