// SPDX-License-Identifier: Apache-2.0
// `tapewatch search`, `trace`, `tail` and `top`: questions to a running agent on this machine.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <ctime>

#include "base/files.h"
#include "base/timestamp.h"
#include "cli_events.h"
#include "commands.h"
#include "config_values.h"

namespace tapewatch {
namespace {

constexpr std::size_t page_events = 1'000;
constexpr std::size_t histogram_rows = 20;
constexpr std::size_t bar_columns = 40;

std::string joined_words(const Arguments& arguments) {
  std::string out;
  for (const std::string& word : arguments.words()) out += (out.empty() ? "" : " ") + word;
  return out;
}

void print_event(Console& console, std::string_view json, bool raw) {
  std::string line = raw ? std::string(json) : event_line(json, console.out_colour);
  if (raw) {  // a document may have been printed over several lines
    for (char& c : line) c = c == '\n' || c == '\r' ? ' ' : c;
  }
  line.push_back('\n');
  console.print(line);
}

// "tapewatch: title: detail" and, for a bad query, where it is bad.
int report(Console& console, const ApiReply& reply, std::string_view query) {
  const std::string title = top_scalar(reply.body, "title");
  if (title.empty()) return fail(console, "the agent answers " + std::to_string(reply.status));
  const std::string detail = top_scalar(reply.body, "detail");
  const std::string hint = top_scalar(reply.body, "hint");
  const std::string offset = top_scalar(reply.body, "offset");
  std::string out = title + (detail.empty() || detail == title ? "" : ": " + detail);
  fail(console, out);
  std::size_t column = 0;
  const bool placed = std::from_chars(offset.data(), offset.data() + offset.size(), column).ec == std::errc();
  if (placed && !offset.empty() && column <= query.size()) {
    console.notice("   " + terminal_safe(query) + "\n   " + std::string(column, ' ') + "^ " + terminal_safe(hint) +
                   "\n");
  } else if (!hint.empty()) {
    console.notice("   " + terminal_safe(hint) + "\n");
  }
  return reply.status == 400 ? exit_usage : exit_failed;
}

// An age as "15m" becomes a point in time; anything else goes to the agent as it is.
std::string time_parameter(const std::string& text) {
  ValueFault fault;
  const auto age = parse_duration(text, fault);
  if (!age) return text;
  const std::int64_t now = SystemClock().wall_ns();
  return format_rfc3339(now - age->count() * ns_per_ms);
}

bool parse_count(const std::string& text, std::size_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// Prints what a page of answers holds; nullopt when it cannot be read.
std::optional<std::size_t> print_page(Console& console, const std::string& body, bool raw, std::size_t most) {
  const auto events = list_items(body, "events");
  if (!events) {
    fail(console, "the agent's answer cannot be read");
    return std::nullopt;
  }
  const std::size_t shown = std::min(most, events->size());
  for (std::size_t i = 0; i < shown; ++i) print_event(console, (*events)[i], raw);
  return shown;
}

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// The offset at which the last `lines` lines begin.
::off_t last_lines(int fd, std::size_t lines) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return 0;
  constexpr ::off_t looked_at = 1 << 20;
  const ::off_t begin = std::max<::off_t>(0, status.st_size - looked_at);
  std::string text(static_cast<std::size_t>(status.st_size - begin), '\0');
  const ::ssize_t got = ::pread(fd, text.data(), text.size(), begin);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  std::size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (; lines > 0 && at > 0 && at != std::string::npos; --lines) at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? begin : begin + static_cast<::off_t>(at) + 1;
}

// Follows one file by looking every 200 ms, also when it is replaced or cut. Ends with the process.
int follow_file(const std::string& path, std::size_t lines, bool raw, Console& console) {
  std::string pending;
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return fail(console, errno_error("opening " + path, errno).message);
  ::off_t at = last_lines(fd.get(), lines);
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ::ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), at);
    if (got > 0) {
      at += got;
      pending.append(buffer.data(), static_cast<std::size_t>(got));
      for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
        print_event(console, std::string_view(pending).substr(0, end), raw);
      if (pending.size() > (1 << 20)) pending.clear();
      continue;
    }
    if (std::fflush(console.out) != 0) return exit_good;  // nobody reads any more
    struct stat open_file {};
    struct stat named {};
    if (::fstat(fd.get(), &open_file) == 0 && open_file.st_size < at) at = 0;
    if (::stat(path.c_str(), &named) == 0 && named.st_ino != open_file.st_ino) {
      Fd next(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (next.open()) fd = std::move(next), at = 0;
    }
    const ::timespec wait{0, 200'000'000};
    ::nanosleep(&wait, nullptr);
  }
}

