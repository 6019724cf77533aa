// SPDX-License-Identifier: Apache-2.0
#pragma once
// LineScan: one pass over a line at the speed of memory, to find the few places worth a closer look. 64 characters a
// step with AVX-512, 16 with SSE2, one elsewhere; all give the same answers. Thread: one owner at a time.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tapewatch {

struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

class LineScan final {
 public:
  // Shortest run that is reported: the length of the shortest card number.
  static constexpr std::size_t run_min = 13;
  enum class Engine : std::uint8_t { best, sse2, portable };

  explicit LineScan(Engine engine = Engine::best);
  void scan(std::string_view text);

  // Every longest run of at least run_min characters that starts and ends with a digit and consists of digits and of
  // single spaces or dashes between digits. Valid until the next scan.
  [[nodiscard]] const std::vector<TextRange>& digit_runs() const { return runs_; }
  // Whether there is an '@' that is not right behind a quote (as that of "@timestamp").
  [[nodiscard]] bool has_at_sign() const { return has_at_sign_; }
  [[nodiscard]] bool has_percent() const { return has_percent_; }

 private:
  void add_runs_within(std::string_view text, std::size_t at, std::uint64_t run, std::uint64_t starts);
  void add_runs(std::string_view text, std::size_t first, std::uint64_t starts);

  struct Found {
    LineScan& scan;
    std::string_view text;
    void operator()(std::size_t at, std::uint64_t run, std::uint64_t within, std::uint64_t across) const;
  };
  void scan_avx512(std::string_view text);

  Engine engine_;
  std::vector<TextRange> runs_;
  std::size_t done_ = 0;  // end of the last run looked at
  bool has_at_sign_ = false;
  bool has_percent_ = false;
};

// At most 64 hexadecimal digits and dashes (a UUID, a hash) of which so few decimal digits follow each other that there
// can be no card number among them.
[[nodiscard]] bool is_plain_id(std::string_view text);

}  // namespace tapewatch
