// SPDX-License-Identifier: Apache-2.0
// Requests as a stranger sends them: however the bytes are cut, the verdict is the same, and what is accepted keeps the
// limits.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/request_parser.h"

namespace {
void require(bool condition) {
  if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tapewatch::RequestParser;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const tapewatch::RequestLimits limits;
  RequestParser whole(limits), cut(limits);
  const std::size_t taken = whole.feed(bytes);
  require(taken <= bytes.size());
  const std::size_t at = bytes.empty() ? 0 : data[0] % bytes.size();
  std::size_t taken_cut = cut.feed(bytes.substr(0, at));
  if (taken_cut == at) taken_cut += cut.feed(bytes.substr(at));
  require(whole.state() == cut.state());
  if (whole.state() != RequestParser::State::complete) return 0;
  require(taken == taken_cut);
  const tapewatch::ApiRequest& request = whole.request();
  require(request.path.front() == '/' && request.body == cut.request().body && request.path == cut.request().path);
  require(request.path.size() + request.query.size() <= limits.request_line_bytes_max);
  require(request.body.size() <= limits.body_bytes_max);
  for (const char c : request.path + request.query + request.host) require(c != '\r' && c != '\n' && c != '\0');
  return 0;
}
