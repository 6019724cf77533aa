// SPDX-License-Identifier: Apache-2.0
#pragma once
// AccessGuard: who may ask. The Host header must name this agent (against DNS rebinding), a POST must come from this
// agent's own page or from no page at all, and where a token is set it must be shown. Immutable. Thread: any.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/answer.h"
#include "http/request_parser.h"
#include "tapewatch/result.h"

namespace tapewatch {

class AccessGuard final {
 public:
  // `allowed_hosts` are names without port, beside those of loopback. Code::invalid for an address beyond loopback
  // without a token: everybody who reaches it could read everything.
  [[nodiscard]] static Result<AccessGuard> make(const std::string& address, const std::string& token,
                                                const std::vector<std::string>& allowed_hosts);

  // nullopt: the host is ours. To be asked before anything else.
  [[nodiscard]] std::optional<HttpAnswer> refuse_host(const ApiRequest& request) const;
  // nullopt: not sent by some other site's page.
  [[nodiscard]] std::optional<HttpAnswer> refuse_origin(const ApiRequest& request) const;
  // nullopt: the token is right, or none is set.
  [[nodiscard]] std::optional<HttpAnswer> refuse_token(const ApiRequest& request) const;

 private:
  AccessGuard() = default;
  // The token is kept as a keyed hash, and hashes are compared: how long a wrong one takes tells nothing.
  [[nodiscard]] std::array<std::uint8_t, 32> digest(std::string_view token) const;

  std::vector<std::string> hosts_;  // lower case
  bool any_ip_ = false;             // bound beyond loopback: an IP address as host cannot be a rebound name
  bool has_token_ = false;
  std::string key_;
  std::array<std::uint8_t, 32> token_digest_{};
};

// Whether `address` is in 127.0.0.0/8, ::1 or "localhost".
[[nodiscard]] bool is_loopback_host(std::string_view address);
// "name" of "name:port", without brackets, in lower case; nullopt when it is neither a name nor an address.
[[nodiscard]] std::optional<std::string> host_name(std::string_view host);

}  // namespace tapewatch
