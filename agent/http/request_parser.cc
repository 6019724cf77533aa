// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/check.h"

namespace tapewatch {
namespace {

enum Seen : unsigned {
  seen_host = 1,
  seen_authorization = 2,
  seen_origin = 4,
  seen_fetch_site = 8,
  seen_fetch_mode = 16,
  seen_last_event_id = 32,
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// RFC 9110 section 5.6.2.
bool is_token(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
// RFC 3986: what may stand in a path or a query; '%' is checked with what follows it.
bool is_target(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=:@/?%").find(c) != std::string_view::npos;
}
// Field values: visible characters, blanks, and bytes above ASCII (RFC 9110 section 5.5). No control byte.
bool is_value(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

}  // namespace

std::size_t RequestParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::head && taken < bytes.size()) {
    const std::string_view rest = bytes.substr(taken);
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    head_bytes_ += end;
    taken += end;
    const std::size_t line_max = request_line_done_ ? limits_.header_line_bytes_max : limits_.request_line_bytes_max;
    if (line_.size() + end > line_max) {
      refuse(request_line_done_ ? 431 : 414, request_line_done_ ? "a header is too long" : "the address is too long");
    } else if (head_bytes_ > limits_.head_bytes_max) {
      refuse(431, "the headers are too long");
    } else {
      line_.append(rest.substr(0, end));
      if (line_.back() == '\n') take_line();
    }
  }
  if (state_ == State::body) {
    const std::size_t part = std::min(*content_length_ - request_.body.size(), bytes.size() - taken);
    request_.body.append(bytes.substr(taken, part));
    taken += part;
    if (request_.body.size() == *content_length_) state_ = State::complete;
  }
  return taken;
}

ApiRequest& RequestParser::request() {
  CHECK(state_ == State::complete);
  return request_;
}

const Refusal& RequestParser::refusal() const {
  CHECK(state_ == State::refused);
  return refusal_;
}

void RequestParser::reset() {
  state_ = State::head;
  request_line_done_ = empty_line_seen_ = false;
  line_ = {};
  head_bytes_ = headers_ = 0;
  seen_ = 0;
  content_length_.reset();
  request_ = {};
}

void RequestParser::take_line() {
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return refuse(400, "a line does not end with CR LF");
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
  if (!std::all_of(line.begin(), line.end(), is_value)) return refuse(400, "a control byte in the head");
  if (request_line_done_ && line.empty()) {
    end_head();
  } else if (request_line_done_) {
    take_header(line);
  } else if (!line.empty()) {
    take_request_line(line);
    request_line_done_ = true;
  } else if (empty_line_seen_) {
    refuse(400, "empty lines before the request");
  } else {
    empty_line_seen_ = true;  // RFC 9112 section 2.2 asks to bear with one
  }
  line_.clear();
}

void RequestParser::take_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "the request line is not one");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (method.empty() || !std::all_of(method.begin(), method.end(), is_token)) {
    return refuse(400, "the method is not one");
  }
  const bool is_version = version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
                          version[6] == '.' && is_digit(version[7]);
  if (!is_version) return refuse(400, "the request line does not end with a version");
  if (version != "HTTP/1.1") return refuse(505, "only HTTP/1.1 is spoken here");
  if (method == "GET") {
    request_.method = Method::get;
  } else if (method == "HEAD") {
    request_.method = Method::head;
  } else if (method == "POST") {
    request_.method = Method::post;
  } else {
    return refuse(method.size() > 16 ? 400 : 405, "only GET, HEAD and POST are answered");
  }
  take_target(line.substr(first + 1, last - first - 1));
}

void RequestParser::take_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return refuse(400, "the address does not start with a slash");
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (!is_target(target[i])) return refuse(400, "the address holds a character that must be percent-encoded");
    if (target[i] != '%') continue;
    if (i + 2 >= target.size() || !is_hex(target[i + 1]) || !is_hex(target[i + 2])) {
      return refuse(400, "the address holds a percent sign without two hexadecimal digits");
    }
    if (target.substr(i, 3) == "%00") return refuse(400, "the address holds a zero byte");
  }
  const std::size_t mark = target.find('?');
  request_.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request_.query = target.substr(mark + 1);
}

void RequestParser::take_header(std::string_view line) {
  if (++headers_ > limits_.header_count_max) return refuse(431, "too many headers");
  const std::size_t colon = line.find(':');
  // This also refuses a continuation line and a blank before the colon.
  if (colon == std::string_view::npos || colon == 0 || !std::all_of(line.begin(), line.begin() + colon, is_token)) {
    return refuse(400, "a header without a proper name");
  }
  take_known_header(ascii_lower(line.substr(0, colon)), trimmed(line.substr(colon + 1), " \t"));
}

void RequestParser::take_known_header(std::string_view name, std::string_view value) {
  if (name == "host") return take_once(request_.host, seen_host, value);
  if (name == "authorization") return take_once(request_.authorization, seen_authorization, value);
  if (name == "origin") return take_once(request_.origin, seen_origin, value);
  if (name == "sec-fetch-site") return take_once(request_.fetch_site, seen_fetch_site, value);
  if (name == "sec-fetch-mode") return take_once(request_.fetch_mode, seen_fetch_mode, value);
  if (name == "last-event-id") return take_once(request_.last_event_id, seen_last_event_id, value);
  if (name == "content-length") return take_content_length(value);
  if (name == "accept") request_.accept.append(request_.accept.empty() ? "" : ",").append(value);
  if (name == "connection" && ascii_lower(value).find("close") != std::string::npos) request_.close = true;
  if (name == "transfer-encoding") return refuse(411, "a body needs a Content-Length, not a Transfer-Encoding");
  if (name == "content-encoding") return refuse(415, "an encoded body is not taken");
  if (name == "expect") return refuse(417, "nothing can be expected");
}

void RequestParser::take_once(std::string& field, unsigned bit, std::string_view value) {
  if ((seen_ & bit) != 0) return refuse(400, "a header that may come once came twice");
  seen_ |= bit;
  field = value;
}

void RequestParser::take_content_length(std::string_view value) {
  if (content_length_) return refuse(400, "a header that may come once came twice");
  if (value.empty() || value.size() > 18 || !std::all_of(value.begin(), value.end(), is_digit)) {
    return refuse(400, "the Content-Length is not a number");
  }
  std::size_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  if (length > limits_.body_bytes_max) return refuse(413, "the body is too large");
  content_length_ = length;
}

void RequestParser::end_head() {
  if ((seen_ & seen_host) == 0) return refuse(400, "the Host header is missing");
  const std::size_t length = content_length_.value_or(0);
  if (length > 0 && request_.method != Method::post) return refuse(400, "only POST may have a body");
  state_ = length > 0 ? State::body : State::complete;
}

void RequestParser::refuse(int status, std::string_view detail) {
  if (state_ == State::refused) return;
  state_ = State::refused;
  refusal_ = {status, detail};
}

}  // namespace tapewatch
