// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/storage_c.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "fake/folder.h"

namespace tapewatch {
namespace {

class Packed {
 public:
  Packed& integer(std::int64_t v) { return add(TWS_INTEGER, &v, 8); }
  Packed& real(double v) { return add(TWS_REAL, &v, 8); }
  Packed& null() { return add(TWS_NULL, nullptr, 0); }
  Packed& text(const std::string& v) {
    const auto size = static_cast<std::uint32_t>(v.size());
    add(TWS_TEXT, &size, 4);
    bytes_ += v;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Packed& add(int type, const void* bytes, std::size_t size) {
    bytes_ += static_cast<char>(type);
    if (size > 0) bytes_.append(static_cast<const char*>(bytes), size);
    return *this;
  }
  std::string bytes_;
};

class StorageCTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = folder_.path("c.db");
    store_ = open(path_);
    ASSERT_NE(store_, nullptr);
  }
  void TearDown() override {
    tws_result_free(answer_);
    if (store_ != nullptr) tws_close(store_);
  }
  static tws_store* open(const std::string& path, tws_result** failed = nullptr) {
    tws_open_options options{};
    options.struct_size = sizeof options;
    options.path = path.c_str();
    options.schema = "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, symbol TEXT UNIQUE, price REAL)";
    return tws_open(&options, failed);
  }
  static tws_statement statement(std::string_view sql, std::string_view values = {}) {  // both outlive it
    return {sizeof(tws_statement), sql.data(), sql.size(), values.data(), values.size()};
  }
  static void on_done(void* context, tws_result* result) {
    auto* self = static_cast<StorageCTest*>(context);
    tws_result_free(self->answer_);
    self->answer_ = result;
    ++self->answers_;
  }
  // The code of the next answer.
  int32_t wait() {
    const int before = answers_;
    while (answers_ == before) tws_wait(store_, -1);
    return tws_result_code(answer_);
  }
  int32_t write(const std::string& sql, const std::string& values = "") {
    const tws_statement one = statement(sql, values);
    EXPECT_EQ(tws_write(store_, &one, 1, nullptr, on_done, this), TWS_OK);
    return wait();
  }
  int32_t read(const std::string& sql, const std::string& values = "", const tws_call* call = nullptr) {
    const tws_statement one = statement(sql, values);
    EXPECT_EQ(tws_read(store_, &one, call, on_done, this), TWS_OK);
    return wait();
  }
  std::int64_t number(const std::string& sql) {
    EXPECT_EQ(read(sql), TWS_OK);
    tws_value value{};
    EXPECT_EQ(tws_result_next(answer_, &value), 1);
    return value.integer;
  }

  const TemporaryFolder folder_;
  std::string path_;
  tws_store* store_ = nullptr;
  tws_result* answer_ = nullptr;
  int answers_ = 0;
};

TEST_F(StorageCTest, WritesAndReadsEveryType) {
  EXPECT_EQ(tws_abi_version(), TWS_ABI_VERSION);
  ASSERT_EQ(write("INSERT INTO orders VALUES(?, ?, ?)", Packed().integer(7).text("7203").real(2.5).bytes()), TWS_OK);
  EXPECT_EQ(tws_result_changes(answer_), 1);
  EXPECT_EQ(tws_result_last_insert_id(answer_), 7);
  ASSERT_EQ(write("INSERT INTO orders VALUES(?, ?, ?)", Packed().integer(8).text("").null().bytes()), TWS_OK);
  ASSERT_EQ(read("SELECT id, symbol, price FROM orders ORDER BY id"), TWS_OK);
  EXPECT_EQ(tws_result_rows(answer_), 2u);
  ASSERT_EQ(tws_result_columns(answer_), 3u);
  EXPECT_STREQ(tws_result_column_name(answer_, 1), "symbol");
  EXPECT_EQ(tws_result_column_name(answer_, 3), nullptr);
  std::size_t size = 0;
  const void* packed = tws_result_packed(answer_, &size);
  EXPECT_EQ(std::string(static_cast<const char*>(packed), size),
            Packed().integer(7).text("7203").real(2.5).integer(8).text("").null().bytes());
  tws_value value{};
  int values = 0;
  while (tws_result_next(answer_, &value) != 0) ++values;
  EXPECT_EQ(values, 6);
}

TEST_F(StorageCTest, StatementsOfOneWriteAreAllOrNone) {
  const std::string insert = "INSERT INTO orders(symbol) VALUES('a')";
  const tws_statement both[] = {statement(insert), statement(insert)};
  ASSERT_EQ(tws_write(store_, both, 2, nullptr, on_done, this), TWS_OK);
  EXPECT_EQ(wait(), 401);
  EXPECT_NE(std::strstr(tws_result_message(answer_), "UNIQUE"), nullptr);
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 0);
}

