// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "client/line_encoder.h"
#include "tapewatch/log.h"

namespace tapewatch {
namespace {

// What the innermost scope of a thread says. Thread-local by nature: a scope belongs to the thread that opened it.
struct Context {
  std::string id;
  std::string span;
};

Context& context() noexcept {
  thread_local Context of_this_thread;
  return of_this_thread;
}

constexpr std::size_t usual_line_bytes = 512;

Error system_error(const char* what, const std::string& path) {
  const std::string reason = std::generic_category().message(errno);
  return Error{Code::io, std::string(what) + " " + path + ": " + reason};
}

int open_for_appending(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

}  // namespace

struct Logger::State {
  std::string path;
  Options options;
  int fd = -1;  // the number never changes: reopen() puts another file behind it
  std::atomic<std::uint64_t> lines{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> dropped_lines{0};
  std::atomic<bool> torn{false};  // the last line ended early (disk full): the next one starts on a line of its own
};

Logger::Logger(std::unique_ptr<State> state) : state_(std::move(state)) {}

Logger::~Logger() { ::close(state_->fd); }

Result<std::unique_ptr<Logger>> Logger::open(const std::string& path, Options options) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->options = std::move(options);
  state->fd = open_for_appending(path);
  if (state->fd < 0) return system_error("opening", path);
  return std::unique_ptr<Logger>(new Logger(std::move(state)));
}

void Logger::write(Level level, std::string_view message, Fields fields) noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  write_at(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(), level, message, fields);
}

void Logger::write_at(std::int64_t time_ns, Level level, std::string_view message, Fields fields) noexcept {
  if (level < state_->options.lowest) return;
  try {
    std::string line;
    line.reserve(usual_line_bytes + message.size());
    line += "{\"@timestamp\":\"";
    client::append_time(line, time_ns);
    line += "\",\"log.level\":\"";
    line += client::level_word(level);
    line += "\",\"message\":";
    client::append_text(line, message);
    client::append_field(line, {"log.logger", state_->options.logger});
    if (!state_->options.service_name.empty())
      client::append_field(line, {"service.name", state_->options.service_name});
    const Context& scope = context();
    if (!scope.id.empty()) {
      client::append_field(line, {client::is_trace_id(scope.id) ? "trace.id" : "labels.correlation_id", scope.id});
    }
    if (!scope.span.empty()) client::append_field(line, {"span.id", scope.span});
    for (const Field& field : fields) client::append_field(line, field);
    line += ",\"ecs.version\":\"8.11.0\"}\n";
    put(line, level);
  } catch (...) {  // out of memory: the application goes on without this line
    ++state_->dropped_lines;
  }
}

void Logger::put(std::string_view line, Level level) noexcept {
  State& state = *state_;
  if (line.size() > state.options.line_bytes_max) {
    ++state.dropped_lines;
    return;
  }
  if (state.torn.load(std::memory_order_relaxed)) {
    const char end = '\n';
    if (::write(state.fd, &end, 1) == 1) state.torn = false;
  }
  ::ssize_t written = 0;
  do {
    written = ::write(state.fd, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<::ssize_t>(line.size())) {
    ++state.dropped_lines;
    if (written > 0) state.torn = true;
    return;
  }
  ++state.lines;
  state.bytes += line.size();
  if (state.options.sync_errors && level >= Level::error) ::fdatasync(state.fd);
}

Status Logger::reopen() {
  const int fresh = open_for_appending(state_->path);
  if (fresh < 0) return system_error("opening", state_->path);
  const int put_behind = ::dup3(fresh, state_->fd, O_CLOEXEC);
  ::close(fresh);
  if (put_behind < 0) return system_error("reopening", state_->path);
  return success();
}

Logger::Counts Logger::counts() const noexcept {
  return {state_->lines.load(), state_->bytes.load(), state_->dropped_lines.load()};
}

CorrelationScope::CorrelationScope(std::string_view id_or_traceparent) noexcept {
  Context& scope = context();
  outer_id_.swap(scope.id);
  outer_span_.swap(scope.span);
  std::string_view id = id_or_traceparent;
  std::string_view span;
  if (!client::split_traceparent(id_or_traceparent, id, span)) {
    id = id_or_traceparent;
    span = {};
  }
  try {
    scope.id = id;
    scope.span = span;
  } catch (...) {  // out of memory: lines go without the id
    scope.id.clear();
    scope.span.clear();
  }
}

CorrelationScope::~CorrelationScope() {
  Context& scope = context();
  scope.id.swap(outer_id_);
  scope.span.swap(outer_span_);
}

std::string_view CorrelationScope::current() noexcept { return context().id; }

}  // namespace tapewatch
