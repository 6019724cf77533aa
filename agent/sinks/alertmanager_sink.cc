// SPDX-License-Identifier: Apache-2.0
#include "sinks/alertmanager_sink.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/json_writer.h"
#include "base/state_file.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::chrono::seconds tick_interval{1};
constexpr std::size_t peers_max = 32;
constexpr std::size_t ids_max = 1000;  // of one set of labels
constexpr std::uint64_t file_bytes_max = 256u << 20;
constexpr std::string_view file_head = "tapewatch alertmanager 2\n";

// What an Alertmanager takes for a name: user.id is user_id.
std::string label_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out.push_back('_');
    out.push_back(letter || digit ? c : '_');
  }
  return out.empty() ? "_" : out;
}

std::string json_of(const std::map<std::string, std::string>& texts) {
  std::string out;
  JsonObject object(out);
  for (const auto& [name, text] : texts) object.add(name, std::string_view(text));
  object.end();
  return out;
}

std::string annotations_of(const Alert& alert) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, text] : alert.annotations) texts.emplace(label_name(name), text);
  const std::string group = alert_group_text(alert);
  texts.emplace("summary", alert.title + (group.empty() ? "" : " (" + group + ")"));
  std::string value;
  append_json_double(value, alert.value);
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"description", alert.description},
                                   {"runbook_url", alert.runbook},
                                   {"correlation_id", alert.correlation_id},
                                   {"alert_id", to_hex(alert.id)},
                                   {"count", std::to_string(alert.count)},
                                   {"value", value}}) {
    if (!text.empty()) texts.emplace(name, text);
  }
  return json_of(texts);
}

bool may_pass_later(int code) { return code == 408 || code == 425 || code == 429 || code >= 500; }

}  // namespace

std::string alertmanager_labels(const Alert& alert, const std::string& service, const std::string& instance) {
  std::map<std::string, std::string> labels = {
      {"alertname", alert.title}, {"rule_id", alert.rule_id}, {"severity", alert.level}};
  if (!service.empty()) labels.emplace("service", service);
  if (!instance.empty()) labels.emplace("instance", instance);
  // Our own names stay ours.
  const auto add = [&labels](const std::string& prefix, const std::string& field, const std::string& text) {
    const std::string name = label_name(field);
    if (!text.empty() && !labels.emplace(name, text).second) labels.emplace(prefix + name, text);
  };
  for (const auto& [field, text] : alert.group) add("group_", field, text);
  for (const auto& [name, text] : alert.labels) add("rule_", name, text);
  return json_of(labels);
}

AlertmanagerSink::AlertmanagerSink(AlertmanagerOptions options, Scheduler& scheduler, const Clock& clock,
                                   HttpPoster& poster, Log& log, Random random)
    : options_(std::move(options)),
      random_(std::move(random)),
      clock_(clock),
      poster_(poster),
      log_(log),
      tick_(scheduler, [this] { tick(); }),
      deadline_(scheduler, [this] {
        const bool all = std::none_of(alerts_.begin(), alerts_.end(), [](const auto& entry) {
          return std::any_of(entry.second.known.begin(), entry.second.known.end(),
                             [](const Known& known) { return !known.current; });
        });
        for (Peer& peer : peers_) {
          peer.retry->stop();
          poster_.cancel(std::exchange(peer.pending, 0));
        }
        tick_.stop();
        if (const auto done = std::exchange(drained_, nullptr)) done(all);
      }) {
  CHECK(!options_.urls.empty() && options_.urls.size() <= peers_max && options_.alerts_max > 0);
  for (std::size_t i = 0; i < options_.urls.size(); ++i) {
    Peer peer;
    peer.url = options_.urls[i];
    while (peer.url.ends_with('/')) peer.url.pop_back();
    peer.url += "/api/v2/alerts";
    peer.retry = std::make_unique<Timer>(scheduler, [this, i] { send(i); });
    peers_.push_back(std::move(peer));
  }
  load();
  tick_.start(tick_interval, tick_interval);
}

