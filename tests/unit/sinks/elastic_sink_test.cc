// SPDX-License-Identifier: Apache-2.0
#include "sinks/elastic_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fake/bulk.h"
#include "fake/http_poster.h"
#include "fake/log.h"
#include "fake/scheduler.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class ElasticSinkTest : public testing::Test {
 protected:
  void SetUp() override { make(); }

  void make() {
    sink_.reset();
    ElasticHooks hooks;
    hooks.acked = [this](const Delivered& delivered) { acked_.push_back(delivered.number); };
    hooks.dead_letter = [this](RefusedDocument letter, std::function<void(Status)> done) {
      letters_.push_back(std::move(letter));
      letter_answers_.push_back(std::move(done));
      if (letters_at_once_) letter_answers_.back()(success());
    };
    hooks.authorization = [this]() -> Result<std::string> {
      ++credential_reads_;
      if (credentials_missing_) return Error{Code::not_found, "no such file"};
      return "ApiKey key" + std::to_string(credential_reads_);
    };
    hooks.request_done = [this](int code, std::chrono::nanoseconds) { codes_.push_back(code); };
    hooks.random = [this] { return random_source_ ? random_source_() : random_; };
    sink_ = std::make_unique<ElasticSink>(options_, std::move(hooks), time_, time_, poster_, log_);
  }
  void give(std::uint64_t number, std::size_t items) { sink_->accept(fake_batch(number, items)); }
  std::vector<std::string> sent(std::size_t index = 0) const { return ids_of(poster_.at(index).body); }
  void answer(const std::vector<FakeItem>& items = {}, std::size_t index = 0) {
    poster_.answer(200, fake_reply(poster_.at(index).body, items), index);
  }
  static HttpReply with_retry_after(int code, std::string value) {
    HttpReply reply;
    reply.code = code;
    reply.retry_after = std::move(value);
    return reply;
  }

  ElasticOptions options_ = [] {
    ElasticOptions o;
    o.hosts = {"http://a:9200/"};
    o.index = "logs-x";
    return o;
  }();
  double random_ = 0.5;
  Random random_source_;
  bool letters_at_once_ = true;
  FakeScheduler time_;
  FakePoster poster_;
  CapturedLog log_;
  std::vector<std::uint64_t> acked_;
  std::vector<RefusedDocument> letters_;
  std::vector<std::function<void(Status)>> letter_answers_;
  std::vector<int> codes_;
  int credential_reads_ = 0;
  bool credentials_missing_ = false;
  std::unique_ptr<ElasticSink> sink_;
};

TEST_F(ElasticSinkTest, ABatchIsPostedAsItIsAndAcknowledgedWhenCreated) {
  Batch batch = fake_batch(1, 3);
  const std::string body = batch.body;
  sink_->accept(std::move(batch));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.url, "http://a:9200/logs-x/_bulk");
  EXPECT_THAT(poster_.at().request.headers,
              ElementsAre("Authorization: ApiKey key1", "Content-Type: application/x-ndjson"));
  EXPECT_EQ(poster_.at().body, body);
  EXPECT_EQ(sink_->queued_bytes(), body.size());
  EXPECT_EQ(poster_.at().request.reply_bytes_max, (std::size_t{1} << 20) + 3 * 1024);
  EXPECT_THAT(acked_, IsEmpty());
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
  EXPECT_EQ(sink_->queued_bytes(), 0U);
  const ElasticStats stats = sink_->stats();
  EXPECT_EQ(stats.items_created, 3U);
  EXPECT_EQ(stats.requests.at(200), 1U);
  EXPECT_EQ(stats.bytes_sent, body.size());
  EXPECT_EQ(stats.last_accepted_wall_ns, time_.wall_ns());
}

TEST_F(ElasticSinkTest, WithoutAnIndexTheActionLinesNameIt) {
  options_.index.clear();
  make();
  give(1, 1);
  EXPECT_EQ(poster_.at().request.url, "http://a:9200/_bulk");
}

TEST_F(ElasticSinkTest, AnEmptyBatchIsAcknowledgedAtOnce) {
  give(9, 0);
  EXPECT_THAT(acked_, ElementsAre(9));
  EXPECT_EQ(poster_.pending(), 0U);
}

