// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr std::int64_t application_id = 0x74776C73;  // "twls"

constexpr const char* schema =
    "CREATE TABLE blocks(first INTEGER PRIMARY KEY, records INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,"
    " time_min INTEGER NOT NULL, time_max INTEGER NOT NULL);"
    "CREATE TABLE bodies(first INTEGER PRIMARY KEY, heads BLOB NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE filters(first INTEGER PRIMARY KEY, bits BLOB NOT NULL);"
    "CREATE TABLE groups(number INTEGER PRIMARY KEY, firsts BLOB NOT NULL);"
    "CREATE TABLE slices(place INTEGER PRIMARY KEY, bits BLOB NOT NULL);"
    "CREATE TABLE sources(file INTEGER PRIMARY KEY, end INTEGER NOT NULL, changed_ns INTEGER NOT NULL);"
    "CREATE TABLE dictionaries(number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

// Where a slice is in its table.
std::int64_t slice_place(std::int64_t group, std::size_t bucket, std::size_t of_buckets) {
  return group * static_cast<std::int64_t>(of_buckets) + static_cast<std::int64_t>(bucket);
}

Status read_first_dictionary(Database& database, std::string& bytes) {
  bytes.clear();
  Result<Rows> rows = database.query("SELECT bytes FROM dictionaries ORDER BY number LIMIT 1");
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> row = rows->next();
  if (!row.ok()) return row.error();
  if (row.value()) bytes.assign(rows->blob(0));
  return success();
}

std::int64_t file_bytes(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_size : 0;
}

}  // namespace

std::string segment_name(std::int64_t first_sequence) {
  std::array<char, 48> name{};
  std::snprintf(name.data(), name.size(), "segment-%020lld.db", static_cast<long long>(first_sequence));
  return name.data();
}

