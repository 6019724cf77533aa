// SPDX-License-Identifier: Apache-2.0
#include "loop/http_client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "loop/curl_engine.h"
#include "loop/curl_transfer.h"
#include "loop/loop.h"

namespace tapewatch {

struct HttpClient::Transfer {
  CurlTransfer curl;
  std::function<void(HttpReply)> done;
  std::int64_t start_ns = 0;
  TimerId failure = 0;  // set when the request never reached curl
};

struct HttpClient::Engine {
  std::unique_ptr<CurlEngine> curl;
  std::vector<EasyHandle> idle;  // handles keep their buffers from one request to the next
};

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : loop_(loop), options_(std::move(options)), engine_(std::make_unique<Engine>()) {}

Result<std::unique_ptr<HttpClient>> HttpClient::open(Loop& loop, HttpClientOptions options) {
  std::unique_ptr<HttpClient> client(new HttpClient(loop, std::move(options)));
  auto curl = CurlEngine::open(loop, [c = client.get()](CurlTransfer& transfer, std::optional<Error> error) {
    c->finish(transfer.id(), std::move(error));
  });
  if (!curl) return std::move(curl).error();
  client->engine_->curl = std::move(curl).value();
  return client;
}

HttpClient::~HttpClient() {
  while (!transfers_.empty()) cancel(transfers_.begin()->first);
}

HttpId HttpClient::send(HttpRequest request, std::function<void(HttpReply)> done) {
  CHECK(loop_.on_thread());
  const HttpId id = next_id_++;
  auto transfer = std::make_unique<Transfer>();
  transfer->done = std::move(done);
  transfer->start_ns = loop_.clock().steady_ns();
  std::vector<EasyHandle>& idle = engine_->idle;
  EasyHandle handle = idle.empty() ? make_easy_handle() : std::move(idle.back());
  if (!idle.empty()) idle.pop_back();
  Transfer& made = *transfers_.emplace(id, std::move(transfer)).first->second;
  Status status = made.curl.prepare(id, std::move(handle), std::move(request), options_);
  if (status) status = engine_->curl->add(made.curl);
  if (!status) {
    made.failure = loop_.after({}, [this, id, error = status.error()] { finish(id, error); });
  }
  return id;
}

void HttpClient::cancel(HttpId id) {
  CHECK(loop_.on_thread());
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  loop_.cancel(found->second->failure);
  engine_->curl->remove(found->second->curl);
  transfers_.erase(found);
}

void HttpClient::finish(HttpId id, std::optional<Error> error) {
  const auto found = transfers_.find(id);
  CHECK(found != transfers_.end());
  const std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers_.erase(found);
  engine_->curl->remove(transfer->curl);
  HttpReply reply = transfer->curl.take_reply();
  if (!reply.error) reply.error = std::move(error);
  reply.elapsed = std::chrono::nanoseconds(loop_.clock().steady_ns() - transfer->start_ns);
  // A handle whose transfer failed is not used again: after a name that did not resolve, curl 7.88 keeps its buffer and
  // refuses another size for it, for every request to come.
  constexpr std::size_t idle_max = 16;
  EasyHandle handle = transfer->curl.take_handle();
  if (handle && !reply.error && engine_->idle.size() < idle_max) engine_->idle.push_back(std::move(handle));
  transfer->done(std::move(reply));
}

}  // namespace tapewatch
