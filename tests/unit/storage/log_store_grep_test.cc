// SPDX-License-Identifier: Apache-2.0
// The log store beside grep on the same lines: random text with tokens of every length, letter case, UUIDs, other
// scripts, NULs, and lines longer than a block.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <random>
#include <set>

#include "base/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "tapewatch/log_store.h"

namespace tapewatch {
namespace {

constexpr int lines = 3000;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class LogStoreGrepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LogStore::Options options;
    options.folder = folder_.path("store");
    options.keep_ids = true;
    options.block_bytes = 2 * 1024;  // enough blocks for groups of filters, and rows beside them
    options.commit_bytes = 16 * 1024;
    options.recent_bytes = 16 * 1024;
    options.segment_bytes_max = 1 << 20;
    auto opened = LogStore::open(options, clock_, log_);
    ASSERT_TRUE(opened.ok());
    store_ = std::move(opened).value();
    std::string file;
    for (int i = 0; i < lines; ++i) {
      lines_.push_back(line(i));
      file += lines_.back() + '\n';
    }
    folder_.write("lines", file);
    for (int i = 0; i < lines; i += 50) {
      LogBatch batch;
      for (int k = i; k < i + 50; ++k) {
        LogRecord record;
        record.id_high = static_cast<std::uint64_t>(k);
        batch.add(record, lines_[static_cast<std::size_t>(k)]);
      }
      ASSERT_TRUE(store_->append(std::move(batch), nullptr).ok());
      if (i % 500 == 0) {
        ASSERT_TRUE(store_->flush().ok());
      }
    }
    ASSERT_TRUE(store_->flush().ok());
  }

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string token() {
    static constexpr std::string_view letters = "abcxyzABCXYZ0189_";
    static constexpr std::array<int, 8> lengths = {1, 2, 3, 5, 8, 9, 16, 23};
    std::string out;
    // Short ones meet again; long ones are their own.
    for (int left = lengths[static_cast<std::size_t>(below(8))]; left > 0; --left)
      out += letters[static_cast<std::size_t>(below(static_cast<int>(letters.size())))];
    return out;
  }
  std::string uuid() {
    char out[40];
    std::snprintf(out, sizeof out, "%08x-%04x-%04x-%04x-%08x%04x", static_cast<unsigned>(random_()), below(1 << 16),
                  below(1 << 16), below(1 << 16), static_cast<unsigned>(random_()), below(1 << 16));
    return out;
  }
  std::string line(int number) {
    static constexpr std::array<std::string_view, 10> between = {" ", ", ", "=", ": ", "/", "-", ".", "  ", "(", "|"};
    static constexpr std::array<std::string_view, 6> scripts = {"約定",   "エラーです", "Ünïcode",
                                                                "заявка", "€",          "注文約定済"};
    std::string out;
    const int tokens = number % 700 == 699 ? 900 : 3 + below(12);  // some longer than a block
    for (int i = 0; i < tokens; ++i) {
      const int kind = below(20);
      out += kind == 0 ? uuid() : kind == 1 ? std::string(scripts[static_cast<std::size_t>(below(6))]) : token();
      if (kind == 2)
        out += '\0';
      else
        out += between[static_cast<std::size_t>(below(10))];
    }
    return out;
  }

