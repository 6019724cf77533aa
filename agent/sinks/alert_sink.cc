// SPDX-License-Identifier: Apache-2.0
#include "sinks/alert_sink.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace tapewatch {
namespace {

std::string hex(const std::array<std::uint8_t, 32>& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

// Refusals that another try may mend: too early, too busy, in trouble.
bool may_pass_later(int code) { return code == 408 || code == 425 || code == 429 || code >= 500; }

}  // namespace

AlertSink::AlertSink(AlertSinkOptions options, Scheduler& scheduler, const Clock& clock, HttpPoster& poster, Log& log,
                     Random random)
    : options_(std::move(options)),
      random_(std::move(random)),
      clock_(clock),
      poster_(poster),
      log_(log),
      taken_(options_.taken_file, options_.taken_max, log),
      retry_(scheduler, [this] { send(); }),
      deadline_(scheduler, [this] {
        const bool all = queue_.empty();
        retry_.stop();
        poster_.cancel(std::exchange(pending_, 0));
        if (const auto done = std::exchange(drained_, nullptr)) done(all);
      }) {
  CHECK(!options_.url.empty());
}

AlertSink::~AlertSink() { poster_.cancel(pending_); }

void AlertSink::deliver(const Alert& alert) {
  AlertMessage message;
  message.id = to_hex(alert_message_id(alert));
  append_alert_webhook(message.body, alert);
  deliver(std::move(message));
}

void AlertSink::deliver(AlertMessage message) {
  if (taken_.before(message.id)) {
    ++stats_.known;
    return;
  }
  if (message.body.size() > options_.queue_bytes_max) {
    ++stats_.dropped;
    log_.error("alert larger than the webhook's queue, dropped", {{"bytes", message.body.size()}});
    return;
  }
  make_room(message.body.size());
  queued_bytes_ += message.body.size();
  queue_.push_back(std::move(message));
  if (queue_.size() == 1) send();
}

void AlertSink::make_room(std::size_t bytes) {
  // The first may be in flight, so that its body must stay.
  while (queue_.size() > 1 &&
         (queue_.size() >= options_.queue_count_max || queued_bytes_ + bytes > options_.queue_bytes_max)) {
    queued_bytes_ -= queue_[1].body.size();
    queue_.erase(queue_.begin() + 1);
    ++stats_.dropped;
    log_.error("the webhook's queue is full, oldest alert dropped", {{"queued", queue_.size()}});
  }
}

void AlertSink::send() {
  if (pending_ != 0 || queue_.empty() || retry_.running()) return;
  const AlertMessage& message = queue_.front();
  HttpRequest request;
  request.url = options_.url;
  request.headers = options_.headers;
  request.headers.emplace_back("Content-Type: application/json");
  // The same message may come twice, after a reply that was lost: receivers tell by this. The body's id is the alert's.
  request.headers.push_back("X-Tapewatch-Alert-Id: " + message.id);
  if (!options_.hmac_key.empty()) {
    const std::string time = std::to_string(clock_.wall_ns() / ns_per_second);
    request.headers.push_back("X-Tapewatch-Signature: t=" + time +
                              ",v1=" + hex(hmac_sha256(options_.hmac_key, time + "." + message.body)));
  }
  request.body = message.body;
  request.tls = &options_.tls;
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.request_timeout;
  request.reply_bytes_max = 64 * 1024;
  pending_ = poster_.send(std::move(request), [this](const HttpReply& reply) { on_reply(reply); });
}

void AlertSink::on_reply(const HttpReply& reply) {
  pending_ = 0;
  const bool answered = reply.code > 0 && (!reply.error || reply.error->code == Code::limit);
  if (answered && reply.code >= 200 && reply.code < 300) {
    ++stats_.delivered;
    pop();
  } else if (answered && !may_pass_later(reply.code)) {
    ++stats_.rejected;
    log_.error("the webhook refuses an alert for good", {{"http.response.status_code", reply.code}});
    pop();
  } else {
    ++stats_.retried;
    ++attempts_;
    log_.warn("the webhook did not take an alert, trying again",
              {{"http.response.status_code", reply.code},
               {"error.message", reply.error ? std::string_view(reply.error->message) : std::string_view()}});
    auto delay = backoff_delay(options_.backoff, attempts_, random_);
    const auto said = parse_retry_after(reply.retry_after, reply.date, clock_.wall_ns(), options_.retry_after_max);
    if (said) delay = std::max(delay, *said);
    retry_.start(delay);
  }
  send();
}

void AlertSink::pop() {
  attempts_ = 0;
  taken_.taken(queue_.front().id);
  queued_bytes_ -= queue_.front().body.size();
  queue_.pop_front();
  if (queue_.empty() && drained_) deadline_.start({});
}

void AlertSink::drain(std::int64_t deadline_ns, std::function<void(bool all_delivered)> done) {
  CHECK(!drained_);
  drained_ = std::move(done);
  const std::int64_t left_ns = queue_.empty() ? 0 : std::max<std::int64_t>(deadline_ns - clock_.steady_ns(), 0);
  deadline_.start(std::chrono::nanoseconds(left_ns));
}

AlertSinkStats AlertSink::stats() const {
  AlertSinkStats stats = stats_;
  stats.queued = queue_.size();
  stats.queued_bytes = queued_bytes_;
  return stats;
}

}  // namespace tapewatch
