// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/storage_c.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "storage/packed.h"
#include "storage/storage_c_objects.h"

namespace tapewatch {
namespace {

// The caller's struct as far as it goes, the rest as defaults.
template <typename T>
T known(const T* given) {
  T out{};
  if (given != nullptr) std::memcpy(&out, given, std::min(given->struct_size, sizeof(T)));
  return out;
}

std::string_view view(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

CallOptions call_options(tws_store& store, const tws_call* given, std::size_t bytes) {
  const auto call = known(given);
  CallOptions out;
  out.executor = &store.completions;
  out.limit = std::chrono::milliseconds(call.limit_ms);
  if (call.stop != nullptr) out.stop = call.stop->source.get_token();
  out.durability = call.durable != 0 ? Durability::durable : Durability::fast;
  out.bytes = 256 + bytes;
  return out;
}

int32_t code_of(const Status& status) { return status.ok() ? TWS_OK : static_cast<int32_t>(status.error().code); }

void set(tws_result& result, const Error& error) {
  result.code = static_cast<int32_t>(error.code);
  result.message = error.message;
}

// Rows of one statement into a result; false ends it with Code::invalid.
void add_row(tws_result& result, const Rows& rows) {
  const int columns = rows.columns();
  if (result.names.empty())
    for (int i = 0; i < columns; ++i) result.names.emplace_back(rows.name(i));
  for (int i = 0; i < columns; ++i) pack(rows.value(i), result.packed);
  ++result.rows;
}

struct KeptStatement {
  std::string sql;
  std::string values;
  explicit KeptStatement(const tws_statement& given)
      : sql(view(given.sql, given.sql_bytes)), values(view(given.values, given.values_bytes)) {}
};

template <typename Access>
Status run_statement(Access& access, const KeptStatement& statement, tws_result& result) {
  const std::optional<std::vector<Value>> values = unpack_all(statement.values);
  if (!values) return Error{Code::invalid, "the packed arguments make no sense"};
  Result<Rows> rows = access.run(statement.sql, values->data(), values->size());
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    const Result<bool> more = rows->next();
    if (!more.ok()) return more.error();
    if (!more.value()) return success();
    add_row(result, rows.value());
  }
}

// What a bulk needs until it runs.
struct KeptBulk {
  explicit KeptBulk(const tws_bulk_rows& given)
      : kind(given.kind), on_conflict(given.on_conflict), table(given.table), rows(view(given.rows, given.rows_bytes)) {
    for (std::size_t i = 0; i < given.column_count; ++i) columns.emplace_back(given.columns[i]);
    for (std::size_t i = 0; i < given.key_count; ++i) keys.emplace_back(given.keys[i]);
  }
  int32_t kind;
  int32_t on_conflict;
  std::string table;
  std::string rows;
  std::vector<std::string> columns;
  std::vector<std::string> keys;
};

template <std::size_t N>
void read_values(const void* row, Value* out) {
  std::copy_n(static_cast<const Value*>(row), N, out);
}
template <std::size_t... I>
constexpr auto readers_of(std::index_sequence<I...>) {
  return std::array<void (*)(const void*, Value*), sizeof...(I)>{&read_values<I + 1>...};
}
constexpr auto value_readers = readers_of(std::make_index_sequence<row_detail::members_max>());

Status run_kept_bulk(Tx& tx, const KeptBulk& bulk, tws_result& result) {
  const std::optional<std::vector<Value>> values = unpack_all(bulk.rows);
  const std::size_t columns = bulk.columns.size();
  if (!values || columns == 0 || columns > value_readers.size() || values->size() % columns != 0)
    return Error{Code::invalid, "the packed rows do not fit their columns"};
  const std::vector<std::string_view> names(bulk.columns.begin(), bulk.columns.end());
  const std::vector<std::string_view> keys(bulk.keys.begin(), bulk.keys.end());
  const RowSource source{values->data(), values->size() / columns, columns * sizeof(Value), columns,
                         value_readers[columns - 1]};
  BulkOptions options;
  options.on_conflict = static_cast<OnConflict>(std::clamp<int32_t>(bulk.on_conflict, 0, 2));
  Result<BulkResult> done = bulk.kind == TWS_UPSERT   ? tx.run_upsert(bulk.table, names, keys, source, options)
                            : bulk.kind == TWS_UPDATE ? tx.run_update(bulk.table, names, keys, source, options)
                                                      : tx.run_insert(bulk.table, names, keys, source, options);
  if (!done.ok()) return std::move(done).error();
  result.changes = done->written;
  result.left_out = done->left_out;
  for (const RowError& error : done->errors)
    result.message += "row " + std::to_string(error.row) + ": " + error.error.message + "\n";
  return success();
}

// The answer of a call whose job filled in `result`.
Store::Done answer(std::shared_ptr<tws_result> result, tws_done done, void* context) {
  return [result = std::move(result), done, context](const Status& status) {
    auto given = std::make_unique<tws_result>(status.ok() ? std::move(*result) : tws_result());
    if (!status.ok()) set(*given, status.error());
    done(context, given.release());
  };
}

}  // namespace
}  // namespace tapewatch