AlertmanagerSink::~AlertmanagerSink() {
  for (const Peer& peer : peers_) poster_.cancel(peer.pending);
}

void AlertmanagerSink::deliver(const Alert& alert) {
  if (alert.state == AlertState::firing) {
    fire(alert);
  } else {
    resolve(alert);
  }
  for (std::size_t i = 0; i < peers_.size(); ++i) send(i);
}

void AlertmanagerSink::confirm(const Alert& alert) {
  const auto found = alerts_.find(alertmanager_labels(alert, options_.service, options_.instance));
  if (found != alerts_.end() && found->second.ends_ns != 0) return;
  deliver(alert);
}

void AlertmanagerSink::fire(const Alert& alert) {
  std::string labels = alertmanager_labels(alert, options_.service, options_.instance);
  auto found = alerts_.find(labels);
  if (found == alerts_.end()) {
    if (!make_room()) {
      ++stats_.dropped;
      log_.error("too many alerts are firing, one is not told to the Alertmanager", {{"rule.id", alert.rule_id}});
      return;
    }
    found = alerts_.try_emplace(labels).first;
    found->second.labels = std::move(labels);
    found->second.known.resize(peers_.size());
    found->second.starts_ns = alert.started_ns;
  }
  Held& held = found->second;
  if (held.ends_ns != 0) {  // it was over: this is another one
    held.starts_ns = alert.started_ns;
    held.ends_ns = held.over_ns = 0;
    for (Known& known : held.known) known = Known();
  }
  held.starts_ns = std::min(held.starts_ns, alert.started_ns);
  if (held.restored_ns != 0) held.ids.clear();
  held.restored_ns = 0;
  if (held.ids.size() < ids_max) held.ids.insert(alert.id);
  held.annotations = annotations_of(alert);
  changed(held);
}

void AlertmanagerSink::resolve(const Alert& alert) {
  const auto found = alerts_.find(alertmanager_labels(alert, options_.service, options_.instance));
  if (found == alerts_.end() || found->second.ends_ns != 0) return;
  Held& held = found->second;
  held.ids.erase(alert.id);
  if (!held.ids.empty()) return;
  // One that lies ahead, because of another host's clock, would not be an end.
  held.ends_ns = std::max(std::min(alert.time_ns, clock_.wall_ns()), held.starts_ns + ns_per_ms);
  held.over_ns = std::max<std::int64_t>(1, clock_.steady_ns());
  changed(held);
}

void AlertmanagerSink::changed(Held& held) {
  for (Known& known : held.known) known.current = false;
  unsaved_ = true;
}

// What is over makes room, the one that has been over for longest first.
bool AlertmanagerSink::make_room() {
  if (alerts_.size() < options_.alerts_max) return true;
  auto oldest = alerts_.end();
  for (auto entry = alerts_.begin(); entry != alerts_.end(); ++entry) {
    const bool over = entry->second.ends_ns != 0;
    if (over && (oldest == alerts_.end() || entry->second.over_ns < oldest->second.over_ns)) oldest = entry;
  }
  if (oldest == alerts_.end()) return false;
  ++stats_.dropped;
  alerts_.erase(oldest);
  return true;
}

void AlertmanagerSink::tick() {
  forget();
  if (unsaved_) save();
  for (std::size_t i = 0; i < peers_.size(); ++i) send(i);
}

// What everybody has been told for long enough, and what no rule confirms.
void AlertmanagerSink::forget() {
  const std::int64_t now = clock_.steady_ns();
  for (auto entry = alerts_.begin(); entry != alerts_.end();) {
    Held& held = entry->second;
    if (held.ends_ns == 0 && held.restored_ns != 0 && now - held.restored_ns >= options_.unconfirmed_max.count()) {
      ++stats_.unconfirmed;
      held.ids.clear();
      held.ends_ns = std::max(clock_.wall_ns(), held.starts_ns + ns_per_ms);
      held.over_ns = now;
      held.restored_ns = 0;
      changed(held);
    }
    const bool told = std::all_of(held.known.begin(), held.known.end(), [](const Known& known) { return known.end; });
    if (held.ends_ns != 0 && told && now - held.over_ns >= options_.end_told.count()) {
      entry = alerts_.erase(entry);
      unsaved_ = true;
    } else {
      ++entry;
    }
  }
}

