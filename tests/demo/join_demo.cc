// SPDX-License-Identifier: Apache-2.0
// demo_join FOLDER [TRADES]: shows trades with their positions and instruments. Written as objects that fetch what
// belongs to them, that is one query a row, twice (N+1), and QueryWatch says so; with loaders it is three queries,
// though each row still asks for its own.
#include "measure.h"
#include "tapewatch/loader.h"
#include "tapewatch/loader_turns.h"

namespace tapewatch::demo {
namespace {

struct Trade {
  std::int64_t id;
  std::int64_t position;
  std::int64_t instrument;
  double price;
};
struct Named {
  std::int64_t id;
  std::string name;
};

constexpr char schema[] =
    "CREATE TABLE positions(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE instruments(id INTEGER PRIMARY KEY, name "
    "TEXT);"
    "CREATE TABLE trades(id INTEGER PRIMARY KEY, position INTEGER, instrument INTEGER, price REAL)";
constexpr char list_sql[] = "SELECT id, position, instrument, price FROM trades ORDER BY id LIMIT ?";

void fill(const std::string& path, int trades) {
  const auto store = open(path, schema);
  std::vector<Named> positions;
  std::vector<Named> instruments;
  std::vector<Trade> rows;
  for (int i = 0; i < trades; ++i) {
    positions.push_back({i, "position " + std::to_string(i)});
    instruments.push_back({i, "instrument " + std::to_string(i)});
    rows.push_back({i, i * 31 % trades, i * 17 % trades, i * 0.5});
  }
  must(store->write([&](Tx& tx) -> Status {
    must(tx.insert_many("positions", {"id", "name"}, positions));
    must(tx.insert_many("instruments", {"id", "name"}, instruments));
    must(tx.insert_many("trades", {"id", "position", "instrument", "price"}, rows));
    return success();
  }));
}

// What a page would show, as one number.
std::int64_t shown(const std::string& position, const std::string& instrument) {
  std::int64_t out = 0;
  for (const char c : position + instrument) out = out * 31 % 1'000'003 + c;
  return out;
}

void row_by_row(const std::string& path, int trades, Figures& out) {
  const auto store = open(path);
  out.begin();
  QueryWatch watch;
  for (const Trade& trade : must(store->read([&](Reader& r) { return r.query<Trade>(list_sql, trades); }, &watch))) {
    const auto name = [&](const char* sql, std::int64_t id) {
      return must(store->read([&](Reader& r) { return r.first<std::string>(sql, id); }, &watch)).value_or("");
    };
    out.answer += shown(name("SELECT name FROM positions WHERE id = ?", trade.position),
                        name("SELECT name FROM instruments WHERE id = ?", trade.instrument));
  }
  out.queries = watch.queries();
  for (const QueryWatch::Report& report : watch.reports())
    std::printf("  found: %lld times '%s' after '%s'\n", static_cast<long long>(report.times), report.shape.c_str(),
                report.parent.c_str());
  std::fflush(stdout);
}

using Names = Loader<std::int64_t, std::optional<Named>>;

Names::Fetch fetch_names(Store& store, QueryWatch& watch, std::string sql) {
  return Names::at_once([&store, &watch, sql](const std::vector<std::int64_t>& ids) -> Names::Outcomes {
    std::string list = "[";
    for (const std::int64_t id : ids) list += (list.size() > 1 ? "," : "") + std::to_string(id);
    Result<std::vector<Named>> rows = store.read([&](Reader& r) { return r.query<Named>(sql, list + "]"); }, &watch);
    if (!rows.ok()) return rows.error();
    return in_key_order(ids, std::move(rows).value(), [](const Named& named) { return named.id; });
  });
}

void with_loaders(const std::string& path, int trades, Figures& out) {
  const auto store = open(path);
  out.begin();
  QueryWatch watch;
  LoaderTurns turns;
  LoaderOptions options;
  options.at_turn_end = [&](std::function<void()> end) { turns.at_end(std::move(end)); };
  options.batch_keys_max = 100'000;
  Names positions(
      fetch_names(*store, watch, "SELECT id, name FROM positions WHERE id IN (SELECT value FROM json_each(?))"),
      options);
  Names instruments(
      fetch_names(*store, watch, "SELECT id, name FROM instruments WHERE id IN (SELECT value FROM json_each(?))"),
      options);
  for (const Trade& trade : must(store->read([&](Reader& r) { return r.query<Trade>(list_sql, trades); }, &watch))) {
    positions.load(trade.position, [&, trade](const auto& position) {
      instruments.load(trade.instrument, [&, position = position.value()->name](const auto& instrument) {
        out.answer += shown(position, instrument.value()->name);
      });
    });
  }
  turns.run();
  out.queries = watch.queries();
}

int run(const std::string& folder, int trades) {
  const std::string path = folder + "/trades.db";
  std::printf("%d trades with their positions and instruments\n", trades);
  measure([&](Figures&) { fill(path, trades); });
  const Figures naive = measure([&](Figures& out) { row_by_row(path, trades, out); });
  print("one query a row, twice", naive);
  const Figures batched = measure([&](Figures& out) { with_loaders(path, trades, out); });
  print("loaders", batched);
  const bool same = check(naive.answer > 0 && naive.answer == batched.answer, "both show the same");
  return same && check(naive.queries == 2 * trades + 1 && batched.queries == 3, "1 + 2n queries become 3") ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch::demo

int main(int count, char** words) {
  if (count < 2) return 2;
  return tapewatch::demo::run(words[1], count > 2 ? std::atoi(words[2]) : 100);
}
