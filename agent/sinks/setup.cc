// SPDX-License-Identifier: Apache-2.0
#include "sinks/setup.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sinks/host_pool.h"
#include "sinks/json_paths.h"

namespace tapewatch {
namespace {

constexpr std::size_t words_max = 300;  // of an engine's answer that an error message quotes

std::string_view state_text(const TemplateReport& report) {
  if (report.put) return "put";
  switch (report.state) {
    case TemplateState::same:
      return "same";
    case TemplateState::missing:
      return "missing";
    case TemplateState::different:
      return "different";
  }
  return "";
}

// Where a GET keeps the template: {"index_templates":[{"name":..., "index_template":{...}}]}.
std::string_view prefix_of(const Template& made) {
  return made.path.starts_with("_component_template/") ? "component_templates.0.component_template."
                                                       : "index_templates.0.index_template.";
}

}  // namespace

bool SetupReport::same() const {
  return std::all_of(templates.begin(), templates.end(),
                     [](const TemplateReport& t) { return t.put || t.state == TemplateState::same; });
}

Result<std::vector<std::string>> compare_template(const Template& ours, std::string_view theirs) {
  Result<JsonPaths> wanted = read_json_paths(ours.body);
  if (!wanted) return std::move(wanted).error();
  Result<JsonPaths> reply = read_json_paths(theirs);
  if (!reply) return std::move(reply).error();
  const JsonPaths have = paths_below(*reply, prefix_of(ours));
  std::vector<std::string> differences;
  for (const auto& [path, value] : *wanted) {
    const auto found = have.find(path);
    if (found == have.end()) {
      differences.push_back(path + ": engine has nothing, ours is " + value);
    } else if (found->second != value) {
      differences.push_back(path + ": engine has " + found->second + ", ours is " + value);
    }
  }
  return differences;
}

std::string print_report(const SetupReport& report) {
  std::string out =
      report.host + " is " + std::string(product_name(report.engine.product)) + " " + report.engine.version + "\n";
  for (const TemplateReport& t : report.templates) {
    out += std::string(state_text(t)) + "  " + t.path + "\n";
    for (const std::string& difference : t.differences) out += "    " + difference + "\n";
  }
  if (report.keeps_for_ever) {
    out +=
        "retention is not applied: it needs data streams on Elasticsearch 8.14 or later; use a policy of the engine\n";
  }
  return out;
}

Setup::Setup(SetupOptions options, HttpPoster& poster) : options_(std::move(options)), poster_(poster) {
  CHECK(!options_.hosts.empty());
}

Setup::~Setup() { poster_.cancel(pending_); }

void Setup::run(SetupMode mode, Done done) {
  CHECK(!done_);
  mode_ = mode;
  done_ = std::move(done);
  report_ = SetupReport{};
  host_ = 0;
  at_ = 0;
  ask_engine();
}

void Setup::ask_engine() {
  request("GET", "", "", [this](const HttpReply& reply) {
    Result<Engine> engine = engine_of(reply);
    if (!engine) {
      if (++host_ < options_.hosts.size()) return ask_engine();
      return fail(
          std::move(engine).error().with_context("asking " + without_userinfo(options_.hosts.back()) + " what it is"));
    }
    report_.engine = std::move(engine).value();
    report_.host = without_userinfo(options_.hosts[host_]);
    report_.engine.product == Product::unknown ? ask_node() : begin();
  });
}

void Setup::ask_node() {
  request("GET", std::string(node_question), "", [this](const HttpReply& reply) {
    if (!reply.error && reply.code == 200) report_.engine = engine_of_node(reply.body);
    begin();
  });
}

void Setup::begin() {
  templates_ = make_templates(report_.engine, options_.templates);
  const TemplateOptions& wanted = options_.templates;
  for (const StreamOptions* stream : {&wanted.app, &wanted.alerts, &wanted.audit}) {
    const bool kept = stream->data_stream && has_lifecycle(report_.engine);
    if (!stream->retention.empty() && !kept) report_.keeps_for_ever = true;
  }
  ask_template();
}

void Setup::ask_template() {
  if (at_ == templates_.size()) return finish(std::move(report_));
  request("GET", templates_[at_].path, "", [this](const HttpReply& reply) { compare(reply); });
}

void Setup::compare(const HttpReply& reply) {
  TemplateReport report;
  report.path = templates_[at_].path;
  if (reply.error) return fail(*reply.error);
  if (reply.code == 404) {
    report.state = TemplateState::missing;
  } else if (reply.code != 200) {
    return fail(Error{Code::http_status, "GET " + report.path + ": HTTP status " + std::to_string(reply.code)});
  } else {
    auto differences = compare_template(templates_[at_], reply.body);
    if (!differences) return fail(std::move(differences).error().with_context("GET " + report.path));
    report.differences = std::move(differences).value();
    if (!report.differences.empty()) report.state = TemplateState::different;
  }
  report_.templates.push_back(std::move(report));
  if (mode_ == SetupMode::apply && report_.templates.back().state != TemplateState::same) return put_template();
  ++at_;
  ask_template();
}

void Setup::put_template() {
  request("PUT", templates_[at_].path, templates_[at_].body, [this](const HttpReply& reply) {
    if (reply.error) return fail(*reply.error);
    if (reply.code != 200) {
      return fail(Error{Code::http_status, "PUT " + templates_[at_].path + ": HTTP status " +
                                               std::to_string(reply.code) + ": " + reply.body.substr(0, words_max)});
    }
    report_.templates.back().put = true;
    ++at_;
    ask_template();
  });
}

void Setup::request(std::string method, const std::string& path, std::string_view body, Next next) {
  HttpRequest request;
  request.method = std::move(method);
  std::string host = options_.hosts[host_];
  while (!host.empty() && host.back() == '/') host.pop_back();
  request.url = host + "/" + path;
  if (!options_.authorization.empty()) request.headers.push_back("Authorization: " + options_.authorization);
  if (!body.empty()) request.headers.emplace_back("Content-Type: application/json");
  request.body = body;
  request.tls = &options_.tls;
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.request_timeout;
  request.reply_bytes_max = options_.reply_bytes_max;
  pending_ = poster_.send(std::move(request), [this, next = std::move(next)](const HttpReply& reply) {
    pending_ = 0;
    next(reply);
  });
}

void Setup::fail(Error error) { finish(std::move(error)); }

void Setup::finish(Result<SetupReport> result) {
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace tapewatch
