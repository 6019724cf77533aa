// SPDX-License-Identifier: Apache-2.0
#pragma once
// The concept `database`: what Store (SQLite) and PgStore (PostgreSQL) have in common. What is written against it, as a
// template or with one alias (`using Db = tapewatch::Store;`) and Db::Reader& and Db::Tx&, moves from one to the other
// without a change; its SQL is the application's own matter. What behaves differently: agent/storage/README.md.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tapewatch/async.h"
#include "tapewatch/bulk.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"
#include "tapewatch/stream.h"

namespace tapewatch {

class Cache;

namespace database_detail {
using SomeRow = std::tuple<std::int64_t, std::string>;
using SomeRows = std::vector<SomeRow>;
using Names = std::initializer_list<std::string_view>;
inline constexpr auto visit = [](const SomeRow&) {};
}  // namespace database_detail

// What a read closure may ask for.
template <typename R>
concept database_reader = requires(R& reader, std::string_view sql, const Value* values) {
  { reader.template query<database_detail::SomeRow>(sql, 1, "a") } -> std::same_as<Result<database_detail::SomeRows>>;
  { reader.template first<std::int64_t>(sql) } -> std::same_as<Result<std::optional<std::int64_t>>>;
  { reader.template for_each<database_detail::SomeRow>(sql, database_detail::visit, 1) } -> std::same_as<Status>;
  { reader.run(sql, values, 1)->columns() } -> std::same_as<int>;
};

// What a write closure may ask for besides.
template <typename T>
concept database_tx = database_reader<T> && requires(T& tx, std::string_view sql, const RowSource& source) {
  { tx.exec(sql, 1, "a") } -> std::same_as<Result<std::int64_t>>;
  {
    tx.insert_many(sql, database_detail::Names{}, database_detail::SomeRows{}, BulkOptions{})
    } -> std::same_as<Result<BulkResult>>;
  {
    tx.upsert_many(sql, database_detail::Names{}, database_detail::Names{}, database_detail::SomeRows{}, BulkOptions{})
    } -> std::same_as<Result<BulkResult>>;
  {
    tx.update_many(sql, database_detail::Names{}, database_detail::Names{}, database_detail::SomeRows{}, BulkOptions{})
    } -> std::same_as<Result<BulkResult>>;
  { tx.run_insert(sql, Columns{}, Columns{}, source, BulkOptions{}) } -> std::same_as<Result<BulkResult>>;
};

template <typename S>
concept database = database_reader<typename S::Reader> && database_tx<typename S::Tx> &&
    requires(S& store, typename S::Job job, typename S::ReadJob read_job, typename S::Done done, CallOptions call,
             QueryWatch* watch, typename S::OnCommit on_commit, Cache& cache, Result<int> (*read)(typename S::Reader&),
             Result<int> (*write)(typename S::Tx&)) {
  { S::open(typename S::Options{}) } -> std::same_as<Result<std::unique_ptr<S>>>;
  { store.read(read, watch) } -> std::same_as<Result<int>>;
  { store.write(job, Durability::durable) } -> std::same_as<Status>;
  { store.submit(job, done, call) } -> std::same_as<Status>;
  { store.submit_read(read_job, done, call) } -> std::same_as<Status>;
  { store.async_read(read, call) } -> std::same_as<Pending<int>>;
  { store.async_write(write, call) } -> std::same_as<Pending<int>>;
  {
    store.template fetch<database_detail::SomeRow>(std::string(), 1)
    } -> std::same_as<Pending<database_detail::SomeRows>>;
  { store.execute(call, std::string(), 1) } -> std::same_as<Pending<std::int64_t>>;
  {
    store.template stream<database_detail::SomeRow>(StreamOptions{}, std::string(), 1)
        .next(std::declval<RowBatch<database_detail::SomeRow>&>())
    } -> std::same_as<Result<bool>>;
  { store.on_commit(on_commit) } -> std::same_as<typename S::Subscription>;
  { store.keep_fresh(cache) } -> std::same_as<typename S::Subscription>;
  { store.stats() } -> std::same_as<typename S::Stats>;
};

}  // namespace tapewatch
