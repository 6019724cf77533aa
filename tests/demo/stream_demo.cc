// SPDX-License-Identifier: Apache-2.0
// demo_stream FOLDER [MIB]: reads every row of a table of so many MiB (64; 1024 for the whole story), all at once into
// a vector, and as a stream whose memory does not depend on the table. The table is written as a stream, too.
#include "measure.h"

namespace tapewatch::demo {
namespace {

constexpr std::int64_t row_bytes = 205;  // on the disk, about
constexpr double extra_mib_max = 16;     // of the stream, beside a process that reads one row
constexpr std::int64_t rows_a_job = 20'000;

struct Fill {
  std::int64_t id;
  std::string_view account;
  std::string_view symbol;
  std::int64_t quantity;
  double price;
  std::string_view note;
};
struct Kept {  // what the vector holds
  std::int64_t id;
  std::string account;
  std::string symbol;
  std::int64_t quantity;
  double price;
  std::string note;
};

constexpr char all_sql[] = "SELECT id, account, symbol, quantity, price, note FROM fills";

void write_table(const std::string& path, std::int64_t rows, Figures& out) {
  const auto store = open(path,
                          "CREATE TABLE fills(id INTEGER PRIMARY KEY, account TEXT, symbol TEXT, quantity INTEGER,"
                          " price REAL, note TEXT)");
  const std::string note(150, 'n');
  std::vector<Fill> part;
  for (std::int64_t id = 1; id <= rows;) {
    part.clear();
    for (; id <= rows && part.size() < rows_a_job; ++id)
      part.push_back({id, "account-of-somebody", "7203.T", id % 1000, static_cast<double>(id) * 0.5, note});
    must(store->write([&](Tx& tx) -> Status {
      const auto done = tx.insert_many("fills", {"id", "account", "symbol", "quantity", "price", "note"}, part);
      return done.ok() ? success() : Status(done.error());
    }));
    ++out.queries;
  }
}

template <typename Row>
std::int64_t look_at(const Row& row) {
  return row.quantity + static_cast<std::int64_t>(row.note.size() + row.symbol.size());
}

void one_row(const std::string& path, Figures& out) {
  const auto store = open(path);
  out.queries = 1;
  const auto row = must(store->read([](Reader& r) { return r.first<Kept>(std::string(all_sql) + " WHERE id = 1"); }));
  out.answer = row ? 1 : -1;
}

void all_at_once(const std::string& path, Figures& out) {
  const auto store = open(path);
  out.queries = 1;
  for (const Kept& row : must(store->read([](Reader& r) { return r.query<Kept>(all_sql); })))
    out.answer += look_at(row);
}

void as_a_stream(const std::string& path, Figures& out) {
  const auto store = open(path);
  StreamOptions options;
  options.key_columns = 1;
  Stream<Fill> fills = store->stream<Fill>(options, std::string(all_sql) + " WHERE id > ? ORDER BY id", 0);
  must(fills.for_each([&](const Fill& row) { out.answer += look_at(row); }));
  out.queries = fills.snapshots();
}

int run(const std::string& folder, std::int64_t mib) {
  const std::string path = folder + "/fills.db";
  std::printf("a table of about %lld MiB\n", static_cast<long long>(mib));
  print("write it, 20 000 rows a job", measure([&](Figures& out) { write_table(path, (mib << 20) / row_bytes, out); }));
  const Figures least = measure([&](Figures& out) { one_row(path, out); });
  print("read one row", least);
  const Figures naive = measure([&](Figures& out) { all_at_once(path, out); });
  print("read all of it into a vector", naive);
  const Figures stream = measure([&](Figures& out) { as_a_stream(path, out); });
  print("read it as a stream", stream);
  std::printf("  the stream takes %.1f MiB more than one row does, the vector %.1f\n", stream.peak_mib - least.peak_mib,
              naive.peak_mib - least.peak_mib);
  const bool same = check(naive.answer > 0 && naive.answer == stream.answer, "both read the same");
  return same && check(stream.peak_mib - least.peak_mib <= extra_mib_max, "at most 16 MiB more") ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch::demo

int main(int count, char** words) {
  if (count < 2) return 2;
  return tapewatch::demo::run(words[1], count > 2 ? std::atoll(words[2]) : 64);
}
