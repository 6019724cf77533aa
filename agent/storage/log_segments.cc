// SPDX-License-Identifier: Apache-2.0
// The part of LogWriter that deals with whole segment files: finding them at start, closing, removing, moving aside.
#include <dirent.h>

#include <algorithm>

#include "base/check.h"
#include "storage/log_writer.h"

namespace tapewatch {
namespace {

// Left between the sequence numbers before and after a damaged file, whose last number is not known.
constexpr std::int64_t sequence_leap = std::int64_t{1} << 32;

std::vector<std::string> segment_names(const std::string& folder) {
  std::vector<std::string> names;
  DIR* const listing = ::opendir(folder.c_str());
  if (listing == nullptr) return names;
  while (const dirent* const entry = ::readdir(listing)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (segment_number(entry->d_name) > 0) names.emplace_back(entry->d_name);
  }
  ::closedir(listing);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Status LogWriter::open() {
  for (const std::string& name : segment_names(options_.folder)) adopt(name);
  applied_ = committed_;
  memory_.counters.sources = static_cast<std::int64_t>(committed_.size());
  // The newest one goes on, if it is sound enough to be written.
  if (!segments_.empty() && segments_.back()->format == newest_format) {
    Result<std::unique_ptr<SegmentWriter>> reopened =
        SegmentWriter::reopen(segments_.back(), {options_.file_bytes_max, options_.checkpoint_bytes});
    if (reopened.ok() && reopened.value()->load_dictionary().ok()) {
      compressor_.use_dictionary(reopened.value()->dictionary());
      live_ = std::move(reopened).value();
      live_since_ns_ = clock_.steady_ns();
      segments_.back()->sealed = false;
    }
  }
  apply_retention();
  publish_segments();
  publish();
  return success();
}

// Takes a file that was found into the list, moves it aside, or leaves it alone.
void LogWriter::adopt(const std::string& name) {
  auto segment = std::make_shared<Segment>(options_.folder + "/" + name, segment_number(name));
  Status sound = success();
  SegmentReader::Facts facts;
  {
    // A writer first, for a moment: it recovers and copies the write-ahead log that a crash left behind.
    Result<std::unique_ptr<SegmentWriter>> writer = SegmentWriter::reopen(segment, {0, options_.checkpoint_bytes});
    if (writer.ok())
      static_cast<void>(writer.value()->seal());  // when it cannot, the reader below says why, or copes with the log
    else
      sound = writer.error();
  }
  if (sound.ok() || sound.error().code == Code::sql) {
    // Tables that the writer misses are no damage when there are none yet, or when they are those of another version.
    Result<std::unique_ptr<SegmentReader>> reader = SegmentReader::open(*segment);
    Result<SegmentReader::Facts> read = reader.ok() ? reader.value()->facts() : reader.error();
    if (read.ok() && sound.ok()) {
      facts = read.value();
      sound = reader.value()->add_positions(committed_);
    } else if (!read.ok()) {
      sound = std::move(read).error();
    }
  }
  if (sound.ok()) {
    segment->written_ns = facts.written_ns;
    segment->format = facts.format;
    next_sequence_ = std::max({next_sequence_, segment->first_sequence, facts.next_sequence});
    // The next file has a name of its own, also when this one is empty.
    if (segment->format != newest_format) next_sequence_ = std::max(next_sequence_, segment->first_sequence + 1);
    segments_.push_back(std::move(segment));
    return;
  }
  if (sound.error().code == Code::unsupported) {
    unlink_segment(segment->path);
    return;
  }
  next_sequence_ = std::max(next_sequence_, segment->first_sequence) + sequence_leap;
  if (sound.error().code == Code::corrupt || sound.error().code == Code::sql) {
    quarantine(segment);
  } else {
    log_.error("a segment of the log store cannot be read and is left alone",
               {{"file", segment->path}, {"error", sound.error().message}});
  }
}

void LogWriter::publish_segments() { memory_.publish_segments(segments_); }

void LogWriter::close() {
  static_cast<void>(commit().ok());  // the batches that waited were told
  if (live_ != nullptr) static_cast<void>(live_->seal());
  live_.reset();
  sealing_.clear();
}

// The open block ends with its segment, so that a block is in one file only.
void LogWriter::close_segment() {
  const bool sealed = live_ == nullptr || live_->seal();
  // The next file carries the positions: what they stand for is on the disk before it begins. If it cannot be brought
  // there, this one goes on.
  if (!sealed && !live_->sync().ok()) return;
  if (!blocks_.empty() && !blocks_.back().sealed) seal_block();
  for (OpenBlock& open : blocks_) open.finished = true;
  if (!sealed) sealing_.push_back(std::move(live_));
  live_.reset();
  trim_positions();
}

void LogWriter::maintain() {
  std::erase_if(sealing_, [](const std::unique_ptr<SegmentWriter>& writer) { return writer->seal(); });
  const std::int64_t age_max = std::chrono::nanoseconds(options_.segment_age_max).count();
  if (!dirty_ && live_ != nullptr && clock_.steady_ns() - live_since_ns_ > age_max) {
    close_segment();
    publish();
  }
  for (const std::shared_ptr<Segment>& segment : std::vector<std::shared_ptr<Segment>>(segments_)) {
    if (segment->damaged) quarantine(segment);
  }
  apply_retention();
}

std::int64_t LogWriter::disk_bytes() const {
  std::int64_t bytes = 0;
  for (const std::shared_ptr<Segment>& segment : segments_) bytes += segment->bytes;
  return bytes;
}

// The newest segment always stays, because the positions are in it.
void LogWriter::apply_retention() {
  while (segments_.size() > 1 && disk_bytes() > options_.retention_bytes)
    remove_oldest(memory_.counters.removed_by_size, "retention by size");
  const std::int64_t oldest_ns = clock_.wall_ns() - std::chrono::nanoseconds(options_.retention_age).count();
  while (!segments_.empty() && segments_.front()->written_ns < oldest_ns) {
    // The last one hands the positions on before it goes.
    if (segments_.size() == 1 && (live_ != nullptr || dirty_ || !ensure_segment().ok())) return;
    remove_oldest(memory_.counters.removed_by_age, "retention by age");
  }
}

void LogWriter::remove_oldest(std::atomic<std::int64_t>& counter, std::string_view reason) {
  const std::shared_ptr<Segment> oldest = segments_.front();
  oldest->removed = true;
  std::erase_if(sealing_, [&](const std::unique_ptr<SegmentWriter>& writer) { return writer->segment() == oldest; });
  segments_.erase(segments_.begin());
  unlink_segment(oldest->path);
  ++counter;
  log_.info("a segment of the log store was removed",
            {{"file", oldest->path}, {"bytes", oldest->bytes.load()}, {"reason", reason}});
  publish_segments();
}

void LogWriter::quarantine(const std::shared_ptr<Segment>& segment) {
  segment->removed = true;
  if (live_ != nullptr && live_->segment() == segment) {
    live_.reset();
    // Its newest blocks are still in memory: they go into the next file whole.
    for (OpenBlock& open : blocks_) {
      if (open.block->first_sequence() >= segment->first_sequence) {
        open.committed = 0;
        open.finished = false;
      }
    }
    if (!dirty_) dirty_since_ns_ = clock_.steady_ns();
    dirty_ = true;
  }
  std::erase_if(sealing_, [&](const std::unique_ptr<SegmentWriter>& writer) { return writer->segment() == segment; });
  std::erase(segments_, segment);
  const bool moved = set_aside_segment(segment->path, clock_.wall_ns());
  ++memory_.counters.quarantined;
  log_.error("a damaged segment of the log store was moved aside", {{"file", segment->path}, {"moved", moved}});
  publish_segments();
}

void LogWriter::trim_positions() {
  CHECK(changed_.empty());
  if (committed_.size() <= options_.sources_max) return;
  std::vector<std::int64_t> ages;
  ages.reserve(committed_.size());
  for (const auto& [file, position] : committed_) ages.push_back(position.changed_ns);
  const auto first_kept = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() - options_.sources_max);
  std::nth_element(ages.begin(), first_kept, ages.end());
  const std::int64_t limit_ns = *first_kept;
  std::erase_if(committed_, [&](const auto& entry) { return entry.second.changed_ns < limit_ns; });
  applied_ = committed_;
}

}  // namespace tapewatch