TEST_F(StorageCTest, BulkAndStream) {
  Packed rows;
  for (int i = 1; i <= 5000; ++i) rows.integer(i).text("s" + std::to_string(i)).null();
  const char* columns[] = {"id", "symbol", "price"};
  const char* keys[] = {"id"};
  tws_bulk_rows bulk{sizeof bulk, TWS_UPSERT,          TWS_FAIL,           "orders", columns, 3, keys,
                     1,           rows.bytes().data(), rows.bytes().size()};
  ASSERT_EQ(tws_bulk(store_, &bulk, nullptr, on_done, this), TWS_OK);
  ASSERT_EQ(wait(), TWS_OK) << tws_result_message(answer_);
  EXPECT_EQ(tws_result_changes(answer_), 5000);
  tws_stream_options options{};
  options.struct_size = sizeof options;
  options.batch_bytes = 8192;
  options.key_columns = 1;
  const std::string sql = "SELECT id, symbol FROM orders WHERE id > ? ORDER BY id";
  const std::string after = Packed().integer(0).bytes();
  const tws_statement select = statement(sql, after);
  tws_stream* stream = tws_stream_open(store_, &select, &options);
  ASSERT_NE(stream, nullptr);
  std::size_t seen = 0;
  int batches = 0;
  for (;; ++batches) {
    ASSERT_EQ(tws_stream_next(stream, nullptr, on_done, this), TWS_OK);
    ASSERT_EQ(wait(), TWS_OK);
    if (tws_result_rows(answer_) == 0) break;
    seen += tws_result_rows(answer_);
  }
  EXPECT_EQ(seen, 5000u);
  EXPECT_GT(batches, 5);
  tws_stream_cancel(stream);
  ASSERT_EQ(tws_stream_next(stream, nullptr, on_done, this), TWS_OK);
  EXPECT_EQ(wait(), 8);
  tws_stream_close(stream);
}

TEST_F(StorageCTest, LimitsAndStops) {
  const std::string endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  tws_call call{};
  call.struct_size = sizeof call;
  call.limit_ms = 10;
  EXPECT_EQ(read(endless, "", &call), 7);
  call.limit_ms = 0;
  call.stop = tws_stop_new();
  const tws_statement select = statement(endless);
  ASSERT_EQ(tws_read(store_, &select, &call, on_done, this), TWS_OK);
  tws_stop_request(call.stop);
  EXPECT_EQ(wait(), 8);
  tws_stop_free(call.stop);
}

TEST_F(StorageCTest, HostileStructsAndBytesAreErrors) {
  EXPECT_EQ(read("SELECT ?", std::string("\x01\x01", 2)), 4);
  EXPECT_EQ(read("SELECT ?", std::string("\x03\xff\xff\xff\xff", 5)), 4);
  EXPECT_EQ(read("SELECT ?", std::string("\x09", 1)), 4);
  EXPECT_EQ(read("SELECT ?"), 400);
  EXPECT_EQ(read("DELETE FROM orders"), 403);
  tws_bulk_rows bulk{};
  bulk.struct_size = sizeof bulk;
  EXPECT_EQ(tws_bulk(store_, &bulk, nullptr, on_done, this), 4);
  tws_result* failed = nullptr;
  EXPECT_EQ(open(path_, &failed), nullptr);
  EXPECT_EQ(tws_result_code(failed), 9);
  tws_result_free(failed);
  // A caller that was built when the struct ended behind the path.
  struct {
    size_t struct_size;
    const char* path;
  } old{sizeof old, "/nowhere/at/all"};
  EXPECT_EQ(tws_open(reinterpret_cast<tws_open_options*>(&old), nullptr), nullptr);
}

TEST_F(StorageCTest, ClosingAnswersWhatIsInFlight) {
  const tws_statement select = statement("SELECT 1");
  for (int i = 0; i < 10; ++i) ASSERT_EQ(tws_read(store_, &select, nullptr, on_done, this), TWS_OK);
  tws_close(store_);
  store_ = nullptr;
  EXPECT_EQ(answers_, 10);
}

}  // namespace
}  // namespace tapewatch
