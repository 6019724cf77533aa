// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values as the C interface carries them (tapewatch/storage_c.h). What is read comes from outside: every length is
// checked. Thread: any.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/row.h"

namespace tapewatch {

inline void pack(const Value& value, std::string& out) {
  out.push_back(static_cast<char>(value.type));
  char bytes[8];
  if (value.type == Value::Type::integer) {
    std::memcpy(bytes, &value.integer, 8);
    out.append(bytes, 8);
  } else if (value.type == Value::Type::real) {
    std::memcpy(bytes, &value.real, 8);
    out.append(bytes, 8);
  } else if (value.type != Value::Type::null) {
    const auto size = static_cast<std::uint32_t>(value.bytes.size());
    std::memcpy(bytes, &size, 4);
    out.append(bytes, 4).append(value.bytes);
  }
}

// The value at `at`, which moves behind it; nullopt when what is there is none. Its bytes are those of `packed`.
inline std::optional<Value> unpack(std::string_view packed, std::size_t& at) {
  if (at >= packed.size() || static_cast<unsigned char>(packed[at]) > 4) return std::nullopt;
  Value out;
  out.type = static_cast<Value::Type>(packed[at]);
  ++at;
  const std::size_t left = packed.size() - at;
  if (out.type == Value::Type::null) return out;
  if (out.type == Value::Type::integer || out.type == Value::Type::real) {
    if (left < 8) return std::nullopt;
    std::memcpy(out.type == Value::Type::integer ? static_cast<void*>(&out.integer) : &out.real, packed.data() + at, 8);
    at += 8;
    return out;
  }
  std::uint32_t size = 0;
  if (left < 4) return std::nullopt;
  std::memcpy(&size, packed.data() + at, 4);
  if (left - 4 < size) return std::nullopt;
  out.bytes = packed.substr(at + 4, size);
  at += 4 + size;
  return out;
}

inline std::optional<std::vector<Value>> unpack_all(std::string_view packed) {
  std::vector<Value> out;
  for (std::size_t at = 0; at < packed.size();) {
    const std::optional<Value> value = unpack(packed, at);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

}  // namespace tapewatch
