// SPDX-License-Identifier: Apache-2.0
#pragma once
// KeyRules: which member names hold secrets. Case and the separators '-', '_', ' ' are ignored ("apiKey", "API_KEY"),
// and of a dotted name ("http.request.headers.authorization") the last part counts.
//
// Built in: what ends like password, passphrase, secret, credentials, ...token, ...key of the secret kinds (api,
// access, private, secret, signing, encryption); authorization and cookie headers; numbers of cards, accounts and
// persons (pan, cvv, pin, ssn, iban, my number). A name that merely speaks of a secret is none: token_count, tokens,
// token_type, password_changed_at, secret_name. Neither are key, session_id and sid. Thread: worker (immutable).

#include <string>
#include <string_view>
#include <vector>

#include "event/parser.h"

namespace tapewatch {

class KeyRules final : public KeyPolicy {
 public:
  // Patterns with '*' for any characters; `allow` wins over everything.
  KeyRules(const std::vector<std::string>& keys, const std::vector<std::string>& allow);
  [[nodiscard]] bool sensitive(std::string_view key) const override;

 private:
  std::vector<std::string> keys_;
  std::vector<std::string> allow_;
};

}  // namespace tapewatch
