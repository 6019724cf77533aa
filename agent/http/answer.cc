// SPDX-License-Identifier: Apache-2.0
#include "http/answer.h"

#include "base/json_writer.h"

namespace tapewatch {
namespace {

constexpr std::string_view protection =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n";

struct Title {
  int status;
  std::string_view text;
};
constexpr Title titles[] = {{200, "OK"},
                            {202, "Accepted"},
                            {400, "Bad Request"},
                            {401, "Unauthorized"},
                            {403, "Forbidden"},
                            {404, "Not Found"},
                            {405, "Method Not Allowed"},
                            {408, "Request Timeout"},
                            {411, "Length Required"},
                            {413, "Content Too Large"},
                            {414, "URI Too Long"},
                            {415, "Unsupported Media Type"},
                            {417, "Expectation Failed"},
                            {421, "Misdirected Request"},
                            {431, "Request Header Fields Too Large"},
                            {500, "Internal Server Error"},
                            {503, "Service Unavailable"},
                            {504, "Gateway Timeout"},
                            {505, "HTTP Version Not Supported"}};

std::string_view title_of(int status) {
  for (const Title& title : titles) {
    if (title.status == status) return title.text;
  }
  return "Unknown";
}

}  // namespace

HttpAnswer problem(int status, std::string_view detail) {
  HttpAnswer answer;
  answer.status = status;
  answer.content_type = "application/problem+json";
  answer.challenge = status == 401;
  answer.retry_later = status == 503;
  if (status == 405) answer.allow = "GET, HEAD, POST";
  JsonObject object(answer.body);
  object.add("title", title_of(status));
  object.add("status", status);
  object.add("detail", detail);
  object.end();
  return answer;
}

HttpAnswer query_problem(std::string_view detail, std::size_t offset, std::size_t length, std::string_view hint) {
  HttpAnswer answer = problem(400, detail);
  answer.body.pop_back();
  answer.body.append(",\"offset\":");
  append_json_uint(answer.body, offset);
  answer.body.append(",\"length\":");
  append_json_uint(answer.body, length);
  answer.body.append(",\"hint\":");
  append_json_string(answer.body, hint);
  answer.body.push_back('}');
  return answer;
}

std::string answer_head(const HttpAnswer& answer, std::optional<std::size_t> length, bool close) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out.append(title_of(answer.status)).append("\r\n").append(protection);
  out.append("Content-Type: ").append(answer.content_type).append("\r\n");
  if (length) out.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
  if (!answer.allow.empty()) out.append("Allow: ").append(answer.allow).append("\r\n");
  if (answer.challenge) out.append("WWW-Authenticate: Bearer realm=\"tapewatch\"\r\n");
  if (answer.retry_later) out.append("Retry-After: 1\r\n");
  out.append(close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
  return out;
}

}  // namespace tapewatch
