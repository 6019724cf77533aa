// SPDX-License-Identifier: Apache-2.0
#include "enrich/key_rules.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

TEST(KeyRules, NamesOfSecrets) {
  const KeyRules rules({}, {});
  for (const char* key : {"password",
                          "Password",
                          "db_password",
                          "userPassword",
                          "password2",
                          "new-password",
                          "passwd",
                          "PWD",
                          "secret",
                          "client_secret",
                          "token",
                          "accessToken",
                          "refresh_token",
                          "csrf-token",
                          "api_key",
                          "apikey",
                          "X-Api-Key",
                          "APIKEY",
                          "private_key",
                          "aws_secret_access_key",
                          "access_key_id",
                          "credential",
                          "credentials",
                          "authorization",
                          "Proxy-Authorization",
                          "auth_token",
                          "cookie",
                          "Set-Cookie",
                          "session_token",
                          "pin",
                          "cvv",
                          "CVC",
                          "ssn",
                          "iban",
                          "card_number",
                          "cardNumber",
                          "pan",
                          "http.request.headers.authorization",
                          "user.password"}) {
    EXPECT_TRUE(rules.sensitive(key)) << key;
  }
}

TEST(KeyRules, NamesThatOnlySpeakOfSecrets) {
  const KeyRules rules({}, {});
  for (const char* key : {"token_count",
                          "tokens",
                          "max_tokens",
                          "token_type",
                          "tokenizer",
                          "password_changed_at",
                          "password_reset",
                          "passwordless",
                          "secret_name",
                          "secretary",
                          "session_id",
                          "session.id",
                          "sid",
                          "key",
                          "keys",
                          "order.key",
                          "spin",
                          "pinned",
                          "panel",
                          "company",
                          "span",
                          "author",
                          "authorized",
                          "next_page_token",
                          "shipping",
                          "",
                          "."}) {
    EXPECT_FALSE(rules.sensitive(key)) << key;
  }
}

TEST(KeyRules, ConfiguredPatternsAndExceptions) {
  const KeyRules rules({"desk_*", "*.account", "Nick-Name"}, {"csrf_token", "*hash"});
  EXPECT_TRUE(rules.sensitive("deskCode"));
  EXPECT_TRUE(rules.sensitive("x.account"));
  EXPECT_TRUE(rules.sensitive("nickname"));
  EXPECT_FALSE(rules.sensitive("the_desk"));
  EXPECT_FALSE(rules.sensitive("csrfToken"));
  EXPECT_FALSE(rules.sensitive("password_hash"));
  EXPECT_TRUE(rules.sensitive("token"));
}

}  // namespace
}  // namespace tapewatch