std::int64_t segment_number(std::string_view name) {
  if (name.size() != 31 || !name.starts_with("segment-") || !name.ends_with(".db")) return 0;
  std::int64_t number = 0;
  for (const char c : name.substr(8, 20)) {
    if (c < '0' || c > '9' || number > (INT64_MAX - 9) / 10) return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

void unlink_segment(const std::string& path) {
  for (const char* const suffix : {"", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

bool set_aside_segment(const std::string& path, std::int64_t wall_ns) {
  const std::string aside = path + ".corrupt-" + std::to_string(wall_ns / ns_per_second);
  bool moved = true;
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    const bool done = ::rename((path + suffix).c_str(), (aside + suffix).c_str()) == 0;
    if (*suffix == '\0') moved = done;
  }
  return moved;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::open(std::shared_ptr<Segment> segment, const Options& options) {
  Database::Options database;
  database.path = segment->path;
  database.mode = Database::Mode::writer;
  database.cache_bytes = 2 << 20;
  database.file_bytes_max = options.file_bytes_max;
  database.journal_bytes_max = 2 * options.checkpoint_bytes;
  Result<std::unique_ptr<Database>> opened = Database::open(database);
  if (!opened.ok()) return std::move(opened).error();
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(segment), std::move(opened).value(), options.checkpoint_bytes));
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::shared_ptr<Segment>& segment,
                                                             const Options& options, const KeptPositions& positions,
                                                             std::string_view dictionary, std::int64_t wall_ns) {
  Result<std::unique_ptr<SegmentWriter>> opened = open(segment, options);
  if (!opened.ok()) return opened;
  SegmentWriter& writer = *opened.value();
  Status done = writer.database_->script("BEGIN IMMEDIATE; PRAGMA application_id=" + std::to_string(application_id) +
                                         "; PRAGMA user_version=" + std::to_string(newest_format) + ";" + schema);
  if (done.ok()) done = writer.database_->exec("INSERT INTO facts VALUES('created_ns', ?)", {wall_ns});
  writer.dictionary_ = dictionary;
  if (done.ok() && !dictionary.empty())
    done = writer.database_->exec("INSERT INTO dictionaries VALUES(0, ?)", {Blob{dictionary}});
  for (const auto& [file, position] : positions) {
    if (!done.ok()) break;
    done = writer.put_position(file, position);
  }
  if (done.ok()) done = writer.commit(wall_ns);
  if (done.ok()) return opened;
  const Error error = done.error();
  writer.rollback();
  opened = error;
  unlink_segment(segment->path);
  return opened;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::reopen(std::shared_ptr<Segment> segment, const Options& options) {
  Result<std::unique_ptr<SegmentWriter>> opened = open(std::move(segment), options);
  if (!opened.ok()) return opened;
  opened.value()->measure();
  Status loaded = opened.value()->load_ungrouped();
  if (!loaded.ok()) opened = loaded.error();
  return opened;
}

Status SegmentWriter::put_block(const BlockRow& row, std::string_view heads, std::string_view body,
                                std::string_view filter, bool finished) {
  Status done = database_->exec("INSERT OR REPLACE INTO blocks VALUES(?, ?, ?, ?, ?)",
                                {row.first_sequence, row.records, row.raw_bytes, row.time_min_ns, row.time_max_ns});
  if (done.ok())
    done =
        database_->exec("INSERT OR REPLACE INTO bodies VALUES(?, ?, ?)", {row.first_sequence, Blob{heads}, Blob{body}});
  if (done.ok())
    done = database_->exec("INSERT OR REPLACE INTO filters VALUES(?, ?)", {row.first_sequence, Blob{filter}});
  if (done.ok() && finished) finish_block(row.first_sequence, filter);
  return done;
}

Status SegmentWriter::put_position(std::uint64_t file, const KeptPosition& position) {
  return database_->exec("INSERT OR REPLACE INTO sources VALUES(?, ?, ?)", {file, position.end, position.changed_ns});
}

Status SegmentWriter::commit(std::int64_t wall_ns) {
  Status done = database_->exec("INSERT OR REPLACE INTO facts VALUES('written_ns', ?)", {wall_ns});
  if (done.ok()) done = write_groups();
  if (done.ok()) done = database_->exec("COMMIT");
  if (!done.ok()) return done;
  const std::size_t grouped = ungrouped_.size() / group_blocks * group_blocks;
  ungrouped_.erase(ungrouped_.begin(), ungrouped_.begin() + static_cast<std::ptrdiff_t>(grouped));
  ungrouped_committed_ = ungrouped_.size();
  next_group_ += static_cast<std::int64_t>(grouped / group_blocks);
  segment_->written_ns = wall_ns;
  measure();
  return done;
}

void SegmentWriter::rollback() {
  database_->rollback();
  ungrouped_.resize(ungrouped_committed_);
}

Status SegmentWriter::load_dictionary() { return read_first_dictionary(*database_, dictionary_); }

Status SegmentWriter::load_ungrouped() {
  Result<Rows> groups = database_->query("SELECT ifnull(max(number) + 1, 0) FROM groups");
  if (!groups.ok()) return groups.error();
  const Result<bool> group = groups->next();
  if (!group.ok()) return group.error();
  next_group_ = groups->integer(0);
  Result<Rows> rows = database_->query("SELECT first, bits FROM filters ORDER BY first");
  if (!rows.ok()) return rows.error();
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row.ok()) return row.error();
    if (!row.value()) break;
    ungrouped_.push_back({rows->integer(0), std::string(rows->blob(1))});
  }
  ungrouped_committed_ = ungrouped_.size();
  return success();
}

Status SegmentWriter::write_groups() {
  Status done = success();
  for (std::size_t at = 0; done.ok() && at + group_blocks <= ungrouped_.size(); at += group_blocks)
    done = write_group(at);
  return done;
}

// Slices the filters of the blocks from ungrouped_[at] on, and removes their rows.
Status SegmentWriter::write_group(std::size_t at) {
  const std::int64_t number = next_group_ + static_cast<std::int64_t>(at / group_blocks);
  const Ungrouped* const members = ungrouped_.data() + at;
  std::string firsts;
  for (std::size_t i = 0; i < group_blocks; ++i) {
    // A filter of a wrong size says nothing; in the group it has to say "maybe" to everything.
    if (members[i].filter.size() != TokenFilter::bytes) ungrouped_[at + i].filter.assign(TokenFilter::bytes, '\xFF');
    firsts.append(reinterpret_cast<const char*>(&members[i].first_sequence), sizeof(std::int64_t));
  }
  Status done = database_->exec("INSERT INTO groups VALUES(?, ?)", {number, Blob{firsts}});
  std::string slice;
  for (std::size_t bucket = 0; done.ok() && bucket < TokenFilter::buckets; ++bucket) {
    slice.clear();
    for (std::size_t i = 0; i < group_blocks; ++i)
      slice.append(members[i].filter, bucket * TokenFilter::bucket_bytes, TokenFilter::bucket_bytes);
    done = database_->exec("INSERT INTO slices VALUES(?, ?)",
                           {slice_place(number, bucket, TokenFilter::buckets), Blob{slice}});
  }
  if (done.ok())
    done = database_->exec("DELETE FROM filters WHERE first BETWEEN ? AND ?",
                           {members[0].first_sequence, members[group_blocks - 1].first_sequence});
  return done;
}

void SegmentWriter::measure() {
  Result<Rows> pages = database_->query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  if (!pages.ok()) return;
  const Result<bool> row = pages->next();
  if (row.ok() && row.value()) segment_->bytes = pages->integer(0);
}

void SegmentWriter::maintain() {
  if (database_->wal_bytes() < checkpoint_bytes_) return;
  // A checkpoint that fails costs nothing but room: the next one does its work too.
  const bool large = database_->wal_bytes() > 16 * checkpoint_bytes_;
  static_cast<void>(database_->checkpoint(large ? Database::Checkpoint::truncate : Database::Checkpoint::passive).ok());
}

bool SegmentWriter::seal() {
  const Result<bool> whole = database_->checkpoint(Database::Checkpoint::truncate);
  if (!whole.ok() || !whole.value()) return false;
  segment_->bytes = file_bytes(segment_->path);
  segment_->sealed = true;
  return true;
}

Status SegmentWriter::sync() {
  Status done = database_->exec("PRAGMA synchronous=FULL");
  if (done.ok())
    done = database_->exec("INSERT OR REPLACE INTO facts VALUES('synced_ns', ?)", {segment_->written_ns.load()});
  Status back = database_->exec("PRAGMA synchronous=NORMAL");
  return done.ok() ? std::move(back) : std::move(done);
}

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const Segment& segment) {
  Database::Options options;
  options.path = segment.path;
  options.mode = segment.sealed ? Database::Mode::immutable : Database::Mode::reader;
  options.cache_bytes = 1 << 20;
  options.statements_max = 8;
  Result<std::unique_ptr<Database>> opened = Database::open(options);
  if (!opened.ok()) return std::move(opened).error();
  return std::unique_ptr<SegmentReader>(new SegmentReader(std::move(opened).value(), segment.format));
}

Result<std::int64_t> SegmentReader::number(std::string_view sql) {
  Result<Rows> rows = database_->query(sql);
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> row = rows->next();
  if (!row.ok()) return row.error();
  return row.value() ? rows->integer(0) : 0;
}

Result<SegmentReader::Facts> SegmentReader::facts() {
  const Result<std::int64_t> version = number("PRAGMA user_version");
  if (!version.ok()) return version.error();
  const Result<std::int64_t> application = number("PRAGMA application_id");
  if (!application.ok()) return application.error();
  if (version.value() == 0 && application.value() == 0) {
    const Result<std::int64_t> tables = number("SELECT count(*) FROM sqlite_schema");
    if (!tables.ok()) return tables.error();
    if (tables.value() == 0) return Error{Code::unsupported, "the segment has no schema yet"};
  }
  if (application.value() != application_id) return Error{Code::corrupt, "this is no segment of a log store"};
  if (version.value() > newest_format) return Error{Code::schema_newer, "the segment is of a later version"};
  const Result<std::int64_t> next = number("SELECT first + records FROM blocks ORDER BY first DESC LIMIT 1");
  if (!next.ok()) return next.error();
  const Result<std::int64_t> written = number("SELECT value FROM facts WHERE name = 'written_ns'");
  if (!written.ok()) return written.error();
  return Facts{next.value(), written.value(), version.value()};
}

Status SegmentReader::add_positions(KeptPositions& into) {
  Result<Rows> rows = database_->query("SELECT file, end, changed_ns FROM sources");
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row.ok()) return row.error();
    if (!row.value()) return success();
    KeptPosition& position = into[static_cast<std::uint64_t>(rows->integer(0))];
    position.end = std::max(position.end, static_cast<std::uint64_t>(rows->integer(1)));
    position.changed_ns = std::max(position.changed_ns, rows->integer(2));
  }
}

