// SPDX-License-Identifier: Apache-2.0
#include "http/front_door.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fake/http_server.h"
#include "fake/log.h"
#include "fake/scheduler.h"
#include "fake/search_backend.h"
#include "metrics/process.h"

namespace tapewatch {
namespace {

using std::chrono::seconds;

// A plain socket that never waits.
class Client final {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  Client(Client&& other) noexcept : got(std::move(other.got)), open(other.open), fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  // Bytes the kernel took.
  std::size_t send(const std::string& bytes) const {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  // Takes what has come; true while the connection stands.
  bool receive() {
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        got.append(buffer, static_cast<std::size_t>(n));
      } else {
        open = open && n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        return open;
      }
    }
  }
  [[nodiscard]] int status() const { return got.size() < 12 ? 0 : std::stoi(got.substr(9, 3)); }
  // Whole answers that came.
  [[nodiscard]] std::size_t answers() const {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = got.find("HTTP/1.1 ", at)) != std::string::npos; ++at) ++n;
    return n;
  }

  std::string got;
  bool open = true;

 private:
  int fd_;
};

class FrontDoorTest : public testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    options_.port = 0;
    HttpParts parts{*loop_, timers_, clock_, log_, metrics_, status_, &backend_, reload_};
    door_ = FrontDoor::open(options_, std::move(parts)).value();
  }
  Client connect() {
    Client client(door_->port());
    for (int i = 0; i < 3; ++i) loop_->poll();
    return client;
  }
  static std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
  }
  // Sends and waits for what comes back: an answer, or the end.
  void ask(Client& client, const std::string& bytes) {
    const std::size_t before = client.answers();
    client.send(bytes);
    run_until(*loop_, [&] { return !client.receive() || (client.answers() > before && whole(client)); });
  }
  // Whether the last answer is there with its whole body.
  static bool whole(const Client& client) {
    const std::size_t head = client.got.rfind("HTTP/1.1 ");
    const std::size_t end = client.got.find("\r\n\r\n", head);
    const std::size_t length = client.got.find("Content-Length: ", head);
    if (end == std::string::npos) return false;
    if (length == std::string::npos) return true;
    return client.got.size() >= end + 4 + std::stoul(client.got.substr(length + 16));
  }
  int status_of(const std::string& bytes) {
    Client client = connect();
    ask(client, bytes);
    return client.status();
  }
  // An honest client's question is answered, and quickly.
  void expect_health() {
    const std::int64_t start_ns = clock_.steady_ns();
    EXPECT_EQ(status_of(get("/-/healthy")), 200);
    EXPECT_LT(clock_.steady_ns() - start_ns, 100 * ns_per_ms);
  }

  SystemClock clock_;
  FakeScheduler timers_;
  CapturedLog log_;
  AgentMetrics metrics_{"1"};
  StatusBoard status_;
  FakeSearchBackend backend_;
  HttpOptions options_;
  HttpParts::Reload reload_;
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
  std::unique_ptr<FrontDoor> door_;
};

TEST_F(FrontDoorTest, OneConnectionAsksOneThingAfterTheOther) {
  Client client = connect();
  ask(client, get("/-/healthy"));
  EXPECT_EQ(client.got.find("{\"status\":\"healthy\",\"ready\":false}"), client.got.size() - 34);
  ask(client, get("/metrics"));
  ask(client, get("/api/v1/status"));
  EXPECT_EQ(client.answers(), 3U);
  EXPECT_TRUE(client.open);
  EXPECT_NE(client.got.find("Content-Security-Policy: default-src 'none'; script-src 'self'"), std::string::npos);
  EXPECT_NE(client.got.find("tapewatch_build_info"), std::string::npos);
  EXPECT_EQ(client.got.find("Access-Control"), std::string::npos);
  EXPECT_EQ(client.got.find("Set-Cookie"), std::string::npos);
  ask(client, get("/livez", "Connection: close\r\n"));
  EXPECT_TRUE(run_until(*loop_, [&] { return !client.receive(); }));
}

TEST_F(FrontDoorTest, HeadHasNoBody) {
  Client client = connect();
  client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  run_until(*loop_, [&] { return client.receive() && client.got.find("\r\n\r\n") != std::string::npos; });
  EXPECT_EQ(client.got.substr(client.got.size() - 4), "\r\n\r\n");
  ask(client, get("/livez"));
  EXPECT_EQ(client.answers(), 2U);
}

