// SPDX-License-Identifier: Apache-2.0
#pragma once
// Engine: which product answers at a host, and in which version: what `GET /` says. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>

#include "loop/http_client.h"
#include "tapewatch/result.h"

namespace tapewatch {

enum class Product : std::uint8_t { unknown, elasticsearch, opensearch };

struct Engine {
  Product product = Product::unknown;  // something that speaks the protocol; gets what every engine understands
  std::string version;                 // "9.3.0"; "" when it does not say
  int major = 0;
  int minor = 0;

  [[nodiscard]] bool at_least(Product p, int wanted_major, int wanted_minor) const {
    return product == p && (major > wanted_major || (major == wanted_major && minor >= wanted_minor));
  }
};

[[nodiscard]] std::string_view product_name(Product product);

// Code::bad_reply when the text is not what an engine says of itself.
[[nodiscard]] Result<Engine> parse_engine(std::string_view body);
// The same from the whole reply. Where asking is not allowed (404, 405) the engine is unknown, which is no error.
[[nodiscard]] Result<Engine> engine_of(const HttpReply& reply);
// What to ask an engine that does not say what it is, and what its answer tells.
inline constexpr std::string_view node_question = "_nodes/_local?filter_path=nodes.*.version,nodes.*.build_flavor";
[[nodiscard]] Engine engine_of_node(std::string_view body);

}  // namespace tapewatch
