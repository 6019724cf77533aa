// SPDX-License-Identifier: Apache-2.0
#pragma once
// ApiServer: cpp-httplib as a router in memory. It never listens and never sees a byte that a stranger sent: the front
// door hands it requests that it took apart and checked, written anew, and takes the answer back, bounded. (Version
// 0.11.4 of the library falls to header floods, chunked and compressed bodies and slow sockets; none of these gets
// here.) Thread: any, several at once.

#include <cstddef>
#include <memory>

#include "http/answer.h"
#include "http/api.h"
#include "http/request_parser.h"
#include "metrics/agent_metrics.h"

namespace tapewatch {

class ApiServer final {
 public:
  struct Options {
    std::size_t answer_bytes_max = 16u << 20;
    Api::Limits api;
  };
  // The references outlive the server; `backend` may be null.
  ApiServer(Options options, const StatusBoard& status, SearchBackend* backend, const Clock& clock,
            const AgentMetrics& metrics);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // REQUIRES: a request whose path is a route of Service::api.
  [[nodiscard]] HttpAnswer serve(const ApiRequest& request) const;

 private:
  class Router;
  const Options options_;
  const Api api_;
  const std::unique_ptr<Router> router_;
};

}  // namespace tapewatch
