// SPDX-License-Identifier: Apache-2.0
#pragma once
// FiringAlerts: what has been told and is not over, so that its end can be told: slim copies, without evidence. Alerts
// of single events end by the clock; the others when their rule says so. Bounded: the one told longest ago ends early
// to make room, and is counted. Owned by the Detector. Thread: worker.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/state_bytes.h"
#include "event/alert.h"

namespace tapewatch {

class FiringAlerts final {
 public:
  // 0: ends are not told, and nothing is kept.
  explicit FiringAlerts(std::size_t alerts_max) : alerts_max_(alerts_max) {}

  // The alert has been told. `end_ns`: when it ends by the clock; INT64_MAX: when told so.
  void add(const Alert& alert, std::int64_t end_ns, std::vector<Alert>& out);
  // It is over; nothing happens when it is not kept.
  void end(const Hash128& id, std::int64_t time_ns, std::vector<Alert>& out);
  // Ends what the clock ends before `now_ns`, in the order of the ends.
  void advance(std::int64_t now_ns, std::vector<Alert>& out);

  // Whether ends are told at all.
  [[nodiscard]] bool kept() const { return alerts_max_ > 0; }
  [[nodiscard]] std::size_t alerts_max() const { return alerts_max_; }
  [[nodiscard]] std::size_t size() const { return alerts_.size(); }
  [[nodiscard]] std::uint64_t ended() const { return ended_; }
  [[nodiscard]] std::uint64_t ended_early() const { return ended_early_; }

  // In the order in which they were told.
  [[nodiscard]] std::vector<const Alert*> all() const;
  void save(StateWriter& out) const;
  // REQUIRES: nothing was added yet. What nobody `goes_on` to look after ends with the next advance(), as of `now_ns`.
  void load(StateReader& in, std::int64_t now_ns, const std::function<bool(const Alert&)>& goes_on);

 private:
  struct Kept {
    Alert alert;
    std::int64_t end_ns = 0;
    std::uint64_t number = 0;
  };
  using Alerts = std::map<Hash128, Kept>;
  void close(Alerts::iterator kept, std::int64_t time_ns, std::vector<Alert>& out);

  std::size_t alerts_max_;
  Alerts alerts_;
  std::set<std::pair<std::int64_t, Hash128>> ends_;  // of those that the clock ends
  std::map<std::uint64_t, Hash128> order_;           // in which they were told
  std::uint64_t next_number_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t ended_early_ = 0;
};

}  // namespace tapewatch
