// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tapewatch {
namespace {

TEST(Negotiation, OpenMetricsIsForThoseWhoNameIt) {
  const struct {
    const char* accept;
    MetricsFormat format;
  } cases[] = {
      {"", MetricsFormat::text},
      {"*/*", MetricsFormat::text},
      {"text/plain", MetricsFormat::text},
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       MetricsFormat::openmetrics},
      {"application/openmetrics-text; version=1.0.0; q=0.3, text/plain; q=0.9", MetricsFormat::text},
      {"Application/OpenMetrics-Text", MetricsFormat::openmetrics},
      {"application/openmetrics-text;q=0", MetricsFormat::text},
      {"application/openmetrics-text;q=x", MetricsFormat::text},
      {",,;;,", MetricsFormat::text},
  };
  for (const auto& one : cases) EXPECT_EQ(negotiated_format(one.accept), one.format) << one.accept;
}

TEST(Numbers, AreTextThatReadsBackTheSame) {
  EXPECT_EQ(number_text(9'007'199'254'740'000), "9007199254740000");
  EXPECT_EQ(number_text(1e6), "1000000");
  EXPECT_EQ(number_text(-3), "-3");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(1e300), "1e+300");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(number_text(std::nan("")), "NaN");
  EXPECT_EQ(bound_text(10), "10.0");
  EXPECT_EQ(bound_text(0.25), "0.25");
}

SampleFamily histogram() {
  SampleFamily family{"wait_seconds", FamilyType::histogram, "Waiting \"long\".\nTwo lines.", "seconds", {}};
  append_histogram(family, "side=\"buy\"", {0.5, 1}, {1, 2, 3}, 12.5,
                   {{}, {"4bf92f3577b34da6a3ce929d0e0e4736", 0.75, 1'767'571'200'250'000'000}, {}});
  return family;
}

TEST(Exposition, OpenMetricsCarriesExemplarsUnitsAndAnEnd) {
  const SampleFamily counter{
      "orders", FamilyType::counter, "Orders.", "", {{"_total", "", "3", "", "{trace_id=\"a\"} 1 1767571200.000"}}};
  EXPECT_EQ(serialize({counter, histogram()}, MetricsFormat::openmetrics), R"(# HELP orders Orders.
# TYPE orders counter
orders_total 3 # {trace_id="a"} 1 1767571200.000
# HELP wait_seconds Waiting \"long\".\nTwo lines.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{side="buy",le="0.5"} 1
wait_seconds_bucket{side="buy",le="1.0"} 3 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.75 1767571200.250
wait_seconds_bucket{side="buy",le="+Inf"} 6
wait_seconds_sum{side="buy"} 12.5
wait_seconds_count{side="buy"} 6
# EOF
)");
}

TEST(Exposition, TheTextFormKnowsNothingOfThese) {
  const SampleFamily counter{
      "orders",
      FamilyType::counter,
      "Orders.",
      "",
      {{"_total", "", "3", "1767571200.25", "{trace_id=\"a\"} 1"}, {"_created", "", "17", "", ""}}};
  EXPECT_EQ(serialize({counter, histogram()}, MetricsFormat::text), R"(# HELP orders_total Orders.
# TYPE orders_total counter
orders_total 3 1767571200250
# TYPE orders_created gauge
orders_created 17
# HELP wait_seconds Waiting "long".\nTwo lines.
# TYPE wait_seconds histogram
wait_seconds_bucket{side="buy",le="0.5"} 1
wait_seconds_bucket{side="buy",le="1"} 3
wait_seconds_bucket{side="buy",le="+Inf"} 6
wait_seconds_sum{side="buy"} 12.5
wait_seconds_count{side="buy"} 6
)");
}

TEST(Exposition, ACounterWithoutTotalKeepsItsName) {
  const SampleFamily counter{"hits", FamilyType::counter, "", "", {{"", "", "3", "", ""}}};
  EXPECT_EQ(serialize({counter}, MetricsFormat::openmetrics), "# TYPE hits unknown\nhits 3\n# EOF\n");
  EXPECT_EQ(serialize({counter}, MetricsFormat::text), "# TYPE hits counter\nhits 3\n");
}

TEST(Exposition, EachFamilyStandsInOnePiece) {
  const auto gauge = [](const char* name, const char* label) {
    return SampleFamily{name, FamilyType::gauge, "", "", {{"", label, "1", "", ""}}};
  };
  std::vector<SampleFamily> families = {gauge("a", "x=\"1\""), gauge("b", ""), gauge("a", "x=\"2\"")};
  families.push_back({"b", FamilyType::counter, "", "", {{"_total", "", "1", "", ""}}});
  EXPECT_EQ(merge_families(families), 1U) << "one says another type";
  EXPECT_EQ(serialize(families, MetricsFormat::text),
            "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\n# TYPE b gauge\nb 1\n");
}

}  // namespace
}  // namespace tapewatch
