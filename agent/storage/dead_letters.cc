// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/dead_letters.h"

#include <utility>

#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

// `bytes` of the totals row is kept by the statements below, so that the bound costs no scan.
constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS letters(key INTEGER PRIMARY KEY AUTOINCREMENT, idx TEXT NOT NULL, id TEXT NOT NULL,"
    " document BLOB NOT NULL, reason TEXT NOT NULL, status INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, UNIQUE(idx, id));"
    "CREATE TABLE IF NOT EXISTS totals(one INTEGER PRIMARY KEY CHECK(one = 1), letters INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, dropped INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO totals VALUES(1, 0, 0, 0);"
    "CREATE TRIGGER IF NOT EXISTS letter_in AFTER INSERT ON letters BEGIN"
    " UPDATE totals SET letters = letters + 1, bytes = bytes + new.bytes; END;"
    "CREATE TRIGGER IF NOT EXISTS letter_out AFTER DELETE ON letters BEGIN"
    " UPDATE totals SET letters = letters - 1, bytes = bytes - old.bytes; END;"
    "PRAGMA user_version=1";

constexpr const char* columns = "key, idx, id, document, reason, status, time_ns";

using Row = std::tuple<std::int64_t, std::string, std::string, Blob, std::string, std::int64_t, std::int64_t>;

DeadLetter letter_of(Row row) {
  return DeadLetter{std::get<0>(row),
                    std::move(std::get<1>(row)),
                    std::move(std::get<2>(row)),
                    std::string(std::get<3>(row).bytes),
                    std::move(std::get<4>(row)),
                    std::get<5>(row),
                    std::get<6>(row)};
}

std::size_t weight(const DeadLetter& letter) { return letter.document.size() + letter.reason.size() + 256; }

Status put_one(Tx& tx, const DeadLetter& letter) {
  const Result<std::int64_t> removed = tx.exec("DELETE FROM letters WHERE idx = ? AND id = ?", letter.index, letter.id);
  if (!removed.ok()) return removed.error();
  const Result<std::int64_t> added = tx.exec(
      "INSERT INTO letters(idx, id, document, reason, status, time_ns, bytes) VALUES(?, ?, ?, ?, ?, ?, ?)",
      letter.index, letter.id, Blob{letter.document}, letter.reason, letter.status, letter.time_ns, weight(letter));
  return added.ok() ? success() : Status(added.error());
}

// Drops the oldest until the bytes are within the limit; the newest one always stays.
Status make_room(Tx& tx, std::int64_t bytes_max) {
  for (;;) {
    const auto totals = tx.first<std::tuple<std::int64_t, std::int64_t>>("SELECT letters, bytes FROM totals");
    if (!totals.ok()) return totals.error();
    if (!totals.value() || std::get<1>(*totals.value()) <= bytes_max || std::get<0>(*totals.value()) <= 1)
      return success();
    const auto dropped = tx.exec("DELETE FROM letters WHERE key = (SELECT min(key) FROM letters)");
    if (!dropped.ok()) return dropped.error();
    const auto counted = tx.exec("UPDATE totals SET dropped = dropped + 1");
    if (!counted.ok()) return counted.error();
  }
}

}  // namespace

class DeadLetters::State final {
 public:
  State(std::unique_ptr<Store> s, std::int64_t max) : store(std::move(s)), bytes_max(max) {}
  const std::unique_ptr<Store> store;
  const std::int64_t bytes_max;
};

DeadLetters::DeadLetters(std::unique_ptr<State> state) : state_(std::move(state)) {}
DeadLetters::~DeadLetters() = default;

Result<std::unique_ptr<DeadLetters>> DeadLetters::open(Options options) {
  Store::Options store;
  store.path = std::move(options.path);
  store.schema = schema;
  store.queue_bytes_max = options.queue_bytes_max;
  store.readers_max = 2;
  store.writer_cache_bytes = 2 << 20;
  store.reader_cache_bytes = 1 << 20;
  Result<std::unique_ptr<Store>> opened = Store::open(std::move(store));
  if (!opened.ok()) return std::move(opened).error().with_context("opening the dead letters");
  return std::unique_ptr<DeadLetters>(
      new DeadLetters(std::make_unique<State>(std::move(opened).value(), options.bytes_max)));
}

Status DeadLetters::put(std::vector<DeadLetter>&& letters, Done done) {
  // Shared, because a queued job is copyable; it has one owner at a time.
  const auto kept = std::make_shared<std::vector<DeadLetter>>(std::move(letters));
  std::size_t bytes = 0;
  for (const DeadLetter& letter : *kept) bytes += weight(letter);
  const std::int64_t bytes_max = state_->bytes_max;
  Status queued = state_->store->submit(
      [kept, bytes_max](Tx& tx) -> Status {
        for (const DeadLetter& letter : *kept) {
          Status put = put_one(tx, letter);
          if (!put.ok()) return put;
        }
        return make_room(tx, bytes_max);
      },
      Durability::durable, std::move(done), bytes);
  if (!queued.ok()) letters = std::move(*kept);
  return queued;
}

Result<std::vector<DeadLetter>> DeadLetters::list(std::int64_t after, std::size_t letters_max) {
  return state_->store->read([&](Reader& reader) -> Result<std::vector<DeadLetter>> {
    std::vector<DeadLetter> out;
    Status read = reader.for_each<Row>(
        std::string("SELECT ") + columns + " FROM letters WHERE key > ? ORDER BY key LIMIT ?",
        [&](Row row) { out.push_back(letter_of(std::move(row))); }, after, letters_max);
    if (!read.ok()) return std::move(read).error();
    return out;
  });
}

Result<std::optional<DeadLetter>> DeadLetters::get(std::int64_t key) {
  Result<std::vector<DeadLetter>> found = list(key - 1, 1);
  if (!found.ok()) return std::move(found).error();
  if (found->empty() || found->front().key != key) return std::optional<DeadLetter>();
  return std::optional<DeadLetter>(std::move(found->front()));
}

Result<std::int64_t> DeadLetters::drop(const std::vector<std::int64_t>& keys) {
  std::int64_t dropped = 0;
  Status done = state_->store->write(
      [&](Tx& tx) -> Status {
        for (const std::int64_t key : keys) {
          const Result<std::int64_t> changed = tx.exec("DELETE FROM letters WHERE key = ?", key);
          if (!changed.ok()) return changed.error();
          dropped += changed.value();
        }
        return success();
      },
      Durability::durable);
  if (!done.ok()) return std::move(done).error();
  return dropped;
}

Result<DeadLetters::Counts> DeadLetters::counts() {
  return state_->store->read([](Reader& reader) -> Result<Counts> {
    const auto totals = reader.first<std::tuple<std::int64_t, std::int64_t, std::int64_t>>(
        "SELECT letters, bytes, dropped FROM totals");
    if (!totals.ok()) return totals.error();
    if (!totals.value()) return Error{Code::corrupt, "the dead letters have no totals"};
    const auto& [letters, bytes, dropped] = *totals.value();
    return Counts{letters, bytes, dropped};
  });
}

}  // namespace tapewatch
