// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// The manager's end: a datagram socket that is bound to a path, or to an abstract name.
class Manager final {
 public:
  explicit Manager(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const std::size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1);
    bound_ = ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) == 0;
  }
  [[nodiscard]] bool bound() const { return bound_; }
  // What has come since the last time.
  std::vector<std::string> heard() {
    std::vector<std::string> out;
    char buffer[2048];
    for (;;) {
      const ssize_t n = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
      if (n < 0) return out;
      out.emplace_back(buffer, static_cast<std::size_t>(n));
    }
  }

 private:
  Fd fd_;
  bool bound_ = false;
};

class NotifyTest : public testing::Test {
 protected:
  NotifyTest() {
    options_.socket = folder_.path("notify");
    options_.watchdog = seconds(10);
    options_.status_interval = std::chrono::hours(1);
  }
  Surroundings around(std::map<std::string, std::string> environment) {
    Surroundings around;
    around.environment = [environment = std::move(environment)](const std::string& name) {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    return around;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  CapturedLog log_;
  NotifyOptions options_;
  StatusSnapshot snapshot_;
};

TEST_F(NotifyTest, TellsALife) {
  Manager manager(options_.socket);
  ASSERT_TRUE(manager.bound());
  options_.watchdog = {};
  Notify notify(options_, clock_, log_);
  notify.ready();
  EXPECT_THAT(manager.heard(), ElementsAre("READY=1"));
  clock_.advance(milliseconds(1));
  notify.reloading();
  EXPECT_THAT(manager.heard(), ElementsAre("RELOADING=1\nMONOTONIC_USEC=1001000"));
  notify.status("two\nlines");
  notify.status("two\nlines");
  EXPECT_THAT(manager.heard(), ElementsAre("STATUS=two lines")) << "once, and no assignment of its own";
  notify.stopping();
  EXPECT_THAT(manager.heard(), ElementsAre("STOPPING=1"));
}

TEST_F(NotifyTest, AbstractName) {
  const std::string name = "@tapewatch-notify-test-" + std::to_string(::getpid());
  Manager manager(name);
  ASSERT_TRUE(manager.bound());
  options_.socket = name;
  options_.watchdog = {};
  Notify notify(options_, clock_, log_);
  notify.ready();
  EXPECT_THAT(manager.heard(), ElementsAre("READY=1"));
}

TEST_F(NotifyTest, FeedsAtHalfTheTimeWhileTheWorkerGoesOn) {
  Manager manager(options_.socket);
  Notify notify(options_, clock_, log_);
  notify.ready();
  EXPECT_THAT(manager.heard(), ElementsAre("READY=1", "WATCHDOG=1"));
  notify.turned(1, snapshot_);
  EXPECT_THAT(manager.heard(), testing::Not(testing::Contains("WATCHDOG=1"))) << "too early";
  clock_.advance(seconds(5));
  notify.turned(2, snapshot_);
  EXPECT_THAT(manager.heard(), ElementsAre("WATCHDOG=1"));
  clock_.advance(seconds(5));
  notify.turned(2, snapshot_);
  notify.turned(2, snapshot_);
  EXPECT_THAT(manager.heard(), IsEmpty()) << "the worker has taken no turn in five seconds";
  EXPECT_EQ(log_.count("the watchdog is not fed"), 1u);
  notify.turned(3, snapshot_);
  EXPECT_THAT(manager.heard(), ElementsAre("WATCHDOG=1")) << "it goes on";
  clock_.advance(seconds(5));
  notify.turned(std::nullopt, snapshot_);
  EXPECT_THAT(manager.heard(), ElementsAre("WATCHDOG=1")) << "it has ended: the loop's turns are progress enough";
}

TEST_F(NotifyTest, StatusNowAndThenAndOnlyNews) {
  Manager manager(options_.socket);
  options_.watchdog = {};
  options_.status_interval = seconds(5);
  Notify notify(options_, clock_, log_);
  clock_.advance(seconds(5));
  snapshot_.inputs.resize(2);
  snapshot_.inputs[0].files = 1;
  snapshot_.inputs[1].lag_bytes = 7;
  snapshot_.events = 12;
  notify.turned(1, snapshot_);
  EXPECT_THAT(manager.heard(), ElementsAre("STATUS=1 file, 12 events, 7 bytes behind"));
  clock_.advance(seconds(5));
  notify.turned(2, snapshot_);
  EXPECT_THAT(manager.heard(), IsEmpty());
  snapshot_.reasons = {"the last reload was refused"};
  notify.turned(3, snapshot_);
  EXPECT_THAT(manager.heard(), ElementsAre("STATUS=1 file, 12 events, 7 bytes behind; the last reload was refused"));
}

TEST_F(NotifyTest, NobodyToTell) {
  options_.socket = "";
  Notify notify(options_, clock_, log_);
  notify.ready();
  clock_.advance(seconds(60));
  notify.turned(1, snapshot_);
  notify.stopping();
  EXPECT_EQ(log_.count(""), 0u);
}

TEST_F(NotifyTest, AManagerThatIsGoneOrNoneIsToldOnce) {
  for (const std::string& socket : {folder_.path("nobody"), std::string("vsock:2:1"), "/" + std::string(200, 'x')}) {
    CapturedLog log;
    options_.socket = socket;
    Notify notify(options_, clock_, log);
    notify.ready();
    notify.stopping();
    EXPECT_EQ(log.count("the service manager cannot be told"), 1u) << socket;
  }
}

TEST_F(NotifyTest, OptionsFromTheEnvironment) {
  const auto watchdog = [&](std::map<std::string, std::string> environment) {
    return notify_options(around(std::move(environment)), 42).watchdog.count();
  };
  EXPECT_EQ(notify_options(around({}), 42).socket, "");
  EXPECT_EQ(notify_options(around({{"NOTIFY_SOCKET", "/run/n"}}), 42).socket, "/run/n");
  EXPECT_EQ(watchdog({{"WATCHDOG_USEC", "30000000"}}), 30'000'000);
  EXPECT_EQ(watchdog({{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "42"}}), 30'000'000);
  EXPECT_EQ(watchdog({{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "41"}}), 0) << "meant for another process";
  for (const char* bad : {"", "x", "30s", "-1", "0", "99999999999999999999"}) {
    EXPECT_EQ(watchdog({{"WATCHDOG_USEC", bad}}), 0) << bad;
  }
}

}  // namespace
}  // namespace tapewatch
