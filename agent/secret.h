// SPDX-License-Identifier: Apache-2.0
#pragma once
// Secret: a password, key or token. It has no way to be printed, and its bytes are overwritten when it goes.
// Whoever needs the bytes says reveal(), which is easy to search for. Thread: any (a value).

#include <string>
#include <utility>

namespace tapewatch {

class Secret final {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      bytes_ = other.bytes_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::move(other.bytes_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return bytes_; }

 private:
  // Volatile, so that the compiler keeps the writes.
  void wipe() {
    volatile char* bytes = bytes_.data();
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes[i] = '\0';
    bytes_.clear();
  }

  std::string bytes_;
};

}  // namespace tapewatch
