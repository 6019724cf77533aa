// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "base/check.h"

namespace tapewatch {

RedisListener::RedisListener(const RedisOptions& options, std::string prefix, SecondLevel::Heard heard,
                             std::function<void()> connected)
    : options_(options),
      prefix_(std::move(prefix)),
      heard_(std::move(heard)),
      connected_(std::move(connected)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(stop_.open());
  thread_ = std::thread([this] { run(); });
}

RedisListener::~RedisListener() {
  const std::uint64_t one = 1;
  CHECK(write(stop_.get(), &one, sizeof(one)) == sizeof(one));
  thread_.join();
}

void RedisListener::run() {
  bool unused = false;
  do {
    (void)listen_once();
    if (!listening_.exchange(false)) continue;
    heard_("");
    ++losses_;
  } while (rest(options_.ping_interval, -1, unused));
}

bool RedisListener::rest(std::chrono::milliseconds time, int also_fd, bool& readable) const {
  std::array<pollfd, 2> ready{pollfd{stop_.get(), POLLIN, 0}, pollfd{also_fd, POLLIN, 0}};
  poll(ready.data(), ready.size(), static_cast<int>(time.count()));
  readable = ready[1].revents != 0;
  return ready[0].revents == 0;
}

Status RedisListener::listen_once() {
  Result<std::unique_ptr<RedisConnection>> subscriber = RedisConnection::open(options_, options_.listen_wait_max);
  if (!subscriber.ok()) return std::move(subscriber).error();
  Result<std::unique_ptr<RedisConnection>> tracker = RedisConnection::open(options_, options_.listen_wait_max);
  if (!tracker.ok()) return std::move(tracker).error();
  auto begun =
      subscriber.value()->call({{"CLIENT", "ID"}, {"SUBSCRIBE", "__redis__:invalidate"}}, options_.listen_wait_max);
  if (!begun.ok()) return std::move(begun).error();
  const std::string id = std::to_string(begun->front().integer);
  auto tracked = tracker.value()->call({{"CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", prefix_}},
                                       options_.listen_wait_max);
  if (!tracked.ok()) return std::move(tracked).error();
  if (tracked->front().kind == RedisReply::Kind::error) return Error{Code::unsupported, tracked->front().text};
  heard_("");  // what happened since the last connection is not known
  listening_ = true;
  connected_();
  return hear(**subscriber, **tracker);
}

Status RedisListener::hear(RedisConnection& subscriber, RedisConnection& tracker) {
  const SystemClock clock;
  std::int64_t ping_ns = clock.steady_ns();
  for (;;) {
    bool readable = false;
    if (!rest(options_.ping_interval, subscriber.fd(), readable)) return success();
    while (readable) {
      Result<RedisReply> message = subscriber.receive(std::chrono::milliseconds(0));
      readable = message.ok();
      if (message.ok()) take_message(message.value());
      if (!message.ok() && message.error().code != Code::timeout) return std::move(message).error();
    }
    if (clock.steady_ns() - ping_ns < std::chrono::nanoseconds(options_.ping_interval).count()) continue;
    Status alive = ping(subscriber, tracker);
    if (!alive.ok()) return alive;
    ping_ns = clock.steady_ns();
  }
}

// A connection that was cut without a word is only found by asking. The answer of the subscribed one stands behind the
// messages that came before it.
Status RedisListener::ping(RedisConnection& subscriber, RedisConnection& tracker) {
  auto answer = tracker.call({{"PING"}}, options_.listen_wait_max);
  if (!answer.ok()) return std::move(answer).error();
  Status sent = subscriber.send({{"PING"}}, options_.listen_wait_max);
  if (!sent.ok()) return sent;
  for (;;) {
    Result<RedisReply> message = subscriber.receive(options_.listen_wait_max);
    if (!message.ok()) return std::move(message).error();
    if (!message->items.empty() && message->items.front().text == "pong") {
      connected_();
      return success();
    }
    take_message(message.value());
  }
}

void RedisListener::take_message(const RedisReply& message) {
  if (message.items.size() != 3 || message.items[0].text != "message") return;
  const RedisReply& keys = message.items[2];
  if (keys.kind != RedisReply::Kind::list) {  // FLUSHALL, or the server forgot what it tracked
    heard_("");
    ++heard_count_;
    return;
  }
  for (const RedisReply& key : keys.items) {
    if (!key.text.starts_with(prefix_)) continue;
    heard_(std::string_view(key.text).substr(prefix_.size()));
    ++heard_count_;
  }
}

}  // namespace tapewatch
