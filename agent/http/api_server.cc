// SPDX-License-Identifier: Apache-2.0
#include "http/api_server.h"

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "http/page.h"

// The shared library was built with these; with others its classes have other sizes, silently.
#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || !defined(CPPHTTPLIB_BROTLI_SUPPORT)
#error "cpp-httplib must be used with the options of its pkg-config file"
#endif

namespace tapewatch {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr const char* openmetrics_type = "application/openmetrics-text";

// One request in, one answer out, both in memory.
class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string in, std::size_t out_max) : in_(std::move(in)), out_max_(out_max) {}

  bool is_readable() const override { return at_ < in_.size(); }
  bool is_writable() const override { return !overflow_; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t part = std::min(size, in_.size() - at_);
    in_.copy(to, part, at_);
    at_ += part;
    return static_cast<ssize_t>(part);
  }
  ssize_t write(const char* from, std::size_t size) override {
    overflow_ = overflow_ || out_.size() + size > out_max_;
    if (overflow_) return -1;
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = "127.0.0.1";
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override { get_remote_ip_and_port(ip, port); }
  socket_t socket() const override { return 0; }

  [[nodiscard]] const std::string& out() const { return out_; }
  [[nodiscard]] bool overflow() const { return overflow_; }

 private:
  const std::string in_;
  std::size_t at_ = 0;
  const std::size_t out_max_;
  std::string out_;
  bool overflow_ = false;
};

// The request anew, from its checked parts and nothing else.
std::string written(const ApiRequest& request) {
  std::string out = "GET " + request.path;
  if (!request.query.empty()) out.append("?").append(request.query);
  out.append(" HTTP/1.1\r\nHost: tapewatch\r\nConnection: close\r\n");
  if (negotiated_format(request.accept) == MetricsFormat::openmetrics) {
    out.append("Accept: ").append(openmetrics_type).append("\r\n");
  }
  return out.append("\r\n");
}

// What a handler is asked.
struct Asked {
  std::string_view query;  // what stands behind the '?' of the address, as sent
  MetricsFormat format = MetricsFormat::text;
};

Asked asked_of(const httplib::Request& request) {
  const std::size_t mark = request.target.find('?');
  Asked asked;
  if (mark != std::string::npos) asked.query = std::string_view(request.target).substr(mark + 1);
  if (request.get_header_value("Accept") == openmetrics_type) asked.format = MetricsFormat::openmetrics;
  return asked;
}

void fill(httplib::Response& response, HttpAnswer answer) {
  response.status = answer.status;
  response.set_header("Content-Type", answer.content_type);
  response.body = std::move(answer.body);
}

// Takes an answer apart that the library wrote.
HttpAnswer read_answer(const std::string& bytes) {
  HttpAnswer answer;
  const std::size_t end = bytes.find(head_end);
  if (end == std::string::npos || bytes.size() < 12) return problem(500, "no answer was made");
  std::from_chars(bytes.data() + 9, bytes.data() + 12, answer.status);
  constexpr std::string_view type = "\r\nContent-Type: ";
  if (const std::size_t at = bytes.find(type); at < end) {
    const std::size_t start = at + type.size();
    answer.content_type = bytes.substr(start, bytes.find("\r\n", start) - start);
  }
  answer.body = bytes.substr(end + head_end.size());
  answer.retry_later = answer.status == 503;
  return answer;
}

}  // namespace

class ApiServer::Router final : public httplib::Server {
 public:
  using Handle = std::function<HttpAnswer(const Asked&)>;

  // No exception of a handler gets into the library, which would put its words into a header.
  void on(const char* path, Handle handle) {
    Get(path, [handle = std::move(handle)](const httplib::Request& request, httplib::Response& response) {
      try {
        fill(response, handle(asked_of(request)));
      } catch (const std::exception&) {
        fill(response, problem(500, "the answer could not be made"));
      }
    });
  }

  HttpAnswer serve(const ApiRequest& request, std::size_t answer_bytes_max) {
    MemoryStream stream(written(request), answer_bytes_max);
    bool closed = false;
    try {
      process_request(stream, true, closed, nullptr);
    } catch (const std::exception&) {
      return problem(500, "the answer could not be made");
    }
    if (stream.overflow()) return problem(500, "the answer is too large: ask for less");
    return read_answer(stream.out());
  }
};

ApiServer::ApiServer(Options options, const StatusBoard& status, SearchBackend* backend, const Clock& clock,
                     const AgentMetrics& metrics)
    : options_(options), api_(status, backend, clock, options.api), router_(std::make_unique<Router>()) {
  const Api& api = api_;
  for (const PageFile& file : page_files()) {
    router_->on(file.path, [&file](const Asked&) {
      return HttpAnswer{200, std::string(file.content_type), std::string(file.content), {}, false, false};
    });
  }
  router_->on("/metrics", [&metrics](const Asked& asked) {
    return HttpAnswer{200,  std::string(content_type_of(asked.format)), metrics.serialize(asked.format), {}, false,
                      false};
  });
  router_->on("/api/v1/search", [&api](const Asked& asked) { return api.search(asked.query); });
  router_->on("/api/v1/trace", [&api](const Asked& asked) { return api.trace(asked.query); });
  router_->on("/api/v1/histogram", [&api](const Asked& asked) { return api.histogram(asked.query); });
  router_->on("/api/v1/top", [&api](const Asked& asked) { return api.top(asked.query); });
  router_->on("/api/v1/alerts", [&api](const Asked&) { return api.alerts(); });
  router_->on("/api/v1/rules", [&api](const Asked&) { return api.rules(); });
  router_->on("/api/v1/files", [&api](const Asked&) { return api.files(); });
  router_->on("/api/v1/status", [&api](const Asked&) { return api.status(); });
}

ApiServer::~ApiServer() = default;

HttpAnswer ApiServer::serve(const ApiRequest& request) const {
  return router_->serve(request, options_.answer_bytes_max);
}

}  // namespace tapewatch
