// SPDX-License-Identifier: Apache-2.0
// What the worker spends on one line, stage by stage, over a file of lines. Best of three passes each.
//   enrich_bench FILE

#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <fstream>
#include <sstream>

#include "event/batch.h"
#include "event/parser.h"

namespace tapewatch {
namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

int run(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  LineBlock block;
  const std::string text = bytes.str();
  block.bytes = std::make_unique<char[]>(text.size() + 64);
  std::memcpy(block.bytes.get(), text.data(), text.size());
  block.size = text.size();
  SourceFile source;
  source.path = "/var/log/trading/orders.log";
  FieldTable fields;
  Parser parser(fields, nullptr);
  std::string out;
  for (int pass = 0; pass < 3; ++pass) {
    std::uint64_t lines = 0;
    std::uint64_t out_bytes = 0;
    const double begin = cpu_seconds();
    LineCursor cursor(block);
    for (Line line; cursor.next(line); ++lines) {
      Event& event = parser.parse(line, source, 1);
      out.clear();
      event.append_json(out);
      out_bytes += out.size();
    }
    const double ns = (cpu_seconds() - begin) * 1e9 / static_cast<double>(lines);
    std::printf("%llu lines, %.1f ns a line, %.1f bytes out\n", static_cast<unsigned long long>(lines), ns,
                static_cast<double>(out_bytes) / static_cast<double>(lines));
  }
  return 0;
}

}  // namespace
}  // namespace tapewatch

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  return tapewatch::run(argv[1]);
}
