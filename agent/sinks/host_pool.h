// SPDX-License-Identifier: Apache-2.0
#pragma once
// HostPool: which of several hosts the next request goes to. Healthy ones take turns; one that failed rests for a
// backoff and then gets a single request to prove itself. Thread: loop.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/backoff.h"

namespace tapewatch {

// "https://user:secret@host:9200" without what stands before the host.
[[nodiscard]] std::string without_userinfo(std::string_view url);

class HostPool final {
 public:
  struct Host {
    std::string url;   // without a slash at its end
    std::string name;  // the url without user and password, for logs
    int failures = 0;  // in a row; 0: healthy
    std::int64_t rest_until_ns = 0;
    std::int64_t failed_ns = 0;
    int in_flight = 0;
  };

  // REQUIRES: at least one url.
  HostPool(const std::vector<std::string>& urls, BackoffOptions backoff, Random random);

  // The host for a request now, which counts as in flight from here on; nullopt when all rest or are being tried.
  [[nodiscard]] std::optional<std::size_t> take(std::int64_t now_ns);
  // When the first resting host may be tried; nullopt when none rests, or the ones that do not are being tried.
  [[nodiscard]] std::optional<std::int64_t> next_ns(std::int64_t now_ns) const;

  // How the request ended. `started_ns` is when it began: several that fail together are one failure.
  void succeeded(std::size_t host);
  void failed(std::size_t host, std::int64_t started_ns, std::int64_t now_ns,
              std::optional<std::chrono::nanoseconds> retry_after);
  // It says nothing about the host.
  void released(std::size_t host) { --hosts_[host].in_flight; }

  [[nodiscard]] const Host& at(std::size_t host) const { return hosts_[host]; }
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] std::size_t healthy() const;

 private:
  const BackoffOptions backoff_;
  const Random random_;
  std::vector<Host> hosts_;
  std::size_t turn_ = 0;
};

}  // namespace tapewatch
