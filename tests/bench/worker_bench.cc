// SPDX-License-Identifier: Apache-2.0
// What the worker spends on one line, with a configuration as users write it: the real stages over a file of lines in
// memory, batches thrown away. One thread, best of the passes: quieter than a whole run, for whoever makes a stage
// faster.
//   bench_worker CORPUS CONFIG [PASSES]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "base/files.h"
#include "pipeline.h"
#include "stages.h"
#include "surroundings.h"

namespace tapewatch {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;
constexpr std::size_t corpus_bytes_max = std::size_t{1} << 30;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<LineBlock> blocks_of(std::string_view text) {
  SourceFile source;
  source.file = 1;
  source.path = "/var/log/trading/orders.log";
  source.input = "bench";
  const auto shared = std::make_shared<const SourceFile>(std::move(source));
  std::vector<LineBlock> blocks;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.rfind('\n', std::min(begin + block_bytes, text.size()) - 1) + 1;
    if (end <= begin) end = text.size();
    LineBlock block;
    block.source = shared;
    block.begin = begin;
    block.end = end;
    block.size = end - begin;
    block.bytes = std::make_unique<char[]>(block.size);
    std::memcpy(block.bytes.get(), text.data() + begin, block.size);
    block.read_ns = 1;
    block.read_wall_ns = 1'767'571'200'000'000'000;
    blocks.push_back(std::move(block));
    begin = end;
  }
  return blocks;
}

int run(const char* corpus, const char* config_path, int passes) {
  const Result<std::string> text = read_file(corpus, corpus_bytes_max);
  Diagnostics diagnostics;
  const std::optional<Config> config = load_config(config_path, process_surroundings(), diagnostics);
  if (!text.ok() || !config) {
    std::fputs((text.ok() ? diagnostics.render(false) : text.error().message).c_str(), stderr);
    return 1;
  }
  const auto lines = static_cast<double>(std::count(text->begin(), text->end(), '\n'));
  const std::vector<LineBlock> blocks = blocks_of(*text);
  double best = 1e9;
  std::size_t bytes = 0;
  std::size_t alerts = 0;
  for (int pass = 0; pass < passes; ++pass) {
    AgentMetrics metrics("bench");
    Stages::Outputs outputs;
    bytes = alerts = 0;
    outputs.batch = [&bytes](const Batch& batch) { bytes += batch.body.size(); };
    outputs.alerts = [&alerts](const std::vector<Alert>& fired) { alerts += fired.size(); };
    const std::unique_ptr<Stages> stages = Stages::open(*config, metrics, diagnostics, std::move(outputs));
    const double begin = cpu_seconds();
    for (const LineBlock& block : blocks) stages->pipeline().run(block);
    stages->pipeline().finish();
    best = std::min(best, (cpu_seconds() - begin) * 1e9 / lines);
  }
  std::printf("%.0f lines: %.0f ns a line, %.1f bytes out, %zu alerts\n", lines, best,
              static_cast<double>(bytes) / lines, alerts);
  return 0;
}

}  // namespace
}  // namespace tapewatch

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return tapewatch::run(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 5);
}