  // Line numbers, newest first.
  std::vector<int> grep(const std::string& flags, const std::string& pattern) const {
    folder_.write("pattern", pattern + "\n");
    const std::string command =
        "LC_ALL=C grep -a -n -i -F " + flags + " -f " + folder_.path("pattern") + " " + folder_.path("lines");
    std::vector<int> out;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    std::array<char, 4096> bytes;
    for (std::size_t got = 1; got > 0;) {
      got = std::fread(bytes.data(), 1, bytes.size(), pipe.get());
      text.append(bytes.data(), got);
    }
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
      out.push_back(std::atoi(text.c_str() + at) - 1);
    std::reverse(out.begin(), out.end());
    return out;
  }
  std::vector<int> find(const std::string& text) const {
    const auto query = Query::parse(text);
    EXPECT_TRUE(std::holds_alternative<Query>(query)) << text;
    SearchLimits limits;
    limits.results_max = lines;
    limits.bytes_max = 1u << 30;
    limits.time_max = std::chrono::seconds(30);
    const auto page = store_->search(std::get<Query>(query), {}, limits);
    EXPECT_TRUE(page.ok() && page->complete);
    std::vector<int> out;
    for (const LogDocument& document : page->documents) out.push_back(static_cast<int>(document.id_high));
    return out;
  }
  const std::string& any_line() { return lines_[static_cast<std::size_t>(below(lines))]; }
  // Of whole tokens, so many at most; not across a NUL, and in any letter case.
  std::string phrase(int tokens) {
    for (;;) {
      const std::string& text = any_line();
      auto at = static_cast<std::size_t>(below(static_cast<int>(text.size())));
      while (at > 0 && is_word(text[at - 1])) --at;
      std::size_t end = at;
      for (int i = 0; i < tokens; ++i) {
        while (end < text.size() && !is_word(text[end])) ++end;
        while (end < text.size() && is_word(text[end])) ++end;
      }
      std::string out = text.substr(at, end - at);
      if (out.empty() || !is_word(out.front()) || !is_word(out.back()) || !is_ascii(out)) continue;
      if (out.find('\0') != std::string::npos) continue;
      return other_case(out);
    }
  }
  std::string piece() {
    for (;;) {
      const std::string& text = any_line();
      const auto at = static_cast<std::size_t>(below(static_cast<int>(text.size())));
      const std::string out = text.substr(at, static_cast<std::size_t>(1 + below(12)));
      const bool plain = std::all_of(out.begin(), out.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
      if (plain) return other_case(out);
    }
  }
  std::string other_case(std::string text) {
    for (char& c : text) {
      if (below(3) == 0) c = static_cast<char>(std::isupper(c) != 0 ? std::tolower(c) : std::toupper(c));
    }
    return text;
  }

  const TemporaryFolder folder_;
  const SystemClock clock_{};
  CapturedLog log_;
  std::mt19937 random_{3};
  std::vector<std::string> lines_;
  std::unique_ptr<LogStore> store_;
};

TEST_F(LogStoreGrepTest, FindsTheWordsAndPhrasesThatGrepFinds) {
  for (int i = 0; i < 150; ++i) {
    const std::string words = phrase(1 + i % 4);
    EXPECT_EQ(find("\"" + words + "\""), grep("-w", words)) << words;
  }
  const std::string id = uuid();
  EXPECT_EQ(find(id), grep("-w", id)) << "nowhere";
}

TEST_F(LogStoreGrepTest, FindsThePiecesAndOtherScriptsThatGrepFinds) {
  for (int i = 0; i < 60; ++i) {
    const std::string part = piece();
    EXPECT_EQ(find("*" + part + "*"), grep("", part)) << part;
  }
  for (const std::string script : {"約定", "ラー", "注文", "заявка", "€", "定済", "無し"})
    EXPECT_EQ(find(script), grep("", script)) << script;
}

// The filters of blocks, single and grouped, never say no to what is there.
TEST_F(LogStoreGrepTest, EveryTokenOfALineIsFound) {
  std::set<std::string> asked;
  for (int i = 0; i < lines; i += 9) {
    const std::string& text = lines_[static_cast<std::size_t>(i)];
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      const std::string token = text.substr(at, end - at);
      at = end + (end == at ? 1 : 0);
      if (token.size() < 2 || token.size() > 60 || !asked.insert(token).second || asked.size() > 1500) continue;
      const std::vector<int> found = find("\"" + token + "\"");
      ASSERT_TRUE(std::find(found.begin(), found.end(), i) != found.end()) << token << " of line " << i;
    }
  }
  EXPECT_GT(asked.size(), 500u);
  EXPECT_GT(store_->stats().blocks, 100);
}

}  // namespace
}  // namespace tapewatch
