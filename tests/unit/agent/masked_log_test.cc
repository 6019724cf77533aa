// SPDX-License-Identifier: Apache-2.0
// No secret reaches the agent's own log or the reason of a dead letter.
#include "masked_log.h"

#include <gtest/gtest.h>

#include <cstring>

#include "agent_options.h"
#include "delivery.h"
#include "stages.h"

namespace tapewatch {
namespace {

constexpr const char* secrets[] = {"4111111111111111", "bob.miller@example.com", "hunter2-hunter2",
                                   "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"};

std::string with_all_secrets() {
  return std::string(R"(failed to parse field [price], preview: 'card )") + secrets[0] + " of " + secrets[1] +
         R"( {\"password\":\")" + secrets[2] + R"(\"} Bearer )" + secrets[3] + "'";
}

// What was written, with the fields' values.
class TextLog final : public Log {
 public:
  void write(LogLevel, std::string_view message, Fields fields) override {
    text += std::string(message);
    for (const LogField& field : fields) {
      text += " " + std::string(field.name) + "=";
      if (const auto* value = std::get_if<std::string_view>(&field.value)) text += std::string(*value);
      if (const auto* value = std::get_if<std::int64_t>(&field.value)) text += std::to_string(*value);
    }
    text += "\n";
  }
  std::string text;
};

void expect_no_secret(const std::string& text) {
  for (const char* secret : secrets) EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << text;
}

TEST(MaskedLog, FieldsAreMaskedAndTheRestIsAsItWas) {
  AgentMetrics metrics("1");
  TextLog text;
  MaskedLog log(text, MaskOptions{}, metrics.masked_fields);
  log.warn("the reply cannot be understood",
           {{"reason", with_all_secrets()}, {"url.original", "http://es:9200"}, {"items", 4111111111111111}});
  expect_no_secret(text.text.substr(0, text.text.find(" items=")));
  EXPECT_NE(text.text.find("the reply cannot be understood reason=failed to parse field [price]"), std::string::npos);
  EXPECT_NE(text.text.find(" url.original=http://es:9200 items=4111111111111111\n"), std::string::npos)
      << "a number is a count: " << text.text;
}

TEST(MaskedLog, DeadLetterReasons) {
  AgentMetrics metrics("1");
  Masker masker(MaskOptions{}, metrics.masked_fields);
  RefusedDocument refused;
  refused.id = "id1";
  refused.document = "{}";
  refused.status = 400;
  refused.type = "document_parsing_exception";
  refused.reason = with_all_secrets();
  refused.wall_ns = 7;
  const DeadLetter letter = dead_letter_of(refused, "logs", masker);
  expect_no_secret(letter.reason);
  EXPECT_EQ(letter.reason.rfind("document_parsing_exception: failed to parse field [price]", 0), 0u) << letter.reason;
  EXPECT_EQ(letter.id, "id1");
  EXPECT_EQ(letter.index, "logs");
  EXPECT_EQ(letter.document, "{}");
  EXPECT_EQ(letter.status, 400);
  EXPECT_EQ(letter.time_ns, 7);
}

LineBlock block_of(const std::string& text, std::int64_t read_ns) {
  auto source = std::make_shared<SourceFile>();
  source->file = 1;
  source->path = "/var/log/app.log";
  LineBlock block;
  block.source = source;
  block.bytes = std::make_unique_for_overwrite<char[]>(text.size());
  std::memcpy(block.bytes.get(), text.data(), text.size());
  block.size = text.size();
  block.end = text.size();
  block.read_ns = read_ns;
  return block;
}

TEST(MaskedLog, SamplesOfLinesThatAreNoJson) {
  AgentMetrics metrics("1");
  Diagnostics diagnostics;
  TextLog text;
  Stages::Outputs outputs;
  outputs.log = &text;
  const std::unique_ptr<Stages> stages = Stages::open(Config{}, metrics, diagnostics, std::move(outputs));
  // The card ends behind the place where the sample is cut.
  const std::string far = std::string(150, 'x') + " " + secrets[0] + " x\n";
  stages->pipeline().run(block_of("not json: " + with_all_secrets() + "\n{\"a\":1}\nnor this\n", 0));
  EXPECT_NE(text.text.find("sample=not json: failed to parse"), std::string::npos) << text.text;
  EXPECT_EQ(text.text.find("nor this"), std::string::npos) << "one a minute";
  stages->pipeline().run(block_of(far, 61'000'000'000));
  EXPECT_NE(text.text.find("lines_so_far=3"), std::string::npos) << text.text;
  EXPECT_EQ(text.text.find("411111"), std::string::npos) << text.text;
  expect_no_secret(text.text);
}

}  // namespace
}  // namespace tapewatch
