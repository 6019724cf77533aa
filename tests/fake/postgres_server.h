// SPDX-License-Identifier: Apache-2.0
#pragma once
// PostgresServer: a real server of its own on a Unix socket in a temporary folder, to be started, crashed and started
// again by a test. The server refuses to run as root: then it runs as `postgres` or `nobody`. Thread: one.

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fake/folder.h"

namespace tapewatch {

class PostgresServer final {
 public:
  // Where Debian puts them; the newest version.
  static std::string program(const std::string& name) {
    std::string out;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const std::string path = version.path() / "bin" / name;
      if (access(path.c_str(), X_OK) == 0) out = std::max(out, path);
    }
    return out;
  }
  static bool installed() { return !program("postgres").empty() && !program("initdb").empty(); }

  // `settings`: name=value, besides those of a test.
  explicit PostgresServer(std::vector<std::string> settings = {"fsync=off"}) : settings_(std::move(settings)) {
    if (geteuid() != 0) return;
    user_ = getpwnam("postgres");
    if (user_ == nullptr) user_ = getpwnam("nobody");
    if (user_ != nullptr && chown(folder_.path().c_str(), user_->pw_uid, user_->pw_gid) != 0) user_ = nullptr;
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { stop(SIGQUIT); }

  [[nodiscard]] std::string address() const { return "host=" + folder_.path() + " user=tapewatch dbname=postgres"; }
  [[nodiscard]] bool set_up() {
    return run(
        {program("initdb"), "-D", data(), "-A", "trust", "-U", "tapewatch", "-E", "UTF8", "--locale=C", "--no-sync"});
  }
  // True when it takes connections.
  [[nodiscard]] bool start() {
    std::vector<std::string> words{program("postgres"), "-D", data(), "-k", folder_.path(), "-c", "listen_addresses="};
    for (const std::string& setting : settings_) {
      words.emplace_back("-c");
      words.push_back(setting);
    }
    pid_ = spawn(words);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (pid_ > 0 && !ready()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return pid_ > 0;
  }
  // SIGQUIT: at once, as in a crash; SIGINT: with its connections ended in order.
  void stop(int signal_number) {
    if (pid_ <= 0) return;
    kill(pid_, signal_number);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  [[nodiscard]] std::string data() const { return folder_.path("data"); }
  // The last line of the file in which the server tells its state.
  [[nodiscard]] bool ready() const {
    std::ifstream file(data() + "/postmaster.pid");
    std::string line;
    std::string last;
    while (std::getline(file, line)) last = line;
    return last.starts_with("ready");
  }
  [[nodiscard]] bool run(const std::vector<std::string>& words) const {
    const pid_t child = spawn(words);
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
  }
  [[nodiscard]] pid_t spawn(const std::vector<std::string>& words) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    const int null = ::open("/dev/null", O_RDWR);
    dup2(null, 1);
    dup2(null, 2);
    if (chdir("/") != 0) _exit(126);
    if (user_ != nullptr && (setgroups(0, nullptr) != 0 || setgid(user_->pw_gid) != 0 || setuid(user_->pw_uid) != 0))
      _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  TemporaryFolder folder_;
  const std::vector<std::string> settings_;
  const passwd* user_ = nullptr;
  pid_t pid_ = -1;
};

}  // namespace tapewatch
