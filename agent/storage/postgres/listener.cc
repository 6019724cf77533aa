// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/listener.h"

#include <utility>

namespace tapewatch {
namespace {

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace

PgListener::PgListener(Options options, PgCommits& commits, const Clock& clock, std::shared_ptr<PgCounts> counts)
    : options_(std::move(options)), commits_(commits), clock_(clock), counts_(std::move(counts)), thread_([this] {
        run();
      }) {}

PgListener::~PgListener() {
  stop_.request_stop();
  {
    MutexLock lock(mutex_);
    stopping_.notify_all();
  }
  thread_.join();
}

void PgListener::run() {
  while (!stop_token_.stop_requested()) {
    Result<std::unique_ptr<PgWire>> wire = PgWire::connect(options_.server, options_.connect_wait_max, clock_, counts_);
    if (wire.ok()) listen(**wire);
    listening_ = false;
    commits_.missed();
    MutexLock lock(mutex_);
    if (!stop_token_.stop_requested()) stopping_.wait_for(mutex_, options_.reconnect_wait);
  }
}

// Until the connection is lost. A server that does not answer a ping is one that is lost.
void PgListener::listen(PgWire& wire) {
  if (!ask(wire, "LISTEN " + quoted(commits_.channel)).ok()) return;
  commits_.missed();
  listening_ = true;
  while (!stop_token_.stop_requested()) {
    Result<bool> heard = wire.hear(options_.ping_interval, [this](std::string_view word) { commits_.heard(word); });
    if (!heard.ok() || (!heard.value() && !ask(wire, "SELECT 1").ok())) return;
  }
}

Status PgListener::ask(PgWire& wire, const std::string& command) const {
  wire.set_limit(clock_.steady_ns() + std::chrono::nanoseconds(options_.connect_wait_max).count(), &stop_token_);
  Status sent = wire.send(command);
  if (sent.ok()) sent = wire.send_sync();
  if (!sent.ok()) return sent;
  Result<PgReply> reply = wire.receive(nullptr, 0);
  Status synced = wire.receive_sync();
  return reply.ok() ? synced : Status(std::move(reply).error());
}

}  // namespace tapewatch
