// SPDX-License-Identifier: Apache-2.0
// A seed draws what writers, rotators, the sink and the machine do to a tailer, and then nothing may be lost, doubled,
// mangled or out of order. To look at one seed: TAPEWATCH_SEED=n unit_tail --gtest_filter='Simulation*'.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

class World {
 public:
  // Without a watch on the folder a generation may come, be copied and be emptied between two looks: then later lines
  // are read before it is found, so that order is promised only with one.
  World(unsigned seed, bool rotations_in_globs, bool watched) : watched_(watched), random_(seed) {
    rig_.input.include = {rig_.logs.path(rotations_in_globs ? "s*.log*" : "s*.log")};
    rig_.options.read_block_bytes = 64 + random_() % 400;
    rig_.options.files_open_max = 3 + random_() % 20;
    streams_ = 1 + random_() % 3;
    written_.resize(streams_);
    open_line_.resize(streams_);
    // A generation that came and went before its file was ever seen is nobody's.
    for (std::size_t s = 0; s < streams_; ++s) append(base(s), line(s) + "\n");
  }

  void run() {
    rig_.start();
    for (int step = 0; step < 80; ++step) one_step();
    quiet();
  }

 private:
  std::string base(std::size_t stream) const { return "s" + std::to_string(stream) + ".log"; }
  bool exists(const std::string& name) const { return std::filesystem::exists(rig_.logs.path(name)); }
  std::uint64_t chance(std::uint64_t n) { return random_() % n; }

  void note(const std::string& what) {
    if (!trace_) return;
    std::fprintf(stderr, "-- %s\n", what.c_str());
    if (!rig_.tailer) return;
    for (const FileStatus& f : rig_.tailer->files())
      std::fprintf(stderr, "      %s %s id %04x read %d size %d committed %d\n",
                   f.path.substr(f.path.size() - 8).c_str(), f.state.c_str(), static_cast<unsigned>(f.file & 0xFFFF),
                   static_cast<int>(f.offset), static_cast<int>(f.size), static_cast<int>(f.committed));
  }

  void one_step() {
    const std::size_t stream = chance(streams_);
    const std::uint64_t what = chance(12);
    step(stream, what);
    static const char* const names[] = {"write", "write", "write", "rename", "copytruncate", "scan",
                                        "poll",  "hint",  "read",  "ack",    "commit",       "start or end"};
    note(std::string(names[what]) + " " + std::to_string(stream));
  }

  void step(std::size_t stream, std::uint64_t what) {
    switch (what) {
      case 0:
      case 1:
      case 2:
        write(stream);
        break;
      case 3:
        rotate(stream, false);
        break;
      case 4:
        rotate(stream, true);
        break;
      case 5:
        if (!rig_.tailer) break;
        rig_.scan();
        break;
      case 6:
        if (!rig_.tailer) break;
        rig_.clock.advance(milliseconds(chance(3000)));
        rig_.tailer->poll();
        break;
      case 7:
        if (rig_.tailer) rig_.tailer->hint(rig_.logs.path(base(stream)));
        break;
      case 8:
        read(chance(6));
        break;
      case 9:
        acknowledge(chance(5));
        break;
      case 10:
        if (rig_.tailer) static_cast<void>(rig_.tailer->commit(chance(2) == 0));
        break;
      default:
        if (rig_.tailer) {
          if (chance(4) != 0) break;
          read_.clear();
          chance(2) == 0 ? rig_.stop() : rig_.kill();
        } else {
          rig_.start();
        }
    }
  }

  // File times come from the seed as well; like a coarse clock's, some are the same.
  void stamp(const std::string& name) {
    if (watched_) news_.push_back(name);
    if (chance(3) != 0) ++now_;
    timespec times[2] = {{1'600'000'000, now_}, {1'600'000'000, now_}};
    EXPECT_EQ(::utimensat(AT_FDCWD, rig_.logs.path(name).c_str(), times, 0), 0);
  }

  void append(const std::string& name, const std::string& text) {
    rig_.append(name, text);
    stamp(name);
  }

  std::string line(std::size_t stream) {
    const int n = written_[stream]++;
    return std::to_string(stream) + "/" + std::to_string(n) + "/" + std::string(chance(60), 'x');
  }

  void write(std::size_t stream) {
    for (std::uint64_t i = chance(6); i > 0; --i) {
      std::string text = std::exchange(open_line_[stream], {});
      if (text.empty()) text = line(stream);
      if (chance(5) == 0) {  // the rest of the line comes later
        const std::size_t cut = chance(text.size());
        append(base(stream), text.substr(0, cut));
        open_line_[stream] = text.substr(cut);
        continue;
      }
      append(base(stream), text + "\n");
    }
  }

