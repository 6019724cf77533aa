// SPDX-License-Identifier: Apache-2.0
#pragma once
// FaultVectors: documents that must be refused, each with everything that is told of it, while the rules beside it
// load.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {

struct FaultVector {
  const char* name;
  const char* yaml;
  const char* want;  // "file:line:column+length TWnnnn message | hint"
};

class FaultVectors : public RulesFixture, public testing::WithParamInterface<FaultVector> {
 protected:
  // Everything that was told so far; the files without their folder.
  std::string told(const std::string& folder = "") const {
    std::string all;
    for (const Diagnostic& d : diagnostics_.all()) {
      const std::string file = d.file.starts_with(folder) ? d.file.substr(folder.size()) : d.file;
      all += (all.empty() ? "" : "\n") + file + ":" + std::to_string(d.line) + ":" + std::to_string(d.column) + "+" +
             std::to_string(d.length) + " TW0" + std::to_string(d.number) + " " + d.message +
             (d.hint.empty() ? "" : " | " + d.hint);
    }
    return all;
  }

  void check(const FaultVector& vector) {
    RuleLoader loader(fields_, options_, diagnostics_);
    loader.add_text("known.yaml", known);
    loader.add_text("rules.yaml", vector.yaml);
    const RuleSet rules = loader.finish();
    EXPECT_EQ(told(), vector.want) << vector.yaml;
    EXPECT_EQ(rules.rejected, 1u);
    EXPECT_EQ(rules.detections.size(), 2u);
    EXPECT_EQ(rules.correlations.size(), 1u);
    EXPECT_EQ(rules.flows.size() + rules.filters, 0u);
    ASSERT_EQ(loader.reports().size(), 4u);
    int loaded = 0;
    for (const RuleLoader::Report& report : loader.reports()) {
      loaded += report.loaded ? 1 : 0;
      EXPECT_EQ(report.loaded, report.reason.empty());
      EXPECT_EQ(report.loaded, report.file == "known.yaml");
    }
    EXPECT_EQ(loaded, 3);
  }

 private:
  static constexpr const char* known =
      "title: d title\nid: d-id\nname: d\ndetection: {s: {e: d}, condition: s}\n---\n"
      "title: e title\nname: e\ndetection: {s: {e: e}, condition: s}\n---\n"
      "title: burst title\nname: burst\n"
      "correlation: {type: event_count, rules: [d], group-by: [user], timespan: 1m, condition: {gte: 2}}\n";
};

inline std::string name_of(const testing::TestParamInfo<FaultVector>& of) { return of.param.name; }

}  // namespace tapewatch
