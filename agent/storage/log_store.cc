// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/log_store.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mutex.h"
#include "storage/log_memory.h"
#include "storage/log_scan.h"
#include "storage/log_writer.h"
#include "storage/value_counts.h"

namespace tapewatch {
namespace {

constexpr int histogram_buckets_max = 1000;
constexpr std::size_t batch_overhead_bytes = 64;  // per record, for the queue's limit

LogDocument document_of(std::int64_t sequence, const RecordHead& head, std::string_view json) {
  return LogDocument{sequence, head.time_ns, head.level, head.id_high, head.id_low, std::string(json)};
}

}  // namespace

class LogStore::State final {
 public:
  State(Options options, Fd owner, const Clock& clock, Log& log)
      : options_(std::move(options)),
        owner_(std::move(owner)),
        clock_(clock),
        log_(log),
        writer_(options_, clock, log, memory_) {}
  ~State();

  Status start();
  Status append(LogBatch&& batch, Done done) EXCLUDES(mutex_);
  Status flush() EXCLUDES(mutex_);
  const std::unordered_map<std::uint64_t, std::uint64_t>& positions() const { return positions_; }

  // One of at most searches_max; its destructor gives the place back.
  class Place final {
   public:
    explicit Place(State* state) : state_(state) {}
    Place(Place&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (state_ != nullptr) state_->leave();
    }

   private:
    State* state_;
  };
  Result<Place> enter() EXCLUDES(search_mutex_);
  void leave() EXCLUDES(search_mutex_);
  LogScan scan(const Query& query, const SearchRange& range, std::chrono::milliseconds time_max) {
    return LogScan(memory_, clock_, log_, query, range, now_ns() + std::chrono::nanoseconds(time_max).count());
  }
  std::int64_t now_ns() const { return clock_.steady_ns(); }
  const LogMemory& memory() const { return memory_; }
  Stats stats() const EXCLUDES(mutex_);

 private:
  struct Item {
    LogBatch batch;
    Done done;
    std::size_t bytes = 0;
    bool flush = false;
  };
  void run_thread();
  std::optional<Item> take() EXCLUDES(mutex_);
  bool commit_due(bool flush) EXCLUDES(mutex_);

  const Options options_;
  const Fd owner_;
  const Clock& clock_;
  Log& log_;
  LogMemory memory_;
  std::unordered_map<std::uint64_t, std::uint64_t> positions_;

  LogWriter writer_;  // writer thread

  mutable Mutex mutex_;
  Condition wake_;
  std::deque<Item> queue_ GUARDED_BY(mutex_);
  std::size_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;

  Mutex search_mutex_;
  Condition search_freed_;
  int searches_ GUARDED_BY(search_mutex_) = 0;

