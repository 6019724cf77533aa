// SPDX-License-Identifier: Apache-2.0
#pragma once
// RedisServer: a real redis-server on a Unix socket of a folder of its own, to be started, frozen and killed by a test.
// Thread: one.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "fake/folder.h"

namespace tapewatch {

// Yields until `condition` holds; false after ten seconds.
template <typename Condition>
bool eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class RedisServer final {
 public:
  static constexpr const char* program = "/usr/bin/redis-server";
  static bool installed() { return access(program, X_OK) == 0; }

  RedisServer() = default;
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { kill_now(); }

  [[nodiscard]] std::string socket() const { return folder_.path("redis.sock"); }
  // True when it listens.
  bool start() {
    unlink(socket().c_str());
    const std::string path = socket();
    const std::string folder = folder_.path("");
    pid_ = fork();
    if (pid_ == 0) {
      const int null = open("/dev/null", O_RDWR);
      dup2(null, 1);
      dup2(null, 2);
      execl(program, program, "--port", "0", "--unixsocket", path.c_str(), "--save", "", "--appendonly", "no", "--dir",
            folder.c_str(), nullptr);
      _exit(127);
    }
    return pid_ > 0 && eventually([&] { return access(path.c_str(), F_OK) == 0; });
  }
  void freeze() const { kill(pid_, SIGSTOP); }
  void thaw() const { kill(pid_, SIGCONT); }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace tapewatch