bool AlertmanagerSink::due(const Held& held, std::size_t peer) const {
  const Known& known = held.known[peer];
  if (known.current) return clock_.steady_ns() - known.sent_ns >= options_.resend.count();
  // It is to see it firing for a while.
  const bool end_waits = held.ends_ns != 0 && known.firing && known.sent_ns != 0 && held.over_ns < known.sent_ns;
  return !end_waits || clock_.steady_ns() - known.sent_ns >= options_.resend.count();
}

void AlertmanagerSink::append(std::string& body, const Held& held, bool as_ended) const {
  JsonObject object(body);
  object.key("labels");
  body.append(held.labels);
  object.key("annotations");
  body.append(held.annotations);
  object.add("startsAt", std::string_view(format_rfc3339(held.starts_ns)));
  const std::int64_t ahead_ns = clock_.wall_ns() + options_.ahead.count();
  object.add("endsAt", std::string_view(
                           format_rfc3339(as_ended ? held.ends_ns : std::max(ahead_ns, held.starts_ns + ns_per_ms))));
  object.end();
}

void AlertmanagerSink::send(std::size_t index) {
  Peer& peer = peers_[index];
  if (peer.pending != 0 || peer.retry->running()) return;
  peer.body = "[";
  peer.sent.clear();
  for (auto& [labels, held] : alerts_) {
    if (peer.sent.size() >= options_.request_alerts_max) break;
    if (!due(held, index)) continue;
    const bool as_ended = held.ends_ns != 0 && held.known[index].firing;
    if (!peer.sent.empty()) peer.body.push_back(',');
    append(peer.body, held, as_ended);
    held.known[index].current = true;  // a change while it is on its way makes it due again
    peer.sent.emplace_back(labels, as_ended);
  }
  if (peer.sent.empty()) return check_drained();
  peer.body.push_back(']');
  HttpRequest request;
  request.url = peer.url;
  request.headers = options_.headers;
  request.headers.emplace_back("Content-Type: application/json");
  request.body = peer.body;
  request.tls = &options_.tls;
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.request_timeout;
  request.reply_bytes_max = 64 * 1024;
  peer.pending = poster_.send(std::move(request), [this, index](const HttpReply& reply) { on_reply(index, reply); });
}

void AlertmanagerSink::on_reply(std::size_t index, const HttpReply& reply) {
  Peer& peer = peers_[index];
  peer.pending = 0;
  const bool answered = reply.code > 0 && (!reply.error || reply.error->code == Code::limit);
  const bool taken = answered && reply.code >= 200 && reply.code < 300;
  if (taken || (answered && !may_pass_later(reply.code))) {
    peer.attempts = 0;
    if (taken) {
      stats_.delivered += peer.sent.size();
    } else {
      // It has taken those that are sound, and will not take the others another time.
      ++stats_.rejected;
      log_.error("the Alertmanager refuses alerts",
                 {{"url.full", peer.url}, {"http.response.status_code", reply.code}, {"alerts", peer.sent.size()}});
    }
    mark_sent(index);
    send(index);
    return;
  }
  ++stats_.retried;
  ++peer.attempts;
  for (const auto& [labels, as_ended] : peer.sent) {
    if (const auto found = alerts_.find(labels); found != alerts_.end()) found->second.known[index].current = false;
  }
  log_.warn("the Alertmanager did not take alerts, trying again",
            {{"url.full", peer.url},
             {"http.response.status_code", reply.code},
             {"error.message", reply.error ? std::string_view(reply.error->message) : std::string_view()}});
  peer.retry->start(backoff_delay(options_.backoff, peer.attempts, random_));
  check_drained();
}

