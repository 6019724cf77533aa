// SPDX-License-Identifier: Apache-2.0
#include "sinks/host_pool.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {
namespace {

bool usable(const HostPool::Host& host, std::int64_t now_ns) {
  return host.failures == 0 || (host.rest_until_ns <= now_ns && host.in_flight == 0);
}

}  // namespace

std::string without_userinfo(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find('/', begin), url.size());
  // The last @ ends it: a password may hold another.
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return std::string(url.substr(0, begin)) + std::string(url.substr(at + 1));
}

HostPool::HostPool(const std::vector<std::string>& urls, BackoffOptions backoff, Random random)
    : backoff_(backoff), random_(std::move(random)) {
  CHECK(!urls.empty());
  for (std::string url : urls) {
    while (!url.empty() && url.back() == '/') url.pop_back();
    Host host;
    host.name = without_userinfo(url);
    host.url = std::move(url);
    hosts_.push_back(std::move(host));
  }
}

std::optional<std::size_t> HostPool::take(std::int64_t now_ns) {
  // A host on trial takes its turn like the others: otherwise one healthy host would keep the rest out for ever.
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::size_t at = (turn_ + i) % hosts_.size();
    if (!usable(hosts_[at], now_ns)) continue;
    turn_ = at + 1;
    ++hosts_[at].in_flight;
    return at;
  }
  return std::nullopt;
}

std::optional<std::int64_t> HostPool::next_ns(std::int64_t now_ns) const {
  std::optional<std::int64_t> next;
  for (const Host& host : hosts_) {
    if (host.failures == 0 || host.rest_until_ns <= now_ns) continue;
    if (!next || host.rest_until_ns < *next) next = host.rest_until_ns;
  }
  return next;
}

void HostPool::succeeded(std::size_t host) {
  --hosts_[host].in_flight;
  hosts_[host].failures = 0;
}

void HostPool::failed(std::size_t host, std::int64_t started_ns, std::int64_t now_ns,
                      std::optional<std::chrono::nanoseconds> retry_after) {
  Host& h = hosts_[host];
  --h.in_flight;
  if (h.failures == 0 || started_ns >= h.failed_ns) {
    ++h.failures;
    h.failed_ns = now_ns;
    h.rest_until_ns = now_ns + backoff_delay(backoff_, h.failures, random_).count();
  }
  if (retry_after) h.rest_until_ns = std::max(h.rest_until_ns, now_ns + retry_after->count());
}

std::size_t HostPool::healthy() const {
  return static_cast<std::size_t>(
      std::count_if(hosts_.begin(), hosts_.end(), [](const Host& host) { return host.failures == 0; }));
}

}  // namespace tapewatch
