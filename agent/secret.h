// SPDX-License-Identifier: Apache-2.0
#pragma once
// Secret: a password, key or token. It has no way to be printed, and its bytes are overwritten when it goes.
// Whoever needs the bytes says reveal(), which is easy to search for. One that came from a file knows the file, so that
// it can be read again after it was exchanged there. Thread: any (a value).

#include <string>
#include <utility>

#include "tapewatch/result.h"

namespace tapewatch {

class Secret final {
 public:
  Secret() = default;
  explicit Secret(std::string bytes, std::string file = {}) : bytes_(std::move(bytes)), file_(std::move(file)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), file_(std::move(other.file_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      bytes_ = other.bytes_;
      file_ = other.file_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::move(other.bytes_);
      file_ = std::move(other.file_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return bytes_; }
  // Absolute; "" when it did not come from a file.
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  // Volatile, so that the compiler keeps the writes.
  void wipe() {
    volatile char* bytes = bytes_.data();
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes[i] = '\0';
    bytes_.clear();
  }

  std::string bytes_;
  std::string file_;
};

// The content without line ends behind it. Code::permission when everybody may read it, Code::invalid when it is empty
// or no file.
[[nodiscard]] Result<Secret> read_secret_file(const std::string& path);
// As its file holds it now; as it is when there is none.
[[nodiscard]] Result<Secret> read_again(const Secret& secret);

}  // namespace tapewatch
