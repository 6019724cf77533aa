// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <random>

#include "demo/measure.h"
#include "storage_bench.h"
#include "tapewatch/cache.h"
#include "tapewatch/loader.h"
#include "tapewatch/loader_turns.h"

namespace tapewatch::bench {
namespace {

constexpr std::int64_t point_rows = 10'000;  // what point reads look at: it stays in memory
constexpr char schema[] =
    "CREATE TABLE IF NOT EXISTS fills(id INTEGER PRIMARY KEY, account TEXT, symbol TEXT, quantity INTEGER, price REAL,"
    " note TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
    " INSERT INTO fills SELECT i, 'account-' || (i % 997), '7203.T', i, i * 0.5, printf('%.120c', 'n') FROM n";
constexpr char scan_sql[] = "SELECT id, account, symbol, quantity, price, note FROM fills";
constexpr char point_sql[] = "SELECT note FROM fills WHERE id = ?";

struct Fill {
  std::int64_t id;
  std::string_view account;
  std::string_view symbol;
  std::int64_t quantity;
  double price;
  std::string_view note;
};
struct Kept {
  std::int64_t id;
  std::string account;
  std::string symbol;
  std::int64_t quantity;
  double price;
  std::string note;
};

class Reads {
 public:
  explicit Reads(const std::string& folder) : path_(folder + "/reads.db") {
    demo::measure([&](demo::Figures&) { demo::open(path_, schema); });
  }
  void run(Goals& goals) {
    memory(goals);  // first, while this process is small: what forks begins with its memory
    store_ = demo::open(path_);
    Raw raw(path_, "NORMAL");
    goals.push_back({"6", "100 point reads in one read(), against 100 by hand, CPU", false, 2.5,
                     ratio(
                         9, [&] { return cpu_of([&] { point_reads(raw); }); },
                         [&] { return cpu_of([&] { point_reads_together(); }); })});
    loader(goals);
    goals.push_back(
        {"9", "a stream of 1 M rows, time of stepping by hand, CPU", true, 1.6,
         ratio(
             3, [&] { return cpu_of([&] { stream(*store_); }); }, [&] { return cpu_of([&] { step(raw); }); })});
    goals.push_back({"17", "for_each over 1 M rows, time of stepping by hand, CPU", true, 1.15,
                     ratio(
                         5, [&] { return cpu_of([&] { scan(); }); }, [&] { return cpu_of([&] { step(raw); }); })});
    goals.push_back(
        {"10", "microseconds of CPU of a call that does nothing, 100 in flight", true, 1, submit_us(), true});
    cache(goals);
  }

 private:
  void point_reads(Raw& raw) {
    sqlite3_stmt* s = raw.prepare(point_sql);
    for (int i = 0; i < 5000; ++i) {
      sqlite3_bind_int64(s, 1, i * 7919LL % point_rows + 1);
      raw.step(s);
    }
    sqlite3_finalize(s);
  }
  void point_reads_together() {
    for (int i = 0; i < 5000; i += 100) {
      must(store_->read([&](Reader& r) -> Status {
        for (int j = i; j < i + 100; ++j) {
          const auto row = r.for_each<std::string_view>(
              point_sql, [](std::string_view) {}, j * 7919LL % point_rows + 1);
          if (!row.ok()) return row;
        }
        return success();
      }));
    }
  }
  void step(Raw& raw) {
    sqlite3_stmt* s = raw.prepare(scan_sql);
    std::int64_t sum = 0;
    while (sqlite3_step(s) == SQLITE_ROW) {
      sum += sqlite3_column_int64(s, 0) + sqlite3_column_int64(s, 3);
      sum += static_cast<std::int64_t>(sqlite3_column_double(s, 4));
      for (const int at : {1, 2, 5}) {
        const unsigned char* text = sqlite3_column_text(s, at);
        sum += text[0] + sqlite3_column_bytes(s, at);
      }
    }
    sqlite3_finalize(s);
    use(sum);
  }
  template <typename Row>
  static std::int64_t look_at(const Row& row) {
    return row.id + row.quantity + static_cast<std::int64_t>(row.price) +
           static_cast<std::int64_t>(row.account.size() + row.symbol.size() + row.note.size()) + row.account[0];
  }
  void scan() {
    std::int64_t sum = 0;
    must(store_->read(
        [&](Reader& r) { return r.for_each<Fill>(scan_sql, [&](const Fill& row) { sum += look_at(row); }); }));
    use(sum);
  }
  static void stream(Store& store) {
    StreamOptions options;
    options.key_columns = 1;
    std::int64_t sum = 0;
    Stream<Fill> rows = store.stream<Fill>(options, std::string(scan_sql) + " WHERE id > ? ORDER BY id", 0);
    must(rows.for_each([&](const Fill& row) { sum += look_at(row); }));
    use(sum);
  }
  static void use(std::int64_t sum) {
    if (sum == 42) std::puts("");
  }

