// SPDX-License-Identifier: Apache-2.0
// Tailer, part 2: one look at the folders. Every file that the globs name is met, every known file that was not met is
// looked for, and what is new is admitted; then tailer_settle.cc decides about copies and endings.
#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "tail/tailer.h"

namespace tapewatch {
namespace {

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Start of the last line that is not ended by `size`; 0 when there is no line end to be found within the longest line.
std::uint64_t last_line_start(int fd, std::uint64_t size, std::size_t line_bytes_max) {
  constexpr std::size_t step = 4096;
  std::array<char, step> bytes;
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t begin = end > step ? end - step : 0;
    const auto want = static_cast<std::size_t>(end - begin);
    if (read_at(fd, begin, bytes.data(), want) != static_cast<std::int64_t>(want)) return size;
    const std::size_t newline = std::string_view(bytes.data(), want).rfind('\n');
    if (newline != std::string_view::npos) return begin + newline + 1;
    if (size - begin > line_bytes_max) return size;
    end = begin;
  }
  return 0;
}

}  // namespace

void Tailer::scan() {
  now_ns_ = clock_.steady_ns();
  rescan_ = false;
  odd_ = false;
  ++scan_;
  ++stats_.scans;
  fresh_.clear();
  fresh_keys_.clear();
  cut_.clear();
  admitted_.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    for (const Found& found : inputs_[i].finder.find(clock_)) meet(i, found);
  }
  look_after_missing();
  admit_fresh();
  for (const std::uint64_t id : admitted_) {
    FileTail* tail = table_.find(id);
    if (tail != nullptr && settle(*tail) != Settled::adopted && open_files_ > options_.files_open_max) close_fd(*tail);
  }
  bury_cut();
  enforce_deleted_limit();
  forget_old();
  register_new();
  schedule();
  first_start_ = false;
  scanned_ns_ = clock_.steady_ns();
  scan_cost_ns_ = scanned_ns_ - now_ns_;
}

void Tailer::meet(std::size_t input, const Found& found) {
  FileTail* tail = table_.by_key(found.stat.key);
  if (tail != nullptr && tail->scan == scan_) return;
  if (tail == nullptr) {
    add_fresh(input, found, true);
  } else if (tail->state != TailState::stored) {
    meet_known(*tail, found, true);
  } else if (tail->input == input || inputs_[tail->input].finder.matches(found.path)) {
    meet_stored(*tail, found, true);
  } else {
    table_.unbind(*tail);
    add_fresh(input, found, true);
  }
}

void Tailer::add_fresh(std::size_t input, const Found& found, bool in_globs, const std::string& origin) {
  if (fresh_keys_.insert(found.stat.key).second) fresh_.push_back({input, found, in_globs, origin});
}

// A file that the checkpoint may know: it goes on where it was committed when head, size and marker say that it is it.
void Tailer::meet_stored(FileTail& tail, const Found& found, bool in_globs) {
  tail.scan = scan_;
  Result<OpenFile> open = open_log_file(found.path, found.root_bytes);
  if (!open.ok()) {
    open_refused(found.path, open.error());
    return;
  }
  // An empty file's inode alone, under another name, says nothing.
  const bool known = open->stat.key == tail.key && (tail.head.length > 0 || found.path == tail.path);
  const Identity identity = known ? identify(open->fd.get(), tail) : Identity::changed;
  if (identity == Identity::unreadable) return;
  if (identity == Identity::changed) {
    cut_off(tail, found.path == tail.path);
    add_fresh(tail.input, found, in_globs, tail.origin);
    return;
  }
  refused_.erase(found.path);
  set_fd(tail, std::move(open->fd));
  tail.state = in_globs ? TailState::live : TailState::rotated;
  tail.cursor.scanned = tail.cursor.offset;
  acks_.open(tail.id, tail.cursor.offset);
  const bool renamed = found.path != tail.path;
  table_.rename(tail, found.path, found.root_bytes);
  table_.bind(tail);
  observe(tail, open->stat, now_ns_);
  learn_identity(tail);
  if (renamed || !in_globs) tail.ended_ns = now_ns_;
  if (renamed) {
    ++stats_.rotations;
  }
  if (renamed || !in_globs) collect_generations(tail);
  admitted_.push_back(tail.id);
}

