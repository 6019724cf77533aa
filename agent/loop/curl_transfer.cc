// SPDX-License-Identifier: Apache-2.0
#include "loop/curl_transfer.h"

#include <strings.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;

// Sets options one after the other and keeps the first refusal.
class Setter final {
 public:
  explicit Setter(CURL* handle) : handle_(handle) {}
  template <typename T>
  Setter& set(CURLoption option, T value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(handle_, option, value);
    return *this;
  }
  [[nodiscard]] CURLcode code() const { return code_; }

 private:
  CURL* handle_;
  CURLcode code_ = CURLE_OK;
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

EasyHandle make_easy_handle() { return EasyHandle(curl_easy_init()); }

Status CurlTransfer::prepare(HttpId id, EasyHandle handle, HttpRequest request, const HttpClientOptions& options) {
  id_ = id;
  request_ = std::move(request);
  handle_ = std::move(handle);
  if (!handle_) return Error{Code::internal, "curl gave no handle"};
  curl_easy_reset(handle_.get());
  if (has_control(request_.url) || has_control(request_.method)) {
    return Error{Code::invalid, "control character in a request line"};
  }
  if (Status status = set_headers(); !status) return status;
  CURLcode code = set_request(options);
  if (code == CURLE_OK) code = set_connection(options);
  if (code == CURLE_OK) code = set_tls();
  if (code != CURLE_OK) return Error{Code::invalid, std::string("setting up a request: ") + curl_easy_strerror(code)};
  return success();
}

Status CurlTransfer::set_headers() {
  // curl would first ask whether the server wants the body, and by default calls it a form.
  std::vector<std::string> lines = {"Expect:"};
  for (const std::string& line : request_.headers) {
    if (has_control(line)) return Error{Code::invalid, "control character in a request header"};
    lines.push_back(line);
  }
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
    CHECK(longer != nullptr);
    static_cast<void>(headers_.release());  // it is in `longer`
    headers_.reset(longer);
  }
  return success();
}

CURLcode CurlTransfer::set_request(const HttpClientOptions& options) {
  Setter setter(handle_.get());
  setter.set(CURLOPT_PRIVATE, static_cast<void*>(this))
      .set(CURLOPT_ERRORBUFFER, failure_)
      .set(CURLOPT_URL, request_.url.c_str())
      .set(CURLOPT_HTTPHEADER, headers_.get())
      .set(CURLOPT_USERAGENT, options.user_agent.c_str())
      .set(CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body)
      .set(CURLOPT_WRITEDATA, static_cast<void*>(this))
      .set(CURLOPT_BUFFERSIZE, static_cast<long>(std::clamp<std::size_t>(request_.reply_bytes_max, 16 * 1024,
                                                                         options.receive_buffer_bytes)))
      .set(CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header)
      .set(CURLOPT_HEADERDATA, static_cast<void*>(this))
      .set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  if (request_.method == "HEAD") {
    setter.set(CURLOPT_NOBODY, 1L);
  } else if (!request_.body.empty() || request_.method == "POST") {
    setter.set(CURLOPT_POST, 1L)
        .set(CURLOPT_POSTFIELDS, request_.body.empty() ? "" : request_.body.data())
        .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()))
        .set(CURLOPT_UPLOAD_BUFFERSIZE,
             static_cast<long>(std::clamp<std::size_t>(request_.body.size(), 16 * 1024, options.upload_buffer_bytes)));
  }
  if (request_.method != "HEAD") setter.set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  return setter.code();
}

CURLcode CurlTransfer::set_connection(const HttpClientOptions& options) {
  Setter setter(handle_.get());
  setter.set(CURLOPT_PROTOCOLS_STR, "http,https")
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED))
      .set(CURLOPT_PROXY, options.proxy.c_str())
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_QUICK_EXIT, 1L)  // cancelling does not wait for a resolver that hangs
      .set(CURLOPT_TCP_NODELAY, 1L)
      .set(CURLOPT_TCP_KEEPALIVE, 1L)
      .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()))
      .set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()))
      .set(CURLOPT_DNS_CACHE_TIMEOUT, static_cast<long>(options.dns_cache.count()))
      .set(CURLOPT_MAXAGE_CONN, static_cast<long>(options.idle_connection_max.count()));
  return setter.code();
}

CURLcode CurlTransfer::set_tls() {
  Setter setter(handle_.get());
  setter.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (request_.tls == nullptr) return setter.code();
  const TlsOptions& tls = *request_.tls;
  if (!tls.ca_file.empty()) setter.set(CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.certificate_file.empty()) setter.set(CURLOPT_SSLCERT, tls.certificate_file.c_str());
  if (!tls.key_file.empty()) setter.set(CURLOPT_SSLKEY, tls.key_file.c_str());
  if (tls.insecure) setter.set(CURLOPT_SSL_VERIFYPEER, 0L).set(CURLOPT_SSL_VERIFYHOST, 0L);
  return setter.code();
}

HttpReply CurlTransfer::take_reply() {
  if (handle_) {
    long code = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
    reply_.code = static_cast<int>(code);
  }
  return std::move(reply_);
}

std::size_t CurlTransfer::on_body(char* bytes, std::size_t, std::size_t count, void* transfer) {
  return static_cast<CurlTransfer*>(transfer)->take_body(std::string_view(bytes, count)) ? count : 0;
}

std::size_t CurlTransfer::on_header(char* bytes, std::size_t, std::size_t count, void* transfer) {
  return static_cast<CurlTransfer*>(transfer)->take_header(std::string_view(bytes, count)) ? count : 0;
}

bool CurlTransfer::take_body(std::string_view bytes) {
  if (reply_.body.size() + bytes.size() > request_.reply_bytes_max) {
    reply_.error = Error{Code::limit, "reply larger than " + std::to_string(request_.reply_bytes_max) + " bytes"};
    return false;
  }
  reply_.body.append(bytes);
  return true;
}

// Every line of every header block; an interim (1xx) block may come first, its fields are overwritten.
bool CurlTransfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > header_bytes_max) {
    reply_.error = Error{Code::limit, "reply headers larger than " + std::to_string(header_bytes_max) + " bytes"};
    return false;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_ascii_word(name, "content-type")) reply_.content_type = value;
  if (same_ascii_word(name, "retry-after")) reply_.retry_after = value;
  if (same_ascii_word(name, "date")) reply_.date = value;
  if (same_ascii_word(name, "content-length")) {
    curl_off_t bytes = -1;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
    if (bytes > 0) reply_.body.reserve(std::min(static_cast<std::size_t>(bytes), request_.reply_bytes_max));
  }
  return true;
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string plain = std::string(user) + ":" + std::string(password);
  std::string out = "Basic ";
  for (std::size_t i = 0; i < plain.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < plain.size() ? static_cast<unsigned char>(plain[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out.push_back(i + k <= plain.size() ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
  }
  return out;
}

}  // namespace tapewatch
