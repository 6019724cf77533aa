// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the tailer counts, as plain numbers; the wiring turns them into metrics and answers of the API.

#include <cstdint>
#include <string>
#include <vector>

namespace tapewatch {

// Counters never go back; gauges are as of the call.
struct TailStats {
  std::uint64_t read_bytes = 0;  // of lines handed out
  std::uint64_t blocks = 0;
  std::uint64_t cut_lines = 0;
  std::uint64_t partial_lines = 0;    // flushed without a line end
  std::uint64_t nul_bytes = 0;        // skipped at the start of lines
  std::uint64_t missed_bytes = 0;     // truncated or removed before they were read, as far as knowable
  std::uint64_t abandoned_bytes = 0;  // given up because deleted files held too much disk space
  std::uint64_t files_found = 0;      // new generations
  std::uint64_t rotations = 0;        // renamed or replaced
  std::uint64_t deletions = 0;
  std::uint64_t truncations = 0;  // generations that ended in place
  std::uint64_t copies = 0;       // whose original's tail was read from them
  std::uint64_t scans = 0;
  std::uint64_t open_errors = 0;
  std::uint64_t read_errors = 0;
  std::uint64_t descriptor_shortages = 0;
  std::uint64_t symlinks_refused = 0;
  std::uint64_t files_over_limit = 0;
  std::uint64_t checkpoint_writes = 0;
  std::uint64_t checkpoint_failures = 0;
  std::uint64_t checkpoints_quarantined = 0;
  std::uint64_t checkpoints_lost = 0;  // no generation could be read: every file from its beginning

  // Gauges.
  std::uint64_t files_live = 0;
  std::uint64_t files_rotated = 0;
  std::uint64_t files_deleted = 0;
  std::uint64_t files_held = 0;  // copies of a file that is read already
  std::uint64_t files_gone = 0;
  std::uint64_t files_open = 0;
  std::uint64_t lag_bytes = 0;     // in files but not acknowledged
  std::uint64_t unread_bytes = 0;  // in files but not read
  std::uint64_t in_flight_bytes = 0;
  std::int64_t in_flight_age_ns = 0;   // since the oldest of these was read
  std::int64_t checkpoint_age_ns = 0;  // since the state on disk was last known to be current
};

// The share of one input.
struct InputStats {
  std::string input;
  std::uint64_t read_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t missed_bytes = 0;
  std::uint64_t abandoned_bytes = 0;
  std::uint64_t files = 0;      // gauge: that exist
  std::uint64_t lag_bytes = 0;  // gauge
  std::int64_t lag_ns = 0;      // gauge: since when the furthest behind of its files has been behind
};

// One file as /api/v1/files tells it.
struct FileStatus {
  std::uint64_t file = 0;
  std::string path;
  std::string input;
  std::string state;  // live, rotated, deleted, held, gone
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;     // read up to here
  std::uint64_t committed = 0;  // acknowledged by every required sink up to here
  std::uint64_t lag = 0;
};

}  // namespace tapewatch
