// SPDX-License-Identifier: Apache-2.0
#pragma once
// CurlEngine: curl's multi interface on the loop: curl says which sockets and which moment it waits for, the loop
// watches them. For http_client.cc only. Thread: loop.

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <optional>

#include "loop/curl_transfer.h"
#include "loop/scheduler.h"
#include "tapewatch/result.h"

namespace tapewatch {

class Loop;

class CurlEngine final {
 public:
  // Called when a transfer ended, with curl's failure if it had one; may remove and add transfers, and destroy the
  // engine.
  using Finished = std::function<void(CurlTransfer& transfer, std::optional<Error> error)>;

  static Result<std::unique_ptr<CurlEngine>> open(Loop& loop, Finished finished);
  ~CurlEngine();
  CurlEngine(const CurlEngine&) = delete;
  CurlEngine& operator=(const CurlEngine&) = delete;

  Status add(CurlTransfer& transfer);
  // Harmless when it was never added. REQUIRES for a transfer under way: its handle is still in it.
  void remove(CurlTransfer& transfer);

 private:
  struct Socket;
  CurlEngine(Loop& loop, Finished finished);
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* engine, void* socket);
  static int on_timer(CURLM* multi, long ms, void* engine);
  void watch(curl_socket_t fd, int what, Socket* socket);
  void act(curl_socket_t fd, int events);
  void collect();

  Loop& loop_;
  const Finished finished_;
  CURLM* multi_ = nullptr;
  Timer timer_;
  Timer collect_soon_;
};

}  // namespace tapewatch
