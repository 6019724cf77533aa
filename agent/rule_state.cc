// SPDX-License-Identifier: Apache-2.0
#include "rule_state.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/files.h"
#include "base/hash.h"
#include "base/state_bytes.h"
#include "detect/alert_bytes.h"

namespace tapewatch {
namespace {

constexpr std::string_view magic = "TWRS";
constexpr std::uint32_t version = 1;
constexpr std::size_t head_bytes = 24;

Error corrupt(std::string_view what) { return Error{Code::corrupt, std::string(what)}; }

void save_progress(StateWriter& out, const RuleProgress& progress) {
  out.number(progress.seen.size());
  for (const auto& [file, position] : progress.seen) {
    out.word(file);
    out.number(position);
  }
  out.word(progress.clock_file);
  out.number(progress.clock_next);
  out.flag(progress.ended);
  out.flag(progress.newest_event_ns != INT64_MIN);
  if (progress.newest_event_ns == INT64_MIN) return;
  out.time(progress.newest_event_ns, 0);
  out.time(progress.newest_read_wall_ns, progress.newest_event_ns);
}

void load_progress(StateReader& in, RuleProgress& progress) {
  const std::size_t files = in.count(9);
  for (std::size_t i = 0; i < files && !in.failed(); ++i) {
    const std::uint64_t file = in.word();
    progress.seen[file] = in.number();
  }
  progress.clock_file = in.word();
  progress.clock_next = in.number();
  progress.ended = in.flag();
  if (!in.flag()) return;
  progress.newest_event_ns = in.time(0);
  progress.newest_read_wall_ns = in.time(progress.newest_event_ns);
}

}  // namespace

std::string encode_rule_state_head(const RuleState& state) {
  std::string body;
  StateWriter out(body);
  save_progress(out, state.progress);
  out.number(state.told.size());
  AlertWriter alerts(out);
  for (const Alert& alert : state.told) {
    alerts.write(alert);
    out.word(alert.source_file);
    out.number(alert.source_offset);
  }
  out.number(state.waiting.size());
  for (const AlertMessage& message : state.waiting) {
    out.text(message.id);
    out.text(message.body);
  }
  std::string bytes(magic);
  StateWriter head(bytes);
  head.half_word(version);
  head.word(body.size());
  head.word(hash64(body));
  return bytes + body;
}

Result<RuleState> decode_rule_state(std::string_view bytes) {
  if (bytes.size() < head_bytes || bytes.substr(0, magic.size()) != magic) return corrupt("this is no state of rules");
  StateReader head(bytes.substr(magic.size()));
  const std::uint32_t written = head.half_word();
  if (written != version)
    return Error{Code::unsupported, "written in version " + std::to_string(written) + " of the format"};
  const std::uint64_t length = head.word();
  const std::uint64_t hash = head.word();
  if (length > bytes.size() - head_bytes) return corrupt("cut short");
  const std::string_view body = bytes.substr(head_bytes, static_cast<std::size_t>(length));
  if (hash64(body) != hash) return corrupt("a checksum does not match");
  StateReader in(body);
  RuleState state;
  load_progress(in, state.progress);
  AlertReader alerts(in);
  for (std::size_t left = in.count(1); left > 0 && !in.failed(); --left) {
    state.told.push_back(alerts.read());
    state.told.back().source_file = in.word();
    state.told.back().source_offset = in.number();
  }
  state.waiting.resize(in.count(2));
  for (AlertMessage& message : state.waiting) {
    message.id = in.text();
    message.body = in.text();
  }
  if (in.failed() || !in.at_end()) return corrupt("what it holds makes no sense");
  state.rules = bytes.substr(head_bytes + body.size());
  return state;
}

RuleStateFile::RuleStateFile(const std::string& folder, const Clock& clock, Log& log)
    : path_(folder + "/rules"), clock_(clock), log_(log) {}

Result<RuleState> RuleStateFile::load(std::uint64_t bytes_max) {
  Result<std::string> bytes = read_file(path_, bytes_max);
  if (!bytes.ok() && bytes.error().code == Code::not_found) return std::move(bytes).error();
  Result<RuleState> state = bytes.ok() ? decode_rule_state(*bytes) : Result<RuleState>(std::move(bytes).error());
  if (!state.ok()) quarantine(state.error());
  return state;
}

void RuleStateFile::quarantine(const Error& error) {
  ++stats_.quarantined;
  const std::string aside = path_ + ".corrupt-" + std::to_string(clock_.wall_ns() / ns_per_second);
  const bool renamed = ::rename(path_.c_str(), aside.c_str()) == 0;
  log_.error("a damaged state of the rules was put aside, and all rules start anew",
             {{"path", path_}, {"kept_as", renamed ? aside : path_}, {"reason", error.message}});
}

void RuleStateFile::remove() { ::unlink(path_.c_str()); }

Status RuleStateFile::save(const RuleState& state) {
  Status written = write_file_durable(path_, {std::string_view(encode_rule_state_head(state)), state.rules});
  if (!written.ok()) ++stats_.failures;
  return written;
}

}  // namespace tapewatch
