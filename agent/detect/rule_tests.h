// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tests of rules: files that say which lines must give which alerts (rules/README.md shows the form). Every test runs
// alone, on a detector of its own, in event time. Thread: the caller's.

#include <functional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "detect/detector.h"
#include "detect/rule_loader.h"

namespace tapewatch {

struct RuleTestReport {
  struct Failure {
    std::string file;
    std::string test;
    std::vector<std::string> differences;  // "missing: brute-force-login at 40s user.id=u1", "unexpected: ..."
  };
  std::size_t tests = 0;
  std::size_t skipped = 0;  // with faults, which were told
  std::vector<Failure> failures;
  std::vector<std::string> untested;  // rules that alert and that no test expects an alert of: "id title"

  [[nodiscard]] bool good() const { return failures.empty() && skipped == 0; }
};

struct RuleTestOptions {
  RuleLoader::Options loader;
  Detector::Options detector;
  std::size_t events_max = 100'000;    // of one test
  std::vector<std::string> pipelines;  // files that map log sources, besides those that a file of tests names itself
};

// Makes what stands before the detector: adds its fields to the table and gives the function that enriches an event.
// May be empty: the events' times are those of the test all the same.
using EnrichmentMaker = std::function<std::function<void(Event&)>(FieldTable&)>;

// Runs every test of `files`; faults in them and in the rules they name are added to `diagnostics`.
[[nodiscard]] RuleTestReport run_rule_tests(const std::vector<std::string>& files, const RuleTestOptions& options,
                                            const EnrichmentMaker& make_enrichment, Diagnostics& diagnostics);

}  // namespace tapewatch