  // A list and one fetch a row, each over the store's own threads, against a loader.
  void loader(Goals& goals) {
    constexpr char list[] = "SELECT id FROM fills LIMIT 100";
    std::int64_t statements = 0;
    const auto one_by_one = [&] {
      for (const std::int64_t id : must(store_->fetch<std::int64_t>(list).get()))
        must(store_->fetch<std::string>(point_sql, id).get());
    };
    const auto batched = [&] {
      LoaderTurns turns;
      LoaderOptions options;
      options.at_turn_end = [&](std::function<void()> end) { turns.at_end(std::move(end)); };
      using Notes = Loader<std::int64_t, std::optional<Named>>;
      Notes notes(Notes::at_once([&](const std::vector<std::int64_t>& ids) -> Notes::Outcomes {
                    std::string array = "[";
                    for (const std::int64_t id : ids) array += (array.size() > 1 ? "," : "") + std::to_string(id);
                    ++statements;
                    auto rows =
                        store_
                            ->fetch<Named>("SELECT id, note FROM fills WHERE id IN (SELECT value FROM json_each(?))",
                                           array + "]")
                            .get();
                    if (!rows.ok()) return rows.error();
                    return in_key_order(ids, std::move(rows).value(), [](const Named& n) { return n.id; });
                  }),
                  options);
      statements = 1;
      for (const std::int64_t id : must(store_->fetch<std::int64_t>(list).get())) notes.load(id, [](const auto&) {});
      turns.run();
    };
    const double faster = ratio(
        9, [&] { return wall_of(one_by_one); }, [&] { return wall_of(batched); });
    goals.push_back({"8", "statements of a loader where 101 are asked for", true, 2, static_cast<double>(statements)});
    goals.push_back({"8b", "the same, asynchronous, time of 101 over that of the loader", false, 6, faster});
  }
  struct Named {
    std::int64_t id;
    std::string note;
  };

  double submit_us() {
    std::atomic<int> woken{0};
    LoopExecutor loop([&] {
      ++woken;
      woken.notify_one();
    });
    constexpr int calls = 100'000;
    int answered = 0;
    const double cpu = cpu_of([&] {
      CallOptions options;
      options.executor = &loop;
      int sent = 0;
      while (answered < calls) {
        for (; sent < calls && sent - answered < 100; ++sent)
          must(store_->submit_read([](Reader&) { return success(); }, [&](const Status&) { ++answered; }, options));
        const int seen = woken;
        if (loop.run() == 0) woken.wait(seen);
      }
    });
    return cpu / calls / 1000;
  }

  void cache(Goals& goals) {
    constexpr int keys = 100'000;
    static constexpr std::array<std::string_view, 1> tables{"fills"};
    Cache::Request request;
    request.tables = tables;
    Cache cached((Cache::Options()));
    std::mt19937 random(1);
    std::vector<std::string> names;
    for (int i = 0; i < keys; ++i) names.push_back("note:" + std::to_string(i + 1));
    for (int i = 0; i < keys; ++i)
      must(cached.get_or_load(names[static_cast<std::size_t>(i)], request, [&] { return note(i + 1); }));
    std::shuffle(names.begin(), names.end(), random);
    const auto hits = [&] {
      return cpu_of([&] {
               for (const std::string& name : names) must(cached.get_or_load(name, request, [&] { return note(1); }));
             }) /
             keys;
    };
    const auto reads = [&] {
      return cpu_of([&] {
               for (int i = 0; i < 20'000; ++i) must(note(static_cast<std::int64_t>(random() % keys) + 1));
             }) /
             20'000;
    };
    goals.push_back({"11", "a point read over a hit of the cache, CPU", false, 8, ratio(5, reads, hits)});
  }
  Result<std::optional<std::string>> note(std::int64_t id) {
    return store_->read([id](Reader& r) { return r.first<std::string>(point_sql, id); });
  }

  // In processes of their own: peak memory is one figure a process.
  void memory(Goals& goals) {
    const auto peak = [&](const std::function<void(Store&)>& work) {
      return demo::measure([&](demo::Figures&) { work(*demo::open(path_)); }).peak_mib;
    };
    const double least =
        peak([](Store& store) { must(store.read([](Reader& r) { return r.first<std::string>(point_sql, 1); })); });
    const double streamed = peak([](Store& store) { stream(store); }) - least;
    const double loaded =
        peak([](Store& store) { must(store.read([](Reader& r) { return r.query<Kept>(scan_sql); })); }) - least;
    goals.push_back({"9b", "MiB that the stream takes", true, 16, streamed});
    goals.push_back({"9c", "memory of reading all into a vector, over that", false, 50, loaded / streamed});
  }

  const std::string path_;
  std::unique_ptr<Store> store_;
};

}  // namespace

void measure_reads(const std::string& folder, Goals& goals) { Reads(folder).run(goals); }

}  // namespace tapewatch::bench