void Tailer::meet_known(FileTail& tail, const Found& found, bool in_globs) {
  tail.scan = scan_;
  tail.seen_wall_ns = clock_.wall_ns();
  if (found.path != tail.path) {
    const std::optional<FileStat> old = stat_path(tail.path);
    if (!old || old->key != tail.key) {  // not merely a second name
      table_.rename(tail, found.path, found.root_bytes);
      dirty_ = true;
      if (tail.state == TailState::live) {
        ++stats_.rotations;
        tail.ended_ns = now_ns_;
      }
      collect_generations(tail);
    }
  }
  if (in_globs) tail.state = TailState::live;
  // Renamed and without a successor so far: one may have come and been renamed as well.
  if (!in_globs && table_.by_path(tail.origin) == nullptr) collect_generations(tail);
  const bool changed = found.stat.size != tail.size || found.stat.mtime_ns != tail.mtime_ns;
  if (!changed && !tail.look_closely && !tail.head_grows()) return;
  if (!still_same(tail, found)) {
    cut_off(tail, true);
    add_fresh(tail.input, found, in_globs, tail.origin);
  }
}

// Takes a changed file's size over, unless it is another generation now.
bool Tailer::still_same(FileTail& tail, const Found& found) {
  const bool was_open = tail.fd.open();
  if (!was_open) {
    Result<OpenFile> open = open_log_file(found.path, found.root_bytes);
    if (!open.ok()) {
      open_refused(found.path, open.error());
      return true;
    }
    if (open->stat.key != tail.key) {
      rescan_ = true;
      return true;
    }
    set_fd(tail, std::move(open->fd));
  }
  tail.look_closely = false;
  if (identify(tail.fd.get(), tail) == Identity::changed) return false;
  Result<FileStat> stat = stat_open(tail.fd.get());
  if (stat.ok()) {
    dirty_ = dirty_ || stat->size != tail.size;
    observe(tail, *stat, now_ns_);
  }
  learn_identity(tail);
  if (!was_open && open_files_ > options_.files_open_max) close_fd(tail);
  return true;
}

// What can be known of a file by now: so that a copy is recognised although nothing was read of the original yet.
void Tailer::learn_identity(FileTail& tail) {
  grow_head(tail);
  if (tail.line_known || tail.size == 0 || tail.size == tail.cursor.scanned) return;
  const std::optional<Hash128> line = first_line(tail.fd.get(), inputs_[tail.input].options.line_bytes_max, false);
  if (line) table_.set_line(tail, *line);
}

void Tailer::look_after_missing() {
  for (const auto& kept : table_.all()) {
    FileTail& tail = *kept;
    const bool stored = tail.state == TailState::stored;
    if (tail.scan == scan_ || !(stored || tail.on_disk())) continue;
    const Finder& finder = inputs_[tail.input].finder;
    if (stored && !finder.matches(tail.origin)) continue;
    bool regular = false;
    const std::optional<FileStat> stat = stat_path(tail.path, &regular);
    if (stat && regular && stat->key == tail.key) {  // the folder could not be listed, or the name is outside the globs
      const std::string folder = folder_of(tail.path);
      const std::size_t root_bytes = stored ? (folder == "/" ? 0 : folder.size()) : tail.root_bytes;
      const Found found{tail.path, root_bytes, *stat};
      const bool in_globs = finder.matches(tail.path);
      stored ? meet_stored(tail, found, in_globs) : meet_known(tail, found, in_globs);
    } else if (tail.fd.open()) {
      look_after_open(tail);
    } else if (!stat_path(folder_of(tail.path))) {
      continue;  // not mounted, or not allowed to look: that is no reason to give its files up
    } else if (!find_neighbour(tail)) {
      cut_off(tail, false);
    }
  }
}

// A file we hold open that has lost its name.
void Tailer::look_after_open(FileTail& tail) {
  tail.scan = scan_;
  tail.seen_wall_ns = clock_.wall_ns();
  Result<FileStat> stat = stat_open(tail.fd.get());
  if (!stat.ok()) return;
  if (identify(tail.fd.get(), tail) == Identity::changed) {
    cut_off(tail, true);
    return;
  }
  dirty_ = dirty_ || stat->size != tail.size;
  observe(tail, *stat, now_ns_);
  learn_identity(tail);
  if (stat->links == 0) {
    mark_ended(tail, TailState::deleted);
  } else if (!find_neighbour(tail)) {
    mark_ended(tail, TailState::rotated);
  }
}

// Looks beside the file's first name for the same device and inode.
bool Tailer::find_neighbour(FileTail& tail) {
  Finder& finder = inputs_[tail.input].finder;
  for (const Found& found : finder.neighbours(tail.origin, clock_)) {
    if (found.stat.key != tail.key) continue;
    const bool in_globs = finder.matches(found.path);
    if (tail.state == TailState::stored) {
      meet_stored(tail, found, in_globs);
      return true;
    }
    tail.scan = scan_;
    table_.rename(tail, found.path, found.root_bytes);
    dirty_ = true;
    if (tail.state == TailState::rotated) collect_generations(tail);  // renamed again: another came after it
    mark_ended(tail, TailState::rotated);
    if (!tail.fd.open() && !still_same(tail, found)) {
      cut_off(tail, true);
      add_fresh(tail.input, found, in_globs, tail.origin);
    }
    return true;
  }
  return false;
}

