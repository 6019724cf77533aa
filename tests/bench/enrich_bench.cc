// SPDX-License-Identifier: Apache-2.0
// What the worker spends on one line, stage by stage, over a file of lines. Best of three passes each.
//   enrich_bench FILE [PART OF A STAGE'S NAME]

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <sstream>

#include "enrich/enricher.h"
#include "event/batch.h"
#include "event/parser.h"

namespace tapewatch {
namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Corpus {
  LineBlock block;
  std::string_view only;
  SourceFile source;
};

Corpus read_corpus(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  const std::string text = bytes.str();
  Corpus corpus;
  corpus.block.bytes = std::make_unique<char[]>(text.size() + 64);
  std::memcpy(corpus.block.bytes.get(), text.data(), text.size());
  corpus.block.size = text.size();
  corpus.source.path = "/var/log/trading/orders.log";
  return corpus;
}

// Prints the best of three passes of parsing, `stage` and encoding.
void measure(const char* name, const Corpus& corpus, const FieldTable& fields, const KeyPolicy* policy,
             const std::function<void(Event&)>& stage) {
  if (std::string_view(name).find(corpus.only) == std::string_view::npos) return;
  Parser parser(fields, policy);
  std::string out;
  double best = 1e9;
  double bytes = 0;
  for (int pass = 0; pass < 3; ++pass) {
    std::uint64_t lines = 0;
    std::uint64_t out_bytes = 0;
    const double begin = cpu_seconds();
    LineCursor cursor(corpus.block);
    for (Line line; cursor.next(line); ++lines) {
      Event& event = parser.parse(line, corpus.source, 1);
      stage(event);
      out.clear();
      event.append_json(out);
      out_bytes += out.size();
    }
    best = std::min(best, (cpu_seconds() - begin) * 1e9 / static_cast<double>(lines));
    bytes = static_cast<double>(out_bytes) / static_cast<double>(lines);
  }
  std::printf("%-32s %7.1f ns a line, %6.1f bytes out\n", name, best, bytes);
}

int run(const char* path, std::string_view only) {
  Corpus corpus = read_corpus(path);
  corpus.only = only;
  Family<Counter> counters({"masked_fields", "", {"rule"}}, [] { return std::make_unique<Counter>(); });
  MaskOptions mask_options;
  Masker masker(mask_options, counters);
  const FieldTable none;
  measure("parse, encode", corpus, none, nullptr, [](Event&) {});
  measure("  with key policy", corpus, none, masker.key_policy(), [](Event&) {});
  measure("  mask", corpus, none, masker.key_policy(), [&](Event& event) { masker.mask(event); });
  for (const char* schema : {"none", "auto"}) {
    for (const bool correlate : {false, true}) {
      EnricherOptions options;
      options.schema = schema;
      options.correlation.enabled = correlate;
      options.fields = {{"service.name", "oms"}, {"service.environment", "production"}, {"host.name", "trade-01"}};
      FieldTable table;
      Enricher enricher(options, table, masker);
      const std::uint64_t seed = file_seed("oms-1", "default", {});
      measure("parse with fields, encode", corpus, table, masker.key_policy(), [](Event&) {});
      const std::string name = std::string("enrich ") + schema + (correlate ? ", correlate" : "");
      measure(name.c_str(), corpus, table, masker.key_policy(),
              [&](Event& event) { enricher.enrich(event, event_id(seed, event.line().offset, event.line().text)); });
      measure((name + ", mask").c_str(), corpus, table, masker.key_policy(), [&](Event& event) {
        enricher.enrich(event, event_id(seed, event.line().offset, event.line().text));
        masker.mask(event);
      });
    }
  }
  return 0;
}

}  // namespace
}  // namespace tapewatch

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return tapewatch::run(argv[1], argc > 2 ? argv[2] : "");
}
