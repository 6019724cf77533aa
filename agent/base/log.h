// SPDX-License-Identifier: Apache-2.0
#pragma once
// Log: the agent's own log, injected wherever something is worth saying. The message is a constant, the data goes into
// fields; neither ever holds event contents or a secret. JsonLog writes one ECS JSON object a line.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/mutex.h"

namespace tapewatch {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::variant<std::int64_t, double, bool, std::string_view> value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, bool v) : name(n), value(v) {}
  LogField(std::string_view n, double v) : name(n), value(v) {}
  template <typename I>
  requires std::is_integral_v<I> LogField(std::string_view n, I v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

class Log {
 public:
  using Fields = std::span<const LogField>;
  using Given = std::initializer_list<LogField>;
  virtual ~Log() = default;
  // `message` must be a string literal: repeats are counted by it. What the fields view is read before it returns.
  virtual void write(LogLevel level, std::string_view message, Fields fields) = 0;

  void debug(std::string_view message, Given fields = {}) { give(LogLevel::debug, message, fields); }
  void info(std::string_view message, Given fields = {}) { give(LogLevel::info, message, fields); }
  void warn(std::string_view message, Given fields = {}) { give(LogLevel::warning, message, fields); }
  void error(std::string_view message, Given fields = {}) { give(LogLevel::error, message, fields); }

 private:
  void give(LogLevel level, std::string_view message, Given fields) {
    write(level, message, Fields(fields.begin(), fields.size()));
  }
};

// JSON lines on a file descriptor (stderr), each message at most `burst` times in ten seconds; the next line that
// passes then tells in "suppressed" how many did not. Thread: any.
class JsonLog final : public Log {
 public:
  JsonLog(int fd, const Clock& clock, LogLevel lowest, int burst = 10)
      : fd_(fd), clock_(clock), lowest_(lowest), burst_(burst) {}
  void write(LogLevel level, std::string_view message, Fields fields) override EXCLUDES(mutex_);

 private:
  struct Rate {
    std::int64_t window_start_ns = 0;
    int written = 0;
    std::int64_t suppressed = 0;
  };
  bool admit(std::string_view message, std::int64_t& suppressed) REQUIRES(mutex_);

  const int fd_;
  const Clock& clock_;
  const LogLevel lowest_;
  const int burst_;
  Mutex mutex_;
  std::map<std::string, Rate, std::less<>> rates_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch
