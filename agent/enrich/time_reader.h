// SPDX-License-Identifier: Apache-2.0
#pragma once
// TimeReader: the time of an event from the forms that loggers write (RFC 3339 and its usual relaxations, epoch numbers
// from seconds to nanoseconds). Lines follow each other within the same minute, so the minute of the last one is
// remembered. Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>

namespace tapewatch {

struct ReadTime {
  std::int64_t ns = 0;
  bool valid = false;
  bool is_epoch = false;
  // Elasticsearch's strict_date_optional_time_nanos takes the text as it is.
  bool is_strict = false;
};

class TimeReader final {
 public:
  [[nodiscard]] ReadTime read(std::string_view text);

 private:
  [[nodiscard]] bool read_same_minute(std::string_view text, ReadTime& time) const;
  void remember(std::string_view text);

  std::string minute_;  // "2026-01-05T00:00:"
  std::string zone_;    // what stands behind the seconds
  std::int64_t minute_ns_ = 0;
};

}  // namespace tapewatch
