// SPDX-License-Identifier: Apache-2.0
// bench_loggen: a deterministic corpus of trading-application log lines, one JSON object each.
//   bench_loggen --bytes 1073741824 [--lines N] [--seed 42] [--shape mixed|tiny|large] > corpus.jsonl
// The first field of every line is "seq" (0, 1, 2 ...), so that a sink can tell what was lost or doubled.
// Same seed, shape and size give the same bytes.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace {
struct Rng {
  uint64_t s;
  explicit Rng(uint64_t seed) : s(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t next() {  // splitmix64
    uint64_t z = (s += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(((next() >> 32) * n) >> 32); }
  bool chance(uint32_t permille) { return below(1000) < permille; }
  // heavy-tailed: mostly small, sometimes large
  uint32_t tail(uint32_t scale) {
    uint32_t k = below(12);
    return below(scale << (k > 8 ? k - 8 : 0)) + 1;
  }
};

struct Out {
  std::string b;
  uint64_t total = 0;
  Out() { b.reserve(9u << 20); }
  void flush() {
    size_t o = 0;
    while (o < b.size()) {
      ssize_t n = ::write(1, b.data() + o, b.size() - o);
      if (n <= 0) {
        perror("write");
        exit(1);
      }
      o += size_t(n);
    }
    total += b.size();
    b.clear();
  }
  uint64_t written() const { return total + b.size(); }
  void s(std::string_view v) { b.append(v); }
  void u(uint64_t v) {
    char t[24];
    int i = 24;
    do {
      t[--i] = char('0' + v % 10);
      v /= 10;
    } while (v);
    b.append(t + i, size_t(24 - i));
  }
  void pad(uint64_t v, int w) {
    char t[24];
    for (int i = w - 1; i >= 0; --i) {
      t[i] = char('0' + v % 10);
      v /= 10;
    }
    b.append(t, size_t(w));
  }
  void fixed(uint64_t v, int dec) {
    uint64_t p = 1;
    for (int i = 0; i < dec; ++i) p *= 10;
    u(v / p);
    if (dec) {
      b.push_back('.');
      pad(v % p, dec);
    }
  }
  void hex(uint64_t v, int w) {
    static const char* d = "0123456789abcdef";
    char t[16];
    for (int i = w - 1; i >= 0; --i) {
      t[i] = d[v & 15];
      v >>= 4;
    }
    b.append(t, size_t(w));
  }
};

const char* const kSymbols[] = {"7203.T", "6758.T", "9984.T", "8306.T", "6861.T", "9432.T", "AAPL",
                                "MSFT",   "NVDA",   "TSLA",   "AMZN",   "GOOGL",  "USDJPY", "EURUSD",
                                "GBPJPY", "NK225M", "ES",     "CL",     "GC",     "BTC-USD"};
const char* const kVenues[] = {"TSE", "NASDAQ", "NYSE", "CME", "OSE", "EBS", "ARCA", "JNX"};
const char* const kLoggers[] = {"oms.gateway.fix",         "oms.order.lifecycle",   "risk.pretrade.limits",
                                "marketdata.feed.handler", "matching.router.smart", "api.http.access",
                                "auth.session.manager",    "settlement.batch.eod",  "positions.cache.redis",
                                "persistence.pool.sqlite"};
const char* const kPaths[] = {"/api/v1/orders",
                              "/api/v1/orders/{id}/cancel",
                              "/api/v1/positions",
                              "/api/v1/quotes?symbols=7203.T,6758.T",
                              "/api/v1/accounts/{id}/balance",
                              "/api/v2/approvals",
                              "/ws/stream",
                              "/internal/health"};
const char* const kMethods[] = {"GET", "POST", "DELETE", "PUT", "GET", "GET", "POST", "POST"};
const char* const kJp[] = {"注文を受け付けました",
                           "約定しました",
                           "余力不足のため注文を拒否しました",
                           "取引所との接続が切断されました",
                           "承認申請が却下されました",
                           "ログインに成功しました",
                           "口座残高を更新しました",
                           "市場データの遅延を検出しました"};
const char* const kOrderMsg[] = {"Order accepted by gateway",        "Order routed to venue",
                                 "Order partially filled",           "Order fully filled",
                                 "Cancel request acknowledged",      "Replace request acknowledged",
                                 "Order rejected by pre-trade risk", "Order expired at end of session"};
const char* const kOrderEv[] = {"order.accepted",  "order.routed",   "order.partial_fill", "order.filled",
                                "order.cancelled", "order.replaced", "order.rejected",     "order.expired"};
const char* const kFrames[] = {
    "com.acme.trading.oms.OrderGateway.submit(OrderGateway.java:412)",
    "com.acme.trading.risk.LimitChecker.evaluate(LimitChecker.java:188)",
    "com.acme.trading.net.FixSession.onMessage(FixSession.java:951)",
    "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1136)",
    "com.acme.trading.db.Pool.acquire(Pool.java:77)",
    "com.acme.trading.cache.RedisClient.call(RedisClient.java:260)",
    "java.base/java.net.SocketInputStream.read(SocketInputStream.java:186)",
    "com.acme.trading.route.SmartRouter$Leg.run(SmartRouter.java:333)"};
const char* const kExc[] = {"java.net.SocketTimeoutException: Read timed out",
                            "java.lang.IllegalStateException: order book \\\"7203.T\\\" is crossed",
                            "java.sql.SQLException: database is locked (5)",
                            "com.acme.trading.RiskException: limit exceeded: notional > 50,000,000 JPY"};
const char* const kHosts[] = {"trade-01", "trade-02", "trade-03", "trade-04"};

struct Gen {
  Rng r;
  Out o;
  uint64_t seq = 0;
  uint64_t t_us;
  int64_t day = -1;
  char date[16]{};
  Gen(uint64_t seed, uint64_t start_us) : r(seed), t_us(start_us) {}

  void ts() {
    t_us += r.tail(900);
    uint64_t sec = t_us / 1000000;
    int64_t d = int64_t(sec / 86400);
    if (d != day) {
      day = d;
      time_t tt = time_t(sec);
      tm g;
      gmtime_r(&tt, &g);
      strftime(date, sizeof date, "%Y-%m-%d", &g);
    }
    uint64_t sod = sec % 86400;
    o.s(date);
    o.s("T");
    o.pad(sod / 3600, 2);
    o.s(":");
    o.pad(sod / 60 % 60, 2);
    o.s(":");
    o.pad(sod % 60, 2);
    o.s(".");
    o.pad(t_us % 1000000, 6);
    o.s("Z");
  }
  void uuid() {
    uint64_t a = r.next(), c = r.next();
    o.hex(a >> 32, 8);
    o.s("-");
    o.hex(a >> 16, 4);
    o.s("-4");
    o.hex(a, 3);
    o.s("-a");
    o.hex(c >> 48, 3);
    o.s("-");
    o.hex(c, 12);
  }
  void head(const char* level, const char* logger) {
    o.s("{\"seq\":");
    o.u(seq++);
    o.s(",\"timestamp\":\"");
    ts();
    o.s("\",\"level\":\"");
    o.s(level);
    o.s("\",\"logger\":\"");
    o.s(logger);
    o.s("\"");
  }
  void ids() {
    if (!r.chance(150)) {
      o.s(",\"correlation_id\":\"");
      uuid();
      o.s("\"");
    }
    o.s(",\"request_id\":\"r-");
    o.hex(r.next(), 8);
    o.s("\",\"user_id\":\"U");
    o.u(100000 + r.below(25000));
    o.s("\"");
  }
  void dur() {
    o.s(",\"duration_ms\":");
    o.fixed(uint64_t(r.tail(9000)), 3);
  }
  void order_fields() {
    o.s(",\"order_id\":\"ORD-");
    o.u(20260105000000ull + r.below(4000000));
    o.s("\",\"symbol\":\"");
    o.s(kSymbols[r.below(20)]);
    o.s("\",\"side\":\"");
    o.s(r.chance(500) ? "BUY" : "SELL");
    o.s("\",\"qty\":");
    o.u(100ull * (1 + r.below(80)));
    o.s(",\"price\":");
    o.fixed(10000 + r.below(1500000), 2);
  }
  void msg_begin() { o.s(",\"message\":\""); }
  void order() {
    uint32_t k = r.below(8);
    const char* lv = k == 6 ? "WARNING" : (r.chance(250) ? "DEBUG" : "INFO");
    head(lv, kLoggers[r.below(5)]);
    msg_begin();
    uint32_t f = r.below(1000);
    if (f < 60) {
      o.s(kJp[r.below(8)]);
      o.s(" (\\u7d04\\u5b9a ");
      o.u(r.below(900));
      o.s("\xE4\xBB\xB6)");
    } else {
      o.s(kOrderMsg[k]);
      if (f < 90)
        o.s(", client note: \\\"fill or kill\\\"\\tpath C:\\\\desk\\\\book");
      else if (f < 100)
        o.s(" \\ud83d\\udcc8 \xF0\x9F\x9A\x80 caf\xC3\xA9 \\u00fcber");
    }
    o.s("\",\"event\":\"");
    o.s(kOrderEv[k]);
    o.s("\"");
    ids();
    order_fields();
    if (k == 1) {
      o.s(",\"venue\":\"");
      o.s(kVenues[r.below(8)]);
      o.s("\"");
    }
    dur();
    if (k == 2 || k == 3) {
      o.s(",\"execution\":{\"exec_id\":");
      o.u(9007199254740993ull + r.below(1000000000));
      o.s(",\"ts_ns\":");
      o.u(t_us * 1000 + r.below(1000));
      o.s(",\"last_px\":");
      o.fixed(10000 + r.below(1500000), 4);
      o.s(",\"maker\":");
      o.s(r.chance(500) ? "true" : "false");
      o.s("}");
    } else {
      o.s(",\"context\":{\"strategy\":\"vwap-");
      o.u(r.below(40));
      o.s("\",\"leg\":");
      o.u(r.below(4));
      o.s(r.chance(700) ? "" : ",\"parent\":null");
      o.s("}");
    }
  }
  void http() {
    uint32_t k = r.below(8);
    uint32_t st = r.chance(20) ? 500 + r.below(4) : (r.chance(50) ? 400 + r.below(5) : 200);
    head(st >= 500 ? "ERROR" : "INFO", "api.http.access");
    msg_begin();
    o.s(kMethods[k]);
    o.s(" ");
    o.s(kPaths[k]);
    o.s(" ");
    o.u(st);
    o.s("\",\"event\":\"http.request\"");
    ids();
    dur();
    o.s(",\"http\":{\"method\":\"");
    o.s(kMethods[k]);
    o.s("\",\"path\":\"");
    o.s(kPaths[k]);
    o.s("\",\"status\":");
    o.u(st);
    o.s(",\"bytes\":");
    o.u(r.tail(4000));
    o.s(",\"remote\":\"10.");
    o.u(r.below(256));
    o.s(".");
    o.u(r.below(256));
    o.s(".");
    o.u(r.below(256));
    o.s("\",\"user_agent\":\"TradeDesk/4.2 rv:");
    o.u(100 + r.below(30));
    o.s("\"}");
  }
  void security() {
    static const char* ev[] = {"auth.login",      "auth.logout",      "auth.permission_change", "data.export",
                               "trade.execution", "approval.request", "approval.decision",      "auth.login"};
    uint32_t k = r.below(8);
    bool ok = !r.chance(k == 0 ? 120 : 20);
    head(ok ? "INFO" : "WARNING", "auth.session.manager");
    msg_begin();
    if (r.chance(200))
      o.s(kJp[r.below(8)]);
    else {
      o.s("Security event ");
      o.s(ev[k]);
      o.s(ok ? " succeeded" : " failed");
    }
    o.s("\",\"event\":\"");
    o.s(ev[k]);
    o.s("\"");
    ids();
    dur();
    o.s(",\"context\":{\"outcome\":\"");
    o.s(ok ? "success" : "failure");
    o.s("\",\"ip\":\"192.0.2.");
    o.u(r.below(256));
    o.s("\",\"email\":\"user");
    o.u(r.below(25000));
    o.s("@example.com\",\"mfa\":");
    o.s(r.chance(800) ? "true" : "false");
    o.s(",\"card\":\"4111-1111-1111-");
    o.pad(r.below(10000), 4);
    o.s("\",\"roles\":[\"trader\",\"desk-");
    o.u(r.below(9));
    o.s("\"]}");
  }
  void cache() {
    head("DEBUG", kLoggers[8 + r.below(2)]);
    msg_begin();
    o.s(r.chance(900) ? "Cache lookup" : "Pool connection acquired");
    o.s("\",\"event\":\"cache.lookup\"");
    ids();
    dur();
    o.s(",\"context\":{\"key\":\"pos:U");
    o.u(100000 + r.below(25000));
    o.s(":");
    o.s(kSymbols[r.below(20)]);
    o.s("\",\"hit\":");
    o.s(r.chance(850) ? "true" : "false");
    o.s(",\"pool\":{\"size\":16,\"idle\":");
    o.u(r.below(16));
    o.s(",\"wait_us\":");
    o.u(r.tail(200));
    o.s("}}");
  }
  void trace() {
    head(r.chance(100) ? "CRITICAL" : "ERROR", kLoggers[r.below(10)]);
    msg_begin();
    o.s("Unhandled exception while processing request");
    o.s("\",\"event\":\"app.error\"");
    ids();
    order_fields();
    dur();
    o.s(",\"exception\":{\"type\":\"RuntimeException\",\"stack\":\"");
    o.s(kExc[r.below(4)]);
    uint32_t n = 6 + r.below(18);
    for (uint32_t i = 0; i < n; ++i) {
      o.s("\\n\\tat ");
      o.s(kFrames[r.below(8)]);
    }
    o.s("\"}");
  }
  void mixed() {
    uint32_t k = r.below(1000);
    if (k < 520)
      order();
    else if (k < 760)
      http();
    else if (k < 900)
      cache();
    else if (k < 992)
      security();
    else
      trace();
    o.s(",\"node\":\"");
    o.s(kHosts[r.below(4)]);
    o.s("\"}\n");
  }
  void tiny() {  // about 120 bytes
    o.s("{\"seq\":");
    o.u(seq++);
    o.s(",\"timestamp\":\"");
    ts();
    o.s("\",\"level\":\"INFO\",\"event\":\"tick\",\"symbol\":\"");
    o.s(kSymbols[r.below(20)]);
    o.s("\",\"price\":");
    o.fixed(10000 + r.below(1500000), 2);
    o.s("}\n");
  }
  void large() {  // about 4 KiB: a snapshot of a depth-of-book
    head("INFO", "marketdata.feed.handler");
    msg_begin();
    o.s("Depth snapshot\",\"event\":\"md.depth\"");
    ids();
    o.s(",\"symbol\":\"");
    o.s(kSymbols[r.below(20)]);
    o.s("\"");
    dur();
    o.s(",\"book\":{");
    for (int side = 0; side < 2; ++side) {
      o.s(side ? ",\"asks\":[" : "\"bids\":[");
      for (int i = 0; i < 38; ++i) {
        if (i) o.s(",");
        o.s("{\"px\":");
        o.fixed(10000 + r.below(1500000), 2);
        o.s(",\"qty\":");
        o.u(100ull * (1 + r.below(900)));
        o.s(",\"n\":");
        o.u(r.below(40));
        o.s(",\"mpid\":\"MM");
        o.pad(r.below(1000), 3);
        o.s("\"}");
      }
      o.s("]");
    }
    o.s("}}\n");
  }
};
}  // namespace

int main(int argc, char** argv) {
  uint64_t bytes = 1ull << 30, lines = UINT64_MAX, seed = 42;
  std::string shape = "mixed";
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view a = argv[i];
    const char* v = argv[i + 1];
    if (a == "--bytes")
      bytes = strtoull(v, nullptr, 10);
    else if (a == "--lines") {
      lines = strtoull(v, nullptr, 10);
      bytes = UINT64_MAX;
    } else if (a == "--seed")
      seed = strtoull(v, nullptr, 10);
    else if (a == "--shape")
      shape = v;
    else {
      fprintf(stderr, "loggen: unknown option %s\n", argv[i]);
      return 2;
    }
  }
  Gen g(seed, 1767571200ull * 1000000);  // 2026-01-05T00:00:00Z
  while (g.o.written() < bytes && g.seq < lines) {
    if (shape == "tiny")
      g.tiny();
    else if (shape == "large")
      g.large();
    else
      g.mixed();
    if (g.o.b.size() > (8u << 20)) g.o.flush();
  }
  g.o.flush();
  fprintf(stderr, "lines=%llu bytes=%llu avg=%.1f\n", (unsigned long long)g.seq, (unsigned long long)g.o.total,
          double(g.o.total) / double(g.seq));
}