void print_status(Console& console, const std::string& body, bool raw) {
  if (raw) return print_event(console, body, true);
  const auto figures = flatten_json(body);
  if (!figures) return;
  std::string out = console.terminal ? "\x1b[H\x1b[2J" : "";
  for (const auto& [name, value] : *figures) {
    std::string left = terminal_safe(name);
    left.resize(std::max<std::size_t>(left.size() + 2, 44), ' ');
    out += left + terminal_safe(value) + "\n";
  }
  console.print(out);
  std::fflush(console.out);
}

// What is asked instead of the events: counts.
std::string counting_target(const Arguments& arguments) {
  if (arguments.has("top")) return "/api/v1/top?field=" + url_encoded(arguments.value("top"));
  return arguments.has("histogram") ? "/api/v1/histogram?buckets=" + std::to_string(histogram_rows) : "";
}

std::size_t number_in(std::string_view json, std::string_view key) {
  std::size_t number = 0;
  static_cast<void>(parse_count(top_scalar(json, key), number));
  return number;
}

// A count, its bar and what it is of, one row each.
void print_rows(Console& console, const std::vector<std::pair<std::size_t, std::string>>& rows) {
  std::size_t most = 1;
  for (const auto& row : rows) most = std::max(most, row.first);
  for (const auto& [count, text] : rows) {
    std::string number = std::to_string(count);
    number.insert(0, number.size() < 10 ? 10 - number.size() : 0, ' ');
    std::string bar(count * bar_columns / most, '#');
    bar.resize(bar_columns, ' ');
    console.print(number + "  " + bar + "  " + terminal_safe(text) + "\n");
  }
}

int print_counts(Console& console, const std::string& body, bool top) {
  const auto items = list_items(body, top ? "values" : "buckets");
  if (!items) return fail(console, "the agent's answer cannot be read");
  std::vector<std::pair<std::size_t, std::string>> rows;
  for (const std::string_view item : *items) {
    rows.emplace_back(number_in(item, top ? "count" : "total"), top_scalar(item, top ? "value" : "time"));
  }
  print_rows(console, rows);
  if (top) {
    console.notice(std::to_string(number_in(body, "others")) + " other values, " +
                   std::to_string(number_in(body, "without")) + " events without the field\n");
  }
  if (top_scalar(body, "complete") == "false") console.notice("not all was looked at within the time\n");
  return exit_good;
}

int count_command(const Arguments& arguments, Console& console, const ApiAddress& address, const std::string& target,
                  const std::string& query) {
  const auto reply = api_get(address, target);
  if (!reply) return fail(console, reply.error().message);
  if (reply->status != 200) return report(console, *reply, query);
  if (!arguments.has("json")) return print_counts(console, reply->body, arguments.has("top"));
  console.print(reply->body + "\n");
  return exit_good;
}

}  // namespace

