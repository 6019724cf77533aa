// SPDX-License-Identifier: Apache-2.0
#pragma once
// StoryVectors: what rules over time say of a story, as tables. A story is "0 a n=5; 3 b user=u2; 60 -": the second,
// the name of the event ("-": only the clock goes on) and its fields. What comes of it is "title@second" for each
// alert.

#include <string>
#include <vector>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {

struct StoryVector {
  const char* rule;  // what stands in the braces of its `correlation` or `anomaly`
  const char* fires;
  const char* want;
  const char* silent;  // a story of which nothing comes
};

class StoryVectors : public RulesFixture {
 protected:
  // Detections a, b and c match the events of that name, any matches all of them.
  static std::string detections() {
    std::string text = "title: any\nname: any\ndetection: {s: {e: '*'}, condition: s}\n---\n";
    for (const char* name : {"a", "b", "c"}) {
      text += std::string("title: ") + name + "\nname: " + name + "\nid: id-" + name + "\ndetection: {s: {e: " + name +
              "}, condition: s}\n---\n";
    }
    return text;
  }

  // What the rule x says of the story; with `all_rules` also what the others say, but any.
  std::string told(const std::string& rules, const std::string& story, bool all_rules = false) {
    diagnostics_ = Diagnostics();
    start(rules);
    std::string all;
    const auto tell = [&](const std::vector<Alert>& alerts) {
      for (const Alert& alert : alerts) {
        if (alert.title == "any" || (alert.title != "x" && !all_rules)) continue;
        all += (all.empty() ? "" : " ") + alert.title + "@" + std::to_string(alert.time_ns / 1'000'000'000);
        for (const auto& [field, value] : alert.group) all += ":" + value;
      }
    };
    for (const std::vector<std::string>& words : sentences(story)) {
      const std::string& time = words[0];
      if (words[1] == "-") {
        std::vector<Alert> alerts;
        detector_->advance(std::stoll(time) * 1'000'000'000, alerts);
        tell(alerts);
        continue;
      }
      std::string line = R"({"t":)" + time + R"(,"e":")" + words[1] + "\"";
      for (std::size_t i = 2; i < words.size(); ++i) {
        const std::size_t equals = words[i].find('=');
        const std::string value = words[i].substr(equals + 1);
        const bool number = value.find_first_not_of("0123456789.-") == std::string::npos;
        line += ",\"" + words[i].substr(0, equals) + "\":" + (number ? value : "\"" + value + "\"");
      }
      tell(see(line + "}"));
    }
    return all;
  }

  void check(const char* kind, const std::vector<StoryVector>& vectors) {
    for (const StoryVector& vector : vectors) {
      const std::string rules = detections() + "title: x\nname: x\n" + kind + ": {" + std::string(vector.rule) + "}\n";
      EXPECT_EQ(told(rules, vector.fires), vector.want) << vector.rule << "\n  " << vector.fires;
      EXPECT_EQ(told(rules, vector.silent), "") << vector.rule << "\n  " << vector.silent;
      if (HasFatalFailure()) return;
    }
  }

 private:
  static std::vector<std::vector<std::string>> sentences(const std::string& story) {
    std::vector<std::vector<std::string>> all(1);
    std::string word;
    for (const char c : story + ";") {
      if (c != ' ' && c != ';') {
        word.push_back(c);
        continue;
      }
      if (!word.empty()) all.back().push_back(std::exchange(word, {}));
      if (c == ';' && !all.back().empty()) all.emplace_back();
    }
    all.pop_back();
    return all;
  }
};

}  // namespace tapewatch
