// SPDX-License-Identifier: Apache-2.0
// No secret that is put into a line, wherever and however, is in what comes out.

#include <random>

#include "base/json_writer.h"
#include "enrich/enricher.h"
#include "unit/enrich/event_fixture.h"

namespace tapewatch {
namespace {

class Canaries final {
 public:
  explicit Canaries(unsigned seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::string any_of(std::string_view alphabet, std::size_t n) {
    std::string out;
    while (out.size() < n) out.push_back(alphabet[below(alphabet.size())]);
    return out;
  }
  std::string word(std::size_t n) { return any_of("abcdefghijklmnopqrstuvwxyz", n); }
  std::string digits(std::size_t n) { return any_of("0123456789", n); }
  std::string code(std::size_t n) {
    return any_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", n);
  }

  std::string card() {
    static const struct {
      const char* prefix;
      std::size_t size;
    } issuers[] = {{"4", 16}, {"51", 16}, {"2221", 16}, {"34", 15}, {"6011", 16}, {"3528", 16}, {"62", 19}, {"36", 14}};
    const auto& issuer = issuers[below(std::size(issuers))];
    std::string number = issuer.prefix;
    number += digits(issuer.size - 1 - number.size());
    int sum = 0;
    bool twice = true;
    for (auto c = number.rbegin(); c != number.rend(); ++c, twice = !twice) {
      const int value = (*c - '0') * (twice ? 2 : 1);
      sum += value > 9 ? value - 9 : value;
    }
    number.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
    return number;
  }
  // The secret, and the text in which it stands.
  std::pair<std::string, std::string> secret() {
    switch (below(9)) {
      case 0: {
        const std::string number = card();
        return {number, number};
      }
      case 1: {
        std::string number = card();
        for (std::size_t i = 4; i + 1 < number.size(); i += 5) number.insert(i, below(2) == 0 ? "-" : " ");
        return {number, "paid with " + number + " today"};
      }
      case 2: {
        const std::string address = word(8) + "." + word(5) + "@" + word(6) + ".example.com";
        return {address, below(2) == 0 ? address : "mail from <" + address + ">, ok"};
      }
      case 3: {
        const std::string token = "eyJ" + code(20) + "." + code(30) + "." + code(20);
        return {token, "t=" + token};
      }
      case 4: {
        const std::string token = code(24) + "7";
        return {token, "Authorization: Bearer " + token};
      }
      case 5: {
        const std::string token = "ghp_" + code(36);
        return {token, token};
      }
      case 6: {
        const std::string password = code(12);
        return {password,
                below(2) == 0 ? "login password=" + password : "{\"user\":\"a\",\"password\":\"" + password + "\"}"};
      }
      case 7: {
        const std::string password = code(10);
        return {password, "connecting to redis://svc:" + password + "@cache:6379/0"};
      }
      default: {
        const std::string key = "AKIA" + any_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
        return {key, "key " + key};
      }
    }
  }
  // `text` as a JSON string, some characters needlessly escaped.
  std::string string_of(const std::string& text) {
    std::string out = "\"";
    const bool escapes = below(3) == 0;
    for (const char c : text) {
      if (escapes && below(4) == 0 && c > 0) {
        static constexpr char hex[] = "0123456789abcdef";
        out.append("\\u00");
        out.push_back(hex[c >> 4]);
        out.push_back(hex[c & 15]);
      } else {
        append_json_escaped(out, std::string_view(&c, 1));
      }
    }
    return out + "\"";
  }
  std::string line(const std::string& text, const std::string& secret) {
    const std::string value = string_of(text);
    switch (below(8)) {
      case 0:
        return "{\"message\":" + value + ",\"level\":\"info\"}";
      case 1:
        return "{\"a\":{\"b\":[{\"c\":" + value + "}]},\"order_id\":7}";
      case 2:
        return "{\"msg\":\"x\\ty\",\"list\":[1," + value + "]}";
      case 3: {
        std::string inner = "{\"event\":" + value + "}";
        return "{\"payload\":" + string_of(inner) + "}";
      }
      case 4:
        return "{" + value + ":1,\"event\":" + value + "}";
      case 5:
        return "{\"api_key\":" + string_of(secret) + ",\"n\":[{\"password\":" + string_of(secret) + "}]}";
      case 6:
        return "2026-01-05 INFO " + text;
      default:
        return "{\"correlation_id\":" + value + ",\"request_id\":" + value + ",\"order_id\":\"o" + digits(2) + "\"}";
    }
  }

 private:
  std::mt19937_64 random_;
};

class CanaryTest : public EventFixture, public testing::WithParamInterface<MaskOptions::Action> {};

TEST_P(CanaryTest, NoneSurvives) {
  MaskOptions mask;
  mask.action = GetParam();
  mask.hmac_key = "0123456789abcdef";
  Masker masker(mask, masked_fields_);
  policy_ = masker.key_policy();
  Enricher enricher({}, fields_, masker);
  Canaries canaries(20260105);
  for (int i = 0; i < 1000; ++i) {
    const auto [secret, text] = canaries.secret();
    const std::string line = canaries.line(text, secret);
    Event& event = parse(line);
    enricher.enrich(event, Hash128{1, static_cast<std::uint64_t>(i)});
    masker.mask(event);
    const std::string out = json(event);
    std::string plain;
    append_unescaped(plain, out);
    std::string twice;
    if (escapes_valid(plain)) append_unescaped(twice, plain);
    ASSERT_EQ(plain.find(secret), std::string::npos) << line << "\n" << out;
    ASSERT_EQ(twice.find(secret), std::string::npos) << line << "\n" << out;
    ASSERT_TRUE(parse(out).is_json()) << line << "\n" << out;
    ASSERT_EQ(masker.mask_text(text).find(secret), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Actions, CanaryTest,
                         testing::Values(MaskOptions::Action::fixed, MaskOptions::Action::drop,
                                         MaskOptions::Action::hmac));

}  // namespace
}  // namespace tapewatch
