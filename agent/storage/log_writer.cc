// SPDX-License-Identifier: Apache-2.0
#include "storage/log_writer.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {

namespace {

constexpr std::size_t dictionary_samples = 16;  // times its size are looked at to make one

}  // namespace

LogWriter::LogWriter(const LogStore::Options& options, const Clock& clock, Log& log, LogMemory& memory)
    : options_(options),
      clock_(clock),
      log_(log),
      memory_(memory),
      compressor_(options.zstd_level),
      heads_compressor_(1) {}

// Taking in.

void LogWriter::take_in(const LogBatch& batch, LogStore::Done done) {
  if (!dirty_) dirty_since_ns_ = clock_.steady_ns();
  dirty_ = true;
  LogCounters& counters = memory_.counters;
  const std::int64_t sequence_before = next_sequence_;
  const std::size_t pending_before = pending_bytes_;
  std::uint64_t file = 0;
  std::uint64_t file_end = 0;
  for (const LogRecord& record : batch.records) {
    CHECK(record.begin <= record.end && record.end <= batch.documents.size());
    const std::size_t bytes = record.end - record.begin;
    if (record.file != 0) {
      if (record.file != file) {
        const auto known = applied_.find(record.file);
        file = record.file;
        file_end = known != applied_.end() ? known->second.end : 0;
      }
      if (record.offset < file_end) {
        ++counters.duplicates;
        continue;
      }
    }
    if (bytes > options_.document_bytes_max) {
      ++counters.oversized;
      continue;
    }
    add_record(record, std::string_view(batch.documents).substr(record.begin, bytes));
  }
  // After all records: one file's lines of this batch must not hide each other.
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    const LogRecord& record = batch.records[i];
    const bool last_of_run = i + 1 == batch.records.size() || batch.records[i + 1].file != record.file;
    if (record.file != 0 && last_of_run) note_position(record.file, record.offset + 1);
  }
  for (const SourcePosition& source : batch.sources) note_position(source.file, source.end);
  waiting_.push_back(std::move(done));
  counters.pending_bytes = static_cast<std::int64_t>(pending_bytes_);
  publish();
  // Counted once they can be found.
  counters.records += next_sequence_ - sequence_before;
  counters.record_bytes += static_cast<std::int64_t>(pending_bytes_ - pending_before);
}

void LogWriter::add_record(const LogRecord& record, std::string_view document) {
  if (blocks_.empty() || blocks_.back().sealed || !blocks_.back().block->fits(document.size()))
    start_block(document.size());
  if (options_.keep_ids) {
    blocks_.back().block->add(record, document, filter_, scratch_);
  } else {
    LogRecord without = record;
    without.id_high = without.id_low = 0;
    blocks_.back().block->add(without, document, filter_, scratch_);
  }
  ++next_sequence_;
  pending_bytes_ += document.size();
}

void LogWriter::start_block(std::size_t document_bytes) {
  if (!blocks_.empty() && !blocks_.back().sealed) seal_block();
  const std::size_t bytes = std::max(options_.block_bytes, document_bytes + 1);
  blocks_.push_back(
      {std::make_shared<MemoryBlock>(next_sequence_, bytes, options_.block_records_max), 0, false, false});
  filter_.clear();
}

void LogWriter::seal_block() {
  OpenBlock& open = blocks_.back();
  open.block->seal(filter_);
  open.sealed = true;
  ++memory_.counters.blocks;
}

void LogWriter::note_position(std::uint64_t file, std::uint64_t end) {
  KeptPosition& position = applied_[file];
  if (end <= position.end) return;
  position = {end, clock_.wall_ns()};
  if (changed_.empty() || changed_.back() != file) changed_.push_back(file);
}

void LogWriter::publish() {
  std::vector<BlockView> views;
  views.reserve(blocks_.size());
  for (const OpenBlock& open : blocks_) views.push_back({open.block, open.block->records(), open.sealed});
  memory_.publish(std::move(views), next_sequence_);
}

// Committing.

Status LogWriter::commit() {
  if (!dirty_) return success();
  Status done = nothing_to_write() ? success() : try_commit();
  if (!done.ok() && answer_failure(done)) done = try_commit();
  memory_.set_last_error(done.ok() ? std::string() : done.error().message);
  if (done.ok()) {
    finish_commit();
  } else {
    ++memory_.counters.commit_failures;
    log_.error(
        "the log store could not commit",
        {{"error", done.error().message}, {"code", static_cast<int>(done.error().code)}, {"batches", waiting_.size()}});
    take_back();
  }
  dirty_ = false;
  pending_bytes_ = 0;
  memory_.counters.pending_bytes = 0;
  memory_.counters.sources = static_cast<std::int64_t>(committed_.size());
  publish();
  const std::vector<LogStore::Done> answered = std::exchange(waiting_, {});
  for (const LogStore::Done& answer : answered)
    if (answer) answer(done.ok() ? success() : Status(done.error()));
  return done;
}

// Batches of duplicates alone change nothing.
bool LogWriter::nothing_to_write() const {
  return changed_.empty() && std::all_of(blocks_.begin(), blocks_.end(),
                                         [](const OpenBlock& open) { return open.committed == open.block->records(); });
}

Status LogWriter::try_commit() {
  Status ready = ensure_segment();
  if (!ready.ok()) return ready;
  Status written = write_transaction();
  if (!written.ok()) live_->rollback();
  return written;
}

