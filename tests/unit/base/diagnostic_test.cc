// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

TEST(Diagnostics, ShowsPlaceLineCaretAndHint) {
  Diagnostics diagnostics;
  diagnostics.add_source("tapewatch.yaml", "outputs:\n  elasticsearch:\n      bulk_max_sise: 8MiB\n");
  diagnostics.add({Severity::error, 123, "tapewatch.yaml", 3, 7, 13,
                   "unknown key \"bulk_max_sise\" in outputs.elasticsearch", "did you mean \"bulk_max_size\"?"});
  EXPECT_EQ(diagnostics.render(false),
            "error[TW0123] tapewatch.yaml:3:7 unknown key \"bulk_max_sise\" in outputs.elasticsearch\n"
            "    3 |       bulk_max_sise: 8MiB\n"
            "      |       ^~~~~~~~~~~~~ did you mean \"bulk_max_size\"?\n");
}

TEST(Diagnostics, SortsByPlaceAndKeepsTerminalsSafe) {
  Diagnostics diagnostics;
  diagnostics.add_source("b.yaml", "a\x1b[31mred\n");
  diagnostics.add({Severity::warning, 2, "b.yaml", 1, 2, 1, "later", ""});
  diagnostics.add({Severity::error, 1, "a.yaml", 0, 0, 1, "whole file", "fix it"});
  const std::string text = diagnostics.render(false);
  EXPECT_EQ(text.find("error[TW0001] a.yaml whole file\n        fix it\nwarning[TW0002] b.yaml:1:2 later\n"), 0u)
      << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(diagnostics.errors(), 1);
}

TEST(Diagnostics, NothingThatIsPrintedActsOnATerminal) {
  Diagnostics diagnostics;
  diagnostics.add_source("a\x1b.yaml",
                         "x: \x1b[2J\xC2\x9b"
                         "31m\n");
  diagnostics.add({Severity::error, 1, "a\x1b.yaml", 1, 1, 1, "m\x1b\xC2\x85", "h\t\x07\n"});
  EXPECT_EQ(diagnostics.render(false), "error[TW0001] a?.yaml:1:1 m???\n    1 | x: ?[2J??31m\n      | ^ h ??\n");
}

TEST(Diagnostics, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(nearest("bulk_max_sise", {"bulk_max_age", "bulk_max_size", "hosts"}), "bulk_max_size");
  EXPECT_EQ(nearest("emial", {"card", "email", "token"}), "email");
  EXPECT_EQ(nearest("zzz", {"hosts", "backoff"}), "");
}

}  // namespace
}  // namespace tapewatch
