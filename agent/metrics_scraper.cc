// SPDX-License-Identifier: Apache-2.0
#include "metrics_scraper.h"

#include <utility>

#include "base/ascii.h"

namespace tapewatch {
namespace {

constexpr const char* accept =
    "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

const char* reason_of(Code code) {
  switch (code) {
    case Code::limit:
      return "too_large";
    case Code::timeout:
      return "timeout";
    case Code::tls:
      return "tls";
    default:
      return "connection";
  }
}

MetricsFormat format_of(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  return same_ascii_word(type, "application/openmetrics-text") ? MetricsFormat::openmetrics : MetricsFormat::text;
}

}  // namespace

MetricsScraper::MetricsScraper(ScrapeOptions options, HttpPoster& poster, Scheduler& timers, AgentMetrics& metrics,
                               Log& log)
    : options_(std::move(options)),
      poster_(poster),
      metrics_(metrics),
      log_(log),
      timer_(timers, [this] { fetch(); }),
      answer_(std::make_shared<const Answer>()) {}

MetricsScraper::~MetricsScraper() {
  if (request_ != 0) poster_.cancel(request_);
}

void MetricsScraper::fetch() {
  if (request_ != 0) return;  // the timeout is as long as several intervals
  HttpRequest request;
  request.method = "GET";
  request.url = options_.url;
  request.headers = {accept};
  if (!options_.token.empty()) request.headers.push_back("Authorization: Bearer " + options_.token);
  request.connect_timeout = options_.timeout;
  request.total_timeout = options_.timeout;
  request.reply_bytes_max = options_.bytes_max;
  request_ = poster_.send(std::move(request), [this](const HttpReply& reply) {
    request_ = 0;
    take(reply);
  });
}

void MetricsScraper::take(const HttpReply& reply) {
  if (reply.error) return failed(reason_of(reply.error->code), reply.error->message);
  if (reply.code != 200) return failed("status", "status " + std::to_string(reply.code));
  Result<ExpositionText> text =
      read_exposition(reply.body, format_of(reply.content_type), options_.name, options_.limits);
  if (!text) return failed(text.error().code == Code::limit ? "too_large" : "not_understood", text.error().message);
  if (!was_up_) log_.info("the application's metrics are there again", {{"app", options_.name}});
  was_up_ = true;
  publish({true, std::chrono::duration<double>(reply.elapsed).count(), std::move(*text)});
}

void MetricsScraper::failed(const char* reason, const std::string& detail) {
  metrics_.scrape_failures.with({options_.name, reason}).add();
  if (was_up_) log_.warn("the application's metrics cannot be had", {{"app", options_.name}, {"reason", detail}});
  was_up_ = false;
  publish({});
}

void MetricsScraper::publish(Answer answer) {
  auto next = std::make_shared<const Answer>(std::move(answer));
  MutexLock lock(mutex_);
  answer_ = std::move(next);
}

void MetricsScraper::collect(std::vector<SampleFamily>& out) const {
  std::shared_ptr<const Answer> answer;
  {
    MutexLock lock(mutex_);
    answer = answer_;
  }
  const auto gauge = [&](const char* name, const char* help, double value) {
    out.push_back(family_of(name, FamilyType::gauge, help));
    add_sample(out.back(), {{"app", options_.name}}, value);
  };
  gauge("up", "Whether the application's own metrics could be fetched.", answer->up ? 1 : 0);
  gauge("tapewatch_scrape_duration_seconds", "How long the last fetch took.", answer->seconds);
  gauge("tapewatch_scrape_samples", "Samples of the last fetch.", static_cast<double>(answer->text.samples));
  out.insert(out.end(), answer->text.families.begin(), answer->text.families.end());
}

}  // namespace tapewatch
