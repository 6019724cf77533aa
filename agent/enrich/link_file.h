// SPDX-License-Identifier: Apache-2.0
#pragma once
// LinkFile: what the Correlator learned, on disk beside the checkpoint, so that a line read after a crash finds what
// lines acknowledged before it taught. One file: everything at one moment, then what was learned since, record by
// record; now and then it is begun anew, and the generation before is kept. Owned by the wiring, which adds what
// the worker hands on when positions are to be committed, and syncs before it commits them. Thread: loop.
//
// On disk (numbers little-endian): "TWLK", u32 version 1, then frames: u32 length, u64 XXH3 of the bytes, u32 check of
// these two, that many bytes of LinkTable::save(). A frame cut short at the end is what a crash leaves; anything else
// unreadable is damage.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "tapewatch/result.h"

namespace tapewatch {

// Links in the form of LinkTable::save().
struct LinkRecords {
  std::string changes;     // since the last ones
  std::string everything;  // or a piece of it; from `begins` to `completes` the pieces are all of it
  bool begins = false;
  bool completes = false;
  [[nodiscard]] bool empty() const { return changes.empty() && everything.empty(); }
};

class LinkFile final {
 public:
  struct Stats {
    std::uint64_t quarantined = 0;
    std::uint64_t failures = 0;  // to write or to sync
  };

  // `bytes_max` bounds what load() reads.
  LinkFile(std::string folder, std::uint64_t bytes_max, const Clock& clock, Log& log);

  // The records of the newest generation, as far as they are whole. What is damaged is put aside as *.corrupt-TIME and
  // the generation before is read as well. Never fails: links are lost at worst, and said to be.
  [[nodiscard]] std::string load();
  // Survives the end of the process at once. The first must be everything, and so must those that mend a broken file:
  // what comes before is ignored.
  void add(const LinkRecords& records);
  // What was added survives the end of the machine.
  void sync();
  // Writing failed.
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  [[nodiscard]] bool load_one(const std::string& path, std::string& records);
  [[nodiscard]] Status write(const LinkRecords& records);
  [[nodiscard]] Status begin_next();
  [[nodiscard]] Status complete_next();
  void failed(const Error& error);

  const std::string folder_;
  const std::string current_;
  const std::string previous_;
  const std::string next_;
  const std::uint64_t bytes_max_;
  const Clock& clock_;
  Log& log_;
  Fd file_;       // the current generation; none before the first one of this life is complete
  Fd next_file_;  // the next one, while it is put together
  bool dirty_ = false;
  bool broken_ = false;
  Stats stats_;
};

}  // namespace tapewatch
