// SPDX-License-Identifier: Apache-2.0
#pragma once
// The storage library for other languages: a C interface over Store (storage.h). Every call is asynchronous; its answer
// is a tws_result that waits until the caller's loop takes it: tws_completion_fd() becomes readable, and
// tws_run_completions() calls back, on the thread that calls it. Every struct begins with struct_size, which its user
// sets to sizeof it; a library that knows more members gives them their defaults (0). No exception crosses.
// Values travel packed, one after the other, without padding: a byte of tws_type, then 8 bytes of integer or real in
// the machine's order, or 4 bytes of length and the bytes of a text or blob. Thread: any, but for completions and
// streams, which belong to one.

#include <stdint.h>  // NOLINT
#include <stdlib.h>  // NOLINT

#ifdef __cplusplus
extern "C" {
#endif

#define TWS_API __attribute__((visibility("default")))
#define TWS_ABI_VERSION 1

enum tws_type { TWS_NULL = 0, TWS_INTEGER = 1, TWS_REAL = 2, TWS_TEXT = 3, TWS_BLOB = 4 };
// Of a result: 0, or the number of tapewatch::Code in result.h.
enum tws_code { TWS_OK = 0 };
enum tws_bulk_kind { TWS_INSERT = 0, TWS_UPSERT = 1, TWS_UPDATE = 2 };
enum tws_on_conflict { TWS_FAIL = 0, TWS_SKIP = 1, TWS_REPORT = 2 };

typedef struct tws_store tws_store;
typedef struct tws_stream tws_stream;
typedef struct tws_result tws_result;
typedef struct tws_stop tws_stop;
// Called by tws_run_completions. The result is the callee's: tws_result_free.
typedef void (*tws_done)(void* context, tws_result* result);

typedef struct tws_open_options {
  size_t struct_size;
  const char* path;
  const char* schema;  // statements that every opening runs; may be null
  int32_t readers_max;
  int32_t call_threads;
  int64_t read_age_max_ms;
  int64_t queue_jobs_max;
  int64_t wal_bytes_max;
} tws_open_options;

typedef struct tws_statement {
  size_t struct_size;
  const char* sql;
  size_t sql_bytes;
  const void* values;  // packed arguments
  size_t values_bytes;
} tws_statement;

// Null in place of it: the defaults.
typedef struct tws_call {
  size_t struct_size;
  int64_t limit_ms;  // from the call to its answer; 0: none
  tws_stop* stop;    // may be null
  int32_t durable;   // of writes: on the disk before the answer
} tws_call;

typedef struct tws_bulk_rows {
  size_t struct_size;
  int32_t kind;
  int32_t on_conflict;
  const char* table;
  const char* const* columns;  // at most 16
  size_t column_count;
  const char* const* keys;  // of upsert and update
  size_t key_count;
  const void* rows;  // packed, row after row
  size_t rows_bytes;
} tws_bulk_rows;

typedef struct tws_stream_options {
  size_t struct_size;
  int64_t batch_bytes;
  int64_t batch_rows;
  int64_t age_max_ms;
  int32_t key_columns;  // see stream.h
} tws_stream_options;

typedef struct tws_value {
  int32_t type;
  int64_t integer;
  double real;
  const char* bytes;  // of a text or blob, until the result is freed; not ended by a zero
  size_t size;
} tws_value;

TWS_API int32_t tws_abi_version(void);

// Null, and why in *failed (the caller's) unless that is null.
TWS_API tws_store* tws_open(const tws_open_options* options, tws_result** failed);
// Answers what waits with `closed`, calls back for all of it, closes. Streams are closed before.
TWS_API void tws_close(tws_store* store);

// Readable when completions wait. Do not read it.
TWS_API int tws_completion_fd(const tws_store* store);
// How many it called back for.
TWS_API size_t tws_run_completions(tws_store* store);
// For those without a loop: waits for completions, at most so long (negative: for ever), and runs them.
TWS_API size_t tws_wait(tws_store* store, int timeout_ms);

// 0 when `done` will be called, else the code of a refusal (queue full, closed): then it is not.
TWS_API int32_t tws_read(tws_store* store, const tws_statement* statement, const tws_call* call, tws_done done,
                         void* context);
// All of the statements or none; the result has the rows of the last one.
TWS_API int32_t tws_write(tws_store* store, const tws_statement* statements, size_t count, const tws_call* call,
                          tws_done done, void* context);
TWS_API int32_t tws_bulk(tws_store* store, const tws_bulk_rows* rows, const tws_call* call, tws_done done,
                         void* context);

TWS_API tws_stream* tws_stream_open(tws_store* store, const tws_statement* statement,
                                    const tws_stream_options* options);
// One batch; a result without rows is the end. One call at a time.
TWS_API int32_t tws_stream_next(tws_stream* stream, const tws_call* call, tws_done done, void* context);
TWS_API void tws_stream_cancel(tws_stream* stream);
// A call of it that is under way is cancelled, and answered.
TWS_API void tws_stream_close(tws_stream* stream);

TWS_API tws_stop* tws_stop_new(void);
TWS_API void tws_stop_request(tws_stop* stop);
// The calls that were made with it keep what they need.
TWS_API void tws_stop_free(tws_stop* stop);

TWS_API int32_t tws_result_code(const tws_result* result);
TWS_API const char* tws_result_message(const tws_result* result);
TWS_API int64_t tws_result_changes(const tws_result* result);
TWS_API int64_t tws_result_left_out(const tws_result* result);        // of a bulk
TWS_API int64_t tws_result_last_insert_id(const tws_result* result);  // of a write
TWS_API size_t tws_result_columns(const tws_result* result);
TWS_API const char* tws_result_column_name(const tws_result* result, size_t column);
TWS_API size_t tws_result_rows(const tws_result* result);
// All values, packed, row after row.
TWS_API const void* tws_result_packed(const tws_result* result, size_t* bytes);
// The next value, row after row; 0 behind the last.
TWS_API int32_t tws_result_next(tws_result* result, tws_value* value);
TWS_API void tws_result_free(tws_result* result);

#ifdef __cplusplus
}
#endif
