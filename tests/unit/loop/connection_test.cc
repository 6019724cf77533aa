// SPDX-License-Identifier: Apache-2.0
#include "loop/connection.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "fake/http_server.h"

namespace tapewatch {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "connXXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/socket";
    listener_ = Listener::unix_socket(*loop_, path_, 0600, [this](std::unique_ptr<Connection> connection) {
                  server_ = std::move(connection);
                  server_->start(Connection::Handlers{[this](std::string_view bytes) { server_read_ += bytes; },
                                                      [this](Status status) { server_ended_ = status.ok() ? 1 : 2; },
                                                      [this] { ++server_drained_; }});
                }).value();
  }
  std::unique_ptr<Connection> connect() {
    return Connection::connect_unix(
               *loop_, path_,
               Connection::Handlers{[this](std::string_view bytes) { client_read_ += bytes; },
                                    [this](Status status) { client_ended_ = status.ok() ? 1 : 2; }, nullptr})
        .value();
  }

  SystemClock clock_;
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
  std::string folder_, path_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connection> server_;
  std::string server_read_, client_read_;
  int server_ended_ = 0, client_ended_ = 0, server_drained_ = 0;
};

TEST_F(ConnectionTest, BytesGoBothWaysAndTheEndIsTold) {
  auto client = connect();
  client->write("hello ");
  client->write("world");
  client->shut_down();
  EXPECT_TRUE(run_until(*loop_, [&] { return server_ended_ == 1; }));
  EXPECT_EQ(server_read_, "hello world");
  EXPECT_EQ(server_->peer(), "unix");
  server_->write("bye");
  EXPECT_TRUE(run_until(*loop_, [&] { return client_read_ == "bye" && server_drained_ == 1; }));
  server_.reset();
  EXPECT_TRUE(run_until(*loop_, [&] { return client_ended_ == 1; }));
}

TEST_F(ConnectionTest, APausedConnectionReadsNothingAndPendingBytesGrow) {
  auto client = connect();
  ASSERT_TRUE(run_until(*loop_, [&] { return server_ != nullptr; }));
  server_->pause_reading();
  client->write(std::string(4 << 20, 'x'));
  loop_->poll();
  loop_->poll();
  EXPECT_TRUE(server_read_.empty());
  EXPECT_GT(client->pending_bytes(), std::size_t{1} << 20);
  server_->resume_reading();
  EXPECT_TRUE(run_until(*loop_, [&] { return server_read_.size() == std::size_t{4} << 20; }));
  EXPECT_EQ(client->pending_bytes(), 0U);
}

TEST_F(ConnectionTest, ConnectingToNothingEndsWithAnError) {
  listener_.reset();
  auto client = connect();
  client->write("lost");
  EXPECT_TRUE(run_until(*loop_, [&] { return client_ended_ == 2; }));
}

TEST_F(ConnectionTest, WritingToAPeerThatIsGoneIsAnErrorOfTheConnection) {
  auto client = connect();
  ASSERT_TRUE(run_until(*loop_, [&] { return server_ != nullptr; }));
  server_.reset();
  client->pause_reading();
  loop_->poll();
  client->write(std::string(1 << 20, 'x'));
  EXPECT_TRUE(run_until(*loop_, [&] { return client_ended_ == 2; }));
}

TEST_F(ConnectionTest, MayBeDestroyedInItsOwnCallbackAndBeforeTheLoop) {
  auto client = connect();
  ASSERT_TRUE(run_until(*loop_, [&] { return server_ != nullptr; }));
  std::unique_ptr<Connection> second;
  bool called = false;
  second = Connection::connect_unix(*loop_, path_,
                                    Connection::Handlers{[&](std::string_view) {
                                                           called = true;
                                                           second.reset();
                                                         },
                                                         [](Status) { FAIL(); }, nullptr})
               .value();
  std::unique_ptr<Connection> first_server = std::move(server_);
  ASSERT_TRUE(run_until(*loop_, [&] { return server_ != nullptr; }));
  server_->write("x");
  EXPECT_TRUE(run_until(*loop_, [&] { return called; }));
  EXPECT_EQ(second, nullptr);
  client->write(std::string(4 << 20, 'x'));  // still being written when everything ends
}

TEST_F(ConnectionTest, TheSocketFileHasItsModeAndGoesAway) {
  struct stat st {};
  ASSERT_EQ(::stat(path_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  listener_.reset();
  EXPECT_NE(::stat(path_.c_str(), &st), 0);
}

TEST_F(ConnectionTest, ALeftSocketIsReplacedAndAFileIsNot) {
  const auto ignore = [](std::unique_ptr<Connection>) {};
  EXPECT_TRUE(Listener::unix_socket(*loop_, path_, 0600, ignore).ok());
  const std::string file = folder_ + "/file";
  std::ofstream(file) << "precious";
  EXPECT_EQ(Listener::unix_socket(*loop_, file, 0600, ignore).error().code, Code::invalid);
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
  EXPECT_EQ(Listener::unix_socket(*loop_, folder_ + std::string(120, 'x'), 0600, ignore).error().code, Code::invalid);
}

TEST(Listener, TcpAddresses) {
  SystemClock clock;
  auto loop = Loop::open(clock).value();
  const auto ignore = [](std::unique_ptr<Connection>) {};
  auto first = Listener::tcp(*loop, "localhost", 0, ignore).value();
  EXPECT_NE(first->port(), 0);
  EXPECT_FALSE(Listener::tcp(*loop, "127.0.0.1", first->port(), ignore).ok());
  EXPECT_EQ(Listener::tcp(*loop, "example.com", 0, ignore).error().code, Code::invalid);
}

}  // namespace
}  // namespace tapewatch