void Tailer::mark_ended(FileTail& tail, TailState state) {
  if (tail.state == state) return;
  if (state == TailState::deleted) {
    ++stats_.deletions;
  } else {
    ++stats_.rotations;
  }
  tail.state = state;
  tail.ended_ns = now_ns_;
  dirty_ = true;
  collect_generations(tail);
}

// Other generations may have come and gone under the file's name since the last look. Those outside the globs are
// recognised by their names and by not being older than what we know of this one.
void Tailer::collect_generations(const FileTail& tail) {
  Finder& finder = inputs_[tail.input].finder;
  const std::uint64_t rank = tail.path == tail.origin ? 0 : rotation_rank(tail.path);
  for (const Found& found : finder.neighbours(tail.origin, clock_)) {
    if (found.stat.mtime_ns < tail.mtime_ns || table_.by_key(found.stat.key) != nullptr) continue;
    if (!is_rotation_of(name_of(tail.origin), name_of(found.path))) continue;
    if (rank != 0 && rotation_rank(found.path) >= rank) continue;
    add_fresh(tail.input, found, finder.matches(found.path), tail.origin);
  }
}

// Its bytes cannot be read any more under its name.
void Tailer::cut_off(FileTail& tail, bool truncated) {
  if (truncated) ++stats_.truncations;
  table_.unbind(tail);
  disarm(tail);
  close_fd(tail);
  tail.state = TailState::cut;
  tail.scan = scan_;
  cut_.push_back(tail.id);
  dirty_ = true;
  collect_generations(tail);
}

void Tailer::admit_fresh() {
  std::sort(fresh_.begin(), fresh_.end(), [](const Fresh& a, const Fresh& b) {
    return file_age(a.found.path, a.found.stat.mtime_ns) < file_age(b.found.path, b.found.stat.mtime_ns);
  });
  for (const Fresh& fresh : fresh_) admit(fresh);
}

void Tailer::admit(const Fresh& fresh) {
  const InputOptions& input = inputs_[fresh.input].options;
  const std::int64_t age_ns = clock_.wall_ns() - fresh.found.stat.mtime_ns;
  if (input.ignore_older.count() > 0 && age_ns > input.ignore_older.count()) return;
  if (now_ns_ < no_descriptors_ns_) return;
  Result<OpenFile> open = open_log_file(fresh.found.path, fresh.found.root_bytes);
  if (!open.ok()) {
    open_refused(fresh.found.path, open.error());
    return;
  }
  refused_.erase(fresh.found.path);
  if (table_.by_key(open->stat.key) != nullptr) return;  // renamed under our eyes: the next scan sees it whole
  Found found = fresh.found;
  found.stat = open->stat;
  std::uint64_t id = random64();
  while (id == 0 || table_.find(id) != nullptr) id = random64();
  FileTail made = make_tail(id, fresh.input, found);
  if (is_rotation_of(fresh.origin, made.path)) made.origin = fresh.origin;
  FileTail& tail = table_.insert(std::move(made));
  set_fd(tail, std::move(open->fd));
  tail.state = fresh.in_globs ? TailState::live : TailState::rotated;
  if (!fresh.in_globs) tail.ended_ns = now_ns_;
  tail.head = read_head(tail.fd.get());
  tail.scan = scan_;
  tail.seen_wall_ns = clock_.wall_ns();
  tail.moved_ns = now_ns_;
  if (first_start_ && input.start_at_end) {
    const std::uint64_t start = last_line_start(tail.fd.get(), tail.size, input.line_bytes_max);
    tail.cursor = {start, start, read_marker(tail.fd.get(), start)};
    tail.committed = start;
    tail.committed_marker = tail.cursor.marker;
  }
  acks_.open(id, tail.cursor.offset);
  ++unregistered_;
  ++stats_.files_found;
  dirty_ = true;
  admitted_.push_back(id);
}

void Tailer::open_refused(const std::string& path, const Error& error) {
  if (error.code == Code::not_found) return;
  if (error.code == Code::limit) {
    ++stats_.descriptor_shortages;
    no_descriptors_ns_ = now_ns_ + options_.error_wait.count();
    log_.warn("no file descriptor left: files are read later", {{"files_open", open_files_}});
    return;
  }
  ++stats_.open_errors;
  if (refused_.size() < options_.files_max && refused_.insert(path).second)
    log_.warn("a log file cannot be opened", {{"path", path}, {"reason", error.message}});
}

}  // namespace tapewatch