TEST_F(ElasticSinkTest, MixedVerdictsResendOnlyWhatIsUnresolved) {
  give(1, 7);
  answer({{201, ""},
          {409, "version_conflict_engine_exception"},
          {429, "es_rejected"},
          {400, "document_parsing_exception"},
          {503, "unavailable_shards_exception"},
          {200, ""},
          {404, "some_exception"}});
  EXPECT_THAT(acked_, IsEmpty());
  ASSERT_EQ(letters_.size(), 2U);
  EXPECT_EQ(letters_[0].id, "1-3");
  EXPECT_EQ(letters_[0].action, "{\"create\":{\"_id\":\"1-3\"}}");
  EXPECT_EQ(letters_[0].document, "{\"m\":\"xxxxxxxxxx\"}");
  EXPECT_EQ(letters_[0].status, 400);
  EXPECT_EQ(letters_[0].type, "document_parsing_exception");
  EXPECT_EQ(letters_[0].reason, "because \"x\"");
  EXPECT_EQ(letters_[1].id, "1-6");
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(499));
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(1));
  EXPECT_THAT(sent(), ElementsAre("1-2", "1-4"));
  answer({{429, "es_rejected"}});
  time_.advance(seconds(1));
  EXPECT_THAT(sent(), ElementsAre("1-2"));
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
  const ElasticStats stats = sink_->stats();
  EXPECT_EQ(stats.items_created, 4U);
  EXPECT_EQ(stats.items_duplicate, 1U);
  EXPECT_EQ(stats.items_retried, 3U);
  EXPECT_EQ(stats.items_rejected, 2U);
  EXPECT_EQ(stats.items_dead_lettered, 2U);
  EXPECT_EQ(stats.queued_bytes, 0U);
}

TEST_F(ElasticSinkTest, ARaceOfMappingsGetsOneMoreTry) {
  const auto refuse = [this] {
    poster_.answer(
        200,
        "{\"errors\":true,\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\","
        "\"reason\":\"mapper [a] cannot be changed from type [long] to [keyword]\"}}}]}");
  };
  give(1, 1);
  refuse();
  EXPECT_THAT(letters_, IsEmpty());
  time_.advance(seconds(1));
  refuse();
  EXPECT_EQ(letters_.size(), 1U);
  EXPECT_THAT(acked_, ElementsAre(1));
}

TEST_F(ElasticSinkTest, ItemsAreRetriedForEverWithGrowingBackoff) {
  random_ = 0.999;
  give(1, 1);
  std::int64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    answer({{429, "es_rejected"}});
    const std::int64_t delay = time_.next_delay().value().count();
    EXPECT_LE(delay, ns_per_second * 60);
    EXPECT_GE(delay, last);
    last = delay;
    time_.advance(std::chrono::nanoseconds(delay));
    ASSERT_EQ(poster_.pending(), 1U);
  }
  EXPECT_GT(last, ns_per_second * 59);
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
}

TEST_F(ElasticSinkTest, AnEngineThatTakesNoWritesIsWaitedFor) {
  give(1, 3);
  answer({{403, "cluster_block_exception"}, {404, "index_not_found_exception"}, {403, "security_exception"}});
  EXPECT_THAT(letters_, IsEmpty());
  EXPECT_TRUE(sink_->stats().blocked);
  time_.advance(seconds(1));
  EXPECT_THAT(sent(), ElementsAre("1-0", "1-1", "1-2"));
  answer();
  EXPECT_FALSE(sink_->stats().blocked);
  EXPECT_THAT(acked_, ElementsAre(1));
}

class WholeRequest : public ElasticSinkTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Codes, WholeRequest, testing::Values(100, 204, 302, 404, 429, 500, 502, 503, 504));

TEST_P(WholeRequest, IsSentAgainWholeAfterAnyOtherCode) {
  give(1, 2);
  poster_.answer(GetParam(), "");
  EXPECT_EQ(poster_.pending(), 0U);
  EXPECT_EQ(sink_->stats().hosts_healthy, 0U);
  time_.advance(milliseconds(500));
  EXPECT_THAT(sent(), ElementsAre("1-0", "1-1"));
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
  EXPECT_EQ(sink_->stats().hosts_healthy, 1U);
  EXPECT_EQ(sink_->stats().requests.at(GetParam()), 1U);
}