Result<std::vector<BlockRow>> SegmentReader::blocks(std::int64_t below, const SearchRange& range) {
  Result<Rows> rows = database_->query(
      "SELECT first, records, raw_bytes, time_min, time_max FROM blocks"
      " WHERE first < ? AND time_max >= ? AND time_min <= ? ORDER BY first DESC",
      {below, range.from_ns, range.to_ns});
  if (!rows.ok()) return std::move(rows).error();
  std::vector<BlockRow> out;
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row.ok()) return row.error();
    if (!row.value()) return out;
    out.push_back({rows->integer(0), rows->integer(1), rows->integer(2), rows->integer(3), rows->integer(4)});
  }
}

Result<std::vector<FilterGroup>> SegmentReader::groups() {
  Result<Rows> rows = database_->query("SELECT number, firsts FROM groups ORDER BY number");
  if (!rows.ok()) return std::move(rows).error();
  std::vector<FilterGroup> out;
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row.ok()) return row.error();
    if (!row.value()) return out;
    const std::string_view firsts = rows->blob(1);
    FilterGroup group{rows->integer(0), std::vector<std::int64_t>(firsts.size() / sizeof(std::int64_t))};
    if (group.first_sequences.empty() || group.first_sequences.size() > group_blocks) continue;
    std::memcpy(group.first_sequences.data(), firsts.data(), group.first_sequences.size() * sizeof(std::int64_t));
    out.push_back(std::move(group));
  }
}

