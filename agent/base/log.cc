// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include <utility>

#include "base/json_writer.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::int64_t rate_window_ns = 10 * ns_per_second;
constexpr std::size_t messages_max = 1024;  // message constants are few; the limit guards against a caller's mistake

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "DEBUG";
    case LogLevel::info:
      return "INFO";
    case LogLevel::warning:
      return "WARNING";
    case LogLevel::error:
      return "ERROR";
  }
  return "INFO";
}

}  // namespace

bool JsonLog::admit(std::string_view message, std::int64_t& suppressed) {
  auto found = rates_.find(message);
  if (found == rates_.end()) {
    if (rates_.size() >= messages_max) rates_.clear();
    found = rates_.emplace(std::string(message), Rate{clock_.steady_ns(), 0, 0}).first;
  }
  Rate& rate = found->second;
  const std::int64_t now = clock_.steady_ns();
  if (now - rate.window_start_ns >= rate_window_ns) {
    rate.window_start_ns = now;
    rate.written = 0;
  }
  if (rate.written >= burst_) {
    ++rate.suppressed;
    return false;
  }
  ++rate.written;
  suppressed = std::exchange(rate.suppressed, 0);
  return true;
}

void JsonLog::write(LogLevel level, std::string_view message, Fields fields) {
  if (level < lowest_) return;
  MutexLock lock(mutex_);
  std::int64_t suppressed = 0;
  if (!admit(message, suppressed)) return;
  std::string line;
  JsonObject object(line);
  object.add("@timestamp", std::string_view(format_rfc3339(clock_.wall_ns())));
  object.add("log.level", level_name(level));
  object.add("log.logger", "tapewatch");
  object.add("message", message);
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { object.add(field.name, value); }, field.value);
  }
  if (suppressed > 0) object.add("suppressed", suppressed);
  object.end();
  line.push_back('\n');
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n <= 0) return;  // nobody is left to be told
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace tapewatch
