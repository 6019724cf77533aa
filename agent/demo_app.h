// SPDX-License-Identifier: Apache-2.0
#pragma once
// DemoApp: a made-up trading application that writes its log: orders from submission to fill or rejection, requests,
// logins, approvals, exports, and now and then what an agent must bear: a brute force on a password, a permission
// change at night, card numbers and tokens, Japanese, stack traces, lines that are not JSON. Same seed and same times
// give the same bytes. Owned by the demo and by tests; no thread and no clock of its own.

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

class DemoApp final {
 public:
  struct Options {
    std::uint64_t seed = 42;
    int lines_per_second = 200;
    std::int64_t brute_force_first_ns = 1'500'000'000;   // after the start
    std::int64_t brute_force_every_ns = 20'000'000'000;  // and then again
  };

  DemoApp(Options options, std::int64_t start_ns);

  // Appends the lines of the time up to `now_ns`, each with its line end.
  void advance(std::int64_t now_ns, std::string& out);

 private:
  struct Planned {
    std::int64_t time_ns;
    std::uint64_t number;  // keeps the order of lines of one time
    std::string line;
    bool operator<(const Planned& other) const {
      return time_ns != other.time_ns ? time_ns > other.time_ns : number > other.number;
    }
  };
  class Line;

  [[nodiscard]] std::uint64_t next();
  [[nodiscard]] std::uint32_t below(std::uint32_t n);
  [[nodiscard]] std::int64_t ms(std::uint32_t least, std::uint32_t most);
  [[nodiscard]] std::string hex(int digits);
  [[nodiscard]] std::string user();
  [[nodiscard]] std::string address();
  template <std::size_t N>
  std::string_view pick(const std::string_view (&list)[N]) {
    return list[below(N)];
  }
  void plan(std::int64_t time_ns, std::string line);

  void start_flow(std::int64_t at);
  void plan_order(std::int64_t at);
  void plan_fills(std::int64_t at, const std::string& order, std::string_view symbol, std::uint32_t quantity);
  void plan_approval(std::int64_t at, const std::string& order, const std::string& correlation);
  void plan_request(std::int64_t at);
  void plan_session(std::int64_t at);
  void plan_payment(std::int64_t at);
  void plan_failure(std::int64_t at);
  void plan_administration(std::int64_t at);
  void plan_brute_force(std::int64_t at);

  const Options options_;
  std::uint64_t random_;
  std::int64_t next_flow_ns_;
  std::int64_t next_brute_force_ns_;
  std::uint64_t planned_ = 0;
  std::uint64_t orders_ = 0;
  std::priority_queue<Planned> plan_;
};

}  // namespace tapewatch
