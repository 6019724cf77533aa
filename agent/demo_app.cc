// SPDX-License-Identifier: Apache-2.0
#include "demo_app.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::string_view symbols[] = {"7203.T", "6758.T", "9984.T", "8306.T", "AAPL", "MSFT", "NVDA", "USDJPY"};
constexpr std::string_view venues[] = {"TSE", "NASDAQ", "OSE", "JNX"};
constexpr std::string_view users[] = {"tanaka", "suzuki", "sato", "weber", "jones", "ito", "mueller", "yamada"};
constexpr std::string_view methods[] = {"GET", "GET", "GET", "POST"};
constexpr std::string_view paths[] = {"/api/v1/positions", "/api/v1/quotes", "/api/v1/balance", "/api/v1/orders/open"};
constexpr std::string_view accepted_words[] = {"Order accepted by gateway", "注文を受け付けました"};
constexpr std::string_view filled_words[] = {"Order filled", "約定しました"};
constexpr std::string_view rejected_words[] = {"Order rejected by pre-trade risk", "余力不足のため注文を拒否しました"};
constexpr std::string_view stack_trace =
    "java.net.SocketTimeoutException: Read timed out\n\tat com.acme.oms.FixSession.onMessage(FixSession.java:951)\n"
    "\tat com.acme.oms.OrderGateway.submit(OrderGateway.java:412)\n\tat "
    "java.base/java.lang.Thread.run(Thread.java:833)";
constexpr std::int64_t flow_lines_per_100 = 345;  // measured: a flow has 3.45 lines on average

}  // namespace

// One event in the making: a JSON object with the application's usual members first.
class DemoApp::Line final {
 public:
  Line(std::int64_t time_ns, std::string_view level, std::string_view logger, std::string_view message) {
    out_ = "{\"@timestamp\":\"" + format_rfc3339(time_ns) + "\"";
    add("log.level", level).add("log.logger", logger).add("message", message).add("service.name", "demo-oms");
  }
  Line& add(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
    return *this;
  }
  Line& add(std::string_view name, std::int64_t value) {
    key(name);
    append_json_int(out_, value);
    return *this;
  }
  Line& object(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }
  [[nodiscard]] std::string end() {
    out_ += "}";
    return std::move(out_);
  }

 private:
  void key(std::string_view name) {
    out_ += ",";
    append_json_string(out_, name);
    out_ += ":";
  }
  std::string out_;
};

DemoApp::DemoApp(Options options, std::int64_t start_ns)
    : options_(options),
      random_(options.seed * 0x9E3779B97F4A7C15ULL + 1),
      next_flow_ns_(start_ns),
      next_brute_force_ns_(start_ns + options.brute_force_first_ns) {}

void DemoApp::advance(std::int64_t now_ns, std::string& out) {
  const std::int64_t gap = ns_per_second * flow_lines_per_100 / 100 / std::max(1, options_.lines_per_second);
  // In the order of their times: the random numbers must not depend on how often this is called.
  while (std::min(next_flow_ns_, next_brute_force_ns_) <= now_ns) {
    if (next_brute_force_ns_ <= next_flow_ns_) {
      plan_brute_force(next_brute_force_ns_);
      next_brute_force_ns_ += options_.brute_force_every_ns;
    } else {
      start_flow(next_flow_ns_);
      next_flow_ns_ += std::max<std::int64_t>(1, gap / 2 + gap * below(1000) / 1000);
    }
  }
  for (; !plan_.empty() && plan_.top().time_ns <= now_ns; plan_.pop()) {
    out += plan_.top().line;
    out.push_back('\n');
  }
}

