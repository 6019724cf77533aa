// SPDX-License-Identifier: Apache-2.0
// bench_sink: stands in for the part of Elasticsearch that an agent talks to, on loopback, fast enough not to be what
// is measured. Counts documents by their "seq" field: unique, doubled, missing. Stops by itself after --max-seconds.
//   bench_sink PORT EXPECTED_LINES [MAX_SECONDS]
// GET /__sink gives the counters as JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr std::uint64_t seq_max = 64ull << 20;
std::unique_ptr<std::atomic<std::uint64_t>[]> seen;
std::atomic<std::uint64_t> unique{0};
std::atomic<std::uint64_t> doubled{0};
std::atomic<std::uint64_t> without_seq{0};
std::atomic<std::uint64_t> bulks{0};
std::atomic<std::uint64_t> wire_bytes{0};
std::atomic<std::uint64_t> body_bytes{0};
std::atomic<double> done_at{0};
std::uint64_t expected = 0;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void note(std::string_view document) {
  const std::size_t at = document.find("\"seq\":");
  if (at == std::string_view::npos) {
    ++without_seq;
    return;
  }
  const std::uint64_t seq = std::strtoull(document.data() + at + 6, nullptr, 10);
  if (seq >= seq_max) {
    ++without_seq;
    return;
  }
  const std::uint64_t bit = 1ull << (seq & 63);
  const bool fresh = (seen[seq >> 6].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  (fresh ? unique : doubled).fetch_add(1, std::memory_order_relaxed);
}

// One connection: buffered reads, whole requests, whole answers.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void serve() {
    while (read_request()) answer();
  }

 private:
  bool fill() {
    char chunk[65536];
    const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    in_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }

  bool read_request() {
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return false;
    }
    head_ = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    std::size_t length = 0;
    gzip_ = false;
    for (std::size_t at = head_.find("\r\n"); at != std::string::npos; at = head_.find("\r\n", at + 2)) {
      const char* line = head_.c_str() + at + 2;
      if (::strncasecmp(line, "content-length:", 15) == 0) length = std::strtoull(line + 15, nullptr, 10);
      if (::strncasecmp(line, "content-encoding: gzip", 22) == 0) gzip_ = true;
    }
    body_.resize(length);
    const std::size_t had = std::min(length, in_.size());
    std::memcpy(body_.data(), in_.data(), had);
    in_.erase(0, had);
    for (std::size_t got = had; got < length;) {
      const ssize_t n = ::recv(fd_, body_.data() + got, length - got, 0);
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }

  void answer() {
    const std::string target =
        head_.substr(head_.find(' ') + 1, head_.find(' ', head_.find(' ') + 1) - head_.find(' ') - 1);
    if (target.find("/_bulk") != std::string::npos) return bulk();
    if (target == "/__sink") return reply(stats());
    if (target == "/") return reply(R"({"version":{"number":"8.15.0"},"tagline":"You Know, for Search"})");
    reply(R"({"acknowledged":true})");
  }

  void bulk() {
    ++bulks;
    wire_bytes += body_.size();
    std::string_view rest = body_;
    if (gzip_) {
      if (!inflate_body()) return reply("{}", "400 Bad Request");
      rest = plain_;
    }
    body_bytes += rest.size();
    std::string items = R"({"took":1,"errors":false,"items":[)";
    bool first = true;
    while (!rest.empty()) {
      const std::string_view action = take_line(rest);
      if (action.empty()) continue;
      const std::size_t id = action.find("\"_id\":\"");
      note(take_line(rest));
      items.append(first ? "" : ",").append(R"({"create":{"_index":"logs-trading","_id":")");
      if (id != std::string_view::npos) items.append(action.substr(id + 7, action.find('"', id + 7) - id - 7));
      items.append(R"(","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":1,)"
                   R"("_primary_term":1,"status":201}})");
      first = false;
    }
    items.append("]}");
    reply(items);
    if (unique.load() >= expected && done_at.load() == 0) done_at = now();
  }

  static std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  }

  bool inflate_body() {
    z_stream stream{};
    if (::inflateInit2(&stream, 31) != Z_OK) return false;
    plain_.resize(body_.size() * 12 + 65536);
    stream.next_in = reinterpret_cast<Bytef*>(body_.data());
    stream.avail_in = static_cast<uInt>(body_.size());
    int result = Z_OK;
    while (result == Z_OK) {
      if (stream.total_out == plain_.size()) plain_.resize(plain_.size() * 2);
      stream.next_out = reinterpret_cast<Bytef*>(plain_.data()) + stream.total_out;
      stream.avail_out = static_cast<uInt>(plain_.size() - stream.total_out);
      result = ::inflate(&stream, Z_NO_FLUSH);
    }
    plain_.resize(stream.total_out);
    ::inflateEnd(&stream);
    return result == Z_STREAM_END;
  }

  static std::string stats() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    char text[512];
    std::snprintf(
        text, sizeof text,
        "{\"unique\":%llu,\"doubled\":%llu,\"without_seq\":%llu,\"bulks\":%llu,\"wire_bytes\":%llu,\"body_bytes\":%llu,"
        "\"done_at\":%.6f,\"now\":%.6f}",
        static_cast<unsigned long long>(unique), static_cast<unsigned long long>(doubled),
        static_cast<unsigned long long>(without_seq), static_cast<unsigned long long>(bulks),
        static_cast<unsigned long long>(wire_bytes), static_cast<unsigned long long>(body_bytes), done_at.load(),
        now());
    return text;
  }

  void reply(std::string_view body, const char* status = "200 OK") {
    std::string out = std::string("HTTP/1.1 ") + status +
                      "\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\ncontent-length: " +
                      std::to_string(body.size()) + "\r\n\r\n";
    if (head_.compare(0, 5, "HEAD ") != 0) out.append(body);
    for (std::string_view rest = out; !rest.empty();) {
      const ssize_t n = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  int fd_;
  bool gzip_ = false;
  std::string in_;
  std::string head_;
  std::string body_;
  std::string plain_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_sink PORT EXPECTED_LINES [MAX_SECONDS]\n");
    return 2;
  }
  seen = std::make_unique<std::atomic<std::uint64_t>[]>(seq_max / 64);
  expected = std::strtoull(argv[2], nullptr, 10);
  const double end = now() + (argc > 3 ? std::atof(argv[3]) : 600);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 64) != 0) {
    std::perror("bench_sink");
    return 1;
  }
  while (now() < end) {
    pollfd waiting{listener, POLLIN, 0};
    if (::poll(&waiting, 1, 200) <= 0) continue;
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread([fd] { Connection(fd).serve(); }).detach();
  }
  std::_Exit(0);
}