TEST_F(FrontDoorTest, WhatIsRefused) {
  EXPECT_EQ(status_of("GET /-/healthy HTTP/1.1\r\nHost: evil.com\r\n\r\n"), 421);
  EXPECT_EQ(status_of("GET /nothing HTTP/1.1\r\nHost: evil.com\r\n\r\n"), 421);
  EXPECT_EQ(status_of("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
  EXPECT_EQ(status_of("GET /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  EXPECT_EQ(status_of("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  EXPECT_EQ(status_of("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.com\r\n\r\n"), 403);
  EXPECT_EQ(status_of("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n"), 411);
  EXPECT_EQ(status_of("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n\r\n"), 415);
  EXPECT_EQ(status_of(get("/" + std::string(8000, 'a'))), 414);
  EXPECT_EQ(status_of(get("/e/" + std::string(6000, 'a'))), 404);
  EXPECT_EQ(status_of(get("/../../etc/passwd")), 404);
  EXPECT_EQ(status_of(get("/%2e%2e/etc/passwd")), 404);
  EXPECT_EQ(metrics_.http_refused.with({"host"}).value(), 2U);
  EXPECT_EQ(metrics_.http_requests.with({"404"}).value(), 4U);
}

TEST_F(FrontDoorTest, ASecondRequestBeforeTheFirstAnswerEndsTheConnection) {
  Client client = connect();
  client.send(get("/livez") + get("/metrics"));
  EXPECT_TRUE(run_until(*loop_, [&] { return !client.receive(); }));
  EXPECT_EQ(client.answers(), 1U);
  EXPECT_NE(client.got.find("Connection: close"), std::string::npos);
}

TEST_F(FrontDoorTest, SlowClientsRunOutOfTime) {
  Client silent = connect(), dribbling = connect(), no_body = connect(), idle = connect();
  no_body.send("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12");
  ask(idle, get("/livez"));
  for (int i = 0; i < 6; ++i) {
    dribbling.send(i == 0 ? "GET / HTTP/1.1\r\n" : "a: b\r\n");
    for (int j = 0; j < 5; ++j) loop_->poll();
    timers_.advance(seconds(1));
  }
  run_until(*loop_, [&] {
    return !silent.receive() && dribbling.receive() + no_body.receive() < 3 && dribbling.status() != 0 &&
           no_body.status() != 0;
  });
  EXPECT_FALSE(silent.open);
  EXPECT_EQ(silent.got, "");
  EXPECT_EQ(dribbling.status(), 408);
  EXPECT_EQ(no_body.status(), 408);
  EXPECT_TRUE(idle.receive());
  timers_.advance(seconds(31));
  EXPECT_TRUE(run_until(*loop_, [&] { return !idle.receive(); }));
  EXPECT_EQ(idle.answers(), 1U);
}

TEST_F(FrontDoorTest, WhoHoldsSocketsMakesRoomForWhoAsks) {
  std::vector<Client> held;
  for (std::size_t i = 0; i < options_.connections_max + 50; ++i) {
    held.push_back(connect());
    held.back().send("GET / HTTP/1.1\r\nX-Slow: ");
    expect_health();
  }
  EXPECT_LE(door_->connections(), options_.connections_max);
}

TEST_F(FrontDoorTest, AFloodOfHeadersEndsEarlyInLittleMemory) {
  const std::uint64_t before = read_process_use().resident_bytes;
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect());
  const std::string many = [] {
    std::string out = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 200'000; ++i) out += "a: b\r\n";
    return out;
  }();
  for (Client& client : clients) {
    ask(client, many);
    EXPECT_EQ(client.status(), 431);
    expect_health();
  }
  const std::uint64_t after = read_process_use().resident_bytes;
  EXPECT_LT(after, before + (16U << 20));
}

TEST_F(FrontDoorTest, AnEndlessBodyIsNotRead) {
  Client client = connect();
  ask(client, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.status(), 411);
  const std::string part(65536, 'x');
  std::size_t sent = 0;
  run_until(*loop_, [&] {
    sent += client.send(part);
    return !client.receive();
  });
  EXPECT_FALSE(client.open);
  EXPECT_LT(sent, 32U << 20);
  expect_health();
}

TEST_F(FrontDoorTest, LiveTailStreamsUntilTheClientGoes) {
  Client client = connect();
  ask(client, get("/api/v1/tail?query=boom"));
  EXPECT_NE(client.got.find("Content-Type: text/event-stream"), std::string::npos);
  backend_.add(R"({"message":"quiet"})");
  backend_.add(R"({"message":"boom"})");
  timers_.advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(run_until(*loop_, [&] { return client.receive() && client.got.find("id: 2") != std::string::npos; }));
  EXPECT_EQ(client.got.find("id: 1"), std::string::npos);
  EXPECT_EQ(metrics_.http_tail_clients.value(), 1);
  { const Client gone = std::move(client); }
  EXPECT_TRUE(run_until(*loop_, [&] { return door_->connections() == 0; }));
  EXPECT_EQ(metrics_.http_tail_clients.value(), 0);
  EXPECT_EQ(status_of(get("/api/v1/tail?query=(")), 400);
}

TEST_F(FrontDoorTest, HealthTellsAliveFromReadyFromDegraded) {
  const auto publish = [&](Health health, bool ready) {
    auto snapshot = std::make_shared<StatusSnapshot>();
    snapshot->health = health;
    snapshot->ready = ready;
    status_.publish(snapshot);
  };
  EXPECT_EQ(status_of(get("/readyz")), 503);
  publish(Health::degraded, true);
  EXPECT_EQ(status_of(get("/-/ready")), 200);
  EXPECT_EQ(status_of(get("/livez")), 200);
  EXPECT_EQ(status_of(get("/livez?failon=failed")), 200);
  EXPECT_EQ(status_of(get("/livez?failon=degraded")), 503);
  publish(Health::failed, true);
  EXPECT_EQ(status_of(get("/-/healthy")), 200);
  EXPECT_EQ(status_of(get("/-/healthy?failon=failed")), 503);
  EXPECT_EQ(status_of(get("/-/healthy?failon=never")), 400);
}

TEST_F(FrontDoorTest, ReloadAnswersWhenItIsDone) {
  const std::string post = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n";
  EXPECT_EQ(status_of(post), 404);
  std::function<void(Status)> done;
  door_.reset();
  reload_ = [&](std::function<void(Status)> then) { done = std::move(then); };
  start();
  Client first = connect();
  first.send(post);
  ASSERT_TRUE(run_until(*loop_, [&] { return done != nullptr; }));
  EXPECT_EQ(status_of(post), 503);
  done(Error{Code::invalid, "tapewatch.yaml:3:1 unknown key"});
  run_until(*loop_, [&] { return first.receive() && whole(first); });
  EXPECT_EQ(first.status(), 400);
  EXPECT_NE(first.got.find("tapewatch.yaml:3:1 unknown key"), std::string::npos);
  const auto ask_again = [&] {
    done = nullptr;
    first.send(post);
    return run_until(*loop_, [&] { return done != nullptr; });
  };
  ASSERT_TRUE(ask_again());
  done(success());
  EXPECT_TRUE(run_until(*loop_, [&] { return first.receive() && first.got.find("reloaded") != std::string::npos; }));
  ASSERT_TRUE(ask_again());
  door_.reset();
  done(success());  // to nobody
}

TEST_F(FrontDoorTest, WithATokenOnlyProbesAndThePageAreOpen) {
  door_.reset();
  options_.token = "s3cret";
  start();
  for (const char* open : {"/", "/app.js", "/livez", "/-/healthy"}) EXPECT_EQ(status_of(get(open)), 200) << open;
  for (const char* closed : {"/metrics", "/api/v1/status", "/api/v1/tail", "/api/v1/search", "/api/v1/trace/x"}) {
    EXPECT_EQ(status_of(get(closed)), 401) << closed;
  }
  EXPECT_EQ(status_of(get("/metrics", "Authorization: Bearer s3cret\r\n")), 200);
}

TEST_F(FrontDoorTest, AnOpenAddressWithoutATokenIsRefused) {
  options_.address = "0.0.0.0";
  options_.port = 0;
  EXPECT_FALSE(FrontDoor::open(options_, {*loop_, timers_, clock_, log_, metrics_, status_, nullptr, {}}).ok());
}

}  // namespace
}  // namespace tapewatch
