// SPDX-License-Identifier: Apache-2.0
// `tapewatch dlq`: documents that Elasticsearch refused for good: list and show them, send them again, drop them.
#include <charconv>
#include <set>

#include "agent_options.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "commands.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "sinks/elastic_sink.h"

namespace tapewatch {
namespace {

constexpr std::int64_t replay_limit_ns = 60 * ns_per_second;
constexpr std::size_t letters_max_default = 1000;

void print_letter(const DeadLetter& letter, bool json, Console& console) {
  if (!json) {
    console.print(terminal_safe(std::to_string(letter.key) + "  " + format_rfc3339(letter.time_ns) + " " +
                                std::to_string(letter.status) + " " + letter.reason) +
                  "\n");
    return;
  }
  std::string line;
  JsonObject object(line);
  object.add("key", letter.key);
  object.add("time", std::string_view(format_rfc3339(letter.time_ns)));
  object.add("index", std::string_view(letter.index));
  object.add("id", std::string_view(letter.id));
  object.add("status", letter.status);
  object.add("reason", std::string_view(letter.reason));
  object.add("document", std::string_view(letter.document));
  object.end();
  console.print(line + "\n");
}

// Everything about one letter.
void show_letter(const DeadLetter& letter, Console& console) {
  console.print("key       " + std::to_string(letter.key) + "\ntime      " + format_rfc3339(letter.time_ns) +
                "\nindex     " + terminal_safe(letter.index) + "\nid        " + terminal_safe(letter.id) +
                "\nstatus    " + std::to_string(letter.status) + "\nreason    " + terminal_safe(letter.reason) +
                "\ndocument  " + terminal_safe(letter.document) + "\n");
}

// The words behind the verb as keys; the first word that is none.
std::optional<std::string> read_keys(const Arguments& arguments, std::vector<std::int64_t>& keys) {
  for (std::size_t i = 1; i < arguments.words().size(); ++i) {
    const std::string& word = arguments.words()[i];
    std::int64_t key = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), key);
    if (error != std::errc() || end != word.data() + word.size() || key < 1) return word;
    keys.push_back(key);
  }
  return std::nullopt;
}

int show(DeadLetters& store, const std::vector<std::int64_t>& keys, bool json, Console& console) {
  int exit_code = exit_good;
  for (const std::int64_t key : keys) {
    const Result<std::optional<DeadLetter>> letter = store.get(key);
    if (!letter.ok()) return fail(console, letter.error().message);
    if (!*letter) {
      exit_code = fail(console, "there is no document with the key " + std::to_string(key));
    } else if (json) {
      print_letter(**letter, true, console);
    } else {
      show_letter(**letter, console);
    }
  }
  return exit_code;
}

int drop(DeadLetters& store, std::vector<std::int64_t> keys, bool all, Console& console) {
  if (all) {
    const Result<std::vector<DeadLetter>> letters = store.list(0, SIZE_MAX);
    if (!letters.ok()) return fail(console, letters.error().message);
    for (const DeadLetter& letter : *letters) keys.push_back(letter.key);
  }
  const Result<std::int64_t> dropped = store.drop(keys);
  if (!dropped.ok()) return fail(console, dropped.error().message);
  console.notice(std::to_string(*dropped) + " dropped\n");
  return *dropped == static_cast<std::int64_t>(keys.size()) ? exit_good : exit_failed;
}

Batch batch_of(const std::vector<DeadLetter>& letters) {
  Batch batch;
  batch.number = 1;
  for (const DeadLetter& letter : letters) {
    std::string& body = batch.body;
    body.append("{\"create\":{\"_index\":");
    append_json_string(body, letter.index);
    body.append(",\"_id\":");
    append_json_string(body, letter.id);
    body.append("}}\n").append(letter.document).push_back('\n');
    batch.items.push_back(static_cast<std::uint32_t>(body.size()));
  }
  return batch;
}

