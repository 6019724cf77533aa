// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/dead_letters.h"

#include <gtest/gtest.h>

#include <future>

#include "fake/folder.h"

namespace tapewatch {
namespace {

std::unique_ptr<DeadLetters> open(const TemporaryFolder& folder, std::int64_t bytes_max = 1 << 20) {
  DeadLetters::Options options;
  options.path = folder.path("dead.db");
  options.bytes_max = bytes_max;
  Result<std::unique_ptr<DeadLetters>> opened = DeadLetters::open(options);
  EXPECT_TRUE(opened.ok());
  return opened.ok() ? std::move(opened).value() : nullptr;
}

DeadLetter letter(const std::string& id, const std::string& document = "{}") {
  return DeadLetter{0, "logs-a", id, document, "mapper_parsing_exception", 400, 17};
}

bool put(DeadLetters& letters, std::vector<DeadLetter> batch) {
  std::promise<bool> done;
  const Status queued = letters.put(std::move(batch), [&](Status status) { done.set_value(status.ok()); });
  return queued.ok() && done.get_future().get();
}

TEST(DeadLetters, KeepsListsAndDropsAcrossReopening) {
  const TemporaryFolder folder;
  {
    const auto letters = open(folder);
    ASSERT_TRUE(put(*letters, {letter("a"), letter("b", "{\"x\":\"約定\"}"), letter("c")}));
    ASSERT_TRUE(put(*letters, {letter("a", "{\"again\":1}")}));
  }
  const auto letters = open(folder);
  const auto all = letters->list(0, 10);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all.value()[0].document, "{\"x\":\"約定\"}");
  EXPECT_EQ(all.value()[2].id, "a");
  EXPECT_EQ(all.value()[2].document, "{\"again\":1}");
  EXPECT_EQ(all.value()[2].status, 400);
  const std::int64_t key = all.value()[0].key;
  EXPECT_EQ(letters->list(key, 1)->front().id, "c");
  ASSERT_TRUE(letters->get(key).value());
  EXPECT_EQ(letters->drop({key, 999}).value(), 1);
  EXPECT_FALSE(letters->get(key).value());
  EXPECT_EQ(letters->counts()->letters, 2);
}

TEST(DeadLetters, DropsTheOldestForRoomAndCountsIt) {
  const TemporaryFolder folder;
  const auto letters = open(folder, 10'000);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(*letters, {letter(std::to_string(i), std::string(1000, 'x'))}));
  const DeadLetters::Counts counts = letters->counts().value();
  EXPECT_LE(counts.bytes, 10'000);
  EXPECT_EQ(counts.letters + counts.dropped, 20);
  EXPECT_GT(counts.dropped, 10);
  EXPECT_EQ(letters->list(0, 1)->front().id, std::to_string(counts.dropped));
  ASSERT_TRUE(put(*letters, {letter("huge", std::string(50'000, 'x'))}));
  EXPECT_EQ(letters->counts()->letters, 1);
}

TEST(DeadLetters, LettersStayWithTheCallerWhenTheQueueIsFull) {
  const TemporaryFolder folder;
  DeadLetters::Options options;
  options.path = folder.path("dead.db");
  options.queue_bytes_max = 100;
  const auto opened = DeadLetters::open(options);
  ASSERT_TRUE(opened.ok());
  std::vector<DeadLetter> batch{letter("a")};
  const Status refused = opened.value()->put(std::move(batch), [](Status) { FAIL(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::queue_full);
  ASSERT_EQ(batch.size(), 1u);  // NOLINT(bugprone-use-after-move): that is the contract
  EXPECT_EQ(batch[0].id, "a");
}

}  // namespace
}  // namespace tapewatch
