// SPDX-License-Identifier: Apache-2.0
#pragma once
// EndList: whether a text ends with any of a list's texts. Its last eight bytes are compared with those of each, all of
// which stand side by side; the texts themselves are looked at only where these are the same. Owned by a Predicate.
// Thread: any once filled.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

class EndList final {
 public:
  void add(std::string_view text) {
    std::array<char, word_size> last{};
    std::array<unsigned char, word_size> mask{};
    const std::size_t n = text.size() < word_size ? text.size() : word_size;
    std::memcpy(last.data() + word_size - n, text.data() + text.size() - n, n);
    std::memset(mask.data() + word_size - n, 0xFF, n);
    words_.push_back({word(last.data()), word(reinterpret_cast<const char*>(mask.data()))});
    texts_.emplace_back(text);
  }
  [[nodiscard]] bool empty() const { return texts_.empty(); }

  [[nodiscard]] bool ends(std::string_view text) const {
    std::array<char, word_size> few{};
    const bool short_text = text.size() < word_size;
    if (short_text) std::memcpy(few.data() + word_size - text.size(), text.data(), text.size());
    const std::uint64_t end = word(short_text ? few.data() : text.data() + text.size() - word_size);
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((end & words_[i].mask) == words_[i].last && text.ends_with(texts_[i])) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t word_size = 8;
  struct Word {
    std::uint64_t last;  // zero where the text is shorter
    std::uint64_t mask;
  };
  static std::uint64_t word(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  std::vector<Word> words_;
  std::vector<std::string> texts_;  // in step with words_
};

}  // namespace tapewatch