  std::thread thread_;
};

LogStore::State::~State() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Status LogStore::State::start() {
  Status opened = writer_.open();
  if (!opened.ok()) return opened;
  for (const auto& [file, position] : writer_.positions()) positions_.emplace(file, position.end);
  thread_ = std::thread([this] { run_thread(); });
  return success();
}

Status LogStore::State::append(LogBatch&& batch, Done done) {
  const std::size_t bytes = batch.documents.size() + batch.records.size() * batch_overhead_bytes;
  MutexLock lock(mutex_);
  if (stopping_) return Error{Code::closed, "the log store is closing"};
  if (!queue_.empty() && queue_bytes_ + bytes > options_.queue_bytes_max) {
    ++refused_;
    return Error{Code::queue_full, std::to_string(queue_bytes_) + " bytes wait for the log store already"};
  }
  queue_bytes_ += bytes;
  queue_.push_back({std::move(batch), std::move(done), bytes, false});
  wake_.notify_one();
  return success();
}

Status LogStore::State::flush() {
  Mutex mutex;
  Condition condition;
  std::optional<Status> result;
  {
    MutexLock lock(mutex_);
    if (stopping_) return Error{Code::closed, "the log store is closing"};
    queue_.push_back({{},
                      [&](Status status) {
                        MutexLock answer(mutex);
                        result.emplace(std::move(status));
                        condition.notify_one();
                      },
                      0,
                      true});
    wake_.notify_one();
  }
  MutexLock lock(mutex);
  while (!result) condition.wait(mutex);
  return std::move(*result);
}

std::optional<LogStore::State::Item> LogStore::State::take() {
  std::chrono::nanoseconds wait = options_.flush_interval;
  if (writer_.dirty()) wait -= std::chrono::nanoseconds(clock_.steady_ns() - writer_.dirty_since_ns());
  MutexLock lock(mutex_);
  if (queue_.empty() && !stopping_ && wait.count() > 0) wake_.wait_for(mutex_, wait);
  if (queue_.empty()) return std::nullopt;
  std::optional<Item> item(std::move(queue_.front()));
  queue_.pop_front();
  queue_bytes_ -= item->bytes;
  return item;
}

bool LogStore::State::commit_due(bool flush) {
  if (!writer_.dirty()) return false;
  if (flush || writer_.pending_bytes() >= options_.commit_bytes) return true;
  if (clock_.steady_ns() - writer_.dirty_since_ns() >= std::chrono::nanoseconds(options_.flush_interval).count())
    return true;
  MutexLock lock(mutex_);
  return queue_.empty() && writer_.pending_bytes() >= options_.idle_commit_bytes;
}

void LogStore::State::run_thread() {
  std::int64_t maintained_ns = clock_.steady_ns();
  for (;;) {
    std::optional<Item> item = take();
    const bool flush = item && item->flush;
    if (item && !flush) writer_.take_in(item->batch, std::move(item->done));
    Status committed = commit_due(flush) ? writer_.commit() : success();
    const std::int64_t interval_ns = std::chrono::nanoseconds(options_.flush_interval).count();
    if (flush || clock_.steady_ns() - maintained_ns >= interval_ns) {
      writer_.maintain();
      maintained_ns = clock_.steady_ns();
    }
    if (flush) item->done(std::move(committed));
    MutexLock lock(mutex_);
    if (stopping_ && queue_.empty()) break;
  }
  writer_.close();
}

Result<LogStore::State::Place> LogStore::State::enter() {
  const std::int64_t deadline_ns = clock_.steady_ns() + std::chrono::nanoseconds(options_.search_wait_max).count();
  MutexLock lock(search_mutex_);
  while (searches_ >= options_.searches_max) {
    const std::int64_t left_ns = deadline_ns - clock_.steady_ns();
    if (left_ns <= 0) {
      ++memory_.counters.searches_refused;
      return Error{Code::busy, "too many searches at a time"};
    }
    search_freed_.wait_for(search_mutex_, std::chrono::nanoseconds(left_ns));
  }
  ++searches_;
  ++memory_.counters.searches;
  return Place(this);
}

void LogStore::State::leave() {
  MutexLock lock(search_mutex_);
  --searches_;
  search_freed_.notify_one();
}

LogStore::Stats LogStore::State::stats() const {
  const LogCounters& c = memory_.counters;
  const LogView view = memory_.view();
  Stats out;
  out.records = c.records;
  out.record_bytes = c.record_bytes;
  out.duplicates = c.duplicates;
  out.oversized = c.oversized;
  out.commits = c.commits;
  out.commit_failures = c.commit_failures;
  out.blocks = c.blocks;
  out.pending_bytes = c.pending_bytes;
  out.segments = static_cast<std::int64_t>(view.segments.size());
  for (const auto& segment : view.segments) out.disk_bytes += segment->bytes;
  out.segments_removed_by_size = c.removed_by_size;
  out.segments_removed_by_age = c.removed_by_age;
  out.segments_removed_full_disk = c.removed_full_disk;
  out.segments_quarantined = c.quarantined;
  out.damaged_blocks = c.damaged_blocks;
  out.searches = c.searches;
  out.searches_refused = c.searches_refused;
  out.sequence = view.next_sequence - 1;
  out.sources = c.sources;
  out.last_error = memory_.last_error();
  MutexLock lock(mutex_);
  out.queue_bytes = static_cast<std::int64_t>(queue_bytes_);
  out.queue_refused = refused_;
  return out;
}

LogStore::LogStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogStore::~LogStore() = default;

Result<std::unique_ptr<LogStore>> LogStore::open(Options options, const Clock& clock, Log& log) {
  Status made = make_folders(options.folder);
  if (!made.ok()) return std::move(made).error();
  Result<Fd> owner = lock_file(options.folder + "/store.owner");
  if (!owner.ok()) return std::move(owner).error();
  auto state = std::make_unique<State>(std::move(options), std::move(owner).value(), clock, log);
  Status started = state->start();
  if (!started.ok()) return std::move(started).error();
  return std::unique_ptr<LogStore>(new LogStore(std::move(state)));
}

Status LogStore::append(LogBatch&& batch, Done done) { return state_->append(std::move(batch), std::move(done)); }
Status LogStore::flush() { return state_->flush(); }
LogStore::Stats LogStore::stats() const { return state_->stats(); }

const std::unordered_map<std::uint64_t, std::uint64_t>& LogStore::committed_positions() const {
  return state_->positions();
}

Result<SearchPage> LogStore::search(const Query& query, const SearchRange& range, const SearchLimits& limits,
                                    std::int64_t cursor) {
  Result<State::Place> place = state_->enter();
  if (!place.ok()) return std::move(place).error();
  const std::int64_t started_ns = state_->now_ns();
  LogScan scan = state_->scan(query, range, limits.time_max);
  SearchPage page;
  std::size_t bytes = 0;
  const LogScan::End end = scan.run(cursor > 0 ? cursor : INT64_MAX, true,
                                    [&](std::int64_t sequence, const RecordHead& head, std::string_view json) {
                                      bytes += json.size();
                                      page.documents.push_back(document_of(sequence, head, json));
                                      return page.documents.size() < limits.results_max && bytes < limits.bytes_max;
                                    });
  page.complete = end != LogScan::End::out_of_time;
  if (end != LogScan::End::all_seen && scan.seen_down_to() > 1) page.next_cursor = scan.seen_down_to();
  page.scanned_lines = scan.lines();
  page.scanned_bytes = scan.bytes();
  page.damaged_blocks = scan.damaged_blocks();
  page.elapsed_ns = state_->now_ns() - started_ns;
  return page;
}

Result<SearchPage> LogStore::trace(std::string_view id, const SearchLimits& limits) {
  Result<SearchPage> page = search(Query::trace(id), {}, limits);
  if (!page.ok()) return page;
  std::sort(page->documents.begin(), page->documents.end(), [](const LogDocument& a, const LogDocument& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.sequence < b.sequence;
  });
  return page;
}

Result<Histogram> LogStore::histogram(const Query& query, const SearchRange& range, int buckets,
                                      std::chrono::milliseconds time_max) {
  if (range.from_ns == INT64_MIN || range.to_ns == INT64_MAX || range.from_ns > range.to_ns || buckets < 1 ||
      buckets > histogram_buckets_max)
    return Error{Code::invalid, "a histogram needs a range with both ends and 1 to 1000 parts"};
  Result<State::Place> place = state_->enter();
  if (!place.ok()) return std::move(place).error();
  const std::int64_t started_ns = state_->now_ns();
  Histogram out;
  // Rounded up, so that the last part ends at or behind the range. Unsigned: the ends may be far apart.
  const std::uint64_t width = (static_cast<std::uint64_t>(range.to_ns) - static_cast<std::uint64_t>(range.from_ns)) /
                                  static_cast<std::uint64_t>(buckets) +
                              1;
  for (int i = 0; i < buckets; ++i) {
    const std::uint64_t from = static_cast<std::uint64_t>(range.from_ns) + width * static_cast<std::uint64_t>(i);
    out.buckets.push_back({static_cast<std::int64_t>(from), {}, 0});
  }
  LogScan scan = state_->scan(query, range, time_max);
  const LogScan::End end = scan.run(INT64_MAX, false, [&](std::int64_t, const RecordHead& head, std::string_view) {
    const std::uint64_t from_start =
        static_cast<std::uint64_t>(head.time_ns) - static_cast<std::uint64_t>(range.from_ns);
    Histogram::Bucket& bucket = out.buckets[from_start / width];
    if (bucket.by_level.size() <= head.level) bucket.by_level.resize(head.level + std::size_t{1});
    ++bucket.by_level[head.level];
    ++bucket.total;
    return true;
  });
  out.complete = end == LogScan::End::all_seen;
  out.scanned_lines = scan.lines();
  out.elapsed_ns = state_->now_ns() - started_ns;
  return out;
}

Result<TopValues> LogStore::top_values(const Query& query, const SearchRange& range, std::string_view field,
                                       std::size_t values_max, std::chrono::milliseconds time_max) {
  Result<State::Place> place = state_->enter();
  if (!place.ok()) return std::move(place).error();
  const std::int64_t started_ns = state_->now_ns();
  ValueCounts counts(field);
  LogScan scan = state_->scan(query, range, time_max);
  const LogScan::End end = scan.run(INT64_MAX, true, [&](std::int64_t, const RecordHead&, std::string_view json) {
    counts.add(json);
    return true;
  });
  TopValues out = counts.top(values_max);
  out.complete = end == LogScan::End::all_seen;
  out.scanned_lines = scan.lines();
  out.elapsed_ns = state_->now_ns() - started_ns;
  return out;
}

LiveRead LogStore::read_since(std::int64_t sequence, std::size_t documents_max) const {
  const LogView view = state_->memory().view();
  LiveRead out;
  out.sequence = sequence;
  // After documents were taken back (a failed commit) the caller may be ahead.
  if (sequence >= view.next_sequence) out.sequence = view.next_sequence - 1;
  for (const BlockView& seen : view.blocks) {
    const MemoryBlock& block = *seen.block;
    const std::int64_t first = block.first_sequence();
    if (out.sequence + 1 < first) {
      out.missed += first - out.sequence - 1;
      out.sequence = first - 1;
    }
    for (std::size_t i = static_cast<std::size_t>(out.sequence + 1 - first); i < seen.records; ++i) {
      if (out.documents.size() >= documents_max) return out;
      out.sequence = first + static_cast<std::int64_t>(i);
      const RecordHead& head = block.heads()[i];
      out.documents.push_back(document_of(out.sequence, head, block.document(head)));
    }
  }
  if (view.blocks.empty() && out.sequence + 1 < view.next_sequence) {
    out.missed = view.next_sequence - out.sequence - 1;
    out.sequence = view.next_sequence - 1;
  }
  return out;
}

}  // namespace tapewatch