int search_command(const Arguments& arguments, Console& console) {
  int exit_code = exit_failed;
  const auto address = agent_address(arguments, console, exit_code);
  if (!address) return exit_code;
  std::size_t left = 100;
  if (arguments.has("limit") && !parse_count(arguments.value("limit"), left)) {
    console.notice("tapewatch: --limit needs a number\n");
    return exit_usage;
  }
  const std::string query = joined_words(arguments);
  const std::string counting = counting_target(arguments);
  std::string target = counting.empty() ? "/api/v1/search?" : counting + "&";
  target += "query=" + url_encoded(query.empty() ? "*" : query);
  for (const std::string_view bound : {"from", "to"}) {
    if (arguments.has(bound)) {
      target += "&" + std::string(bound) + "=" + url_encoded(time_parameter(arguments.value(bound)));
    }
  }
  if (!counting.empty()) {
    if (arguments.has("top") && arguments.has("limit")) target += "&limit=" + std::to_string(left);
    return count_command(arguments, console, *address, target, query);
  }
  std::string cursor;
  std::size_t total = 0;
  std::string elapsed;
  do {
    std::string page = target + "&limit=" + std::to_string(std::min(left, page_events));
    if (!cursor.empty()) page += "&cursor=" + url_encoded(cursor);
    const auto reply = api_get(*address, page);
    if (!reply) return fail(console, reply.error().message);
    if (reply->status != 200) return report(console, *reply, query);
    const auto shown = print_page(console, reply->body, arguments.has("json"), left);
    if (!shown) return exit_failed;
    total += *shown;
    left -= *shown;
    // A page may be empty and still lead on: the agent gives what it found within its time.
    const std::string next = top_scalar(reply->body, "cursor");
    cursor = next == "null" || next == cursor ? "" : next;
    elapsed = top_scalar(reply->body, "elapsed_ms");
  } while (left > 0 && !cursor.empty());
  const bool more = !cursor.empty();
  console.notice(std::to_string(total) + (total == 1 ? " event" : " events") + (more ? ", there are more" : "") +
                 (elapsed.empty() ? "" : ", took " + terminal_safe(elapsed) + " ms") + "\n");
  return exit_good;
}

int trace_command(const Arguments& arguments, Console& console) {
  int exit_code = exit_failed;
  const auto address = agent_address(arguments, console, exit_code);
  if (!address) return exit_code;
  const auto reply = api_get(*address, "/api/v1/trace/" + url_encoded(arguments.words()[0]));
  if (!reply) return fail(console, reply.error().message);
  if (reply->status != 200) return report(console, *reply, "");
  const auto shown = print_page(console, reply->body, arguments.has("json"), std::string::npos);
  if (!shown) return exit_failed;
  if (*shown == 0) return fail(console, "no event carries this id");
  console.notice(std::to_string(*shown) + (*shown == 1 ? " event\n" : " events\n"));
  return exit_good;
}

int tail_command(const Arguments& arguments, Console& console) {
  const bool raw = arguments.has("json");
  if (arguments.words().size() == 1 && is_file(arguments.words()[0])) {
    std::size_t lines = 10;
    if (arguments.has("lines") && !parse_count(arguments.value("lines"), lines)) {
      console.notice("tapewatch: --lines needs a number\n");
      return exit_usage;
    }
    return follow_file(arguments.words()[0], lines, raw, console);
  }
  int exit_code = exit_failed;
  const auto address = agent_address(arguments, console, exit_code);
  if (!address) return exit_code;
  const std::string query = joined_words(arguments);
  std::string target = "/api/v1/tail";
  if (!query.empty()) target += "?query=" + url_encoded(query);
  const auto reply = api_stream(*address, target, [&](std::string_view name, std::string_view event) {
    if (name == "skipped") {
      console.notice(terminal_safe(top_scalar(event, "skipped")) + " events passed too fast to be shown\n");
    } else {
      print_event(console, event, raw);
    }
    return std::fflush(console.out) == 0;
  });
  if (!reply) return fail(console, reply.error().message);
  if (reply->status != 200) return report(console, *reply, query);
  console.notice("the agent ended the stream\n");
  return exit_good;
}

int top_command(const Arguments& arguments, Console& console) {
  int exit_code = exit_failed;
  const auto address = agent_address(arguments, console, exit_code);
  if (!address) return exit_code;
  for (;;) {
    const auto reply = api_get(*address, "/api/v1/status");
    if (!reply) return fail(console, reply.error().message);
    if (reply->status != 200) return report(console, *reply, "");
    print_status(console, reply->body, arguments.has("json"));
    if (arguments.has("once")) return exit_good;
    const ::timespec wait{1, 0};
    ::nanosleep(&wait, nullptr);
  }
}

}  // namespace tapewatch