TEST_F(ElasticSinkTest, ABrokenConnectionIsTriedAgainWithBackoff) {
  give(1, 2);
  const std::vector<int> delays_ms = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
  for (const int delay : delays_ms) {
    poster_.fail(Code::network, "reset");
    time_.advance(milliseconds(delay - 1));
    EXPECT_EQ(poster_.pending(), 0U) << delay;
    time_.advance(milliseconds(1));
    ASSERT_EQ(poster_.pending(), 1U) << delay;
  }
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
  EXPECT_EQ(sink_->stats().requests.at(0), delays_ms.size());
}

struct RetryAfterCase {
  const char* name;
  const char* value;
  std::chrono::nanoseconds want;
};
class RetryAfter : public ElasticSinkTest, public testing::WithParamInterface<RetryAfterCase> {};
INSTANTIATE_TEST_SUITE_P(Forms, RetryAfter,
                         testing::Values(RetryAfterCase{"Seconds", "7", seconds(7)},
                                         RetryAfterCase{"Date", "Mon, 05 Jan 2026 00:00:09 GMT", seconds(9)},
                                         RetryAfterCase{"TenHours", "36000", minutes(5)},
                                         RetryAfterCase{"FarDate", "Mon, 05 Jan 2026 10:00:00 GMT", minutes(5)},
                                         RetryAfterCase{"HugeNumber", "99999999999999999999", minutes(5)},
                                         RetryAfterCase{"Nonsense", "soon", milliseconds(500)},
                                         RetryAfterCase{"PastDate", "Mon, 05 Jan 2015 00:00:09 GMT",
                                                        milliseconds(500)}),
                         [](const auto& param) { return param.param.name; });

TEST_P(RetryAfter, IsObeyedUpToItsCap) {
  give(1, 1);
  poster_.answer(with_retry_after(429, GetParam().value));
  time_.advance(GetParam().want - milliseconds(1));
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(1));
  EXPECT_EQ(poster_.pending(), 1U);
}

struct GarbageCase {
  const char* name;
  std::string body;
};
class Garbage : public ElasticSinkTest, public testing::WithParamInterface<GarbageCase> {};
INSTANTIATE_TEST_SUITE_P(Replies, Garbage,
                         testing::Values(GarbageCase{"Empty", ""}, GarbageCase{"Html", "<html>login</html>"},
                                         GarbageCase{"NoItems", "{\"took\":1,\"errors\":false}"},
                                         GarbageCase{"EmptyItems", "{\"errors\":false,\"items\":[]}"},
                                         GarbageCase{"EmptyObject", "{}"}),
                         [](const auto& param) { return param.param.name; });

TEST_P(Garbage, IsNoAcknowledgement) {
  give(1, 2);
  poster_.answer(200, GetParam().body);
  EXPECT_THAT(acked_, IsEmpty());
  EXPECT_EQ(sink_->stats().replies_not_understood, 1U);
  time_.advance(milliseconds(500));
  EXPECT_THAT(sent(), ElementsAre("1-0", "1-1"));
  answer({{409, ""}, {409, ""}});
  EXPECT_THAT(acked_, ElementsAre(1));
}

TEST_F(ElasticSinkTest, A413HalvesDownToOneAndRemembersTheLimit) {
  give(1, 4);
  const std::size_t item_bytes = poster_.at().body.size() / 4;
  poster_.answer(413, "");
  EXPECT_EQ(sink_->stats().body_bytes_max, 2 * item_bytes);
  EXPECT_THAT(sent(), ElementsAre("1-0", "1-1"));
  poster_.answer(413, "");
  EXPECT_THAT(sent(), ElementsAre("1-0"));
  poster_.answer(413, "");  // this document alone
  ASSERT_EQ(letters_.size(), 1U);
  EXPECT_EQ(letters_[0].id, "1-0");
  EXPECT_EQ(letters_[0].status, 413);
  EXPECT_EQ(letters_[0].type, "too_large");
  // What is left goes one by one: the limit is known now.
  for (const char* id : {"1-1", "1-2", "1-3"}) {
    EXPECT_THAT(sent(), ElementsAre(id));
    answer();
  }
  EXPECT_THAT(acked_, ElementsAre(1));
  give(2, 2);
  EXPECT_THAT(sent(), ElementsAre("2-0"));
  EXPECT_EQ(sink_->stats().requests_too_large, 3U);
}

