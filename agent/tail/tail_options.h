// SPDX-License-Identifier: Apache-2.0
#pragma once
// The limits of the tail module, filled from the configuration; every default is the one that the documentation names.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tapewatch {

struct InputOptions {
  std::string name = "input1";
  std::vector<std::string> include;          // globs: * ? [..] {a,b} **
  std::vector<std::string> exclude;          // the same; a pattern without a slash is held against the file name alone
  bool start_at_end = false;                 // only for files that the very first start finds
  std::chrono::nanoseconds ignore_older{0};  // 0: no file is too old
  std::size_t line_bytes_max = std::size_t{1} << 20;
  std::chrono::nanoseconds rotate_wait = std::chrono::seconds(5);
};

struct TailOptions {
  std::string state_folder;
  std::size_t sinks = 1;  // how many sinks must acknowledge before an offset is committed
  std::size_t read_block_bytes = std::size_t{256} << 10;
  std::size_t scan_bytes_max = std::size_t{8} << 20;  // per call, when looking for the end of an overlong line or hole
  std::size_t files_open_max = 1000;
  std::size_t files_max = 100'000;  // that the globs may find; more are counted, not read
  std::size_t folders_max = 10'000;
  std::size_t gone_max = 20'000;                                 // remembered files that no longer exist
  std::uint64_t deleted_bytes_max = std::uint64_t{1} << 30;      // disk space held by deleted files we still read
  std::uint64_t checkpoint_bytes_max = std::uint64_t{64} << 20;  // a larger checkpoint file is not loaded
  std::chrono::nanoseconds scan_interval = std::chrono::seconds(1);
  std::chrono::nanoseconds scan_gap = std::chrono::milliseconds(20);  // least time between two scans asked by hints
  std::chrono::nanoseconds active_interval = std::chrono::milliseconds(100);  // how often a busy file's end is checked
  std::chrono::nanoseconds active_time = std::chrono::seconds(5);             // a file is busy this long after a read
  std::chrono::nanoseconds checkpoint_interval = std::chrono::milliseconds(500);
  std::chrono::nanoseconds rotated_keep = std::chrono::minutes(5);    // an idle renamed file with a successor is closed
  std::chrono::nanoseconds register_wait = std::chrono::seconds(10);  // for the state folder to become writable again
  std::chrono::nanoseconds error_wait = std::chrono::seconds(1);      // before a file that failed is tried again
  std::chrono::nanoseconds error_wait_max = std::chrono::seconds(30);
  std::chrono::nanoseconds forget_after = std::chrono::hours(24 * 7);  // entries of vanished files
};

}  // namespace tapewatch
