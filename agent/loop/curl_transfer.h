// SPDX-License-Identifier: Apache-2.0
#pragma once
// CurlTransfer: one request and its reply on one curl easy handle. For http_client.cc and curl_engine.cc only. Thread:
// loop.

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "loop/http_client.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct EasyHandleEnd {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyHandleEnd>;
[[nodiscard]] EasyHandle make_easy_handle();

class CurlTransfer final {
 public:
  // Sets every option of the request; what curl refuses comes back as the error.
  Status prepare(HttpId id, EasyHandle handle, HttpRequest request, const HttpClientOptions& options);
  // What came so far, with the error that the transfer itself found (a reply too large).
  [[nodiscard]] HttpReply take_reply();
  [[nodiscard]] EasyHandle take_handle() { return std::move(handle_); }
  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  [[nodiscard]] HttpId id() const { return id_; }
  // curl's words for its last failure, "" when it had none.
  [[nodiscard]] std::string_view failure() const { return failure_; }

 private:
  struct HeaderListEnd {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* transfer);
  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* transfer);
  Status set_headers();
  CURLcode set_request(const HttpClientOptions& options);
  CURLcode set_connection(const HttpClientOptions& options);
  CURLcode set_tls();
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);

  HttpId id_ = 0;
  HttpRequest request_;
  EasyHandle handle_;
  std::unique_ptr<curl_slist, HeaderListEnd> headers_;
  HttpReply reply_;
  std::size_t header_bytes_ = 0;
  char failure_[CURL_ERROR_SIZE] = {};
};

}  // namespace tapewatch