using tapewatch::CallOptions;
using tapewatch::Error;
using tapewatch::Reader;
using tapewatch::Result;
using tapewatch::Status;
using tapewatch::Store;
using tapewatch::success;
using tapewatch::Tx;

tws_store::tws_store(int fd)
    : completion_fd(fd), completions([fd] {
        const std::uint64_t one = 1;
        // Full only after 2^64 - 2 wakes that nobody took.
        if (::write(fd, &one, sizeof one) != sizeof one) return;
      }) {}
tws_store::~tws_store() {
  store.reset();
  completions.run();
  ::close(completion_fd);
}

int32_t tws_abi_version(void) { return TWS_ABI_VERSION; }

tws_store* tws_open(const tws_open_options* options, tws_result** failed) {
  const auto fail = [&](const Error& error) -> tws_store* {
    if (failed == nullptr) return nullptr;
    *failed = new tws_result();
    tapewatch::set(**failed, error);
    return nullptr;
  };
  const tws_open_options given = tapewatch::known(options);
  if (given.path == nullptr) return fail(Error{tapewatch::Code::invalid, "no path is given"});
  Store::Options how;
  how.path = given.path;
  if (given.schema != nullptr) how.schema = given.schema;
  if (given.readers_max > 0) how.readers_max = given.readers_max;
  if (given.call_threads > 0) how.call_threads = given.call_threads;
  if (given.read_age_max_ms > 0) how.read_age_max = std::chrono::milliseconds(given.read_age_max_ms);
  if (given.queue_jobs_max > 0) how.queue_jobs_max = static_cast<std::size_t>(given.queue_jobs_max);
  if (given.wal_bytes_max > 0) how.wal_bytes_max = given.wal_bytes_max;
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return fail(Error{tapewatch::Code::io, "no eventfd is left"});
  auto out = std::make_unique<tws_store>(fd);
  Result<std::unique_ptr<Store>> opened = Store::open(std::move(how));
  if (!opened.ok()) return fail(opened.error());
  out->store = std::move(opened).value();
  return out.release();
}

void tws_close(tws_store* store) { delete store; }
int tws_completion_fd(const tws_store* store) { return store->completion_fd; }

size_t tws_run_completions(tws_store* store) {
  std::uint64_t wakes = 0;
  // Before the run: what is posted meanwhile wakes again.
  if (::read(store->completion_fd, &wakes, sizeof wakes) < 0) wakes = 0;
  return store->completions.run();
}

size_t tws_wait(tws_store* store, int timeout_ms) {
  pollfd wait{store->completion_fd, POLLIN, 0};
  if (::poll(&wait, 1, timeout_ms) <= 0) return 0;
  return tws_run_completions(store);
}

int32_t tws_read(tws_store* store, const tws_statement* statement, const tws_call* call, tws_done done, void* context) {
  const tapewatch::KeptStatement kept(tapewatch::known(statement));
  const auto result = std::make_shared<tws_result>();
  CallOptions options = tapewatch::call_options(*store, call, kept.values.size());
  return tapewatch::code_of(store->store->submit_read(
      [kept, result](Reader& reader) { return tapewatch::run_statement(reader, kept, *result); },
      tapewatch::answer(result, done, context), std::move(options)));
}

int32_t tws_write(tws_store* store, const tws_statement* statements, size_t count, const tws_call* call, tws_done done,
                  void* context) {
  std::vector<tapewatch::KeptStatement> kept;
  std::size_t bytes = 0;
  // By the caller's size of the struct, which may not be ours.
  const auto* at = reinterpret_cast<const char*>(statements);
  for (size_t i = 0; i < count; ++i) {
    const auto* each = reinterpret_cast<const tws_statement*>(at);
    kept.emplace_back(tapewatch::known(each));
    bytes += kept.back().values.size();
    at += each->struct_size;
  }
  const auto result = std::make_shared<tws_result>();
  CallOptions options = tapewatch::call_options(*store, call, bytes);
  const auto job = [kept = std::move(kept), result](Tx& tx) -> Status {
    for (const tapewatch::KeptStatement& statement : kept) {
      *result = tws_result{.changes = result->changes};
      const std::int64_t before = tx.total_changes();
      Status ran = tapewatch::run_statement(tx, statement, *result);
      if (!ran.ok()) return ran;
      result->changes += tx.total_changes() - before;
    }
    result->last_insert_id = tx.last_insert_id();
    return success();
  };
  return tapewatch::code_of(store->store->submit(job, tapewatch::answer(result, done, context), std::move(options)));
}

