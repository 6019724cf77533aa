// SPDX-License-Identifier: Apache-2.0
#include "http/access_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace tapewatch {
namespace {

ApiRequest request(const std::string& host, Method method = Method::get) {
  ApiRequest out;
  out.method = method;
  out.host = host;
  return out;
}

AccessGuard guard(const std::string& address, const std::string& token) {
  return AccessGuard::make(address, token, {"Trading.example.com"}).value();
}

TEST(AccessGuard, OnlyItsOwnNamesAreServed) {
  const AccessGuard local = guard("127.0.0.1", "");
  const AccessGuard open = guard("0.0.0.0", "t");
  struct Case {
    const char* host;
    bool local, open;
  };
  for (const Case& c : {Case{"localhost", true, true},
                        {"LOCALHOST:9600", true, true},
                        {"127.0.0.1:9600", true, true},
                        {"127.9.9.9", true, true},
                        {"[::1]:9600", true, true},
                        {"trading.example.com:1", true, true},
                        {"TRADING.example.com", true, true},
                        {"10.0.0.7:9600", false, true},
                        {"[fe80::1]", false, true},
                        {"evil.example.com", false, false},
                        {"localhost.evil.com", false, false},
                        {"127.0.0.1.evil.com", false, false},
                        {"xtrading.example.com", false, false},
                        {"localhost.", false, false},
                        {"localhost:9600:1", false, false},
                        {"localhost:port", false, false},
                        {"localhost:999999", false, false},
                        {"localhost@evil.com", false, false},
                        {"127.1", false, false},
                        {"0x7f.1", false, false},
                        {"[::1", false, false},
                        {"[::1]x", false, false},
                        {"[localhost]", false, false},
                        {"", false, false},
                        {":9600", false, false}}) {
    EXPECT_EQ(!local.refuse_host(request(c.host)), c.local) << c.host;
    EXPECT_EQ(!open.refuse_host(request(c.host)), c.open) << c.host;
    if (!c.local) {
      EXPECT_EQ(local.refuse_host(request(c.host))->status, 421);
    }
  }
}

TEST(AccessGuard, AnOpenAddressNeedsAToken) {
  for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "128.0.0.1"}) {
    const auto made = AccessGuard::make(address, "", {});
    ASSERT_FALSE(made.ok()) << address;
    EXPECT_EQ(made.error().code, Code::invalid);
    EXPECT_TRUE(AccessGuard::make(address, "t", {}).ok());
  }
  for (const char* address : {"127.0.0.1", "127.0.1.1", "::1", "localhost"}) {
    EXPECT_TRUE(AccessGuard::make(address, "", {}).ok()) << address;
  }
  EXPECT_FALSE(AccessGuard::make("127.0.0.1", "", {"a b"}).ok());
}

TEST(AccessGuard, TheTokenMustBeExact) {
  const AccessGuard with = guard("127.0.0.1", "s3cret");
  const auto status = [&](const std::string& authorization) {
    ApiRequest asked = request("localhost");
    asked.authorization = authorization;
    const auto refusal = with.refuse_token(asked);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status("Bearer s3cret"), 200);
  EXPECT_EQ(status("bearer s3cret"), 200);
  for (const char* wrong : {"", "s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret ", "Bearer s3crets",
                            "Basic s3cret", "Bearer  s3cret", "Bearer S3CRET"}) {
    EXPECT_EQ(status(wrong), 401) << wrong;
  }
  EXPECT_FALSE(guard("127.0.0.1", "").refuse_token(request("localhost")));
}

TEST(AccessGuard, PagesOfOtherSitesAreRefused) {
  const AccessGuard local = guard("127.0.0.1", "");
  struct Case {
    Method method;
    const char* origin;
    const char* site;
    const char* mode;
    bool pass;
  };
  for (const Case& c : {Case{Method::post, "", "", "", true},
                        {Method::post, "http://localhost:9600", "", "", true},
                        {Method::post, "https://localhost:9600", "same-origin", "cors", true},
                        {Method::post, "http://localhost:9601", "", "", false},
                        {Method::post, "http://localhost", "", "", false},
                        {Method::post, "http://evil.com", "", "", false},
                        {Method::post, "null", "", "", false},
                        {Method::post, "http://localhost:9600.evil.com", "", "", false},
                        {Method::post, "", "cross-site", "", false},
                        {Method::post, "", "cross-site", "navigate", false},
                        {Method::post, "", "same-site", "cors", false},
                        {Method::get, "", "cross-site", "navigate", true},
                        {Method::get, "", "cross-site", "no-cors", false},
                        {Method::get, "", "none", "navigate", true},
                        {Method::get, "http://evil.com", "", "", false}}) {
    ApiRequest asked = request("localhost:9600", c.method);
    asked.origin = c.origin;
    asked.fetch_site = c.site;
    asked.fetch_mode = c.mode;
    const auto refusal = local.refuse_origin(asked);
    EXPECT_EQ(!refusal, c.pass) << c.origin << " " << c.site << " " << c.mode;
    if (refusal) {
      EXPECT_EQ(refusal->status, 403);
    }
  }
}

}  // namespace
}  // namespace tapewatch
