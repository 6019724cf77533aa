// SPDX-License-Identifier: Apache-2.0
// Tailer, part 3: whose bytes a file holds (its own, or a copy of another's), how files end, and the limits.
#include <algorithm>

#include "base/check.h"
#include "tail/tailer.h"

namespace tapewatch {
namespace {

constexpr std::size_t candidates_max = 64;
constexpr std::uint64_t forget_every_scans = 64;

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

// Before the first line of a file is handed out: its first line must be whole, and it must not be a copy of what is
// read already. An event's id follows from the first line, the offset and the line, so a file whose bytes are, so far,
// those of another one holds no event that is not delivered: it is held back until it differs, or until it turns out to
// be the copy that a truncation left behind.
Tailer::Settled Tailer::settle(FileTail& tail) {
  if (!ensure_open(tail)) return Settled::waiting;
  const InputOptions& input = inputs_[tail.input].options;
  Result<FileStat> stat = stat_open(tail.fd.get());
  if (!stat.ok()) return Settled::waiting;
  if (has_shrunk(tail, *stat) || identify(tail.fd.get(), tail) == Identity::changed) {
    look_closely(tail);
    return Settled::waiting;
  }
  observe(tail, *stat, now_ns_);
  grow_head(tail);
  const std::optional<Hash128> line = first_line(tail.fd.get(), input.line_bytes_max, tail.flush);
  if (!line && !(tail.line_known && tail.cursor.offset > 0)) {
    wait_for_line(tail);
    return Settled::waiting;
  }
  if (line && !(tail.line_known && tail.line == *line)) table_.set_line(tail, *line);
  tail.copy_of = 0;
  if (tail.cursor.offset == 0) {
    for (FileTail* other : table_.by_line(tail.input, tail.line, candidates_max)) {
      if (other == &tail) continue;
      const Settled settled = settle_against(tail, *other);
      if (settled != Settled::ready) return settled;
    }
  }
  make_source(tail, input.name);
  return Settled::ready;
}

void Tailer::wait_for_line(FileTail& tail) {
  tail.cursor.scanned = std::max(tail.cursor.scanned, tail.size);
  if (!tail.flush) return;
  // The file has ended and holds nothing but NUL bytes.
  tail.flush = false;
  acks_.skipped(tail.id, tail.cursor.offset, std::max(tail.size, tail.cursor.offset));
  stats_.nul_bytes += tail.unread();
  tail.cursor = {tail.size, tail.size, read_marker(tail.fd.get(), tail.size)};
}

// Whether `copy` holds the bytes of `original` up to where it was read.
bool Tailer::continues(const FileTail& original, const FileTail& copy) const {
  return copy.size >= original.cursor.offset && check_head(copy.fd.get(), original.head) == Identity::same &&
         check_marker(copy.fd.get(), original.cursor.offset, original.cursor.marker) == Identity::same;
}

Tailer::Settled Tailer::settle_against(FileTail& tail, FileTail& other) {
  if (other.copy_of != 0 || other.state == TailState::stored) return Settled::ready;
  if (!other.on_disk()) {
    // Of what is over and done with, a few bytes are no evidence.
    const bool evidence = !other.finished || other.cursor.offset >= head_bytes_max;
    if (!evidence || !continues(other, tail)) return Settled::ready;
    adopt(other, tail);
    return Settled::adopted;
  }
  if (!ensure_open(other, &tail)) return odd_ ? Settled::waiting : Settled::ready;
  Result<FileStat> stat = stat_open(other.fd.get());
  if (!stat.ok()) return Settled::ready;
  if (has_shrunk(other, *stat)) {  // truncated a moment ago: the next scan knows
    look_closely(other);
    return Settled::waiting;
  }
  if (tail.size > stat->size || !same_content(tail.fd.get(), other.fd.get(), tail.size)) return Settled::ready;
  tail.copy_of = other.id;
  tail.cursor.scanned = tail.size;
  return Settled::held;
}

// `copy` holds what `original` had: the original goes on in it, where it was, as the same file.
void Tailer::adopt(FileTail& original, FileTail& copy) {
  CHECK(!original.on_disk() && copy.fd.open());
  const std::uint64_t copy_id = copy.id;
  table_.unbind(copy);
  original.key = copy.key;
  rename_tail(original, copy.path, copy.root_bytes);
  original.state = copy.state;
  original.size = copy.size;
  original.mtime_ns = copy.mtime_ns;
  original.scan = copy.scan;
  original.seen_wall_ns = copy.seen_wall_ns;
  original.ended_ns = now_ns_;
  original.moved_ns = now_ns_;
  original.retry_ns = 0;
  original.finished = false;
  original.cursor.scanned = original.cursor.offset;
  if (!copy.registered) --unregistered_;
  disarm(copy);
  original.fd = std::move(copy.fd);
  acks_.close(copy_id);
  table_.erase(copy_id);
  table_.bind(original);
  if (!acks_.is_open(original.id)) acks_.open(original.id, original.cursor.offset);
  if (original.line_known) make_source(original, inputs_[original.input].options.name);
  ++stats_.copies;
  dirty_ = true;
  log_.info("the rest of a truncated or moved file is read from its copy",
            {{"path", original.path}, {"offset", original.cursor.offset}, {"bytes", original.unread()}});
  if (original.has_news()) arm(original);
}

// Cut-off files for which no copy was found among the new ones: a copy held back may have their rest, otherwise it is
// lost and counted.
void Tailer::bury_cut() {
  for (const std::uint64_t id : cut_) {
    FileTail* tail = table_.find(id);
    if (tail == nullptr || tail->state != TailState::cut) continue;
    for (const auto& copy : table_.all()) {
      if (copy->copy_of != id || !copy->on_disk() || !ensure_open(*copy) || !continues(*tail, *copy)) continue;
      adopt(*tail, *copy);
      break;
    }
    if (tail->state != TailState::cut) continue;
    const std::uint64_t missing = tail->copy_of != 0 || found_again(*tail) ? 0 : missing_bytes(*tail);
    if (missing > 0) {
      stats_.missed_bytes += missing;
      inputs_[tail->input].counts.missed_bytes += missing;
      log_.warn("bytes of a file were gone before they were read",
                {{"path", tail->path}, {"offset", tail->cursor.offset}, {"bytes", missing}});
    }
    if (!tail->registered) {
      tail->registered = true;
      --unregistered_;
    }
    tail->size = tail->cursor.offset;
    tail->state = TailState::gone;
    if (acks_.all_acked(id)) finish(*tail);
  }
}

// Whether a new file begins with all that is known of one of which nothing was read: then it is read there.
bool Tailer::found_again(const FileTail& tail) {
  if (tail.cursor.offset != 0 || tail.head.length == 0) return false;
  return std::any_of(admitted_.begin(), admitted_.end(), [&](std::uint64_t id) {
    FileTail* other = table_.find(id);
    return other != nullptr && other->on_disk() && other->size >= tail.size && ensure_open(*other) &&
           check_head(other->fd.get(), tail.head) == Identity::same;
  });
}

// What is known to be lost of a file that is cut off: the rest of its last known size, or of what gzip says it held.
std::uint64_t Tailer::missing_bytes(FileTail& tail) {
  std::vector<Found> packed;
  for (Found& found : inputs_[tail.input].finder.neighbours(tail.origin, clock_)) {
    const std::string_view name = name_of(found.path);
    if (found.stat.mtime_ns < tail.mtime_ns || name.size() < 3 || name.substr(name.size() - 3) != ".gz") continue;
    if (is_rotation_of(name_of(tail.origin), name.substr(0, name.size() - 3))) packed.push_back(std::move(found));
  }
  std::sort(packed.begin(), packed.end(),
            [](const Found& a, const Found& b) { return a.stat.mtime_ns < b.stat.mtime_ns; });
  for (const Found& found : packed) {
    const std::optional<std::uint64_t> length = gzip_length(found);
    if (length && *length >= tail.cursor.offset) return std::max(*length - tail.cursor.offset, tail.unread());
  }
  return tail.unread();
}

void Tailer::schedule() {
  // New files queue up in the order of their ages, which the clock of the file system may not tell apart.
  std::vector<std::pair<FileAge, FileTail*>> backlog;
  for (const std::uint64_t id : admitted_) {
    FileTail* tail = table_.find(id);
    if (tail != nullptr && tail->on_disk() && tail->has_news())
      backlog.emplace_back(file_age(tail->path, tail->mtime_ns), tail);
  }
  std::sort(backlog.begin(), backlog.end());
  for (const auto& [age, tail] : backlog) arm(*tail);
  std::vector<FileTail*> ended;
  for (const auto& tail : table_.all()) {
    if (!tail->on_disk() || !tail->registered) continue;
    const FileTail* original = tail->copy_of != 0 ? table_.find(tail->copy_of) : nullptr;
    if (original != nullptr && !original->on_disk() && original->cursor.offset < tail->size) {
      tail->copy_of = 0;  // it was given up: what is left of it is here
      tail->cursor.scanned = tail->cursor.offset;
    }
    if (tail->ended_ns != 0) ended.push_back(tail.get());
    if (tail->has_news()) arm(*tail);
  }
  for (FileTail* tail : ended) schedule_ended(*tail);
}

void Tailer::schedule_ended(FileTail& tail) {
  const std::int64_t quiet_ns = now_ns_ - tail.ended_ns;
  const bool waited = quiet_ns >= inputs_[tail.input].options.rotate_wait.count();
  const bool held = tail.copy_of != 0;
  if (waited && !held && !tail.has_news() && tail.unread() > 0) {
    tail.flush = true;
    arm(tail);
  }
  if (!waited || tail.has_news() || (!held && (tail.unread() > 0 || !acks_.all_acked(tail.id)))) return;
  // Without a successor under its first name its writer may not have noticed the rename yet.
  const FileTail* successor = table_.by_path(tail.origin);
  const bool kept = quiet_ns < options_.rotated_keep.count() || successor == nullptr || successor == &tail;
  if (tail.state == TailState::deleted || (tail.state == TailState::rotated && !kept)) finish(tail);
}

// Nothing more will be read of it. What is in flight still counts when it is acknowledged.
void Tailer::finish(FileTail& tail) {
  disarm(tail);
  if (tail.on_disk()) {
    update_committed(tail);
    table_.unbind(tail);
    close_fd(tail);
    tail.state = TailState::gone;
  }
  tail.finished = acks_.all_acked(tail.id);
  if (tail.finished && acks_.is_open(tail.id)) {
    tail.committed = acks_.committed(tail.id);
    tail.committed_marker = tail.committed == tail.cursor.offset ? tail.cursor.marker : Marker{};
    acks_.close(tail.id);
  }
  dirty_ = true;
}

// Deleted files keep their disk space while we read them: the oldest are given up when it is too much.
void Tailer::enforce_deleted_limit() {
  std::vector<FileTail*> deleted;
  std::uint64_t bytes = 0;
  for (const auto& tail : table_.all()) {
    if (tail->state != TailState::deleted) continue;
    deleted.push_back(tail.get());
    bytes += tail->size;
  }
  std::sort(deleted.begin(), deleted.end(),
            [](const FileTail* a, const FileTail* b) { return a->ended_ns < b->ended_ns; });
  for (FileTail* tail : deleted) {
    if (bytes <= options_.deleted_bytes_max) break;
    bytes -= tail->size;
    const std::uint64_t lost = tail->copy_of != 0 ? 0 : tail->unread();
    stats_.abandoned_bytes += lost;
    inputs_[tail->input].counts.abandoned_bytes += lost;
    log_.error("a deleted file was given up because deleted files held too much disk space",
               {{"path", tail->path}, {"offset", tail->cursor.offset}, {"bytes", lost}});
    tail->size = tail->cursor.offset;
    finish(*tail);
  }
}

// Vanished files are remembered for a while, so that a copy that comes late is not read twice.
void Tailer::forget_old() {
  if (scan_ % forget_every_scans != 1) return;
  const std::int64_t oldest_ns = clock_.wall_ns() - options_.forget_after.count();
  std::vector<std::pair<std::int64_t, std::uint64_t>> gone;
  for (const auto& tail : table_.all()) {
    const bool over = tail->state == TailState::gone && tail->finished;
    if (over || tail->state == TailState::stored) gone.emplace_back(tail->seen_wall_ns, tail->id);
  }
  std::sort(gone.begin(), gone.end());
  const std::size_t surplus = gone.size() > options_.gone_max ? gone.size() - options_.gone_max : 0;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (i >= surplus && gone[i].first >= oldest_ns) break;
    table_.erase(gone[i].second);
    dirty_ = true;
  }
  std::erase_if(foreign_, [&](const CheckpointEntry& entry) { return entry.seen_wall_ns < oldest_ns; });
}

// New files get their ids into the checkpoint, all of one scan in one write, before a line of them is handed out. When
// the state folder cannot be written for long, delivery goes on without: ids of events do not depend on it.
void Tailer::register_new() {
  if (unregistered_ == 0) return;
  if (save().ok()) return;
  if (unregistered_ns_ == 0) unregistered_ns_ = now_ns_;
  if (now_ns_ - unregistered_ns_ < options_.register_wait.count()) return;
  log_.error("new files are read though the checkpoint cannot be written", {{"files", unregistered_}});
  for (const auto& tail : table_.all()) tail->registered = true;
  unregistered_ = 0;
}

}  // namespace tapewatch
