// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of rules, then a few events through whatever was loaded: no crash, no hang, no leak.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "event/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewatch;
  FieldTable fields;
  Diagnostics diagnostics;
  RuleLoader::Options options;
  options.yaml.nodes_max = 5000;
  options.items.values_max = 500;
  RuleLoader loader(fields, options, diagnostics);
  loader.add_text("fuzz.yaml", {reinterpret_cast<const char*>(data), size});
  RuleSet rules = loader.finish();
  (void)diagnostics.render(false);
  if (rules.size() == 0) return 0;
  Detector detector(std::move(rules), Detector::Options());
  Parser parser(fields, nullptr);
  const SourceFile source;
  std::vector<Alert> alerts;
  std::int64_t time_ns = 0;
  for (const char* text :
       {R"({"a":"x","b":[1,"y\n"],"c":{"d":null}})", R"({"user":"u","event":"login","n":1.50})", "no json"}) {
    Line line;
    line.text = text;
    Event& event = parser.parse(line, source, time_ns += 20'000'000'000);
    detector.see(event, text, alerts);
  }
  detector.advance(time_ns, alerts);
  return 0;
}
