// SPDX-License-Identifier: Apache-2.0
#pragma once
// RequestParser: one HTTP/1.1 request (RFC 9112), taken in byte by byte as it arrives, strictly: what is not exactly
// the grammar is refused, never repaired. It keeps the few headers somebody asks for and drops the rest, so that its
// memory is that of the largest line plus the body. A plain object without clock or socket. Owned by a session. Thread:
// any, one at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapewatch {

struct RequestLimits {
  std::size_t request_line_bytes_max = 7'000;
  std::size_t header_line_bytes_max = 4'096;
  std::size_t head_bytes_max = 16 * 1024;  // request line and all headers
  std::size_t header_count_max = 64;
  std::size_t body_bytes_max = 64 * 1024;
};

enum class Method : std::uint8_t { get, head, post };

// A request that passed every check of the grammar and the limits.
struct ApiRequest {
  Method method = Method::get;
  std::string path;   // as sent, starts with '/', without the query; percent signs are well-formed
  std::string query;  // behind the '?', as sent
  std::string host;   // as sent, with its port
  std::string authorization;
  std::string accept;  // several of this header are one, with commas
  std::string origin;
  std::string fetch_site;  // Sec-Fetch-Site
  std::string fetch_mode;  // Sec-Fetch-Mode
  std::string last_event_id;
  std::string body;
  bool close = false;  // the client wants the connection closed
};

// Why a request is refused: the status that tells so.
struct Refusal {
  int status = 400;
  std::string_view detail;  // a string literal
};

class RequestParser final {
 public:
  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  enum class State : std::uint8_t { head, body, complete, refused };

  // Takes bytes up to the end of the request and says how many that were; after `complete` or `refused`, none.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] State state() const { return state_; }
  // Whether a byte of the request has come.
  [[nodiscard]] bool started() const { return head_bytes_ > 0; }
  // REQUIRES: state() == complete.
  [[nodiscard]] ApiRequest& request();
  // REQUIRES: state() == refused.
  [[nodiscard]] const Refusal& refusal() const;
  // Ready for the next request of the connection.
  void reset();

 private:
  void take_line();
  void take_request_line(std::string_view line);
  void take_target(std::string_view target);
  void take_header(std::string_view line);
  void take_known_header(std::string_view name, std::string_view value);
  void take_once(std::string& field, unsigned bit, std::string_view value);
  void take_content_length(std::string_view value);
  void end_head();
  void refuse(int status, std::string_view detail);

  const RequestLimits limits_;
  State state_ = State::head;
  bool request_line_done_ = false;
  bool empty_line_seen_ = false;
  std::string line_;
  std::size_t head_bytes_ = 0;
  std::size_t headers_ = 0;
  unsigned seen_ = 0;  // one bit for each header that may come once
  std::optional<std::size_t> content_length_;
  ApiRequest request_;
  Refusal refusal_;
};

}  // namespace tapewatch
