// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogStore: the embedded log store. Documents go into compressed blocks with a token filter each, blocks into segment
// files (SQLite), one file after the other; retention removes whole files. A document is searchable as soon as it was
// taken in, also before its commit. Owns one writer thread. Thread: any; no call but flush() waits for the disk.
//
// A batch is stored whole or not at all, together with its source positions: `done` tells, after the commit. A record
// whose line starts before the committed position of its file is skipped and counted, so sending a batch again after a
// crash or an error makes no duplicates.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/query.h"
#include "tapewatch/result.h"

namespace tapewatch {

class Clock;
class Log;

struct LogRecord {
  std::int64_t time_ns = 0;  // of the event, since 1970
  std::uint8_t level = 0;
  std::uint64_t id_high = 0;  // kept with Options::keep_ids
  std::uint64_t id_low = 0;
  std::uint64_t file = 0;    // 0: no file, never a duplicate (alerts)
  std::uint64_t offset = 0;  // where the line starts in the file
  std::uint32_t begin = 0;   // the document in LogBatch::documents
  std::uint32_t end = 0;
};

struct SourcePosition {
  std::uint64_t file = 0;
  std::uint64_t end = 0;  // everything before it is in the store, or was dropped with a counter
};

struct LogBatch {
  std::string documents;
  std::vector<LogRecord> records;
  std::vector<SourcePosition> sources;

  // Fills in begin and end. A batch holds less than 4 GiB.
  void add(LogRecord record, std::string_view document) {
    record.begin = static_cast<std::uint32_t>(documents.size());
    documents.append(document);
    record.end = static_cast<std::uint32_t>(documents.size());
    records.push_back(record);
  }
  // Puts another batch behind this one.
  void add_all(const LogBatch& other) {
    for (const LogRecord& record : other.records)
      add(record, std::string_view(other.documents).substr(record.begin, record.end - record.begin));
    sources.insert(sources.end(), other.sources.begin(), other.sources.end());
  }
};

struct LogDocument {
  std::int64_t sequence = 0;  // grows with every document taken in
  std::int64_t time_ns = 0;
  std::uint8_t level = 0;
  std::uint64_t id_high = 0;
  std::uint64_t id_low = 0;
  std::string json;
};

struct SearchRange {
  std::int64_t from_ns = INT64_MIN;  // event time, both ends included
  std::int64_t to_ns = INT64_MAX;
};

struct SearchLimits {
  std::size_t results_max = 100;
  std::size_t bytes_max = 8u << 20;          // of documents in one page; one document is always given
  std::chrono::milliseconds time_max{2000};  // then the page is what was found so far
};

struct SearchPage {
  std::vector<LogDocument> documents;
  std::int64_t next_cursor = 0;  // for the next call; 0: there is no more
  bool complete = true;          // false: time_max ended it (next_cursor goes on from there)
  std::int64_t scanned_lines = 0;
  std::int64_t scanned_bytes = 0;
  std::int64_t damaged_blocks = 0;  // met and skipped
  std::int64_t elapsed_ns = 0;
};

struct Histogram {
  struct Bucket {
    std::int64_t from_ns = 0;
    std::vector<std::int64_t> by_level;  // index: level
    std::int64_t total = 0;
  };
  std::vector<Bucket> buckets;
  bool complete = true;
  std::int64_t scanned_lines = 0;
  std::int64_t elapsed_ns = 0;
};

struct TopValues {
  struct Value {
    std::string text;  // at most 256 bytes of it
    std::int64_t count = 0;
  };
  std::vector<Value> values;   // the most frequent first; of equal ones the lesser text
  std::int64_t documents = 0;  // that match the query
  std::int64_t without = 0;    // of them, those that do not have the field
  std::int64_t others = 0;     // values that are not shown; of an array each element is one
  bool exact = true;           // false: more than 10,000 different values, those met last went under others
  bool complete = true;
  std::int64_t scanned_lines = 0;
  std::int64_t elapsed_ns = 0;
};

struct LiveRead {
  std::vector<LogDocument> documents;  // oldest first
  std::int64_t sequence = 0;           // to pass next time
  std::int64_t missed = 0;             // too old to be in memory: search finds them
};

class TAPEWATCH_API LogStore final {
 public:
  struct Options {
    std::string folder;
    std::size_t block_bytes = 512 * 1024;
    std::size_t block_records_max = 8192;
    std::size_t document_bytes_max = 4u << 20;  // larger ones are dropped and counted
    std::int64_t checkpoint_bytes = 4 << 20;    // of write-ahead log
    std::int64_t segment_bytes_max = 256 << 20;
    std::chrono::seconds segment_age_max{3600};
    std::int64_t retention_bytes = std::int64_t{4} << 30;
    std::chrono::seconds retention_age{7 * 24 * 3600};
    std::chrono::milliseconds flush_interval{1000};  // a commit at the latest, and a rewrite of the open block at most
    std::size_t commit_bytes = 2u << 20;             // raw bytes that make a commit at once
    std::size_t idle_commit_bytes = 512 * 1024;      // the same, when nothing else is waiting
    std::size_t queue_bytes_max = 16u << 20;         // batches not yet taken in; then Code::queue_full
    std::size_t recent_bytes = 1u << 20;             // raw documents kept in memory for live reading
    std::size_t sources_max = 65536;                 // positions kept; the ones longest unchanged go first
    int searches_max = 4;                            // at a time
    std::chrono::milliseconds search_wait_max{2000};
    int zstd_level = 1;
    std::size_t dictionary_bytes = 64 * 1024;  // of each segment file, made of its first lines; 0: none
    bool keep_ids = false;  // LogRecord::id_*: 16 bytes a document that do not compress; else they come back as zero
    std::int64_t file_bytes_max = 0;    // of one segment file, then Code::full; 0: none
    bool drop_oldest_when_full = true;  // a full disk costs the oldest segment before it costs the newest batch
  };

