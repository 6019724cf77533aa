// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tailer: which files there are, which bytes of them are read next, and which are acknowledged. Owned by the wiring,
// which polls it, asks it for blocks while its budget lasts, and passes hints and acknowledgements in. The log files
// are the buffer: nothing is committed before every required sink has acknowledged it, no line of a file is handed out
// before the file's id is durably in the checkpoint, and what cannot be read any more is counted. It starts no thread,
// never waits and takes its time from the injected clock. Thread: loop.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "event/batch.h"
#include "event/line_block.h"
#include "tail/acks.h"
#include "tail/checkpoint.h"
#include "tail/file_tail.h"
#include "tail/finder.h"
#include "tail/ready_queue.h"
#include "tail/tail_options.h"
#include "tail/tail_stats.h"
#include "tail/tail_table.h"

namespace tapewatch {

enum class ReadResult : std::uint8_t {
  block,  // a block was handed out
  busy,   // worked without result yet (an overlong line, a hole): call again soon
  idle,   // nothing to read now, or no budget
};

class Tailer final {
 public:
  // Loads the checkpoint; touches no log file yet. The folder options.state_folder exists and is locked by the caller.
  [[nodiscard]] static Result<std::unique_ptr<Tailer>> open(TailOptions options, std::vector<InputOptions> inputs,
                                                            const Clock& clock, Log& log);

  // Cheap; call it every 100 ms or so and after hints. Scans when that is due and looks at the ends of busy files.
  void poll();
  // Finds files, looks at every known one, deals with rotation and truncation, registers what is new.
  void scan();
  // Something happened to `path`, as a folder watch tells it. Never needed, only faster than the next scan.
  void hint(const std::string& path);
  // Events were lost: scan at the next poll.
  void rescan() { rescan_ = true; }
  // The next block in order. `budget_bytes` bounds it, but a line of any allowed length is always whole: a block may
  // be larger than the budget by one line, and with a budget of 0 there is none.
  [[nodiscard]] ReadResult read_next(std::uint64_t budget_bytes, LineBlock& block);

  // One sink has finally resolved these spans.
  void acked(std::size_t sink, const std::vector<Span>& spans);
  // Bytes handed out and not yet acknowledged by every required sink.
  [[nodiscard]] std::uint64_t in_flight_bytes() const { return acks_.in_flight_bytes(); }
  // Every byte of the file below is acknowledged; nullopt for one that is not known.
  [[nodiscard]] std::optional<std::uint64_t> committed(std::uint64_t file) const;
  [[nodiscard]] bool commit_due() const;
  // Writes the checkpoint when something changed and the interval has passed, or at once with `now`.
  Status commit(bool now);

  // Other inputs from now on. Files that no input names any more are left where they are committed. Fails, changing
  // nothing, when a pattern is not valid.
  Status reload(std::vector<InputOptions> inputs);
  // Last lines without a line end are delivered now: for a run that ends at the end of its files.
  void flush_partials();
  // Nothing is left to read as of the last look at the files.
  [[nodiscard]] bool at_end() const { return ready_.empty() && !rescan_ && unregistered_ == 0; }

  // The folders in which files were looked for: what is worth a watch. As of the last scan.
  [[nodiscard]] std::vector<std::string> folders() const;
  [[nodiscard]] TailStats stats() const;
  [[nodiscard]] std::vector<InputStats> input_stats() const;
  [[nodiscard]] std::vector<FileStatus> files() const;

 private:
  struct Input {
    InputOptions options;
    Finder finder;
    InputStats counts;
  };
  struct Fresh {
    std::size_t input = 0;
    Found found;
    bool in_globs = true;
    std::string origin;  // whose rotation it is; empty: found on its own
  };
  enum class Settled : std::uint8_t { ready, waiting, held, adopted };

  Tailer(TailOptions options, const Clock& clock, Log& log);
  static Result<std::vector<Input>> make_inputs(const TailOptions& options, std::vector<InputOptions> inputs);
  void place(std::vector<CheckpointEntry> entries);
  void let_go(FileTail& tail);

