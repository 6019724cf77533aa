// SPDX-License-Identifier: Apache-2.0
#pragma once
// PostgresTest: a test on a real server, which all suites of a program share; each test has a schema of its own.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "fake/postgres_server.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

class PostgresTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!PostgresServer::installed() || shared_server() != nullptr) return;
    auto made = std::make_unique<PostgresServer>();
    if (made->set_up() && made->start()) shared_server() = std::move(made);
  }
  void SetUp() override {
    if (!PostgresServer::installed()) {
      const char* ci = std::getenv("CI");
      if (ci != nullptr && std::string_view(ci) == "true") FAIL() << "postgresql is not installed";
      GTEST_SKIP() << "postgresql is not installed";
    }
    ASSERT_NE(shared_server(), nullptr) << "the server does not start";
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    schema_ = std::string("t_") + test->test_suite_name() + "_" + test->name();
    PgStore::Options options;
    options.server = server().address();
    options.schema = "DROP SCHEMA IF EXISTS \"" + schema_ + "\" CASCADE; CREATE SCHEMA \"" + schema_ + "\"";
    ASSERT_TRUE(PgStore::open(options).ok());
  }

  static PostgresServer& server() { return *shared_server(); }
  PgStore::Options options(const std::string& schema = "") const {
    PgStore::Options out;
    out.server = server().address() + " options='-c search_path=\"" + schema_ + "\"'";
    out.schema = schema;
    return out;
  }
  static std::unique_ptr<PgStore> open(PgStore::Options options) {
    Result<std::unique_ptr<PgStore>> out = PgStore::open(std::move(options));
    EXPECT_TRUE(out.ok()) << out.error().message;
    return out.ok() ? std::move(out).value() : nullptr;
  }

 private:
  // Ends with the program.
  static std::unique_ptr<PostgresServer>& shared_server() {
    static std::unique_ptr<PostgresServer> server;
    return server;
  }
  std::string schema_;
};

// What went wrong, to be compared as a whole; "" when nothing did.
template <typename T>
std::string failure(const Result<T>& result) {
  return result.ok() ? "" : std::to_string(static_cast<int>(result.error().code)) + " " + result.error().message;
}

}  // namespace tapewatch