std::uint64_t DemoApp::next() {  // splitmix64
  std::uint64_t z = (random_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::uint32_t DemoApp::below(std::uint32_t n) { return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32); }

std::int64_t DemoApp::ms(std::uint32_t least, std::uint32_t most) {
  return ns_per_ms * (least + below(most - least + 1)) + below(1'000'000);
}

std::string DemoApp::hex(int digits) {
  std::string out;
  for (int i = 0; i < digits; ++i) out.push_back("0123456789abcdef"[below(16)]);
  return out;
}

std::string DemoApp::user() { return std::string(pick(users)); }

std::string DemoApp::address() { return "10.20." + std::to_string(below(8)) + "." + std::to_string(1 + below(250)); }

void DemoApp::plan(std::int64_t time_ns, std::string line) { plan_.push({time_ns, planned_++, std::move(line)}); }

void DemoApp::start_flow(std::int64_t at) {
  const std::uint32_t dice = below(1000);
  if (dice < 480) return plan_order(at);
  if (dice < 900) return plan_request(at);
  if (dice < 955) return plan_session(at);
  if (dice < 975) return plan_payment(at);
  if (dice < 994) return plan_failure(at);
  plan_administration(at);
}

// The first lines carry the correlation id and the order id; what the venue answers carries the order id alone.
void DemoApp::plan_order(std::int64_t at) {
  std::array<char, 32> id{};
  std::snprintf(id.data(), id.size(), "ORD-%06llu", static_cast<unsigned long long>(++orders_));
  const std::string order = id.data();
  const std::string correlation = "req-" + hex(12);
  const std::string_view symbol = pick(symbols);
  const std::uint32_t quantity = 100 * (1 + below(50));
  const std::string who = user();
  plan(at, Line(at, "INFO", "oms.order.lifecycle", pick(accepted_words))
               .add("labels.correlation_id", correlation)
               .add("order.id", order)
               .add("order.symbol", symbol)
               .add("order.side", below(2) == 0 ? "buy" : "sell")
               .add("order.quantity", std::int64_t{quantity})
               .add("event.action", "order-submitted")
               .add("user.id", who)
               .add("source.ip", address())
               .end());
  at += ms(1, 6);
  plan(at, Line(at, "DEBUG", "risk.pretrade.limits", "Limit check")
               .add("labels.correlation_id", correlation)
               .add("order.id", order)
               .add("event.duration", std::int64_t{1'000} * (20 + below(900)))
               .end());
  if (below(100) < 8) {
    at += ms(1, 4);
    plan(at, Line(at, "WARNING", "risk.pretrade.limits", pick(rejected_words))
                 .add("order.id", order)
                 .add("event.action", "order-rejected")
                 .add("event.reason", "limit exceeded: notional > 50,000,000 JPY")
                 .end());
    return;
  }
  if (quantity >= 4'500) {
    plan_approval(at + ms(1, 3), order, correlation);
    at += ms(300, 900);
  }
  at += ms(1, 5);
  plan(at, Line(at, "INFO", "matching.router.smart", "Order routed to venue")
               .add("order.id", order)
               .add("order.venue", pick(venues))
               .add("event.action", "order-routed")
               .end());
  plan_fills(at, order, symbol, quantity);
}

void DemoApp::plan_fills(std::int64_t at, const std::string& order, std::string_view symbol, std::uint32_t quantity) {
  const std::uint32_t fills = 1 + below(3);
  for (std::uint32_t i = 0; i < fills; ++i) {
    at += ms(5, 120);
    const bool last = i + 1 == fills;
    plan(at, Line(at, "INFO", "oms.order.lifecycle", last ? pick(filled_words) : "Order partially filled")
                 .add("order.id", order)
                 .add("trade.id", "TRD-" + hex(8))
                 .add("trade.symbol", symbol)
                 .add("trade.quantity", std::int64_t{quantity / fills})
                 .add("trade.price", std::int64_t{1'000} + below(9'000))
                 .add("event.action", "trade-executed")
                 .end());
  }
}

void DemoApp::plan_approval(std::int64_t at, const std::string& order, const std::string& correlation) {
  const std::string approval = "APR-" + hex(6);
  plan(at, Line(at, "INFO", "oms.approvals", "Approval requested")
               .add("labels.correlation_id", correlation)
               .add("order.id", order)
               .add("approval.id", approval)
               .add("event.action", "approval-requested")
               .end());
  const std::int64_t wait = ms(100, 280);
  at += wait;
  const bool granted = below(10) > 0;
  plan(at, Line(at, granted ? "INFO" : "WARNING", "oms.approvals",
                granted ? "Approval granted" : "承認申請が却下されました")
               .add("order.id", order)
               .add("approval.id", approval)
               .add("event.action", granted ? "approval-granted" : "approval-denied")
               .add("event.duration", wait)
               .add("user.id", "supervisor-" + std::to_string(1 + below(3)))
               .end());
}

void DemoApp::plan_request(std::int64_t at) {
  const std::string trace = hex(32);
  const std::uint32_t dice = below(100);
  const std::int64_t status = dice < 94 ? 200 : dice < 98 ? 404 : 503;
  const std::string_view method = pick(methods);
  const std::string_view path = pick(paths);
  std::string http = "{\"request\":{\"method\":";
  append_json_string(http, method);
  http += "},\"response\":{\"status_code\":" + std::to_string(status) + "}}";
  plan(at, Line(at, "DEBUG", "api.http.access", "Request received").add("trace.id", trace).add("url.path", path).end());
  const std::int64_t took = ms(1, status == 503 ? 2'000 : 40);
  at += took;
  plan(at, Line(at, status == 503 ? "ERROR" : "INFO", "api.http.access",
                std::string(method) + " " + std::string(path) + " " + std::to_string(status))
               .add("trace.id", trace)
               .add("span.id", hex(16))
               .object("http", http)
               .add("event.duration", took)
               .add("url.path", path)
               .add("user.id", user())
               .add("source.ip", address())
               .end());
}

void DemoApp::plan_session(std::int64_t at) {
  const std::string session = "ses-" + hex(10);
  const std::string who = user();
  const bool failed = below(10) == 0;
  plan(at, Line(at, failed ? "WARNING" : "INFO", "auth.session", failed ? "Login failed" : "ログインに成功しました")
               .add("event.action", "user-login")
               .add("event.outcome", failed ? "failure" : "success")
               .add("session.id", session)
               .add("user.id", who)
               .add("source.ip", address())
               .end());
  if (failed) return;
  at += ms(500, 4'000);
  plan(at, Line(at, "INFO", "auth.session", "Logged out")
               .add("event.action", "user-logout")
               .add("session.id", session)
               .add("user.id", who)
               .end());
}

// What must never leave the machine: it shows that masking works.
void DemoApp::plan_payment(std::int64_t at) {
  const std::string who = user();
  plan(at,
       Line(at, "INFO", "settlement.cards", "Margin paid by card 4111 1111 1111 1111")
           .add("user.id", who)
           .add("user.email", who + "@example.com")
           .add("payment.amount", std::int64_t{10'000} * (1 + below(90)))
           .object("headers", "{\"authorization\":\"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0." + hex(43) + "\"}")
           .add("password", "correct horse battery staple")
           .end());
}

void DemoApp::plan_failure(std::int64_t at) {
  switch (below(3)) {
    case 0:
      return plan(at, Line(at, "ERROR", "fix.session", "取引所との接続が切断されました")
                          .add("error.type", "java.net.SocketTimeoutException")
                          .add("error.stack_trace", stack_trace)
                          .add("event.action", "venue-disconnected")
                          .end());
    case 1:
      return plan(at, "[GC pause (G1 Evacuation Pause) (young), " + std::to_string(below(90)) + " ms]");
    default:
      return plan(at, "Exception in thread \"feed-3\" java.lang.OutOfMemoryError: Java heap space");
  }
}

void DemoApp::plan_administration(std::int64_t at) {
  const std::string who = user();
  if (below(2) == 0) {
    return plan(at, Line(at, "WARNING", "iam", "Permission changed")
                        .add("event.action", "permission-changed")
                        .add("user.id", "admin-1")
                        .add("user.target.id", who)
                        .add("user.roles", below(8) == 0 ? "trader,risk-override" : "trader,reports")
                        .end());
  }
  plan(at, Line(at, "INFO", "reports.export", "Data exported")
               .add("event.action", "data-exported")
               .add("user.id", who)
               .add("export.rows", std::int64_t{1'000} * (1 + below(400)))
               .add("source.ip", address())
               .end());
}

// Many wrong passwords from one address, then the right one.
void DemoApp::plan_brute_force(std::int64_t at) {
  const std::string from = "203.0.113." + std::to_string(1 + below(250));
  const std::string who = user();
  const std::uint32_t tries = 12 + below(6);
  for (std::uint32_t i = 0; i <= tries; ++i) {
    const bool in = i == tries;
    plan(at, Line(at, in ? "INFO" : "WARNING", "auth.session", in ? "Login succeeded" : "Login failed")
                 .add("event.action", "user-login")
                 .add("event.outcome", in ? "success" : "failure")
                 .add("user.id", who)
                 .add("source.ip", from)
                 .end());
    at += ms(40, 160);
  }
}

}  // namespace tapewatch
