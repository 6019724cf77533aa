// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition_reader.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

constexpr MetricsFormat text_form = MetricsFormat::text;
constexpr MetricsFormat open_form = MetricsFormat::openmetrics;

Result<ExpositionText> read(std::string_view text, MetricsFormat format) {
  return read_exposition(text, format, "oms", {.samples_max = 100, .line_bytes_max = 1000, .labels_max = 5});
}

// Read in one form and written in one.
std::string through(std::string_view text, MetricsFormat in, MetricsFormat out) {
  const Result<ExpositionText> read_text = read(text, in);
  return read_text ? serialize(read_text->families, out) : "fault: " + read_text.error().message;
}

constexpr std::string_view open_text = R"(# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
# HELP latency_seconds Of requests.\nAll.
latency_seconds_bucket{le="0.1"} 8 # {trace_id="4bf9",span="a\"b"} 0.067 1520879607.789
latency_seconds_bucket{le="+Inf"} 17 # {} 9.8
latency_seconds_count 17
latency_seconds_sum 324789.3
latency_seconds_created 1520430000.123
# TYPE foo counter
foo_total{app="x",path="C:\\DIR\n"} 17.0 1520879607.789
# TYPE build info
build_info{version="1.2"} 1
# TYPE up_state stateset
up_state{up_state="a"} 1
# TYPE temp gauge
temp NaN
# TYPE wait summary
wait{quantile="0.5"} 0.2
wait_sum 3
wait_count 5
# EOF
)";

TEST(ExpositionReader, OpenMetricsComesThroughWithExemplarsTimesAndTypes) {
  EXPECT_EQ(through(open_text, open_form, open_form), R"(# HELP latency_seconds Of requests.\nAll.
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
latency_seconds_bucket{app="oms",le="0.1"} 8 # {trace_id="4bf9",span="a\"b"} 0.067 1520879607.789
latency_seconds_bucket{app="oms",le="+Inf"} 17 # {} 9.8
latency_seconds_count{app="oms"} 17
latency_seconds_sum{app="oms"} 324789.3
latency_seconds_created{app="oms"} 1520430000.123
# TYPE foo counter
foo_total{app="oms",exported_app="x",path="C:\\DIR\n"} 17.0 1520879607.789
# TYPE build info
build_info{app="oms",version="1.2"} 1
# TYPE up_state stateset
up_state{app="oms",up_state="a"} 1
# TYPE temp gauge
temp{app="oms"} NaN
# TYPE wait summary
wait{app="oms",quantile="0.5"} 0.2
wait_sum{app="oms"} 3
wait_count{app="oms"} 5
# EOF
)");
}

TEST(ExpositionReader, TheTextFormBecomesOpenMetrics) {
  EXPECT_EQ(through(R"(# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200",} 1027 1395066363000
http_requests_total { method = "get" , code="400" }    3 -1500

# a comment
something_weird{problem="division by zero"} +Inf
# TYPE rpc_seconds summary
rpc_seconds{quantile="0.9"} 9001
rpc_seconds_sum 1.7560473e+07
rpc_seconds_count 2693
# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 3
h_sum 5
h_count 3
)",
                    text_form, open_form),
            R"(# HELP http_requests The total number of HTTP requests.
# TYPE http_requests counter
http_requests_total{app="oms",method="post",code="200"} 1027 1395066363.000
http_requests_total{app="oms",method="get",code="400"} 3 -1.500
# TYPE something_weird unknown
something_weird{app="oms",problem="division by zero"} +Inf
# TYPE rpc_seconds summary
rpc_seconds{app="oms",quantile="0.9"} 9001
rpc_seconds_sum{app="oms"} 1.7560473e+07
rpc_seconds_count{app="oms"} 2693
# TYPE h histogram
h_bucket{app="oms",le="1"} 2
h_bucket{app="oms",le="+Inf"} 3
h_sum{app="oms"} 5
h_count{app="oms"} 3
# EOF
)");
}

TEST(ExpositionReader, ACounterAndAGaugeMayHaveNamesThatMeet) {
  EXPECT_EQ(through("# TYPE foo gauge\nfoo 1\n# TYPE foo_total counter\nfoo_total 2\n", text_form, text_form),
            "# TYPE foo gauge\nfoo{app=\"oms\"} 1\n# TYPE foo_total counter\nfoo_total{app=\"oms\"} 2\n");
}

TEST(ExpositionReader, AFaultAnywhereIsAFaultOfAll) {
  const std::pair<const char*, MetricsFormat> texts[] = {
      {"a 1\nb\n", text_form},
      {"a{x=\"1\" 1\n", text_form},
      {"a{x=1} 1\n", text_form},
      {"a{x=\"\\q\"} 1\n", text_form},
      {"a{x=\"1\",x=\"2\"} 1\n", text_form},
      {"1a 1\n", text_form},
      {"a one\n", text_form},
      {"a 0x1\n", text_form},
      {"a 1 2.5\n", text_form},
      {"a 1 2 3\n", text_form},
      {"a 1 # {x=\"y\"} 1\n", text_form},
      {"# TYPE a something\na 1\n", text_form},
      {"# TYPE a gauge\n# TYPE a gauge\na 1\n", text_form},
      {"a{x=\"\xff\"} 1\n", text_form},
      {"# TYPE h histogram\nh 3\n", text_form},
      {"<html><body>404</body></html>\n", text_form},
      {"{\"a\": 1}\n", text_form},
      {"# TYPE a gauge\na 1\n", open_form},
      {"# TYPE a gauge\na 1\n# EOF\na 2\n", open_form},
      {"# TYPE a counter\na 1\n# EOF\n", open_form},
      {"# TYPE a counter\na_total 1 # {x=\"y\"} z\n# EOF\n", open_form},
      {"# TYPE a counter\na_total 1 # x\n# EOF\n", open_form},
  };
  for (const auto& [text, form] : texts) {
    const Result<ExpositionText> result = read(text, form);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::bad_reply) << text;
  }
  const std::string longest(121, 'x');
  const std::string exemplar = "# TYPE a counter\na_total 1 # {trace_id=\"" + longest + "\"} 1\n# EOF\n";
  EXPECT_FALSE(read(exemplar, open_form)) << "129 characters";
}

TEST(ExpositionReader, MuchIsTooMuch) {
  std::string samples;
  for (int i = 0; i < 101; ++i) samples += "a{n=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_EQ(read(samples, text_form).error().code, Code::limit);
  EXPECT_EQ(read("a{x=\"" + std::string(1000, 'y') + "\"} 1\n", text_form).error().code, Code::limit);
  EXPECT_FALSE(read("a{b=\"\",c=\"\",d=\"\",e=\"\",f=\"\",g=\"\"} 1\n", text_form));
}

}  // namespace
}  // namespace tapewatch
