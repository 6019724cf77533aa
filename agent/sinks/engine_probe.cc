// SPDX-License-Identifier: Apache-2.0
#include "sinks/engine_probe.h"

#include <utility>

#include "base/check.h"

namespace tapewatch {

EngineProbe::EngineProbe(Options options, std::function<Result<std::string>()> authorization, Scheduler& scheduler,
                         HttpPoster& poster, Log& log, Random random)
    : options_(std::move(options)),
      authorization_(std::move(authorization)),
      random_(std::move(random)),
      poster_(poster),
      log_(log),
      retry_(scheduler, [this] { ask(); }) {
  CHECK(!options_.hosts.empty());
}

EngineProbe::~EngineProbe() { poster_.cancel(pending_); }

void EngineProbe::ask() {
  HttpRequest request;
  request.method = "GET";
  request.url = options_.hosts[static_cast<std::size_t>(attempts_) % options_.hosts.size()];
  if (authorization_) {
    const Result<std::string> value = authorization_();
    if (value.ok() && !value->empty()) request.headers.push_back("Authorization: " + *value);
  }
  request.tls = &options_.tls;
  request.connect_timeout = options_.timeout;
  request.total_timeout = options_.timeout;
  request.reply_bytes_max = 64 * 1024;
  ++attempts_;
  pending_ = poster_.send(std::move(request), [this](const HttpReply& reply) { on_reply(reply); });
}

void EngineProbe::on_reply(const HttpReply& reply) {
  pending_ = 0;
  const Result<Engine> engine = engine_of(reply);
  if (!engine) {
    retry_.start(backoff_delay(options_.backoff, attempts_, random_));
    return;
  }
  engine_ = *engine;
  log_.info("engine found", {{"service.type", product_name(engine_->product)}, {"service.version", engine_->version}});
}

}  // namespace tapewatch
