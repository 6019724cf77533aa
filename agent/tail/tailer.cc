// SPDX-License-Identifier: Apache-2.0
// Tailer, part 1: opening, reading in order, acknowledgements, the checkpoint and what is told about it all.
#include "tail/tailer.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr int tries_max = 64;  // files looked at in one call of read_next
constexpr std::uint64_t read_bytes_least = std::uint64_t{64} << 10;
constexpr std::uint64_t read_bytes_spare = 4096;  // asked for beyond the known size, so that the end is seen

}  // namespace

Tailer::Tailer(TailOptions options, const Clock& clock, Log& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      checkpoint_(options_.state_folder, clock, log, options_.checkpoint_bytes_max),
      acks_(options_.sinks) {}

Result<std::vector<Tailer::Input>> Tailer::make_inputs(const TailOptions& options, std::vector<InputOptions> inputs) {
  std::vector<Input> made;
  for (InputOptions& input : inputs) {
    Result<Finder> finder = Finder::make(input.include, input.exclude, {options.files_max, options.folders_max});
    if (!finder.ok()) return std::move(finder).error().with_context("input " + input.name);
    InputStats counts;
    counts.input = input.name;
    made.push_back({std::move(input), std::move(finder).value(), std::move(counts)});
  }
  return made;
}

Result<std::unique_ptr<Tailer>> Tailer::open(TailOptions options, std::vector<InputOptions> inputs, const Clock& clock,
                                             Log& log) {
  Result<std::vector<Input>> made = make_inputs(options, std::move(inputs));
  if (!made.ok()) return std::move(made).error();
  std::unique_ptr<Tailer> tailer(new Tailer(std::move(options), clock, log));
  tailer->inputs_ = std::move(made).value();
  Result<LoadedCheckpoint> loaded = tailer->checkpoint_.load();
  if (!loaded.ok()) return std::move(loaded).error();
  tailer->first_start_ = loaded->first_start;
  tailer->stats_.checkpoints_quarantined = loaded->quarantined.size();
  tailer->stats_.checkpoints_lost = loaded->lost ? 1 : 0;
  tailer->saved_ns_ = clock.steady_ns();
  tailer->place(std::move(loaded->checkpoint.files));
  return tailer;
}

// Puts entries of a checkpoint where they belong: those of inputs that are not configured are only kept.
void Tailer::place(std::vector<CheckpointEntry> entries) {
  for (CheckpointEntry& entry : entries) {
    const auto input =
        std::find_if(inputs_.begin(), inputs_.end(), [&](const Input& i) { return i.options.name == entry.input; });
    if (input == inputs_.end()) {
      foreign_.push_back(std::move(entry));
    } else if (table_.find(entry.id) == nullptr) {
      table_.insert(make_tail(entry, static_cast<std::size_t>(input - inputs_.begin())));
    }
  }
}

// No longer asked for. Should it be again, it goes on where it is committed.
void Tailer::let_go(FileTail& tail) {
  update_committed(tail);
  disarm(tail);
  close_fd(tail);
  acks_.close(tail.id);
  if (!tail.registered) --unregistered_;
  tail.registered = true;
  if (tail.on_disk()) tail.state = TailState::stored;
  tail.cursor = {tail.committed, tail.committed, tail.committed_marker};
  tail.source = nullptr;
  tail.copy_of = 0;
}

Status Tailer::reload(std::vector<InputOptions> inputs) {
  Result<std::vector<Input>> made = make_inputs(options_, std::move(inputs));
  if (!made.ok()) return std::move(made).error();
  std::vector<std::uint64_t> homeless;
  for (const auto& tail : table_.all()) {
    const std::string& name = inputs_[tail->input].options.name;
    const auto input = std::find_if(made->begin(), made->end(), [&](const Input& i) { return i.options.name == name; });
    if (input == made->end()) {
      homeless.push_back(tail->id);
      continue;
    }
    if (tail->on_disk() && !input->finder.matches(tail->origin)) let_go(*tail);
    input->counts = inputs_[tail->input].counts;
    tail->input = static_cast<std::size_t>(input - made->begin());
  }
  for (const std::uint64_t id : homeless) {
    FileTail& tail = *table_.find(id);
    let_go(tail);
    foreign_.push_back(make_entry(tail, inputs_[tail.input].options.name));
    table_.erase(id);
  }
  inputs_ = std::move(made).value();
  place(std::exchange(foreign_, {}));
  rescan_ = true;
  dirty_ = true;
  return success();
}

void Tailer::poll() {
  now_ns_ = clock_.steady_ns();
  // Asked or not, scanning takes no more than a tenth of the time.
  const std::int64_t gap_ns = std::max<std::int64_t>(options_.scan_gap.count(), 10 * scan_cost_ns_);
  const std::int64_t since_ns = now_ns_ - scanned_ns_;
  if (scan_ == 0 || since_ns >= options_.scan_interval.count() || (rescan_ && since_ns >= gap_ns)) {
    scan();
  } else if (now_ns_ - looked_ns_ >= options_.active_interval.count()) {
    check_active();
  }
}

// Between scans: the ends of files that were read lately.
void Tailer::check_active() {
  looked_ns_ = now_ns_;
  for (auto at = active_.begin(); at != active_.end();) {
    FileTail* tail = table_.find(*at);
    if (tail == nullptr || !tail->fd.open() || now_ns_ - tail->active_ns > options_.active_time.count()) {
      at = active_.erase(at);
      continue;
    }
    ++at;
    Result<FileStat> stat = stat_open(tail->fd.get());
    if (!stat.ok()) continue;
    if (has_shrunk(*tail, *stat)) {
      look_closely(*tail);
    } else if (stat->size != tail->size) {
      take_growth(*tail, *stat);
    }
  }
}

void Tailer::hint(const std::string& path) {
  if (rescan_) return;
  FileTail* tail = table_.by_path(path);
  if (tail == nullptr) {
    const auto matches = [&](const Input& input) { return input.finder.matches(path); };
    rescan_ = table_.by_path(rotation_base(path)) != nullptr || std::any_of(inputs_.begin(), inputs_.end(), matches);
    return;
  }
  now_ns_ = clock_.steady_ns();
  // A file in the queue is read anyway: only its name may have gone to another one, which is looked at now and then.
  if (ready_.contains(tail->id) && now_ns_ - tail->hinted_ns < options_.scan_gap.count()) return;
  tail->hinted_ns = now_ns_;
  const std::optional<FileStat> stat = stat_path(path);
  if (!stat || stat->key != tail->key || has_shrunk(*tail, *stat)) {
    look_closely(*tail);
    return;
  }
  if (tail->fd.open()) {
    take_growth(*tail, *stat);
  } else {
    rescan_ = true;
  }
}

// A file seems to have grown. When it was truncated first, and is larger than it was all the same, its size is not that
// of the generation we know.
void Tailer::take_growth(FileTail& tail, const FileStat& stat) {
  if (identify(tail.fd.get(), tail) == Identity::changed) {
    look_closely(tail);
    return;
  }
  observe(tail, stat, now_ns_);
  dirty_ = true;
  learn_identity(tail);
  if (tail.has_news()) arm(tail);
}

void Tailer::arm(FileTail& tail) {
  if (!tail.registered || ready_.contains(tail.id) || now_ns_ < tail.retry_ns) return;
  tail.goal = tail.size;
  if (tail.active_ns != 0) {
    ready_.add_growing(tail.id);
    return;
  }
  ready_.add_backlog(tail.id, tail.mtime_ns, rotation_rank(tail.path));
}

void Tailer::disarm(FileTail& tail) { ready_.remove(tail.id); }

// Something is odd about it: nothing more is read of it before a scan has compared it with what is known.
void Tailer::look_closely(FileTail& tail) {
  disarm(tail);
  tail.look_closely = true;
  odd_ = true;
  rescan_ = true;
}

// The file whose turn it is, or the oldest generation of it that still has something. A generation that keeps its name
// and was read to its end once is a file of its own, whatever number its name ends with.
FileTail* Tailer::next_ready() {
  if (ready_.empty()) return nullptr;
  FileTail* first = table_.find(ready_.first());
  CHECK(first != nullptr);
  for (FileTail* other : table_.generations(*first)) {
    const bool may_precede = other->ended_ns != 0 || !other->caught_up;
    if (may_precede && ready_.contains(other->id) && is_older(*other, *first)) first = other;
  }
  return first;
}

ReadResult Tailer::read_next(std::uint64_t budget_bytes, LineBlock& block) {
  if (budget_bytes == 0) return ReadResult::idle;
  now_ns_ = clock_.steady_ns();
  for (int i = 0; i < tries_max; ++i) {
    // After something odd nothing is read before a scan: what was renamed may come before what would be next.
    FileTail* tail = odd_ ? nullptr : next_ready();
    if (tail == nullptr) return ReadResult::idle;
    const std::uint64_t id = tail->id;
    if (!tail->source && settle(*tail) != Settled::ready) {
      ready_.remove(id);  // the tail itself may have been adopted, and be no more
      continue;
    }
    if (!ensure_open(*tail)) continue;
    const ReadResult result = read_tail(*tail, budget_bytes, block);
    if (result != ReadResult::idle) return result;
  }
  return ReadResult::busy;
}

ReadResult Tailer::read_tail(FileTail& tail, std::uint64_t budget_bytes, LineBlock& block) {
  ReadLimits limits;
  limits.line_bytes_max = inputs_[tail.input].options.line_bytes_max;
  limits.scan_bytes_max = options_.scan_bytes_max;
  const FileStat known{tail.key, tail.size, tail.mtime_ns, 1};
  if (tail.unread() < options_.read_block_bytes) {
    Result<FileStat> stat = stat_open(tail.fd.get());
    if (stat.ok() && has_shrunk(tail, *stat)) {
      look_closely(tail);
      return ReadResult::idle;
    }
    if (stat.ok()) observe(tail, *stat, now_ns_);
  }
  limits.block_bytes =
      static_cast<std::size_t>(std::min({std::uint64_t{options_.read_block_bytes},
                                         std::max(budget_bytes, read_bytes_least), tail.unread() + read_bytes_spare}));
  const Cursor before = tail.cursor;
  ReadOutcome outcome = read_lines(tail.fd.get(), limits, tail.cursor, block);
  // At the beginning no marker guards the read: the head, looked at afterwards, says whose bytes they were.
  if (before.offset == 0 && check_head(tail.fd.get(), tail.head) != Identity::same) {
    tail.cursor = before;
    observe(tail, known, now_ns_);
    look_closely(tail);
    return ReadResult::idle;
  }
  if (outcome.step == ReadStep::waiting && tail.flush) {
    outcome = read_partial(tail.fd.get(), limits, tail.cursor, block);
    tail.flush = false;
  }
  switch (outcome.step) {
    case ReadStep::block:
      take_block(tail, outcome, block);
      break;
    case ReadStep::skipped:
      acks_.skipped(tail.id, outcome.from, tail.cursor.offset);
      stats_.nul_bytes += tail.cursor.offset - outcome.from;
      dirty_ = true;
      break;
    case ReadStep::replaced:
      observe(tail, known, now_ns_);  // what was seen since is another generation's
      look_closely(tail);
      return ReadResult::idle;
    case ReadStep::failed:
      failed(tail, errno_error("reading " + tail.path, outcome.error));
      return ReadResult::idle;
    case ReadStep::busy:
    case ReadStep::waiting:
      break;
  }
  after_read(tail, outcome);
  if (outcome.step == ReadStep::block) return ReadResult::block;
  return outcome.step == ReadStep::waiting ? ReadResult::idle : ReadResult::busy;
}

void Tailer::take_block(FileTail& tail, const ReadOutcome& outcome, LineBlock& block) {
  CHECK(outcome.from == block.begin && block.end == tail.cursor.offset && tail.registered);
  block.source = tail.source;
  block.read_ns = now_ns_;
  block.read_wall_ns = clock_.wall_ns();
  if (acks_.all_acked(tail.id)) tail.moved_ns = now_ns_;
  acks_.delivered(tail.id, block.begin, block.end, block.read_ns);
  tail.error_wait_ns = 0;
  InputStats& counts = inputs_[tail.input].counts;
  counts.read_bytes += block.end - block.begin;
  ++counts.blocks;
  stats_.read_bytes += block.end - block.begin;
  ++stats_.blocks;
  if (block.cut) ++stats_.cut_lines;
  if (block.partial) ++stats_.partial_lines;
}

void Tailer::after_read(FileTail& tail, const ReadOutcome& outcome) {
  tail.active_ns = std::max<std::int64_t>(now_ns_, 1);
  tail.size =
      outcome.at_end ? std::max(tail.cursor.scanned, tail.cursor.offset) : std::max(tail.size, tail.cursor.offset);
  if (tail.has_news()) {
    if (tail.cursor.offset < tail.goal) return;  // its turn goes on
    disarm(tail);
    arm(tail);
    return;
  }
  disarm(tail);
  tail.caught_up = true;
  active_.insert(tail.id);
}

// A disk error: the file rests, longer each time, and is opened anew if it has a name to be opened by.
void Tailer::failed(FileTail& tail, const Error& error) {
  ++stats_.read_errors;
  tail.error_wait_ns = std::clamp(2 * tail.error_wait_ns, options_.error_wait.count(), options_.error_wait_max.count());
  tail.retry_ns = now_ns_ + tail.error_wait_ns;
  disarm(tail);
  if (tail.state == TailState::live) close_fd(tail);
  log_.warn("a log file cannot be read", {{"path", tail.path}, {"reason", error.message}});
}

bool Tailer::ensure_open(FileTail& tail, const FileTail* keep) {
  if (tail.fd.open()) return true;
  if (now_ns_ < no_descriptors_ns_) {
    disarm(tail);
    return false;
  }
  if (open_files_ >= options_.files_open_max) close_idle(keep);
  Result<OpenFile> open = open_log_file(tail.path, tail.root_bytes);
  Identity identity = Identity::changed;
  if (!open.ok() && open.error().code != Code::not_found) {
    identity = Identity::unreadable;
    open_refused(tail.path, open.error());
  } else if (open.ok() && open->stat.key == tail.key) {
    identity = identify(open->fd.get(), tail);
  }
  switch (identity) {
    case Identity::same:
      set_fd(tail, std::move(open->fd));
      observe(tail, open->stat, now_ns_);
      return true;
    case Identity::changed:  // its name leads elsewhere now
      look_closely(tail);
      return false;
    case Identity::unreadable:
      disarm(tail);
      tail.retry_ns = now_ns_ + options_.error_wait.count();
      return false;
  }
  return false;
}

void Tailer::set_fd(FileTail& tail, Fd fd) {
  if (!tail.fd.open()) ++open_files_;
  tail.fd = std::move(fd);
}

void Tailer::close_fd(FileTail& tail) {
  if (!tail.fd.open()) return;
  tail.fd = Fd();
  --open_files_;
  active_.erase(tail.id);
}

// Closes the file that was read longest ago among those that can be opened again by their names, except `keep`.
void Tailer::close_idle(const FileTail* keep) {
  FileTail* idle = nullptr;
  for (const auto& tail : table_.all()) {
    if (tail.get() == keep || !tail->fd.open() || tail->state != TailState::live) continue;
    if (idle == nullptr || tail->active_ns < idle->active_ns) idle = tail.get();
  }
  if (idle != nullptr) close_fd(*idle);
}

void Tailer::acked(std::size_t sink, const std::vector<Span>& spans) {
  acks_.acked(sink, spans);
  for (const Span& span : spans) {
    FileTail* tail = table_.find(span.file);
    if (tail == nullptr) continue;
    tail->moved_ns = clock_.steady_ns();
    if (tail->state == TailState::gone && !tail->finished && acks_.all_acked(span.file)) finish(*tail);
  }
}

// Takes the acknowledged offset over, with the marker that lets a restart recognise the place.
void Tailer::update_committed(FileTail& tail) {
  if (!acks_.is_open(tail.id)) return;
  const std::uint64_t committed = acks_.committed(tail.id);
  if (committed != tail.committed) {
    tail.committed = committed;
    tail.committed_marker = {};
    const bool readable =
        tail.fd.open() && check_marker(tail.fd.get(), tail.cursor.offset, tail.cursor.marker) == Identity::same;
    if (committed == tail.cursor.offset) {
      tail.committed_marker = tail.cursor.marker;
    } else if (readable) {
      tail.committed_marker = read_marker(tail.fd.get(), committed);
    }
  }
  if (tail.fd.open()) grow_head(tail);
}

std::optional<std::uint64_t> Tailer::committed(std::uint64_t file) const {
  const FileTail* tail = table_.find(file);
  if (tail == nullptr) return std::nullopt;
  return acks_.is_open(file) ? acks_.committed(file) : tail->committed;
}

bool Tailer::commit_due() const { return clock_.steady_ns() - saved_ns_ >= options_.checkpoint_interval.count(); }

Status Tailer::commit(bool now) {
  now_ns_ = clock_.steady_ns();
  if (!now && !commit_due()) return success();
  const std::vector<std::uint64_t> moved = acks_.take_moved();
  for (const std::uint64_t id : moved) {
    if (FileTail* tail = table_.find(id)) update_committed(*tail);
  }
  if (moved.empty() && !dirty_) {
    saved_ns_ = now_ns_;
    return success();
  }
  return save();
}

Status Tailer::save() {
  Checkpoint checkpoint;
  checkpoint.files = foreign_;
  checkpoint.files.reserve(foreign_.size() + table_.all().size());
  for (const auto& tail : table_.all())
    checkpoint.files.push_back(make_entry(*tail, inputs_[tail->input].options.name));
  Status saved = checkpoint_.save(checkpoint);
  if (!saved.ok()) {
    ++stats_.checkpoint_failures;
    dirty_ = true;
    log_.error("the checkpoint cannot be written: what is acknowledged from now on would be sent again after a restart",
               {{"reason", saved.error().message}});
    return saved;
  }
  ++stats_.checkpoint_writes;
  dirty_ = false;
  saved_ns_ = now_ns_;
  unregistered_ns_ = 0;
  if (unregistered_ > 0) {
    for (const auto& tail : table_.all()) tail->registered = true;
    unregistered_ = 0;
  }
  return saved;
}

void Tailer::flush_partials() {
  now_ns_ = clock_.steady_ns();
  for (const auto& tail : table_.all()) {
    if (!tail->on_disk() || tail->copy_of != 0 || tail->unread() == 0 || tail->has_news()) continue;
    tail->flush = true;
    arm(*tail);
  }
}

std::vector<std::string> Tailer::folders() const {
  std::vector<std::string> all;
  for (const Input& input : inputs_) {
    const std::vector<std::string> some = input.finder.folders();
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

TailStats Tailer::stats() const {
  TailStats stats = stats_;
  for (const Input& input : inputs_) {
    stats.symlinks_refused += input.finder.links_refused();
    stats.files_over_limit += input.finder.over_limit();
  }
  for (const auto& tail : table_.all()) {
    if (tail->copy_of != 0 && tail->on_disk()) {
      ++stats.files_held;
      continue;
    }
    if (tail->state == TailState::live) ++stats.files_live;
    if (tail->state == TailState::rotated) ++stats.files_rotated;
    if (tail->state == TailState::deleted) ++stats.files_deleted;
    if (!tail->on_disk()) ++stats.files_gone;
    if (!tail->on_disk()) continue;
    stats.unread_bytes += tail->unread();
    stats.lag_bytes += std::max(tail->size, tail->cursor.offset) - acks_.committed(tail->id);
  }
  stats.files_open = open_files_;
  stats.in_flight_bytes = acks_.in_flight_bytes();
  if (const auto oldest = acks_.oldest_read_ns()) stats.in_flight_age_ns = clock_.steady_ns() - *oldest;
  stats.checkpoint_age_ns = dirty_ ? clock_.steady_ns() - saved_ns_ : 0;
  return stats;
}

std::vector<InputStats> Tailer::input_stats() const {
  std::vector<InputStats> all;
  for (const Input& input : inputs_) all.push_back(input.counts);
  const std::int64_t now_ns = clock_.steady_ns();
  for (const auto& tail : table_.all()) {
    if (!tail->on_disk() || tail->copy_of != 0) continue;
    InputStats& input = all[tail->input];
    ++input.files;
    const std::uint64_t lag = std::max(tail->size, tail->cursor.offset) - acks_.committed(tail->id);
    input.lag_bytes += lag;
    if (lag > 0) input.lag_ns = std::max(input.lag_ns, now_ns - tail->moved_ns);
  }
  return all;
}

std::vector<FileStatus> Tailer::files() const {
  std::vector<FileStatus> all;
  for (const auto& tail : table_.all()) {
    FileStatus status;
    status.file = tail->id;
    status.path = tail->path;
    status.input = inputs_[tail->input].options.name;
    status.state = tail->copy_of != 0 && tail->on_disk() ? "held" : state_name(tail->state);
    status.device = tail->key.device;
    status.inode = tail->key.inode;
    status.size = std::max(tail->size, tail->cursor.offset);
    status.offset = tail->cursor.offset;
    status.committed = acks_.is_open(tail->id) ? acks_.committed(tail->id) : tail->committed;
    status.lag = tail->on_disk() && tail->copy_of == 0 ? status.size - status.committed : 0;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace tapewatch