void AlertmanagerSink::mark_sent(std::size_t index) {
  for (const auto& [labels, as_ended] : peers_[index].sent) {
    const auto found = alerts_.find(labels);
    if (found == alerts_.end()) continue;
    Held& held = found->second;
    Known& known = held.known[index];
    known.sent_ns = std::max<std::int64_t>(1, clock_.steady_ns());
    (as_ended ? known.end : known.firing) = true;
    if (held.ends_ns != 0 && !as_ended) known.current = false;  // the end is still to come
    unsaved_ = true;
  }
}

void AlertmanagerSink::drain(std::int64_t deadline_ns, std::function<void(bool all_delivered)> done) {
  CHECK(!drained_);
  drained_ = std::move(done);
  save();
  deadline_.start(std::chrono::nanoseconds(std::max<std::int64_t>(deadline_ns - clock_.steady_ns(), 0)));
  for (std::size_t i = 0; i < peers_.size(); ++i) send(i);
  check_drained();
}

// Nobody is being told anything, or waits to be.
void AlertmanagerSink::check_drained() {
  if (!drained_) return;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].retry->running() && !options_.state_file.empty()) continue;  // the next start will tell it
    const bool waits =
        std::any_of(alerts_.begin(), alerts_.end(), [&](const auto& entry) { return due(entry.second, i); });
    if (peers_[i].pending != 0 || waits) return;
  }
  save();
  deadline_.start({});
}

AlertmanagerStats AlertmanagerSink::stats() const {
  AlertmanagerStats stats = stats_;
  stats.held = alerts_.size();
  for (const auto& [labels, held] : alerts_) stats.firing += held.ends_ns == 0 ? 1 : 0;
  return stats;
}

void AlertmanagerSink::save() {
  unsaved_ = false;
  if (options_.state_file.empty()) return;
  std::string content;
  StateWriter out(content);
  for (const auto& [labels, held] : alerts_) {
    out.text(labels);
    out.text(held.annotations);
    out.signed_number(held.starts_ns);
    out.signed_number(held.ends_ns);
    out.number(held.ids.size());
    for (const Hash128& id : held.ids) out.hash(id);
    out.number(held.known.size());
    for (std::size_t i = 0; i < held.known.size(); ++i) {
      out.text(peers_[i].url);
      out.flag(held.known[i].firing);
      out.flag(held.known[i].end);
    }
  }
  if (const Status written = write_state_file(options_.state_file, file_head, content); !written.ok()) {
    ++stats_.unsaved;
    log_.error("what is firing could not be written", {{"error.message", written.error().message}});
  }
}

void AlertmanagerSink::load() {
  if (options_.state_file.empty()) return;
  const auto content = read_state_file(options_.state_file, file_head, file_bytes_max);
  if (!content.ok()) {
    log_.error("the file of firing alerts cannot be read and is left out",
               {{"error.message", content.error().message}});
  } else if (*content) {
    StateReader in(**content);
    while (!in.at_end() && alerts_.size() < options_.alerts_max) load_one(in);
  }
}

void AlertmanagerSink::load_one(StateReader& in) {
  Held held;
  held.labels = in.text();
  held.annotations = in.text();
  held.starts_ns = in.signed_number();
  held.ends_ns = in.signed_number();
  (held.ends_ns != 0 ? held.over_ns : held.restored_ns) = std::max<std::int64_t>(1, clock_.steady_ns());
  for (std::size_t ids = in.count(sizeof(Hash128)); ids > 0; --ids) held.ids.insert(in.hash());
  held.known.resize(peers_.size());
  for (std::size_t peers = in.count(3); peers > 0; --peers) {
    const std::string_view url = in.text();
    const bool firing = in.flag();
    const bool end = in.flag();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (peers_[i].url == url) held.known[i] = {firing, end, false, 0};
    }
  }
  if (!in.failed()) alerts_.insert_or_assign(std::string(held.labels), std::move(held));
}

}  // namespace tapewatch
