// SPDX-License-Identifier: Apache-2.0
#pragma once
// FakePoster: keeps every request that was sent, until the test answers it. Single-threaded.

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loop/http_client.h"

namespace tapewatch {

class FakePoster final : public HttpPoster {
 public:
  struct Sent {
    HttpRequest request;
    std::string body;  // a copy, taken when it was sent
    std::function<void(HttpReply)> done;
  };

  HttpId send(HttpRequest request, std::function<void(HttpReply)> done) override {
    const HttpId id = next_id_++;
    std::string body(request.body);
    urls.push_back(request.url);
    pending_.emplace(id, Sent{std::move(request), std::move(body), std::move(done)});
    return id;
  }
  void cancel(HttpId id) override { cancelled += pending_.erase(id); }

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  // Request `index` of those that wait, oldest first.
  [[nodiscard]] const Sent& at(std::size_t index = 0) const {
    return std::next(pending_.begin(), static_cast<std::ptrdiff_t>(index))->second;
  }

  void answer(HttpReply reply, std::size_t index = 0) {
    const auto found = std::next(pending_.begin(), static_cast<std::ptrdiff_t>(index));
    const Sent sent = std::move(found->second);
    pending_.erase(found);
    sent.done(std::move(reply));
  }
  void answer(int code, std::string body, std::size_t index = 0) {
    HttpReply reply;
    reply.code = code;
    reply.body = std::move(body);
    reply.content_type = "application/json";
    answer(std::move(reply), index);
  }
  void fail(Code code, std::string message, std::size_t index = 0) {
    HttpReply reply;
    reply.error = Error{code, std::move(message)};
    answer(std::move(reply), index);
  }

  std::vector<std::string> urls;  // of every request ever sent
  std::size_t cancelled = 0;

 private:
  HttpId next_id_ = 1;
  std::map<HttpId, Sent> pending_;
};

}  // namespace tapewatch
