// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of lines under rules of every kind: what is told of an alert is JSON, and a rule that is woken by
// its witnesses agrees with the same rule asked of every line.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/json_writer.h"
#include "detect/backtest.h"
#include "detect/rule_loader.h"
#include "http/json_check.h"

using namespace tapewatch;

namespace {

// Each selection makes two rules, "w<n>" found by its witnesses and "a<n>" asked of every line.
constexpr const char* selections[] = {"a: login",
                                      "a|startswith: ab",
                                      "a|endswith: ba",
                                      "a|contains|all: [x, y]",
                                      "a: '*a?b*'",
                                      "a|re: '^a+b[0-9]{2,3}$'",
                                      "a|cidr: 10.0.0.0/8",
                                      "a|gte: 1.5",
                                      "a: [1, '']",
                                      "a: null",
                                      "a.b|exists: true",
                                      "a|base64offset|contains: foo",
                                      "a|wide|contains: foo",
                                      "a|windash|contains: ' -f'",
                                      "a|fieldref: b",
                                      "'|contains': needle"};
constexpr const char* correlations =
    "---\ntitle: base\nname: base\ndetection: {s: {b: x}, condition: s}\n"
    "---\ntitle: c\nid: c1\ncorrelation: {type: event_count, rules: [base], group-by: [b], timespan: 1m, condition: "
    "{gte: 2}}\n"
    "---\ntitle: v\nid: c2\ncorrelation: {type: value_count, rules: [base], group-by: [b], timespan: 1m, condition: "
    "{gte: 2, "
    "field: a}}\n";

RuleSet load(FieldTable& fields) {
  std::string yaml;
  int number = 0;
  for (const char* selection : selections) {
    for (const bool asked : {false, true}) {
      const std::string name = (asked ? "a" : "w") + std::to_string(number);
      yaml += "---\ntitle: " + name + "\nid: " + name + "\nname: " + name + "\ndetection:\n  s: {" + selection +
              "}\n  condition: " + (asked ? "not not s" : "s") + "\n";
    }
    ++number;
  }
  Diagnostics diagnostics;
  RuleLoader loader(fields, {}, diagnostics);
  loader.add_text("rules.yaml", yaml.substr(4) + correlations);
  RuleSet rules = loader.finish();
  if (diagnostics.has_errors()) {
    std::fputs(diagnostics.render(false).c_str(), stderr);
    std::abort();
  }
  return rules;
}

// Lines that begin with '=' stand as they are; the others are the value of "a".
std::string lines_of(std::string_view input) {
  std::string text;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    if (line.starts_with('=')) {
      text.append(line.substr(1));
    } else {
      text.append("{\"b\":\"x\",\"a\":");
      append_json_string(text, line);
      text.push_back('}');
    }
    text.push_back('\n');
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FieldTable fields;
  static Detector detector(load(fields), Detector::Options{});
  static const Fd file(::memfd_create("lines", MFD_CLOEXEC));
  const std::string text = lines_of({reinterpret_cast<const char*>(data), size});
  if (::ftruncate(file.get(), 0) != 0) std::abort();
  if (::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<::ssize_t>(text.size())) std::abort();
  BacktestOptions options;
  options.read_bytes = 64;
  options.line_bytes_max = 4096;
  const auto emit = [&](const BacktestAlert& alert) {
    if (!is_json_object(alert.json)) std::abort();
  };
  const std::vector<std::uint64_t> before = detector.alerts_by_rule();
  const auto report =
      backtest({"/proc/self/fd/" + std::to_string(file.get())}, fields, detector, options, {}, emit, {});
  if (!report.ok()) std::abort();
  const std::vector<std::uint64_t>& after = detector.alerts_by_rule();
  for (std::size_t i = 0; i + 1 < 2 * std::size(selections); i += 2) {
    if (after[i] - before[i] != after[i + 1] - before[i + 1]) std::abort();
  }
  return 0;
}