TEST_F(ElasticSinkTest, AReplyThatIsTooLargeHalvesTheRequestAndBuriesNothing) {
  give(1, 2);
  poster_.fail(Code::limit, "reply too large");
  EXPECT_THAT(sent(), ElementsAre("1-0"));
  poster_.fail(Code::limit, "reply too large");
  EXPECT_THAT(sent(), ElementsAre("1-1"));
  answer();
  time_.advance(seconds(1));
  EXPECT_THAT(sent(), ElementsAre("1-0"));
  answer();
  EXPECT_THAT(acked_, ElementsAre(1));
  EXPECT_THAT(letters_, IsEmpty());
  EXPECT_EQ(sink_->stats().body_bytes_max, 0U);
}

TEST_F(ElasticSinkTest, RefusedCredentialsPauseEverythingAndAreReadAgain) {
  give(1, 1);
  give(2, 1);
  poster_.answer(401, "");
  EXPECT_TRUE(sink_->stats().unauthorized);
  EXPECT_TRUE(log_.has("refuses our credentials"));
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(499));
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(1));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.headers[0], "Authorization: ApiKey key2");
  poster_.answer(403, "");
  time_.advance(milliseconds(999));
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(1));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.headers[0], "Authorization: ApiKey key3");
  answer();
  EXPECT_FALSE(sink_->stats().unauthorized);
  while (poster_.pending() > 0) answer();
  EXPECT_THAT(acked_, ElementsAre(1, 2));
  EXPECT_EQ(credential_reads_, 3);
}

// The moment between the removal of a secret's file and its successor.
TEST_F(ElasticSinkTest, CredentialsThatCannotBeReadStayAsTheyWere) {
  give(1, 1);
  credentials_missing_ = true;
  poster_.answer(401, "");
  time_.advance(seconds(1));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.headers[0], "Authorization: ApiKey key1");
  EXPECT_TRUE(log_.has("credentials cannot be read"));
  credentials_missing_ = false;
  poster_.answer(401, "");
  time_.advance(seconds(2));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.headers[0], "Authorization: ApiKey key3");
}

TEST_F(ElasticSinkTest, FailoverGoesToTheNextHostAtOnce) {
  options_.hosts = {"http://a:1", "http://b:2"};
  make();
  give(1, 1);
  EXPECT_EQ(poster_.at().request.url, "http://a:1/logs-x/_bulk");
  poster_.fail(Code::network, "refused");
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.url, "http://b:2/logs-x/_bulk");
  answer();
  EXPECT_EQ(sink_->stats().hosts_healthy, 1U);
  give(2, 1);
  EXPECT_EQ(poster_.at().request.url, "http://b:2/logs-x/_bulk") << "a rests";
  answer();
  time_.advance(seconds(1));
  give(3, 1);
  EXPECT_EQ(poster_.at().request.url, "http://a:1/logs-x/_bulk") << "a is tried again";
  answer();
  EXPECT_EQ(sink_->stats().hosts_healthy, 2U);
  EXPECT_THAT(acked_, ElementsAre(1, 2, 3));
}

TEST_F(ElasticSinkTest, HealthyHostsTakeTurns) {
  options_.hosts = {"http://a:1", "http://b:2", "http://c:3"};
  make();
  for (std::uint64_t i = 0; i < 4; ++i) {
    give(i, 1);
    answer();
  }
  EXPECT_THAT(poster_.urls, ElementsAre("http://a:1/logs-x/_bulk", "http://b:2/logs-x/_bulk", "http://c:3/logs-x/_bulk",
                                        "http://a:1/logs-x/_bulk"));
}

