// SPDX-License-Identifier: Apache-2.0
#include "detect/firing_alerts.h"

#include <algorithm>

#include "detect/alert_bytes.h"

namespace tapewatch {

void FiringAlerts::add(const Alert& alert, std::int64_t end_ns, std::vector<Alert>& out) {
  if (const auto known = alerts_.find(alert.id); known != alerts_.end()) {
    known->second.alert.count = std::max(known->second.alert.count, alert.count);
    return;
  }
  if (alerts_.size() >= alerts_max_) {
    ++ended_early_;
    close(alerts_.find(order_.begin()->second), alert.time_ns, out);
  }
  Kept kept;
  kept.alert = alert;
  kept.alert.evidence.clear();
  kept.end_ns = end_ns;
  kept.number = next_number_++;
  order_.emplace(kept.number, alert.id);
  if (end_ns != INT64_MAX) ends_.emplace(end_ns, alert.id);
  alerts_.emplace(alert.id, std::move(kept));
}

void FiringAlerts::end(const Hash128& id, std::int64_t time_ns, std::vector<Alert>& out) {
  if (const auto kept = alerts_.find(id); kept != alerts_.end()) close(kept, time_ns, out);
}

void FiringAlerts::advance(std::int64_t now_ns, std::vector<Alert>& out) {
  while (!ends_.empty() && ends_.begin()->first < now_ns) {
    const auto [end_ns, id] = *ends_.begin();
    close(alerts_.find(id), end_ns, out);
  }
}

void FiringAlerts::close(Alerts::iterator kept, std::int64_t time_ns, std::vector<Alert>& out) {
  ++ended_;
  Alert alert = std::move(kept->second.alert);
  order_.erase(kept->second.number);
  ends_.erase({kept->second.end_ns, alert.id});
  alerts_.erase(kept);
  alert.state = AlertState::resolved;
  alert.repeated = false;
  alert.time_ns = std::max(time_ns, alert.time_ns);
  out.push_back(std::move(alert));
}

std::vector<const Alert*> FiringAlerts::all() const {
  std::vector<const Alert*> alerts;
  for (const auto& [number, id] : order_) alerts.push_back(&alerts_.find(id)->second.alert);
  return alerts;
}

void FiringAlerts::save(StateWriter& out) const {
  out.number(order_.size());
  AlertWriter alerts(out);
  for (const auto& [number, id] : order_) {
    const Kept& kept = alerts_.find(id)->second;
    alerts.write(kept.alert);
    out.flag(kept.end_ns != INT64_MAX);
    if (kept.end_ns != INT64_MAX) out.time(kept.end_ns, kept.alert.time_ns);
  }
}

void FiringAlerts::load(StateReader& in, std::int64_t now_ns, const std::function<bool(const Alert&)>& goes_on) {
  const std::size_t count = in.count(1);
  if (count > alerts_max_ && kept()) in.fail();
  AlertReader alerts(in);
  std::vector<Alert> none;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Alert alert = alerts.read();
    std::int64_t end_ns = in.flag() ? in.time(alert.time_ns) : INT64_MAX;
    if (!goes_on(alert)) end_ns = std::min(end_ns, std::max(now_ns, alert.time_ns));
    if (kept() && !in.failed()) add(alert, end_ns, none);
  }
  if (kept() && alerts_.size() != count) in.fail();
}

}  // namespace tapewatch