  void rotate(std::size_t stream, bool copytruncate) {
    const std::string name = base(stream);
    if (!exists(name)) return;
    if (!open_line_[stream].empty()) append(name, std::exchange(open_line_[stream], {}) + "\n");
    for (int k = 40; k > 1; --k) {
      const std::string from = name + "." + std::to_string(k - 1);
      if (exists(from)) rig_.move(from, name + "." + std::to_string(k));
    }
    if (!copytruncate) {
      rig_.move(name, name + ".1");
      if (watched_) news_.push_back(name + ".1");
      if (rig_.tailer && chance(3) == 0) rig_.scan();
      return;
    }
    rig_.copy(name, name + ".1");
    stamp(name + ".1");
    if (rig_.tailer && chance(2) == 0) {
      rig_.scan();
      note("scan between copy and truncation " + std::to_string(stream));
    }
    if (chance(2) == 0) read(2);
    rig_.truncate(name);
    stamp(name);
  }

  void read(std::uint64_t blocks) {
    if (!rig_.tailer) return;
    for (const std::string& name : std::exchange(news_, {})) rig_.tailer->hint(rig_.logs.path(name));
    if (watched_) rig_.pass(milliseconds(20));
    LineBlock block;
    for (; blocks > 0 && rig_.next(block); --blocks) {
      if (trace_)
        std::fprintf(stderr, "   read %s from %d: %.8s...\n", block.source->path.c_str(), static_cast<int>(block.begin),
                     block.bytes.get());
      const std::uint64_t seed = file_seed("host", block.source->input, block.source->head);
      LineCursor cursor(block);
      for (Line l; cursor.next(l);) read_.emplace_back(event_id(seed, l.offset, l.text), std::string(l.text));
      if (chance(3) == 0) deliver();  // the sink has it, its answer is still on the way
    }
  }

  void deliver() {
    for (const auto& [id, text] : std::exchange(read_, {})) {
      if (!documents_.emplace(id, text).second) continue;
      order_.push_back(text);
    }
  }

  void acknowledge(std::uint64_t spans) {
    deliver();
    if (!rig_.tailer) return;
    for (; spans > 0 && !rig_.unacked.empty(); --spans) {
      const std::size_t i = chance(rig_.unacked.size());
      rig_.tailer->acked(0, {rig_.unacked[i]});
      rig_.unacked.erase(rig_.unacked.begin() + static_cast<long>(i));
    }
  }

  void quiet() {
    for (std::size_t s = 0; s < streams_; ++s) {
      if (!open_line_[s].empty()) append(base(s), open_line_[s] + "\n");
    }
    if (!rig_.tailer) rig_.start();
    note("quiet");
    for (int i = 0; i < 6; ++i) {
      rig_.pass(std::chrono::seconds(2));
      read(100'000);
      acknowledge(100'000);
    }
    const TailStats stats = rig_.tailer->stats();
    EXPECT_EQ(stats.in_flight_bytes, 0u);
    EXPECT_EQ(stats.lag_bytes, 0u);
    EXPECT_EQ(stats.missed_bytes, 0u);
    EXPECT_EQ(stats.abandoned_bytes, 0u);
    check();
  }

  void check() {
    std::map<std::string, int> times;
    for (const auto& [id, text] : documents_) ++times[text];
    std::vector<int> last(streams_, -1);
    int inversions = 0;
    for (const std::string& text : order_) {
      const std::size_t stream = std::stoul(text);
      const int n = std::stoi(text.substr(text.find('/') + 1));
      if (n < last[stream]) ++inversions;
      last[stream] = std::max(last[stream], n);
    }
    int want = 0;
    for (const int written : written_) want += written;
    for (std::size_t s = 0; s < streams_ && trace_; ++s) {
      for (int n = 0; n < written_[s]; ++n) {
        const auto at = times.lower_bound(std::to_string(s) + "/" + std::to_string(n) + "/");
        if (at == times.end() || !at->first.starts_with(std::to_string(s) + "/" + std::to_string(n) + "/"))
          std::fprintf(stderr, "lost: %d/%d\n", static_cast<int>(s), n);
      }
    }
    EXPECT_EQ(times.size(), static_cast<std::size_t>(want)) << "lost or invented lines";
    EXPECT_EQ(documents_.size(), times.size()) << "one line under two ids";
    EXPECT_TRUE(inversions == 0 || !watched_) << inversions << " lines out of order";
  }

  const bool trace_ = std::getenv("TAPEWATCH_TRACE") != nullptr;
  const bool watched_;
  std::vector<std::string> news_;  // names that a folder watch would tell
  std::mt19937 random_;
  TailRig rig_;
  std::size_t streams_ = 1;
  long now_ = 0;
  std::vector<int> written_;
  std::vector<std::string> open_line_;
  std::vector<std::pair<Hash128, std::string>> read_;
  std::map<Hash128, std::string> documents_;
  std::vector<std::string> order_;
};

TEST(Simulation, NothingLostDoubledOrOutOfOrder) {
  unsigned first = 0;
  unsigned last = 100;
  if (const char* seed = std::getenv("TAPEWATCH_SEED")) {
    first = static_cast<unsigned>(std::strtoul(seed, nullptr, 10));
    last = first + 1;
  }
  if (const char* seeds = std::getenv("TAPEWATCH_SEEDS"))
    last = static_cast<unsigned>(std::strtoul(seeds, nullptr, 10));
  for (unsigned seed = first; seed < last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed, seed % 2 == 0, seed % 3 != 0).run();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace tapewatch
