// SPDX-License-Identifier: Apache-2.0
#pragma once
// HttpPoster: one HTTP request, one reply, as a callback; the seam for everything that speaks to Elasticsearch or a
// webhook. HttpClient does it with curl on the loop; tests use tests/fake/http_poster.h. It never follows a redirect,
// never reads .netrc or the proxy variables, never retries by itself (but for a kept-alive connection that had died),
// and speaks http and https only. Thread: loop.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

class Loop;

struct TlsOptions {
  std::string ca_file;           // empty: the system's
  std::string certificate_file;  // of this client, PEM; empty: none
  std::string key_file;
  bool insecure = false;  // accepts any certificate
};

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"; one with a control character fails the request
  std::string_view body;             // not copied: kept alive and unchanged by the caller until the reply or cancel()
  const TlsOptions* tls = nullptr;   // kept alive likewise; nullptr: defaults
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{90'000};
  std::size_t reply_bytes_max = std::size_t{1} << 20;
};

struct HttpReply {
  // The reason why there is no whole reply; `code` may be set all the same. Code::limit: the reply was too large.
  std::optional<Error> error;
  int code = 0;
  std::string body;
  std::string content_type, retry_after, date;  // header values as sent
  std::chrono::nanoseconds elapsed{};
};

using HttpId = std::uint64_t;

class HttpPoster {
 public:
  virtual ~HttpPoster() = default;
  // Calls `done` exactly once, never from inside this call, unless cancelled.
  virtual HttpId send(HttpRequest request, std::function<void(HttpReply)> done) = 0;
  // Drops the request: its callback will not run and its body is not touched any more. Harmless when it is done.
  virtual void cancel(HttpId id) = 0;
};

struct HttpClientOptions {
  std::size_t upload_buffer_bytes = std::size_t{2} << 20;  // per request in flight; curl allows 16 KiB to 2 MiB
  std::size_t receive_buffer_bytes = std::size_t{256} << 10;
  std::chrono::seconds dns_cache{30};
  std::chrono::seconds idle_connection_max{110};
  std::string proxy;  // empty: none, whatever the environment says
  std::string user_agent = "tapewatch";
};

class HttpClient final : public HttpPoster {
 public:
  static Result<std::unique_ptr<HttpClient>> open(Loop& loop, HttpClientOptions options);
  // Cancels what is still under way.
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpId send(HttpRequest request, std::function<void(HttpReply)> done) override;
  void cancel(HttpId id) override;
  [[nodiscard]] std::size_t in_flight() const { return transfers_.size(); }

 private:
  struct Transfer;
  struct Engine;  // curl's multi handle and the sockets it watches
  HttpClient(Loop& loop, HttpClientOptions options);
  void finish(HttpId id, std::optional<Error> error);

  Loop& loop_;
  const HttpClientOptions options_;
  HttpId next_id_ = 1;
  std::unordered_map<HttpId, std::unique_ptr<Transfer>> transfers_;
  std::unique_ptr<Engine> engine_;
};

// Value of an Authorization header for a name and a password (RFC 7617).
[[nodiscard]] std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace tapewatch