TEST_F(ElasticSinkTest, ConcurrencyGrowsWhileRepliesAreFastAndFallsOn429) {
  for (std::uint64_t i = 0; i < 40; ++i) give(i, 1);
  EXPECT_EQ(poster_.pending(), 1U);
  for (int i = 0; i < 20; ++i) {
    time_.advance(milliseconds(10));
    answer();
  }
  EXPECT_EQ(sink_->stats().concurrency_limit, 4);
  EXPECT_EQ(poster_.pending(), 4U);
  time_.advance(milliseconds(10));
  answer({{429, ""}});
  EXPECT_EQ(sink_->stats().concurrency_limit, 2);
  // Those that were in flight at that time bring no news.
  answer({{429, ""}});
  EXPECT_EQ(sink_->stats().concurrency_limit, 2);
}

TEST_F(ElasticSinkTest, WithOneRequestAtATimeBatchesKeepTheirOrder) {
  options_.concurrency_max = 1;
  make();
  give(1, 2);
  give(2, 1);
  answer({{201, ""}, {429, ""}});
  EXPECT_EQ(poster_.pending(), 0U) << "the second batch must not overtake";
  time_.advance(seconds(1));
  EXPECT_THAT(sent(), ElementsAre("1-1"));
  poster_.answer(503, "");
  time_.advance(seconds(5));
  EXPECT_THAT(sent(), ElementsAre("1-1"));
  answer();
  EXPECT_THAT(sent(), ElementsAre("2-0"));
  answer();
  EXPECT_THAT(acked_, ElementsAre(1, 2));
}

TEST_F(ElasticSinkTest, WithMoreTheNextBatchDoesNotWaitForARetry) {
  give(1, 1);
  give(2, 1);
  answer({{429, ""}});
  EXPECT_THAT(sent(), ElementsAre("2-0"));
  answer();
  EXPECT_THAT(acked_, ElementsAre(2));
}

TEST_F(ElasticSinkTest, ADeadLetterThatIsNotWrittenHoldsItsBatch) {
  letters_at_once_ = false;
  give(1, 1);
  answer({{400, "x"}});
  ASSERT_EQ(letter_answers_.size(), 1U);
  EXPECT_GT(sink_->queued_bytes(), 0U);
  letter_answers_[0](Error{Code::full, "no space"});
  EXPECT_THAT(acked_, IsEmpty());
  EXPECT_EQ(sink_->stats().dead_letter_failures, 1U);
  EXPECT_EQ(sink_->stats().dead_letters_waiting, 1U);
  time_.advance(milliseconds(500));
  ASSERT_EQ(letter_answers_.size(), 2U);
  EXPECT_EQ(letters_[1].id, "1-0");
  letter_answers_[1](success());
  EXPECT_THAT(acked_, ElementsAre(1));
  EXPECT_EQ(sink_->queued_bytes(), 0U);
  EXPECT_EQ(sink_->stats().items_dead_lettered, 1U);
}

TEST_F(ElasticSinkTest, AMalformedRequestAloneIsTriedForEverWhole) {
  give(1, 4);
  for (int i = 0; i < 20; ++i) {
    poster_.answer(400, "");
    time_.advance(minutes(1));
    EXPECT_THAT(sent(), testing::SizeIs(4));
  }
  EXPECT_THAT(letters_, IsEmpty());
  EXPECT_EQ(sink_->stats().requests_refused, 20U);
}

TEST_F(ElasticSinkTest, APoisonedDocumentIsFoundWhenOthersPass) {
  const auto serve = [this] {
    const std::vector<std::string> ids = sent();
    const bool poisoned = std::find(ids.begin(), ids.end(), "1-5") != ids.end();
    if (poisoned) {
      poster_.answer(400, "");
    } else {
      answer();
    }
  };
  give(1, 8);
  give(2, 1);
  for (int i = 0; i < 1000 && acked_.size() < 2; ++i) {
    if (poster_.pending() > 0) {
      serve();
    } else {
      time_.advance(seconds(1));
    }
  }
  EXPECT_THAT(acked_, testing::UnorderedElementsAre(1, 2));
  ASSERT_EQ(letters_.size(), 1U);
  EXPECT_EQ(letters_[0].id, "1-5");
  EXPECT_EQ(letters_[0].type, "request_refused");
}

