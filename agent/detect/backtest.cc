// SPDX-License-Identifier: Apache-2.0
#include "detect/backtest.h"

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "base/timestamp.h"
#include "event/parser.h"

namespace tapewatch {
namespace {

// One file's bytes as lines, with a buffer that never holds more than one block and one line.
class Lines final {
 public:
  Lines(std::unique_ptr<ByteSource> source, const BacktestOptions& options)
      : source_(std::move(source)), options_(options) {}

  // False at the end of the file, or when reading failed.
  bool next(Line& line) {
    for (;;) {
      const std::size_t end = buffer_.find('\n', scanned_);
      const bool too_long = end == std::string::npos && buffer_.size() - begin_ > options_.line_bytes_max;
      if (end != std::string::npos || too_long || (ended_ && begin_ < buffer_.size())) {
        const std::size_t stop = std::min(end, buffer_.size());
        take(line, stop);
        begin_ = scanned_ = std::min(stop + 1, buffer_.size());
        if (too_long) skip_rest();
        return true;
      }
      if (ended_) return false;
      scanned_ = buffer_.size();
      read();
    }
  }
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return source_->bytes_read(); }

 private:
  void take(Line& line, std::size_t stop) {
    std::string_view text = std::string_view(buffer_).substr(begin_, stop - begin_);
    line.offset = buffer_offset_ + begin_;
    line.full_bytes = text.size();
    line.cut = text.size() > options_.line_bytes_max;
    text = text.substr(0, options_.line_bytes_max);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (line.offset == 0 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    line.text = text;
  }

  // The rest of a line that is cut goes by unseen; the line itself still stands in the buffer.
  void skip_rest() {
    skipping_ = true;
    begin_ = scanned_ = buffer_.size();
  }

  void read() {
    buffer_offset_ += begin_;
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    const std::size_t used = buffer_.size();
    buffer_.resize(used + options_.read_bytes);
    const Result<std::size_t> got = source_->read(buffer_.data() + used, options_.read_bytes);
    if (!got.ok()) status_ = got.error();
    buffer_.resize(used + (got.ok() ? *got : 0));
    ended_ = !got.ok() || *got == 0;
    if (!skipping_) return;
    const std::size_t end = buffer_.find('\n', begin_);
    begin_ = scanned_ = end == std::string::npos ? buffer_.size() : end + 1;
    skipping_ = end == std::string::npos;
  }

  const std::unique_ptr<ByteSource> source_;
  const BacktestOptions& options_;
  std::string buffer_;
  std::uint64_t buffer_offset_ = 0;  // of the buffer's first byte in the file
  std::size_t begin_ = 0;            // of the line that is next
  std::size_t scanned_ = 0;          // no line end before
  bool ended_ = false;
  bool skipping_ = false;
  Status status_ = success();
};

struct Run {
  Parser& parser;
  Detector& detector;
  const std::function<void(Event&)>& enrich;
  const BacktestEmit& emit;
  BacktestReport& report;
  std::vector<Alert> alerts = {};
  std::string document = {};
  BacktestAlert told = {};
  std::int64_t newest_ns = 0;
};

void tell(Run& run, std::uint64_t line) {
  for (const Alert& alert : run.alerts) {
    run.told.event = line;
    run.told.id = alert.id;
    run.told.json.clear();
    append_backtest_alert(run.told.json, line, alert);
    run.emit(run.told);
  }
  run.report.alerts += run.alerts.size();
}

Result<std::unique_ptr<ByteSource>> open_file(const std::string& path, const BacktestOptions& options) {
  if (options.open) return options.open(path);
  Result<std::unique_ptr<FileSource>> file = FileSource::open(path);
  if (!file.ok()) return std::move(file).error();
  return std::unique_ptr<ByteSource>(std::move(*file));
}

void see(Run& run, const Line& line, const SourceFile& source) {
  Event& event = run.parser.parse(line, source, run.newest_ns);
  if (!event.is_json()) ++run.report.not_json;
  if (run.enrich) run.enrich(event);
  run.newest_ns = std::max(run.newest_ns, event.time_ns);
  run.document.clear();
  event.append_json(run.document);
  run.alerts.clear();
  run.detector.see(event, run.document, run.alerts);
  tell(run, run.report.lines);
}

}  // namespace

void append_backtest_alert(std::string& out, std::uint64_t event, const Alert& alert) {
  JsonObject object(out);
  object.add("event", event);
  object.add("rule", std::string_view(alert.rule_id));
  object.add("title", std::string_view(alert.title));
  object.add("level", std::string_view(alert.level));
  if (alert.state == AlertState::resolved) object.add("state", alert_state_name(alert.state));
  object.key("group");
  JsonObject group(out);
  for (const auto& [field, value] : alert.group) group.add(field, std::string_view(value));
  group.end();
  object.add("@timestamp", std::string_view(format_rfc3339(alert.time_ns)));
  object.add("id", std::string_view(to_hex(alert.id)));
  object.add("count", alert.count);
  if (alert.measure) add_measure(object, "", *alert.measure);
  if (!alert.labels.empty()) {
    object.key("labels");
    JsonObject labels(out);
    for (const auto& [name, text] : alert.labels) labels.add(name, std::string_view(text));
    labels.end();
  }
  object.add("file", std::string_view(alert.file_path));
  object.add("offset", alert.file_offset);
  object.end();
}

Result<BacktestReport> backtest(const std::vector<std::string>& files, const FieldTable& fields, Detector& detector,
                                const BacktestOptions& options, const std::function<void(Event&)>& enrich,
                                const BacktestEmit& emit, const BacktestProgress& progress) {
  BacktestReport report;
  Parser parser(fields, options.key_policy);
  Run run{parser, detector, enrich, emit, report};
  for (const std::string& path : files) {
    Result<std::unique_ptr<ByteSource>> file = open_file(path, options);
    if (!file.ok()) return std::move(file).error();
    SourceFile source;
    source.path = path;
    Lines lines(std::move(*file), options);
    const std::uint64_t bytes_before = report.file_bytes;
    Line line;
    std::uint64_t told = report.bytes;
    while (lines.next(line)) {
      if (line.text.find_first_not_of(" \t") != std::string_view::npos) see(run, line, source);
      ++report.lines;
      report.bytes += line.full_bytes + 1;
      if (progress && report.bytes - told >= options.read_bytes) {
        told = report.bytes;
        report.file_bytes = bytes_before + lines.file_bytes();
        progress(report);
      }
    }
    if (!lines.status().ok()) return Error(lines.status().error()).with_context("reading " + path);
    report.file_bytes = bytes_before + lines.file_bytes();
  }
  if (report.lines == 0) return report;
  // Nothing comes late any more: what waited for the order of events is told, and the clock stands where it did.
  run.alerts.clear();
  detector.advance(run.newest_ns + 1, run.alerts);
  tell(run, report.lines - 1);
  return report;
}

bool BacktestDiff::before(const BacktestAlert& alert) {
  alerts_.try_emplace({alert.event, to_hex(alert.id)}, alert.json);
  return alerts_.size() <= alerts_max_;
}

std::string BacktestDiff::after(const BacktestAlert& alert) {
  if (alerts_.erase({alert.event, to_hex(alert.id)}) > 0) return "";
  return R"({"diff":"added",)" + alert.json.substr(1);
}

std::vector<std::string> BacktestDiff::removed() const {
  std::vector<std::string> lines;
  lines.reserve(alerts_.size());
  for (const auto& [key, json] : alerts_) lines.push_back(R"({"diff":"removed",)" + json.substr(1));
  return lines;
}

}  // namespace tapewatch