Status LogWriter::write_transaction() {
  Status done = live_->begin();
  for (const OpenBlock& open : blocks_) {
    if (done.ok() && open.committed < open.block->records()) {
      done = write_block(open);
    } else if (open.sealed && !open.finished) {
      live_->finish_block(open.block->first_sequence(), open.block->filter_bits());
    }
  }
  for (const std::uint64_t file : changed_) {
    if (done.ok()) done = live_->put_position(file, applied_.at(file));
  }
  return done.ok() ? live_->commit(clock_.wall_ns()) : std::move(done);
}

Status LogWriter::write_block(const OpenBlock& open) {
  const MemoryBlock& block = *open.block;
  const RecordHead* const heads = block.heads();
  BlockRow row{block.first_sequence(), static_cast<std::int64_t>(block.records()),
               static_cast<std::int64_t>(block.size()), INT64_MAX, INT64_MIN};
  for (std::size_t i = 0; i < block.records(); ++i) {
    row.time_min_ns = std::min(row.time_min_ns, heads[i].time_ns);
    row.time_max_ns = std::max(row.time_max_ns, heads[i].time_ns);
  }
  return live_->put_block(row, encode_heads(heads, block.records(), heads_compressor_),
                          compressor_.compress(block.raw()), open.sealed ? block.filter_bits() : filter_.bits(),
                          open.sealed);
}

// Of the segment that is about to begin, and of no other: what is removed with a file is gone.
std::string LogWriter::uncommitted_text() const {
  std::string out;
  for (const OpenBlock& open : blocks_) {
    const std::size_t done = open.committed > 0 ? open.block->heads()[open.committed - 1].end + std::size_t{1} : 0;
    out.append(open.block->raw().substr(done));
    if (out.size() >= dictionary_samples * options_.dictionary_bytes) break;
  }
  return out;
}

Status LogWriter::ensure_segment() {
  if (live_ != nullptr) return success();
  // Named after the first record that will be in it.
  std::int64_t first = next_sequence_;
  for (const OpenBlock& open : blocks_) {
    if (open.committed < open.block->records()) {
      first = open.block->first_sequence();
      break;
    }
  }
  auto segment = std::make_shared<Segment>(options_.folder + "/" + segment_name(first), first);
  unlink_segment(segment->path);  // the remains of a start that failed
  Result<std::unique_ptr<SegmentWriter>> created =
      SegmentWriter::create(segment, {options_.file_bytes_max, options_.checkpoint_bytes}, committed_,
                            make_dictionary(uncommitted_text(), options_.dictionary_bytes), clock_.wall_ns());
  if (!created.ok()) return std::move(created).error();
  compressor_.use_dictionary(created.value()->dictionary());
  live_ = std::move(created).value();
  live_since_ns_ = clock_.steady_ns();
  segments_.push_back(std::move(segment));
  publish_segments();
  return success();
}

void LogWriter::finish_commit() {
  ++memory_.counters.commits;
  for (OpenBlock& open : blocks_) {
    open.committed = open.block->records();
    open.finished = open.sealed;
  }
  for (const std::uint64_t file : changed_) committed_[file] = applied_.at(file);
  changed_.clear();
  forget_old_blocks();
  if (live_ == nullptr) return;
  live_->maintain();
  if (live_->segment()->bytes >= options_.segment_bytes_max) close_segment();
}

// Committed blocks stay in memory for live reading, up to a limit.
void LogWriter::forget_old_blocks() {
  std::size_t kept = 0;
  for (const OpenBlock& open : blocks_) kept += open.block->size();
  while (blocks_.size() > 1 && blocks_.front().sealed && kept > options_.recent_bytes) {
    kept -= blocks_.front().block->size();
    blocks_.pop_front();
  }
}

// Returns to what is on disk, so that the same batches can be sent again. Readers may still look at the old blocks:
// a block that was committed in part is made anew.
void LogWriter::take_back() {
  while (!blocks_.empty() && blocks_.back().committed == 0) {
    next_sequence_ = blocks_.back().block->first_sequence();
    blocks_.pop_back();
  }
  for (const std::uint64_t file : changed_) {
    const auto known = committed_.find(file);
    if (known != committed_.end())
      applied_[file] = known->second;
    else
      applied_.erase(file);
  }
  changed_.clear();
  if (blocks_.empty()) return;
  const OpenBlock last = blocks_.back();
  if (last.committed == last.block->records()) return;
  auto rebuilt = std::make_shared<MemoryBlock>(
      last.block->first_sequence(), std::max(options_.block_bytes, last.block->size()), options_.block_records_max);
  filter_.clear();
  for (std::size_t i = 0; i < last.committed; ++i) {
    const RecordHead& head = last.block->heads()[i];
    LogRecord record;
    record.time_ns = head.time_ns;
    record.level = head.level;
    record.id_high = head.id_high;
    record.id_low = head.id_low;
    rebuilt->add(record, last.block->document(head), filter_, scratch_);
  }
  next_sequence_ = rebuilt->first_sequence() + static_cast<std::int64_t>(last.committed);
  blocks_.back() = {std::move(rebuilt), last.committed, false, false};
}

// True when something was done about it and the commit is worth a second try.
bool LogWriter::answer_failure(const Status& failed) {
  const Code code = failed.error().code;
  if (code == Code::corrupt && live_ != nullptr) {
    const std::shared_ptr<Segment> damaged = live_->segment();  // live_ goes
    quarantine(damaged);
    return true;
  }
  if (code == Code::full && options_.drop_oldest_when_full && options_.file_bytes_max == 0) {
    const std::size_t sealed = segments_.size() - (live_ != nullptr ? 1 : 0);
    if (sealed == 0) return false;
    remove_oldest(memory_.counters.removed_full_disk, "the disk is full");
    return true;
  }
  return false;
}

}  // namespace tapewatch
