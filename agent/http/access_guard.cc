// SPDX-License-Identifier: Apache-2.0
#include "http/access_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/hash.h"

namespace tapewatch {
namespace {

bool is_v4(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}
bool is_v6(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool same(const std::array<std::uint8_t, 32>& a, const std::array<std::uint8_t, 32>& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

bool is_loopback_host(std::string_view address) {
  const std::string text(address);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return text == "localhost" || (is_v4(text) && text.compare(0, 4, "127.") == 0);
}

std::optional<std::string> host_name(std::string_view host) {
  std::string name(host);
  std::string port;
  if (!name.empty() && name.front() == '[') {
    const std::size_t end = name.find(']');
    if (end == std::string::npos) return std::nullopt;
    port = name.substr(end + 1);
    name = name.substr(1, end - 1);
    if (!is_v6(name)) return std::nullopt;
  } else if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
    port = name.substr(colon);
    name.resize(colon);
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!port.empty() && (port.front() != ':' || port.size() > 6 || !std::all_of(port.begin() + 1, port.end(), digit))) {
    return std::nullopt;
  }
  for (char& c : name) {
    c = ascii_lower(c);
    const bool letter = (c >= 'a' && c <= 'z') || digit(c) || c == '-' || c == '.' || c == ':' || c == '_';
    if (!letter) return std::nullopt;
  }
  if (name.empty() || name.size() > 255) return std::nullopt;
  return name;
}

Result<AccessGuard> AccessGuard::make(const std::string& address, const std::string& token,
                                      const std::vector<std::string>& allowed_hosts) {
  AccessGuard guard;
  const bool loopback = is_loopback_host(address);
  if (!loopback && token.empty()) {
    return Error{Code::invalid, "http.address " + address + " can be reached from other machines and needs http.token"};
  }
  for (const std::string& host : allowed_hosts) {
    const std::optional<std::string> name = host_name(host);
    if (!name) return Error{Code::invalid, "http.allowed_hosts holds \"" + host + "\", which is no host"};
    guard.hosts_.push_back(*name);
  }
  guard.any_ip_ = !loopback;
  guard.has_token_ = !token.empty();
  for (int i = 0; i < 4; ++i) guard.key_ += std::to_string(random64());
  if (guard.has_token_) guard.token_digest_ = guard.digest(token);
  return guard;
}

std::optional<HttpAnswer> AccessGuard::refuse_host(const ApiRequest& request) const {
  const std::optional<std::string> name = host_name(request.host);
  if (name && (is_loopback_host(*name) || std::find(hosts_.begin(), hosts_.end(), *name) != hosts_.end() ||
               (any_ip_ && (is_v4(*name) || is_v6(*name))))) {
    return std::nullopt;
  }
  return problem(421, "this host name is not served here; http.allowed_hosts lists the names that are");
}

std::optional<HttpAnswer> AccessGuard::refuse_origin(const ApiRequest& request) const {
  const bool navigation = request.fetch_mode == "navigate" && request.method != Method::post;
  const std::string& site = request.fetch_site;
  if (!site.empty() && site != "same-origin" && site != "none" && !navigation) {
    return problem(403, "asked by the page of another site");
  }
  const std::string& origin = request.origin;
  if (origin.empty() || origin == "http://" + request.host || origin == "https://" + request.host) return std::nullopt;
  return problem(403, "asked by the page of another site");
}

std::optional<HttpAnswer> AccessGuard::refuse_token(const ApiRequest& request) const {
  if (!has_token_) return std::nullopt;
  constexpr std::string_view scheme = "bearer ";
  const std::string& given = request.authorization;
  const bool bearer =
      given.size() > scheme.size() && same_ascii_word(std::string_view(given).substr(0, scheme.size()), scheme);
  if (bearer && same(digest(std::string_view(given).substr(scheme.size())), token_digest_)) return std::nullopt;
  return problem(401, "a token is needed: Authorization: Bearer TOKEN (see http.token)");
}

std::array<std::uint8_t, 32> AccessGuard::digest(std::string_view token) const { return hmac_sha256(key_, token); }

}  // namespace tapewatch
