// SPDX-License-Identifier: Apache-2.0
#include "enrich/classifier.h"

#include <algorithm>

#include "base/hash.h"

namespace tapewatch {
namespace {

constexpr std::size_t action_bytes_max = 64;

enum Kind : std::uint8_t {
  ordinary,
  login,
  logout,
  permission_change,
  data_export,
  trade_execution,
  approval_request,
  approval_decision,
  kind_count,
};

struct Spelling {
  std::string_view action;  // folded
  Kind kind;
};

// Lower case, words joined by '-', without a leading "auth-", "user-" or "security-".
constexpr Spelling spellings[] = {
    {"login", login},
    {"log-in", login},
    {"logon", login},
    {"signin", login},
    {"sign-in", login},
    {"logged-in", login},
    {"authenticate", login},
    {"authentication", login},
    {"session-start", login},
    {"logout", logout},
    {"log-out", logout},
    {"logoff", logout},
    {"signout", logout},
    {"sign-out", logout},
    {"logged-out", logout},
    {"session-end", logout},
    {"permission-change", permission_change},
    {"permission-changed", permission_change},
    {"permissions-changed", permission_change},
    {"permission-grant", permission_change},
    {"permission-granted", permission_change},
    {"permission-revoke", permission_change},
    {"permission-revoked", permission_change},
    {"role-change", permission_change},
    {"role-changed", permission_change},
    {"role-assigned", permission_change},
    {"role-removed", permission_change},
    {"data-export", data_export},
    {"data-exported", data_export},
    {"export-data", data_export},
    {"export", data_export},
    {"report-exported", data_export},
    {"trade-execution", trade_execution},
    {"trade-executed", trade_execution},
    {"trade-execute", trade_execution},
    {"execute-trade", trade_execution},
    {"execution", trade_execution},
    {"approval-request", approval_request},
    {"approval-requested", approval_request},
    {"request-approval", approval_request},
    {"approval-decision", approval_decision},
    {"approval-decided", approval_decision},
    {"approval-granted", approval_decision},
    {"approval-approved", approval_decision},
    {"approval-denied", approval_decision},
    {"approval-rejected", approval_decision},
};

// event.category and event.type as members; "" when the schema has none that fits.
struct Meaning {
  std::string_view category;
  std::string_view type;
};
constexpr std::array<Meaning, kind_count> meanings = {{
    {"", ""},
    {R"(["authentication","session"])", R"(["start"])"},
    {R"(["authentication","session"])", R"(["end"])"},
    {R"(["iam"])", R"(["change","admin","user"])"},
    {R"(["database"])", R"(["access"])"},
    {"", R"(["info"])"},
    {R"(["iam"])", R"(["info"])"},
    {R"(["iam"])", R"(["info"])"},
}};

std::string folded(std::string_view action) {
  std::string out;
  for (const char c : action) {
    const bool separator = c == '.' || c == '_' || c == ' ' || c == '-' || c == ':' || c == '/';
    if (separator) {
      if (!out.empty() && out.back() != '-') out.push_back('-');
    } else if (c >= 'A' && c <= 'Z') {
      const bool new_word = !out.empty() && out.back() >= 'a' && out.back() <= 'z';
      if (new_word && action.back() >= 'a') out.push_back('-');  // "userLogin", but not "LOGIN"
      out.push_back(static_cast<char>(c + 32));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool means_success(std::string_view word) {
  return is_one_of(word, {"success", "succeeded", "successful", "ok", "true", "granted", "approved", "allowed",
                          "accepted", "completed", "pass", "passed"});
}

bool means_failure(std::string_view word) {
  return is_one_of(word, {"failure", "failed", "fail", "error", "false", "denied", "rejected", "refused", "declined",
                          "blocked", "invalid"});
}

// `json` is a constant.
void add_list(Event& event, FieldId field, std::string_view name, std::string_view json) {
  if (json.empty() || event.field(field).present()) return;
  event.add_members(name);
  event.add_members(json);
  FieldValue value;
  value.raw = json;
  value.type = JsonType::array;
  event.assign(field, value);
}

Kind kind_of(std::string_view action) {
  for (const std::string_view prefix : {"auth-", "user-", "security-", "audit-"}) {
    if (action.starts_with(prefix)) action.remove_prefix(prefix.size());
  }
  for (const Spelling& spelling : spellings) {
    if (action == spelling.action) return spelling.kind;
  }
  return ordinary;
}

}  // namespace

Classifier::Classifier(const EcsFields& ecs, FieldTable& table) : ecs_(ecs) {
  for (const char* path : {"outcome", "result", "status", "success", "context.outcome", "context.result"}) {
    outcome_fields_.push_back(table.add(path));
  }
  for (const char* path : {"decision", "approval.decision", "approval.status", "context.decision"}) {
    decision_fields_.push_back(table.add(path));
  }
}

Classifier::Answer Classifier::recognise(std::string_view action) {
  Answer answer;
  answer.action = action;
  std::string text = folded(action);
  if (text.empty()) return answer;
  answer.kind = kind_of(text);
  const std::size_t dash = text.rfind('-');
  const std::string_view last =
      dash == std::string::npos ? std::string_view() : std::string_view(text).substr(dash + 1);
  if (means_success(last)) answer.outcome = Outcome::success;
  if (means_failure(last)) answer.outcome = Outcome::failure;
  if (answer.kind == ordinary && answer.outcome != Outcome::none) answer.kind = kind_of(text.substr(0, dash));
  return answer;
}

const Classifier::Answer& Classifier::answer_for(std::string_view action) {
  Answer& answer = answers_[hash64(action) >> 56];
  if (answer.action != action) answer = recognise(action);
  return answer;
}

Classifier::Outcome Classifier::outcome_of(Event& event, const Answer& answer) const {
  const auto read = [&](const std::vector<FieldId>& fields) {
    for (const FieldId field : fields) {
      const FieldValue& value = event.field(field);
      if (value.type != JsonType::string && value.type != JsonType::boolean) continue;
      const std::string word = folded(event.text(value).substr(0, action_bytes_max));
      if (means_success(word)) return Outcome::success;
      if (means_failure(word)) return Outcome::failure;
    }
    return Outcome::none;
  };
  Outcome outcome = answer.kind == approval_decision ? read(decision_fields_) : Outcome::none;
  if (outcome == Outcome::none) outcome = answer.outcome;
  if (outcome == Outcome::none) outcome = read(outcome_fields_);
  return outcome;
}

void Classifier::classify(Event& event) {
  const FieldValue& value = event.field(ecs_.event_action);
  if (value.type != JsonType::string || value.raw.empty() || value.raw.size() > action_bytes_max) return;
  const Answer& answer = answer_for(value.raw);
  if (answer.kind == ordinary) return;
  const Outcome outcome = outcome_of(event, answer);
  Meaning meaning = meanings[answer.kind];
  if (answer.kind == approval_decision && outcome != Outcome::none) {
    meaning.type = outcome == Outcome::success ? R"(["info","allowed"])" : R"(["info","denied"])";
  }
  add_list(event, ecs_.event_category, ",\"event.category\":", meaning.category);
  add_list(event, ecs_.event_type, ",\"event.type\":", meaning.type);
  if (outcome == Outcome::none || event.field(ecs_.event_outcome).present()) return;
  const std::string_view word = outcome == Outcome::success ? "success" : "failure";
  event.add("event.outcome", word);
  event.set(ecs_.event_outcome, word);
}

}  // namespace tapewatch
