// SPDX-License-Identifier: Apache-2.0
#pragma once
// TailRig: a tailer on real temporary folders with a clock that stands still, and short words for what writers and
// rotators do to files. Lines read are told as "name@offset:text". Single-threaded.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "tail/tailer.h"

namespace tapewatch {

class TailRig {
 public:
  // Where a sync costs nothing.
  static std::filesystem::path memory_folder() {
    const std::filesystem::path memory = "/dev/shm";
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  }
  TailRig() {
    options.state_folder = state.path();
    input.name = "in";
    input.include = {logs.path("*.log")};
  }

  // What a process start does.
  void start() {
    Result<std::unique_ptr<Tailer>> opened = Tailer::open(options, {input}, clock, log);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    tailer = std::move(opened).value();
    tailer->scan();
  }
  // A file that is there at the start, read and acknowledged.
  void start_with(const std::string& name, const std::string& text) {
    append(name, text);
    start();
    read_and_ack();
  }
  void kill() {
    tailer.reset();
    unacked.clear();
  }
  void stop() {
    ASSERT_TRUE(tailer->commit(true).ok());
    kill();
  }
  void restart() {
    kill();
    start();
  }

  // Time passes, and the tailer is polled once.
  void pass(std::chrono::nanoseconds time) {
    clock.advance(time);
    tailer->poll();
  }
  void scan() { tailer->scan(); }

  bool next(LineBlock& block, std::uint64_t budget = 1 << 20) {
    for (int i = 0; i < 10'000; ++i) {
      const ReadResult result = tailer->read_next(budget, block);
      if (result == ReadResult::idle) return false;
      if (result == ReadResult::busy) continue;
      add_span(unacked, Span{block.source->file, block.begin, block.end});
      return true;
    }
    ADD_FAILURE() << "read_next is busy for ever";
    return false;
  }
  static void tell(const LineBlock& block, std::vector<std::string>& out) {
    LineCursor cursor(block);
    for (Line line; cursor.next(line);) {
      std::string text = std::filesystem::path(block.source->path).filename().string() + "@" +
                         std::to_string(line.offset) + ":" + std::string(line.text);
      if (line.partial) text += " (partial)";
      if (line.cut) text += " (cut of " + std::to_string(line.full_bytes) + ")";
      out.push_back(std::move(text));
    }
  }
  // Everything there is to read now.
  std::vector<std::string> read() {
    std::vector<std::string> lines;
    for (LineBlock block; next(block);) tell(block, lines);
    return lines;
  }
  void ack() { tailer->acked(0, std::exchange(unacked, {})); }
  std::vector<std::string> read_and_ack() {
    std::vector<std::string> lines = read();
    ack();
    return lines;
  }
  // After a look at the folders.
  std::vector<std::string> scan_and_read() {
    scan();
    return read_and_ack();
  }

  void append(const std::string& name, const std::string& text) const {
    std::ofstream(logs.path(name), std::ios::binary | std::ios::app) << text;
  }
  // As a shell's > does: the same inode, emptied first.
  void overwrite(const std::string& name, const std::string& text) const {
    std::ofstream(logs.path(name), std::ios::binary | std::ios::trunc) << text;
  }
  void move(const std::string& from, const std::string& to) const {
    std::filesystem::rename(logs.path(from), logs.path(to));
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(logs.path(from), logs.path(to));
  }
  void remove(const std::string& name) const { std::filesystem::remove(logs.path(name)); }
  void truncate(const std::string& name, std::uint64_t bytes = 0) const {
    std::filesystem::resize_file(logs.path(name), bytes);
  }
  // Seconds after (or before) the clock's present wall time.
  void age(const std::string& name, std::int64_t seconds) const {
    timespec times[2] = {};
    times[0].tv_sec = times[1].tv_sec = clock.wall_ns() / ns_per_second + seconds;
    ASSERT_EQ(::utimensat(AT_FDCWD, logs.path(name).c_str(), times, 0), 0);
  }
  [[nodiscard]] std::uint64_t inode(const std::string& name) const {
    struct stat s {};
    return ::stat(logs.path(name).c_str(), &s) == 0 ? s.st_ino : 0;
  }
  [[nodiscard]] FileStatus status(const std::string& name) const {
    for (const FileStatus& file : tailer->files()) {
      if (file.path == logs.path(name) && file.state != "gone") return file;
    }
    return {};
  }

  TemporaryFolder logs;
  TemporaryFolder state{memory_folder()};
  FakeClock clock;
  CapturedLog log;
  TailOptions options;
  InputOptions input;
  std::unique_ptr<Tailer> tailer;
  std::vector<Span> unacked;
};

using Lines = std::vector<std::string>;

}  // namespace tapewatch
