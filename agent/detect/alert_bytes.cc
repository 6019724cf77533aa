// SPDX-License-Identifier: Apache-2.0
#include "detect/alert_bytes.h"

namespace tapewatch {
namespace {

enum AlertFlag : unsigned { resolved_flag = 1, repeated_flag = 2, measure_flag = 4, all_flags = 7 };

void save_texts(StateWriter& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> load_texts(StateReader& in) {
  std::vector<std::string> texts(in.count(1));
  for (std::string& text : texts) text = in.text();
  return texts;
}

void save_head(std::string& head, const Alert& alert) {
  head.clear();
  StateWriter out(head);
  for (const std::string* text :
       {&alert.rule_id, &alert.rule_name, &alert.title, &alert.description, &alert.level, &alert.runbook})
    out.text(*text);
  save_texts(out, alert.tags);
  out.pairs(alert.labels);
}

}  // namespace

void AlertWriter::write(const Alert& alert) {
  save_head(head_, alert);
  const auto [head, first] = heads_.try_emplace(head_, heads_.size() + 1);
  out_.number(first ? 0 : head->second);
  if (first) out_.text(head_);
  out_.hash(alert.id);
  const unsigned flags = (alert.state == AlertState::resolved ? resolved_flag : 0u) |
                         (alert.repeated ? repeated_flag : 0u) | (alert.measure ? measure_flag : 0u);
  out_.byte(static_cast<std::uint8_t>(flags));
  out_.pairs(alert.annotations);
  out_.pairs(alert.group);
  out_.time(alert.time_ns, 0);
  out_.time(alert.started_ns, alert.time_ns);
  out_.number(alert.count);
  out_.real(alert.value);
  if (alert.measure) {
    for (const double value : {alert.measure->value, alert.measure->expected, alert.measure->lower,
                               alert.measure->upper, alert.measure->score})
      out_.real(value);
  }
  out_.text(alert.correlation_id);
  out_.text(alert.file_path);
  out_.number(alert.file_offset);
  save_texts(out_, alert.evidence);
}

Alert AlertReader::read_head() {
  StateReader in(in_.text());
  Alert alert;
  for (std::string* text :
       {&alert.rule_id, &alert.rule_name, &alert.title, &alert.description, &alert.level, &alert.runbook})
    *text = in.text();
  alert.tags = load_texts(in);
  alert.labels = in.pairs();
  if (in.failed() || !in.at_end()) in_.fail();
  return alert;
}

Alert AlertReader::read() {
  const std::uint64_t head = in_.number_to(heads_.size());
  if (head == 0 && !in_.failed()) heads_.push_back(read_head());
  if (in_.failed()) return {};
  Alert alert = head == 0 ? heads_.back() : heads_[head - 1];
  alert.id = in_.hash();
  const std::uint8_t flags = in_.byte();
  if (flags > all_flags) in_.fail();
  alert.state = (flags & resolved_flag) != 0 ? AlertState::resolved : AlertState::firing;
  alert.repeated = (flags & repeated_flag) != 0;
  alert.annotations = in_.pairs();
  alert.group = in_.pairs();
  alert.time_ns = in_.time(0);
  alert.started_ns = in_.time(alert.time_ns);
  alert.count = in_.number();
  alert.value = in_.real();
  if ((flags & measure_flag) != 0) {
    AlertMeasure& measure = alert.measure.emplace();
    for (double* value : {&measure.value, &measure.expected, &measure.lower, &measure.upper, &measure.score})
      *value = in_.real();
  }
  alert.correlation_id = in_.text();
  alert.file_path = in_.text();
  alert.file_offset = in_.number();
  alert.evidence = load_texts(in_);
  return alert;
}

}  // namespace tapewatch
