// SPDX-License-Identifier: Apache-2.0
#include "sinks/bulk_builder.h"

#include <gtest/gtest.h>

#include "event/parser.h"

namespace tapewatch {
namespace {

class BulkBuilderTest : public testing::Test {
 protected:
  void make(BulkBuilderOptions options) {
    builder_ = std::make_unique<BulkBuilder>(options, [this](Batch batch) { batches_.push_back(std::move(batch)); });
  }
  std::string add(std::string_view text, std::uint64_t offset, std::int64_t time_ns = 0) {
    text_ = text;
    line_.text = text_;
    line_.offset = offset;
    Event& event = parser_.parse(line_, source_, 0);
    event.time_ns = time_ns;
    return std::string(builder_->add(event, Hash128{0, offset}));
  }

  FieldTable fields_;
  Parser parser_{fields_, nullptr};
  SourceFile source_;
  Line line_;
  std::string text_;
  std::vector<Batch> batches_;
  std::unique_ptr<BulkBuilder> builder_;
};

TEST_F(BulkBuilderTest, WritesAnActionAndADocumentPerEvent) {
  make({});
  builder_->begin_block(9, 0, 5);
  EXPECT_EQ(add(R"({"a":1})", 0), R"({"a":1})");
  add(R"({"b":2})", 8);
  builder_->end_block(16);
  builder_->seal();
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].body,
            "{\"create\":{\"_id\":\"AAAAAAAAAAAAAAAAAAAAAA\"}}\n{\"a\":1}\n"
            "{\"create\":{\"_id\":\"AAAAAAAAAAAAAAAAAAAACA\"}}\n{\"b\":2}\n");
  EXPECT_EQ(batches_[0].item(1), "{\"create\":{\"_id\":\"AAAAAAAAAAAAAAAAAAAACA\"}}\n{\"b\":2}\n");
  ASSERT_EQ(batches_[0].spans.size(), 1u);
  EXPECT_EQ(batches_[0].spans[0].end, 16u);
  EXPECT_EQ(batches_[0].oldest_read_ns, 5);
}

TEST_F(BulkBuilderTest, SealsBeforeTheLimitAndSplitsTheSpanAtALine) {
  BulkBuilderOptions options;
  options.bytes_max = 1000;
  make(options);
  builder_->begin_block(9, 100, 5);
  const std::string line = R"({"a":")" + std::string(300, 'x') + R"("})";
  for (std::uint64_t i = 0; i < 4; ++i) add(line, 100 + i * 310);
  builder_->end_block(1340);
  builder_->seal();
  ASSERT_GE(batches_.size(), 2u);
  std::uint64_t at = 100;
  std::size_t items = 0;
  for (const Batch& batch : batches_) {
    EXPECT_LE(batch.body.size(), options.bytes_max);
    ASSERT_EQ(batch.spans.size(), 1u);
    EXPECT_EQ(batch.spans[0].begin, at);
    at = batch.spans[0].end;
    items += batch.items.size();
    EXPECT_EQ(batch.spans[0].end, 100 + items * 310);
  }
  EXPECT_EQ(items, 4u);
}

TEST_F(BulkBuilderTest, ABlockWithoutEventsStillMovesThePosition) {
  make({});
  builder_->begin_block(9, 50, 5);
  builder_->end_block(60);
  builder_->seal_if_due(5 + 499 * ns_per_ms);
  EXPECT_TRUE(batches_.empty());
  builder_->seal_if_due(5 + 500 * ns_per_ms);
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_TRUE(batches_[0].items.empty());
  EXPECT_EQ(batches_[0].spans[0].end, 60u);
}

TEST_F(BulkBuilderTest, NamesTheIndexByEventTime) {
  BulkBuilderOptions options;
  options.index = "trading-%Y.%m.%d";
  make(options);
  builder_->begin_block(9, 0, 5);
  add("{}", 0, 1'767'571'200'000'000'000);
  add("{}", 3, 1'767'571'199'999'999'999);
  builder_->end_block(6);
  builder_->seal();
  EXPECT_NE(batches_[0].item(0).find("\"_index\":\"trading-2026.01.05\""), std::string_view::npos);
  EXPECT_NE(batches_[0].item(1).find("\"_index\":\"trading-2026.01.04\""), std::string_view::npos);
}

TEST_F(BulkBuilderTest, AlertsGoToAStreamOfTheirOwnAndCompressionIsDoneAtTheSeal) {
  BulkBuilderOptions options;
  options.gzip = true;
  make(options);
  builder_->add_document("logs-tapewatch.alerts-default", Hash128{1, 2}, R"({"event.kind":"alert"})");
  builder_->seal();
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_NE(batches_[0].body.find("\"_index\":\"logs-tapewatch.alerts-default\""), std::string::npos);
  EXPECT_EQ(batches_[0].compressed.substr(0, 2), "\x1f\x8b");
}

}  // namespace
}  // namespace tapewatch