Status SegmentReader::read_slice(std::int64_t group, std::size_t bucket, std::string& bits) {
  bits.clear();
  Result<Rows> rows =
      database_->query("SELECT bits FROM slices WHERE place = ?", {slice_place(group, bucket, filter_buckets())});
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> row = rows->next();
  if (!row.ok()) return row.error();
  if (row.value()) bits.assign(rows->blob(0));
  return success();
}

Status SegmentReader::read_filter(std::int64_t first_sequence, std::string& bits) {
  bits.clear();
  Result<Rows> rows = database_->query("SELECT bits FROM filters WHERE first = ?", {first_sequence});
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> row = rows->next();
  if (!row.ok()) return row.error();
  if (row.value()) bits.assign(rows->blob(0));
  return success();
}

Status SegmentReader::read_dictionary(std::string& bytes) {
  bytes.clear();
  return format_ == 1 ? success() : read_first_dictionary(*database_, bytes);
}

Status SegmentReader::read_block(std::int64_t first_sequence, std::string& heads, std::string* body) {
  heads.clear();
  if (body != nullptr) body->clear();
  Result<Rows> rows = database_->query(
      body != nullptr ? "SELECT heads, body FROM bodies WHERE first = ?" : "SELECT heads FROM bodies WHERE first = ?",
      {first_sequence});
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> row = rows->next();
  if (!row.ok()) return row.error();
  if (!row.value()) return success();
  heads.assign(rows->blob(0));
  if (body != nullptr) body->assign(rows->blob(1));
  return success();
}

}  // namespace tapewatch
