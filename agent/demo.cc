// SPDX-License-Identifier: Apache-2.0
#include "demo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "config_values.h"
#include "demo_app.h"
#include "demo_files.h"
#include "demo_view.h"

namespace tapewatch {
namespace {

constexpr std::int64_t writer_pause_ns = 25 * ns_per_ms;
constexpr std::int64_t viewer_pause_ns = 500 * ns_per_ms;
constexpr std::int64_t log_bytes_max = 32LL * 1024 * 1024;

void pause(std::int64_t ns) {
  const ::timespec wait{ns / ns_per_second, ns % ns_per_second};
  ::nanosleep(&wait, nullptr);
}

// Starts a child that runs `body` and ends with this process, whatever happens to it.
template <typename Body>
::pid_t start_child(const Body& body) {
  const ::pid_t parent = ::getpid();
  const ::pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it ended before the line above
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  body(parent);
  ::_exit(0);
}

void end_child(::pid_t child) {
  if (child <= 0) return;
  ::kill(child, SIGTERM);
  (void)::waitpid(child, nullptr, 0);
}

// The application's main loop, until its time is over or the log cannot be written. Rotates by renaming, as the usual
// loggers do.
Status write_log(const DemoOptions& options, const std::string& path) {
  const SystemClock clock;
  const std::int64_t start = clock.wall_ns();
  DemoApp app({.seed = options.seed, .lines_per_second = options.lines_per_second}, start);
  std::int64_t written = 0;
  for (Fd fd;;) {
    if (!fd.open() || written > log_bytes_max) {
      if (fd.open()) (void)std::rename(path.c_str(), (path + ".1").c_str());
      fd = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
      written = 0;
    }
    const std::int64_t now = clock.wall_ns();
    std::string text;
    app.advance(now, text);
    written += static_cast<std::int64_t>(text.size());
    if (Status wrote = write_all(fd.get(), text, path); !wrote.ok()) return wrote;
    if (options.duration.count() > 0 && now - start > options.duration.count() * ns_per_ms) return success();
    pause(writer_pause_ns);
  }
}

// Waits for the agent's address on the pipe, then shows what there is to see.
void view(int pipe, Console& console) {
  std::string address;
  std::array<char, 256> buffer;
  for (;;) {
    const ::ssize_t got = ::read(pipe, buffer.data(), buffer.size());
    if (got <= 0) break;
    address.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ApiAddress api;
  if (!parse_address(address, api.host, api.port)) return;
  DemoView demo(api, console);
  demo.show_welcome();
  for (;;) {
    demo.tick();
    pause(viewer_pause_ns);
  }
}

bool is_free(const std::string& address) {
  ::sockaddr_in place{};
  std::string host;
  std::uint16_t port = 0;
  if (!parse_address(address, host, port) || ::inet_pton(AF_INET, host.c_str(), &place.sin_addr) != 1) return true;
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return ::bind(fd.get(), reinterpret_cast<const ::sockaddr*>(&place), sizeof(place)) == 0;
}

// The temporary folder with everything the demo needs; removed with this object.
class DemoFolder final {
 public:
  DemoFolder() {
    std::string pattern = (std::filesystem::temp_directory_path(error_) / "tapewatch-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~DemoFolder() {
    if (!path_.empty()) std::filesystem::remove_all(path_, error_);
  }
  DemoFolder(const DemoFolder&) = delete;
  DemoFolder& operator=(const DemoFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string config_file() const { return path_ + "/tapewatch.yaml"; }

  [[nodiscard]] Status fill(const std::string& address) const {
    if (path_.empty()) return Error{Code::io, "cannot make a temporary folder"};
    for (const char* folder : {"/log", "/rules", "/metrics", "/state"}) {
      if (Status made = make_folders(path_ + folder); !made) return made;
    }
    const std::string rules(demo_rules());
    if (Status written = write_file_durable(path_ + "/rules/demo.yaml", rules); !written) return written;
    const std::string metrics(demo_metrics());
    if (Status written = write_file_durable(path_ + "/metrics/trading.yaml", metrics); !written) return written;
    return write_file_durable(config_file(), demo_configuration(path_, address));
  }

 private:
  std::error_code error_;
  std::string path_;
};

}  // namespace

int write_demo_log(const DemoOptions& options, const std::string& path, Console& console) {
  // Also as the first process of a container, which no signal ends that it does not handle.
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { ::_exit(0); });
  const Status written = write_log(options, path);
  if (written.ok()) return 0;
  console.notice("tapewatch: " + terminal_safe(written.error().message) + "\n");
  return 1;
}

int run_demo(const DemoOptions& options, Console& console, const RunAgent& run_agent) {
  const DemoFolder folder;
  const std::string address = is_free(options.address) ? options.address : "127.0.0.1:0";
  if (const Status filled = folder.fill(address); !filled) {
    console.notice("tapewatch: " + terminal_safe(filled.error().message) + "\n");
    return 1;
  }
  Diagnostics diagnostics;
  const auto config = load_config(folder.config_file(), console.around, diagnostics);
  console.notice(diagnostics.render(console.err_colour));
  std::array<int, 2> pipe{};
  if (!config || ::pipe2(pipe.data(), O_CLOEXEC) != 0) return 1;
  console.notice("tapewatch demo: a made-up trading application writes " + std::to_string(options.lines_per_second) +
                 " log lines a second.\nNothing leaves this machine; everything is in " + folder.path() +
                 " and removed at the end. Ctrl-C ends it.\n");
  std::fflush(console.out);
  std::fflush(console.err);
  const ::pid_t writer = start_child([&](::pid_t agent) {
    for (const int end : pipe) ::close(end);  // or the viewer would never see the end of what it is told
    if (write_log(options, folder.path() + "/log/app.log").ok()) ::kill(agent, SIGTERM);
  });
  (void)write_file_durable(folder.path() + "/app.pid", std::to_string(writer));
  const ::pid_t viewer = start_child([&](::pid_t) {
    ::close(pipe[1]);
    view(pipe[0], console);
  });
  ::close(pipe[0]);
  int write_end = pipe[1];
  const auto tell = [&write_end](const std::string& where) {
    if (write_end < 0) return;
    (void)write_all(write_end, where, "the pipe");
    ::close(write_end);
    write_end = -1;
  };
  const int exit_code = run_agent(*config, folder.config_file(), tell);
  end_child(writer);
  end_child(viewer);
  if (write_end >= 0) ::close(write_end);
  console.notice("\ntapewatch demo: ended, " + folder.path() + " removed\n");
  return exit_code;
}

}  // namespace tapewatch