int32_t tws_bulk(tws_store* store, const tws_bulk_rows* rows, const tws_call* call, tws_done done, void* context) {
  const tws_bulk_rows given = tapewatch::known(rows);
  if (given.table == nullptr || given.columns == nullptr) return static_cast<int32_t>(tapewatch::Code::invalid);
  const auto kept = std::make_shared<const tapewatch::KeptBulk>(given);
  const auto result = std::make_shared<tws_result>();
  CallOptions options = tapewatch::call_options(*store, call, kept->rows.size());
  return tapewatch::code_of(
      store->store->submit([kept, result](Tx& tx) { return tapewatch::run_kept_bulk(tx, *kept, *result); },
                           tapewatch::answer(result, done, context), std::move(options)));
}

tws_stream* tws_stream_open(tws_store* store, const tws_statement* statement, const tws_stream_options* options) {
  const tapewatch::KeptStatement kept(tapewatch::known(statement));
  const std::optional<std::vector<tapewatch::Value>> values = tapewatch::unpack_all(kept.values);
  if (!values) return nullptr;
  const tws_stream_options given = tapewatch::known(options);
  tapewatch::StreamOptions how;
  how.key_columns = std::clamp<int32_t>(given.key_columns, 0, static_cast<int32_t>(values->size()));
  how.age_max = std::chrono::milliseconds(given.age_max_ms);
  if (given.batch_bytes > 0) how.batch_bytes = static_cast<std::size_t>(given.batch_bytes);
  if (given.batch_rows > 0) how.batch_rows = static_cast<std::size_t>(given.batch_rows);
  return new tws_stream{*store, store->store->open_stream(kept.sql, *values, how), how};
}

int32_t tws_stream_next(tws_stream* stream, const tws_call* call, tws_done done, void* context) {
  const auto result = std::make_shared<tws_result>();
  const auto visit = [result, how = stream->options](const tapewatch::Rows& rows) {
    tapewatch::add_row(*result, rows);
    return result->packed.size() < how.batch_bytes && result->rows < how.batch_rows;
  };
  const auto answered = tapewatch::answer(result, done, context);
  stream->rows.run_async(
      visit, [answered](const Result<bool>& more) { answered(more.ok() ? success() : Status(more.error())); },
      tapewatch::call_options(stream->store, call, 0));
  return TWS_OK;
}

void tws_stream_cancel(tws_stream* stream) { stream->rows.cancel(); }
void tws_stream_close(tws_stream* stream) { delete stream; }

tws_stop* tws_stop_new(void) { return new tws_stop(); }
void tws_stop_request(tws_stop* stop) { stop->source.request_stop(); }
void tws_stop_free(tws_stop* stop) { delete stop; }

int32_t tws_result_code(const tws_result* result) { return result->code; }
const char* tws_result_message(const tws_result* result) { return result->message.c_str(); }
int64_t tws_result_changes(const tws_result* result) { return result->changes; }
int64_t tws_result_left_out(const tws_result* result) { return result->left_out; }
int64_t tws_result_last_insert_id(const tws_result* result) { return result->last_insert_id; }
size_t tws_result_columns(const tws_result* result) { return result->names.size(); }
const char* tws_result_column_name(const tws_result* result, size_t column) {
  return column < result->names.size() ? result->names[column].c_str() : nullptr;
}
size_t tws_result_rows(const tws_result* result) { return result->rows; }
const void* tws_result_packed(const tws_result* result, size_t* bytes) {
  *bytes = result->packed.size();
  return result->packed.data();
}
int32_t tws_result_next(tws_result* result, tws_value* value) {
  const std::optional<tapewatch::Value> next = tapewatch::unpack(result->packed, result->at);
  if (!next) return 0;
  *value =
      tws_value{static_cast<int32_t>(next->type), next->integer, next->real, next->bytes.data(), next->bytes.size()};
  return 1;
}
void tws_result_free(tws_result* result) { delete result; }