// Sends them as the agent would; the ids of those that were refused again stay behind.
Result<std::set<std::string>> send_again(const ElasticConfig& elastic, const std::vector<DeadLetter>& letters,
                                         Log& log) {
  const SystemClock clock;
  Result<std::unique_ptr<Loop>> loop = Loop::open(clock);
  if (!loop.ok()) return std::move(loop).error();
  Result<std::unique_ptr<HttpClient>> http = HttpClient::open(**loop, {});
  if (!http.ok()) return std::move(http).error();
  std::set<std::string> refused;
  ElasticHooks hooks;
  hooks.acked = [](const Delivered&) {};
  hooks.dead_letter = [&](const RefusedDocument& document, const std::function<void(Status)>& done) {
    refused.insert(document.id);
    done(success());
  };
  hooks.authorization = [value = authorization(elastic)]() -> Result<std::string> { return value; };
  ElasticSink sink(elastic_options(elastic), std::move(hooks), **loop, clock, **http, log);
  sink.accept(batch_of(letters));
  bool all = false;
  sink.drain(clock.steady_ns() + replay_limit_ns, [&](bool all_resolved) {
    all = all_resolved;
    (*loop)->stop();
  });
  (*loop)->run();
  if (!all) return Error{Code::timeout, "Elasticsearch did not take all of them within a minute; nothing was removed"};
  return refused;
}

int replay(const Config& config, DeadLetters& store, std::size_t limit, Console& console) {
  if (!config.elastic) return fail(console, "the configuration has no outputs.elasticsearch");
  const Result<std::vector<DeadLetter>> letters = store.list(0, limit);
  if (!letters.ok()) return fail(console, letters.error().message);
  if (letters->empty()) return exit_good;
  const SystemClock clock;
  JsonLog log(2, clock, LogLevel::warning);
  const Result<std::set<std::string>> refused = send_again(*config.elastic, *letters, log);
  if (!refused.ok()) return fail(console, refused.error().message);
  std::vector<std::int64_t> accepted;
  for (const DeadLetter& letter : *letters) {
    if (!refused->contains(letter.id)) accepted.push_back(letter.key);
  }
  const Result<std::int64_t> dropped = store.drop(accepted);
  if (!dropped.ok()) return fail(console, dropped.error().message);
  console.notice(std::to_string(*dropped) + " accepted, " + std::to_string(letters->size() - accepted.size()) +
                 " refused again\n");
  return refused->empty() ? exit_good : exit_failed;
}

}  // namespace

int dlq_command(const Arguments& arguments, Console& console) {
  const std::string& verb = arguments.words()[0];
  const bool all = verb == "drop" && arguments.has("all");
  std::vector<std::int64_t> keys;
  if (const auto wrong = read_keys(arguments, keys)) {
    console.notice("tapewatch: \"" + terminal_safe(*wrong) + "\" is no key: tapewatch dlq list shows them\n");
    return exit_usage;
  }
  const bool wants_keys = verb == "show" || (verb == "drop" && !all);
  if (keys.empty() == wants_keys) {
    console.notice("tapewatch: dlq " + verb + (wants_keys ? " needs the keys that dlq list shows" : " takes no keys") +
                   (verb == "drop" && !all ? ", or --all" : "") + "\n");
    return exit_usage;
  }
  const std::optional<Config> config = load_for_command(arguments, console);
  if (!config) return exit_bad_config;
  Result<std::unique_ptr<DeadLetters>> store = DeadLetters::open(dead_letter_options(*config));
  if (!store.ok()) {
    const bool busy = store.error().code == Code::busy;
    return fail(console, store.error().message + (busy ? " (a running agent holds them: stop it first)" : ""));
  }
  const std::size_t limit =
      std::strtoull(arguments.value("limit", std::to_string(letters_max_default)).c_str(), nullptr, 10);
  if (verb == "show") return show(**store, keys, arguments.has("json"), console);
  if (verb == "drop") return drop(**store, keys, all, console);
  if (verb == "replay") return replay(*config, **store, limit, console);
  const Result<std::vector<DeadLetter>> letters = (*store)->list(0, limit);
  if (!letters.ok()) return fail(console, letters.error().message);
  for (const DeadLetter& letter : *letters) print_letter(letter, arguments.has("json"), console);
  return exit_good;
}

}  // namespace tapewatch
