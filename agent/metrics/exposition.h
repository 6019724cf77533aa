// SPDX-License-Identifier: Apache-2.0
#pragma once
// Exposition: numbers on their way to Prometheus, as families of samples already in text, whatever they came from: the
// agent's own (collected as prometheus-cpp's families), those derived from lines, the host's, and what was fetched from
// the application. Written in the old text form (0.0.4) or as OpenMetrics 1.0 (openmetrics.io), which alone carries
// exemplars. Thread: any (values).

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapewatch {

enum class MetricsFormat : std::uint8_t { text, openmetrics };

[[nodiscard]] std::string_view content_type_of(MetricsFormat format);
// What an Accept header asks for: OpenMetrics only for those who name it and do not prefer the text form.
[[nodiscard]] MetricsFormat negotiated_format(std::string_view accept);

enum class FamilyType : std::uint8_t { counter, gauge, histogram, gauge_histogram, summary, info, state_set, unknown };

struct Sample {
  std::string suffix;  // behind the family's name: "_total", "_bucket", "" ...
  std::string labels;  // as between the braces: a="b",c="d"
  std::string value;
  std::string timestamp;  // seconds since 1970, as OpenMetrics writes them; "" for none
  std::string exemplar;   // {trace_id="..."} 0.07 1767571200.5; "" for none
};

struct SampleFamily {
  std::string name;  // without what its samples add: a counter's has no _total
  FamilyType type = FamilyType::unknown;
  std::string help;
  std::string unit = {};
  std::vector<Sample> samples = {};
};

// What is told as an example of a sample: the labels may not pass 128 characters.
struct Exemplar {
  std::string trace_id;  // "": none
  double value = 0;
  std::int64_t time_ns = 0;
};
inline constexpr std::size_t exemplar_characters_max = 128;

// "1.5", "+Inf", "NaN"; whole numbers without exponent.
[[nodiscard]] std::string number_text(double value);
// A bucket's bound: OpenMetrics writes "1.0" where the text form writes "1".
[[nodiscard]] std::string bound_text(double bound);
[[nodiscard]] std::string exemplar_text(const Exemplar& exemplar);
// Adds name="value" with what needs it escaped.
void append_label(std::string& labels, std::string_view name, std::string_view value);
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
// A counter (named with its _total) or gauge without samples yet, and one sample for it.
[[nodiscard]] SampleFamily family_of(std::string_view name, FamilyType type, std::string_view help);
void add_sample(SampleFamily& family, Labels labels, double value);
// One histogram: `counts` per bucket, one more than bounds; `exemplars` as many, or none.
void append_histogram(SampleFamily& family, const std::string& labels, const std::vector<double>& bounds,
                      const std::vector<std::uint64_t>& counts, double sum, const std::vector<Exemplar>& exemplars);
// "requests_total" as a counter: the family "requests" and the suffix "_total". Other types have no suffix.
[[nodiscard]] std::pair<std::string, std::string> family_and_suffix(std::string_view name, FamilyType type);
// "seconds" of "wait_seconds" and "cpu_seconds_total", "bytes" likewise; "" for none of the two.
[[nodiscard]] std::string_view unit_of(std::string_view name);

// Families of one name become one, so that each stands in one piece; what says another type than the first is left
// out, and the answer is how many families that were.
[[nodiscard]] std::size_t merge_families(std::vector<SampleFamily>& families);
[[nodiscard]] std::string serialize(const std::vector<SampleFamily>& families, MetricsFormat format);

}  // namespace tapewatch
