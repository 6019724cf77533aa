// SPDX-License-Identifier: Apache-2.0
#pragma once
// Appending JSON (RFC 8259) to a string. Nothing here allocates but the string that grows. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>

namespace tapewatch {

// Appends `text` quoted and escaped. Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);
// The same without the quotes.
void append_json_escaped(std::string& out, std::string_view text);
void append_json_int(std::string& out, std::int64_t value);
void append_json_uint(std::string& out, std::uint64_t value);
// NaN and infinities have no JSON form: null.
void append_json_double(std::string& out, double value);

// Writes one object: JsonObject o(out); o.add("a", 1); o.end(). Commas are its business, nesting is the caller's:
// o.key("b") then append any JSON value to `out`.
class JsonObject final {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_.push_back('{'); }
  void key(std::string_view name);
  void add(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  void add(std::string_view name, const char* value) { add(name, std::string_view(value)); }
  void add(std::string_view name, bool value) {
    key(name);
    out_.append(value ? "true" : "false");
  }
  void add(std::string_view name, double value) {
    key(name);
    append_json_double(out_, value);
  }
  template <typename I>
  requires std::is_integral_v<I>
  void add(std::string_view name, I value) {
    key(name);
    if constexpr (std::is_signed_v<I>) {
      append_json_int(out_, value);
    } else {
      append_json_uint(out_, value);
    }
  }
  void end() { out_.push_back('}'); }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace tapewatch
