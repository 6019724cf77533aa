// SPDX-License-Identifier: Apache-2.0
// bench_storage FOLDER [writes|concurrency|reads|logs] [--gate] [--log-bytes N]: the storage library against what an
// application does by hand with SQLite, as ratios measured in turns in one run, each with its floor. Exit 1 with the
// names of those that were missed. --gate: for machines that do other things too: small, ratios that the disk has no
// part in, and what was missed is measured again, up to three times.
#include "storage_bench.h"

#include <cstring>
#include <filesystem>

namespace tapewatch::bench {
namespace {

struct Part {
  const char* name;
  void (*measure)(const std::string& folder, const Run& run, Goals& goals);
};
constexpr Part parts[] = {
    {"reads", [](const std::string& folder, const Run&, Goals& goals) { measure_reads(folder, goals); }},
    {"writes", [](const std::string& folder, const Run&, Goals& goals) { measure_writes(folder, goals); }},
    {"concurrency", [](const std::string& folder, const Run&, Goals& goals) { measure_concurrency(folder, goals); }},
    {"logs", measure_logs}};

struct Asked {
  std::string folder;
  std::string part;
  bool gate = false;
  Run run;
};

Goals measure(const Part& part, const Asked& asked) {
  Goals goals;
  for (int tries = 0; tries < (asked.gate ? 3 : 1); ++tries) {
    const std::string folder = asked.folder + "/" + part.name + std::to_string(tries);
    std::filesystem::create_directories(folder);
    Goals now;
    part.measure(folder, asked.run, now);
    std::filesystem::remove_all(folder);
    if (asked.gate) std::erase_if(now, [](const Goal& goal) { return goal.of_machine; });
    if (goals.empty()) goals = now;
    for (std::size_t i = 0; i < goals.size(); ++i) {
      if (!goals[i].met()) goals[i] = now[i];
    }
    if (std::all_of(goals.begin(), goals.end(), [](const Goal& goal) { return goal.met(); })) break;
  }
  return goals;
}

int run(const Asked& asked) {
  Goals goals;
  for (const Part& part : parts) {
    if (!asked.part.empty() && asked.part != part.name) continue;
    for (const Goal& goal : measure(part, asked)) goals.push_back(goal);
  }
  const auto number = [](const Goal& goal) { return std::strtol(goal.number, nullptr, 10); };
  std::stable_sort(goals.begin(), goals.end(), [&](const Goal& a, const Goal& b) { return number(a) < number(b); });
  std::string missed;
  std::printf("%-4s %-66s %10s %10s\n", "goal", "ratio", "floor", "measured");
  for (const Goal& goal : goals) {
    if (!goal.met()) missed += std::string(missed.empty() ? "" : ", ") + goal.number;
    std::printf("%-4s %-66s %2s %7.2f %10.4g%s\n", goal.number, goal.what, goal.at_most ? "<=" : ">=", goal.floor,
                goal.measured, goal.met() ? "" : "  MISSED");
  }
  std::printf("missed: %s\n", missed.empty() ? "none" : missed.c_str());
  return missed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace tapewatch::bench

int main(int count, char** words) {
  tapewatch::bench::Asked asked;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(words[i], "--gate") == 0) {
      asked.gate = true;
      asked.run.log_bytes = 96u << 20;
      asked.run.full_text_lines = 120'000;
    } else if (std::strcmp(words[i], "--log-bytes") == 0 && i + 1 < count) {
      asked.run.log_bytes = std::strtoull(words[++i], nullptr, 10);
    } else {
      (asked.folder.empty() ? asked.folder : asked.part) = words[i];
    }
  }
  if (asked.folder.empty()) {
    std::fprintf(stderr, "usage: bench_storage FOLDER [writes|concurrency|reads|logs] [--gate] [--log-bytes N]\n");
    return 2;
  }
  asked.run.folder_of_program = std::filesystem::path(words[0]).parent_path().string();
  return tapewatch::bench::run(asked);
}
