// SPDX-License-Identifier: Apache-2.0
#pragma once
// HttpAnswer: what goes back for one request, and its form on the wire. Every answer carries the same headers of
// protection; there are no CORS headers at all, so that no other page may read one. Thread: any.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tapewatch {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;         // for 405: the methods, "GET, HEAD"
  bool challenge = false;    // for 401: asks for a token
  bool retry_later = false;  // for 503: Retry-After
};

// A problem object (after RFC 9457): title, status and detail.
[[nodiscard]] HttpAnswer problem(int status, std::string_view detail);
// One whose cause is at a place of the query.
[[nodiscard]] HttpAnswer query_problem(std::string_view detail, std::size_t offset, std::size_t length,
                                       std::string_view hint);

// The head of an answer: status line and headers, up to the empty line. Without a length the body ends with the
// connection.
[[nodiscard]] std::string answer_head(const HttpAnswer& answer, std::optional<std::size_t> length, bool close);

}  // namespace tapewatch