  // tailer_scan.cc: one look at the folders.
  void meet(std::size_t input, const Found& found);
  void meet_stored(FileTail& tail, const Found& found, bool in_globs);
  void meet_known(FileTail& tail, const Found& found, bool in_globs);
  void learn_identity(FileTail& tail);
  bool still_same(FileTail& tail, const Found& found);
  void look_after_missing();
  void look_after_open(FileTail& tail);
  bool find_neighbour(FileTail& tail);
  void collect_generations(const FileTail& tail);
  void admit_fresh();
  void admit(const Fresh& fresh);
  void add_fresh(std::size_t input, const Found& found, bool in_globs, const std::string& origin = {});
  void cut_off(FileTail& tail, bool truncated);
  void mark_ended(FileTail& tail, TailState state);
  void open_refused(const std::string& path, const Error& error);

  // tailer_settle.cc: copies, endings, limits.
  Settled settle(FileTail& tail);
  Settled settle_against(FileTail& tail, FileTail& other);
  void wait_for_line(FileTail& tail);
  bool continues(const FileTail& original, const FileTail& copy) const;
  void adopt(FileTail& original, FileTail& copy);
  void bury_cut();
  bool found_again(const FileTail& tail);
  std::uint64_t missing_bytes(FileTail& tail);
  void schedule();
  void schedule_ended(FileTail& tail);
  void finish(FileTail& tail);
  void enforce_deleted_limit();
  void forget_old();
  void register_new();

  void arm(FileTail& tail);
  void disarm(FileTail& tail);
  void look_closely(FileTail& tail);
  void after_read(FileTail& tail, const ReadOutcome& outcome);
  ReadResult read_tail(FileTail& tail, std::uint64_t budget_bytes, LineBlock& block);
  FileTail* next_ready();
  bool ensure_open(FileTail& tail, const FileTail* keep = nullptr);
  void set_fd(FileTail& tail, Fd fd);
  void close_fd(FileTail& tail);
  void close_idle(const FileTail* keep);
  void failed(FileTail& tail, const Error& error);
  void check_active();
  void take_growth(FileTail& tail, const FileStat& stat);
  void take_block(FileTail& tail, const ReadOutcome& outcome, LineBlock& block);
  void update_committed(FileTail& tail);
  Status save();

  const TailOptions options_;
  const Clock& clock_;
  Log& log_;
  CheckpointFile checkpoint_;
  std::vector<Input> inputs_;
  std::vector<CheckpointEntry> foreign_;  // of inputs that the configuration does not name now
  Acks acks_;
  TailTable table_;
  ReadyQueue ready_;
  TailStats stats_;
  std::size_t open_files_ = 0;
  std::size_t unregistered_ = 0;

  bool first_start_ = false;  // no checkpoint, and no scan yet
  bool rescan_ = true;
  bool odd_ = false;  // a file is not what it was: the scan asked for has to come before any read
  bool dirty_ = false;
  std::uint64_t scan_ = 0;
  std::int64_t now_ns_ = 0;
  std::int64_t scanned_ns_ = 0;
  std::int64_t scan_cost_ns_ = 0;
  std::int64_t looked_ns_ = 0;
  std::int64_t saved_ns_ = 0;
  std::int64_t unregistered_ns_ = 0;    // since when the registration of new files fails; 0: it does not
  std::int64_t no_descriptors_ns_ = 0;  // no file is opened before
  std::unordered_set<std::uint64_t> active_;
  std::unordered_set<std::string> refused_;  // paths that could not be opened, told once

  // Of the scan under way.
  std::vector<Fresh> fresh_;
  std::unordered_set<FileKey, FileKeyHash> fresh_keys_;
  std::vector<std::uint64_t> cut_;
  std::vector<std::uint64_t> admitted_;
};

}  // namespace tapewatch
