// SPDX-License-Identifier: Apache-2.0
#include "rule_memory.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t alert_bytes = 1024;  // without its evidence, about

std::uint64_t bytes_of(const Alert& alert) {
  std::uint64_t bytes = alert_bytes;
  for (const std::string& document : alert.evidence) bytes += document.size();
  return bytes;
}

constexpr std::uint64_t head_bytes_max = std::uint64_t{256} << 20;  // positions and alerts, beside the rules' own

}  // namespace

RuleMemory::RuleMemory(Options options, const std::string& folder, const Clock& clock, Log& log, Committed committed)
    : options_(options), clock_(clock), log_(log), committed_(std::move(committed)), file_(folder, clock, log) {}

RuleState RuleMemory::open() {
  Result<RuleState> loaded = file_.load(options_.bytes_max + head_bytes_max);
  RuleState state = loaded.ok() ? std::move(*loaded) : RuleState();
  const auto& seen = state.progress.seen;
  const bool fits =
      seen.empty() || std::any_of(seen.begin(), seen.end(), [&](const auto& s) { return committed_(s.first); });
  if (!fits) {
    log_.warn("the state of the rules is of other files than the checkpoint: all rules start anew", {});
    state = RuleState();
  }
  if (state.progress.clock_file == 0) state.progress.clock_file = random64() | 1u;
  progress_ = state.progress;
  std::uint64_t floor = progress_.clock_next;
  for (const Alert& alert : state.told) {
    if (alert.source_file == progress_.clock_file) floor = std::min(floor, alert.source_offset);
  }
  clock_acks_.assign(options_.sinks, RangeSet(floor));
  told_.assign(state.told.begin(), state.told.end());
  forget_delivered();
  state.told.assign(told_.begin(), told_.end());
  return state;
}

void RuleMemory::told(const Alert& alert) {
  if (alert.source_file == 0) return;
  told_.push_back(alert);
  told_bytes_ += bytes_of(alert);
  if (!told_more_than(8)) return;
  forget_delivered();
  for (; told_more_than(7); told_.pop_front()) {  // more than is needed: looking for what is delivered is not cheap
    told_bytes_ -= bytes_of(told_.front());
    ++told_dropped_;
  }
}

void RuleMemory::acked(std::size_t sink, const std::vector<Span>& spans) {
  for (const Span& span : spans) {
    if (span.file == progress_.clock_file && sink < clock_acks_.size()) clock_acks_[sink].add(span.begin, span.end);
  }
}

// Its document went with its line, and every sink has acknowledged that; or nobody can read the line again.
void RuleMemory::forget_delivered() {
  std::uint64_t clock_committed = UINT64_MAX;
  for (const RangeSet& acks : clock_acks_) clock_committed = std::min(clock_committed, acks.floor());
  std::erase_if(told_, [&](const Alert& alert) {
    if (alert.source_file == progress_.clock_file) return alert.source_offset < clock_committed;
    const auto committed = committed_(alert.source_file);
    return !committed || alert.source_offset < *committed;
  });
  told_bytes_ = 0;
  for (const Alert& alert : told_) told_bytes_ += bytes_of(alert);
}

bool RuleMemory::save(RuleRecords records, std::vector<AlertMessage> waiting) {
  for (const auto& [file, position] : records.progress.seen) progress_.seen[file] = position;
  records.progress.seen = std::move(progress_.seen);
  progress_ = std::move(records.progress);
  std::erase_if(progress_.seen, [&](const auto& seen) { return !committed_(seen.first); });
  if (!records.rules) return !unsaved_;
  forget_delivered();
  if (records.rules_left_out > 0 && !std::exchange(left_out_, true))
    log_.error("what some rules remember does not fit into limits.rule_state_bytes: they would start anew",
               {{"rules", records.rules_left_out}});
  left_out_ = records.rules_left_out > 0;
  RuleState state{progress_, {told_.begin(), told_.end()}, std::move(waiting), std::move(*records.rules)};
  const Status written = file_.save(state);
  unsaved_ = !written.ok();
  if (unsaved_) {
    log_.error("the state of the rules could not be written, and positions stay with it",
               {{"reason", written.error().message}});
    return false;
  }
  bytes_ = state.rules.size();
  const double pause_s = static_cast<double>(bytes_) / static_cast<double>(options_.write_rate);
  next_ns_ = clock_.steady_ns() + static_cast<std::int64_t>(pause_s * static_cast<double>(ns_per_second));
  return true;
}

}  // namespace tapewatch
