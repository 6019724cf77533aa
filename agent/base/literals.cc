// SPDX-License-Identifier: Apache-2.0
#include "base/literals.h"

#include <algorithm>
#include <array>
#include <deque>

#include "base/ascii.h"
#include "base/check.h"
#include "base/literal_filter.h"

#if __has_include(<hs/hs.h>)
#include <hs/hs.h>
#define TAPEWATCH_HYPERSCAN 1
#else
#define TAPEWATCH_HYPERSCAN 0
#endif

namespace tapewatch {
namespace {

unsigned char lower(char c) { return static_cast<unsigned char>(ascii_lower(c)); }

bool stands_at(std::string_view text, std::size_t end, const std::string& literal) {
  return end >= literal.size() && text.substr(end - literal.size(), literal.size()) == literal;
}

}  // namespace

class LiteralSet::Scanner {
 public:
  virtual ~Scanner() = default;
  [[nodiscard]] virtual std::unique_ptr<Scratch> make_scratch() const = 0;
  virtual void find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& hits) const = 0;
};

// Aho-Corasick over case-folded bytes, as a full transition table; a literal with case is compared once more where it
// ends. One byte of text is one table look-up.
class LiteralSet::AutomatonScanner final : public Scanner {
 public:
  explicit AutomatonScanner(const std::vector<Literal>& literals) : literals_(literals) {
    for (std::uint32_t i = 0; i < literals.size(); ++i) insert(i);
    link();
  }

  struct Seen final : Scratch {
    std::vector<std::uint64_t> turns;  // per literal: the turn in which it was last reported
    std::uint64_t turn = 0;
  };

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override {
    auto seen = std::make_unique<Seen>();
    seen->turns.resize(literals_.size());
    return seen;
  }

  void find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& hits) const override {
    Seen& seen = static_cast<Seen&>(scratch);
    ++seen.turn;
    std::uint32_t state = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      state = states_[state].next[lower(text[i])];
      for (std::uint32_t at = states_[state].report; at != 0; at = states_[states_[at].fail].report) {
        report(text, i + 1, at, seen, hits);
      }
    }
  }

 private:
  struct State {
    std::array<std::uint32_t, 256> next{};
    std::uint32_t fail = 0;
    std::uint32_t report = 0;  // nearest state on the chain of suffixes, itself included, at which a literal ends
    std::vector<std::uint32_t> ends;
  };

  void insert(std::uint32_t index) {
    std::uint32_t state = 0;
    for (const char c : literals_[index].text) {
      std::uint32_t next = states_[state].next[lower(c)];
      if (next == 0) {
        next = static_cast<std::uint32_t>(states_.size());
        states_.emplace_back();
        states_[state].next[lower(c)] = next;
      }
      state = next;
    }
    states_[state].ends.push_back(index);
  }

  void link() {
    std::deque<std::uint32_t> queue;
    for (const std::uint32_t next : states_[0].next) {
      if (next != 0) queue.push_back(next);
    }
    while (!queue.empty()) {
      const std::uint32_t at = queue.front();
      queue.pop_front();
      const std::uint32_t fail = states_[at].fail;
      states_[at].report = states_[at].ends.empty() ? states_[fail].report : at;
      for (std::size_t byte = 0; byte < 256; ++byte) {
        std::uint32_t& next = states_[at].next[byte];
        if (next == 0) {
          next = states_[fail].next[byte];
        } else {
          states_[next].fail = states_[fail].next[byte];
          queue.push_back(next);
        }
      }
    }
  }

  void report(std::string_view text, std::size_t end, std::uint32_t at, Seen& seen,
              std::vector<std::uint32_t>& hits) const {
    for (const std::uint32_t index : states_[at].ends) {
      if (seen.turns[index] == seen.turn) continue;
      if (!literals_[index].ignore_case && !stands_at(text, end, literals_[index].text)) continue;
      seen.turns[index] = seen.turn;
      hits.push_back(index);
    }
  }

  const std::vector<Literal> literals_;
  std::vector<State> states_ = std::vector<State>(1);
};

#if TAPEWATCH_HYPERSCAN
class LiteralSet::HyperscanScanner final : public Scanner {
 public:
  explicit HyperscanScanner(const std::vector<Literal>& literals) {
    std::vector<std::string> patterns;
    std::vector<const char*> texts;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    patterns.reserve(literals.size());
    for (const Literal& literal : literals) patterns.push_back(escape(literal.text));
    for (std::size_t i = 0; i < literals.size(); ++i) {
      texts.push_back(patterns[i].c_str());
      flags.push_back(HS_FLAG_SINGLEMATCH | (literals[i].ignore_case ? HS_FLAG_CASELESS : 0u));
      ids.push_back(static_cast<unsigned>(i));
    }
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                         nullptr, &database_, &error) != HS_SUCCESS) {
      hs_free_compile_error(error);
      database_ = nullptr;
    }
  }
  ~HyperscanScanner() override { hs_free_database(database_); }
  HyperscanScanner(const HyperscanScanner&) = delete;
  HyperscanScanner& operator=(const HyperscanScanner&) = delete;

  [[nodiscard]] bool usable() const { return database_ != nullptr; }

  struct Space final : Scratch {
    ~Space() override { hs_free_scratch(space); }
    hs_scratch_t* space = nullptr;
  };

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override {
    auto scratch = std::make_unique<Space>();
    CHECK(hs_alloc_scratch(database_, &scratch->space) == HS_SUCCESS);
    return scratch;
  }

  void find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& hits) const override {
    CHECK(text.size() < UINT32_MAX);
    const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
      static_cast<std::vector<std::uint32_t>*>(context)->push_back(id);
      return 0;
    };
    hs_scratch_t* space = static_cast<Space&>(scratch).space;
    CHECK(hs_scan(database_, text.data(), static_cast<unsigned>(text.size()), 0, space, on_match, &hits) == HS_SUCCESS);
  }

 private:
  // Every byte as \xHH: nothing in a literal means anything but itself.
  static std::string escape(const std::string& text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      out.append("\\x").push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    }
    return out;
  }

  hs_database_t* database_ = nullptr;
};
#endif

LiteralSet::LiteralSet(std::unique_ptr<Scanner> scanner, std::unique_ptr<LiteralFilter> filter)
    : scanner_(std::move(scanner)), filter_(std::move(filter)) {}
LiteralSet::~LiteralSet() = default;

Result<std::unique_ptr<LiteralSet>> LiteralSet::build(const std::vector<Literal>& literals,
                                                      [[maybe_unused]] Engine engine) {
  for (const Literal& literal : literals) {
    if (literal.text.empty()) return Error{Code::invalid, "an empty literal is in every text"};
  }
#if TAPEWATCH_HYPERSCAN
  if (engine == Engine::best && !literals.empty() && hs_valid_platform() == HS_SUCCESS) {
    auto scanner = std::make_unique<HyperscanScanner>(literals);
    auto filter = LiteralFilter::takes(literals) ? std::make_unique<LiteralFilter>(literals) : nullptr;
    if (scanner->usable()) return std::unique_ptr<LiteralSet>(new LiteralSet(std::move(scanner), std::move(filter)));
  }
#endif
  return std::unique_ptr<LiteralSet>(new LiteralSet(std::make_unique<AutomatonScanner>(literals), nullptr));
}

std::unique_ptr<LiteralSet::Scratch> LiteralSet::make_scratch() const { return scanner_->make_scratch(); }

void LiteralSet::find(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& hits) const {
  if (filter_ != nullptr && !filter_->may_contain(text)) return;
  scanner_->find(text, scratch, hits);
}

}  // namespace tapewatch