TEST_F(ElasticSinkTest, DrainEndsWhenEverythingIsResolved) {
  give(1, 1);
  bool all = false;
  sink_->drain(time_.steady_ns() + 10 * ns_per_second, [&](bool resolved) { all = resolved; });
  poster_.answer(503, "");
  time_.advance(seconds(1));
  answer();
  time_.settle();
  EXPECT_TRUE(all);
  EXPECT_EQ(time_.timers(), 0U);
}

TEST_F(ElasticSinkTest, DrainGivesUpAtItsDeadlineAndAcknowledgesNothingMore) {
  give(1, 1);
  int called = 0;
  bool all = true;
  sink_->drain(time_.steady_ns() + 10 * ns_per_second, [&](bool resolved) {
    ++called;
    all = resolved;
  });
  time_.advance(milliseconds(9999));
  EXPECT_EQ(called, 0);
  time_.advance(milliseconds(1));
  EXPECT_EQ(called, 1);
  EXPECT_FALSE(all);
  EXPECT_EQ(poster_.pending(), 0U);
  EXPECT_EQ(poster_.cancelled, 1U);
  time_.advance(minutes(10));
  EXPECT_THAT(acked_, IsEmpty());
}

TEST_F(ElasticSinkTest, ABatchThatComesWhileDrainingIsDeliveredToo) {
  int all = -1;
  sink_->drain(time_.steady_ns() + 10 * ns_per_second, [&](bool resolved) { all = resolved ? 1 : 0; });
  give(1, 1);
  time_.settle();
  EXPECT_EQ(all, -1);
  answer();
  time_.settle();
  EXPECT_EQ(all, 1);
  give(2, 1);
  EXPECT_EQ(poster_.pending(), 0U);
  EXPECT_THAT(acked_, ElementsAre(1));
}

TEST_F(ElasticSinkTest, DrainOfNothingEndsAtOnce) {
  bool all = false;
  sink_->drain(time_.steady_ns() + 10 * ns_per_second, [&](bool resolved) { all = resolved; });
  time_.settle();
  EXPECT_TRUE(all);
}

TEST_F(ElasticSinkTest, DestroyingCancelsWhatIsInFlight) {
  give(1, 1);
  sink_.reset();
  EXPECT_EQ(poster_.pending(), 0U);
  EXPECT_EQ(time_.timers(), 0U);
}

TEST_F(ElasticSinkTest, AHostThatRecoversWakesWhatWaitedForIt) {
  give(1, 1);
  for (int i = 0; i < 8; ++i) {
    poster_.fail(Code::network, "refused");
    time_.advance(seconds(60));
  }
  // The host is drawn a short rest, the batch a long one.
  int draws = 0;
  random_source_ = [&draws] { return draws++ % 2 == 0 ? 0.1 : 0.999; };
  poster_.fail(Code::network, "refused");
  give(2, 1);
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(seconds(6));
  EXPECT_THAT(sent(), ElementsAre("2-0"));
  answer();
  EXPECT_THAT(sent(), ElementsAre("1-0")) << "without waiting for the rest of its minute";
}

TEST_F(ElasticSinkTest, GzipIsUsedAsSealedAndMadeForWhatIsSentAgain) {
  options_.gzip_level = 1;
  make();
  Batch batch = fake_batch(1, 2, 5000);
  batch.compressed = "sealed elsewhere";
  sink_->accept(std::move(batch));
  EXPECT_EQ(poster_.at().body, "sealed elsewhere");
  EXPECT_THAT(poster_.at().request.headers, testing::Contains("Content-Encoding: gzip"));
  poster_.answer(
      200, "{\"errors\":true,\"items\":[" + reply_item("1-0", {201, ""}) + "," + reply_item("1-1", {429, ""}) + "]}");
  time_.advance(seconds(1));
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().body.substr(0, 2), "\x1f\x8b");
  EXPECT_LT(poster_.at().body.size(), 1000U);
}

}  // namespace
}  // namespace tapewatch
