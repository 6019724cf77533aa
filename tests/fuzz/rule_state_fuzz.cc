// SPDX-License-Identifier: Apache-2.0
// Any bytes as what rules remember: as they are, behind a head and a checksum that are right, and as edits of a good
// state. Refused or loaded; what was loaded survives being saved and loaded again, and goes on.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "base/state_bytes.h"
#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "event/parser.h"
#include "rule_state.h"

namespace {

using namespace tapewatch;

constexpr const char* rules = R"(
title: a
name: a
detection: {s: {e: a}, condition: s}
tapewatch: {realert: 5s}
---
title: b
name: b
detection: {s: {e: b}, condition: s}
---
title: c1
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {lt: 3}}
tapewatch: {for: 1s, keep_firing_for: 5s}
---
title: c2
correlation: {type: value_sum, rules: [a], group-by: [u], timespan: 10s, condition: {gt: 3, field: x}}
---
title: c3
correlation: {type: value_median, rules: [a, b], timespan: 10s, condition: {gt: 3, field: x}}
---
title: c4
correlation: {type: temporal_ordered, rules: [a, b], group-by: [u], timespan: 10s}
---
title: c5
correlation: {type: temporal, rules: [a, b], group-by: [u], timespan: 10s, condition: a and not b}
---
title: c6
anomaly: {type: adaptive, rules: [a], signal: {agg: count}, step: 1s, group-by: [u]}
---
title: c7
anomaly: {type: new_value, rules: [b], fields: [u], learn: 1s}
---
title: c8
flow: {key: u, steps: {a: a, b: b}, expect: [{step: b, after: a, within: 2s}, {step: a, at_most: 2}, {differ: [a.x, b.x]},
       {step: b, at_least: 3, when: a}], timeout: 8s, lateness: 5s}
tapewatch: {realert: 10s}
)";

class Rig final {
 public:
  std::unique_ptr<Detector> detector() {
    Diagnostics diagnostics;
    RuleLoader loader(fields_, {}, diagnostics);
    loader.add_text("rules", rules);
    Detector::Options options;
    options.tell_ends = true;
    return std::make_unique<Detector>(loader.finish(), options);
  }
  void feed(Detector& detector) {
    Parser parser(fields_, nullptr);
    for (int i = 0; i < 40; ++i) {
      const std::string text = std::string("{\"e\":\"") + (i % 3 == 0 ? 'b' : 'a') + "\",\"u\":\"u" +
                               std::to_string(i % 4) + "\",\"x\":" + std::to_string(i) + "}";
      Line line;
      line.text = text;
      line.full_bytes = text.size();
      Event& event = parser.parse(line, source_, 0);
      event.time_ns = (1'767'571'200 + i) * std::int64_t{1'000'000'000};
      std::vector<Alert> alerts;
      detector.see(event, text, alerts);
    }
  }

 private:
  FieldTable fields_;
  SourceFile source_;
};

void seal(std::string& bytes) { StateWriter(bytes).word(hash64(bytes)); }

void try_load(Rig& rig, std::unique_ptr<Detector>& detector, std::string_view bytes) {
  if (!detector->load(bytes).ok()) return;
  std::string again;
  detector->save(again);
  detector = rig.detector();
  CHECK(detector->load(again).ok());
  std::string once_more;
  detector->save(once_more);
  CHECK(again == once_more);
  detector = rig.detector();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Rig rig;
  static std::unique_ptr<Detector> detector = rig.detector();
  static const std::string good = [] {
    const std::unique_ptr<Detector> full = rig.detector();
    rig.feed(*full);
    std::string bytes;
    full->save(bytes);
    return bytes;
  }();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_rule_state(bytes);
  try_load(rig, detector, bytes);

  std::string whole = good.substr(0, 8);
  whole += bytes;
  seal(whole);
  try_load(rig, detector, whole);

  std::string edited = good.substr(0, good.size() - 8);
  for (std::size_t at = 0; at + 2 < size; at += 3) {
    const std::size_t place = 8 + (data[at] * std::size_t{256} + data[at + 1]) % (edited.size() - 8);
    edited[place] = static_cast<char>(data[at + 2]);
  }
  seal(edited);
  try_load(rig, detector, edited);

  RuleState state;
  state.rules = bytes;
  const std::string file = encode_rule_state_head(state) + std::string(bytes);
  CHECK(decode_rule_state(file).ok());
  return 0;
}