  struct Stats {
    std::int64_t records = 0;  // taken in since start
    std::int64_t record_bytes = 0;
    std::int64_t duplicates = 0;
    std::int64_t oversized = 0;  // documents beyond document_bytes_max, dropped
    std::int64_t commits = 0;
    std::int64_t commit_failures = 0;
    std::int64_t blocks = 0;         // written full
    std::int64_t pending_bytes = 0;  // raw, taken in and not yet committed
    std::int64_t queue_bytes = 0;
    std::int64_t queue_refused = 0;
    std::int64_t segments = 0;
    std::int64_t disk_bytes = 0;
    std::int64_t segments_removed_by_size = 0;
    std::int64_t segments_removed_by_age = 0;
    std::int64_t segments_removed_full_disk = 0;
    std::int64_t segments_quarantined = 0;
    std::int64_t damaged_blocks = 0;
    std::int64_t searches = 0;
    std::int64_t searches_refused = 0;
    std::int64_t sequence = 0;  // of the newest document; 0: none yet
    std::int64_t sources = 0;
    std::string last_error;  // of the last commit; empty after one that succeeded
  };

  using Done = std::function<void(Status)>;

  // `clock` and `log` outlive the store. Code::busy when another process owns the folder. A damaged segment is moved
  // aside (*.corrupt-<time>), counted, and never keeps the store from opening.
  [[nodiscard]] static Result<std::unique_ptr<LogStore>> open(Options options, const Clock& clock, Log& log);
  // Commits what was taken in and closes.
  ~LogStore();
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  // `done` is called once, on the writer thread: after the commit, or with the reason why nothing of the batch was
  // stored (Code::full: may be sent again later). On Code::queue_full or Code::closed it is never called and the batch
  // stays the caller's.
  [[nodiscard]] Status append(LogBatch&& batch, Done done);
  // Waits until everything appended before is committed (or failed to be).
  [[nodiscard]] Status flush();
  // Positions that were committed when the store opened.
  [[nodiscard]] const std::unordered_map<std::uint64_t, std::uint64_t>& committed_positions() const;

  // Newest first, in the order of arrival. `cursor` 0 starts at the newest; documents that arrive between pages are
  // not seen, and none is seen twice.
  [[nodiscard]] Result<SearchPage> search(const Query& query, const SearchRange& range, const SearchLimits& limits,
                                          std::int64_t cursor = 0);
  // Everything that carries the id, sorted by event time. When there is more than the limits allow, the newest.
  [[nodiscard]] Result<SearchPage> trace(std::string_view id, const SearchLimits& limits);
  // Counts per equal part of the range, at most 1000 parts. REQUIRES a range with both ends.
  [[nodiscard]] Result<Histogram> histogram(const Query& query, const SearchRange& range, int buckets,
                                            std::chrono::milliseconds time_max);
  // The values of a field (a path as in a query) in the documents that match, the most frequent `values_max` of them.
  [[nodiscard]] Result<TopValues> top_values(const Query& query, const SearchRange& range, std::string_view field,
                                             std::size_t values_max, std::chrono::milliseconds time_max);
  // Documents after `sequence`, from memory. Stats::sequence is the place to start at.
  [[nodiscard]] LiveRead read_since(std::int64_t sequence, std::size_t documents_max) const;

  [[nodiscard]] Stats stats() const;

 private:
  class State;
  explicit LogStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapewatch
