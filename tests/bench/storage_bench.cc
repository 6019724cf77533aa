// SPDX-License-Identifier: Apache-2.0
// bench_storage FOLDER [writes|concurrency|reads]: the storage library against what an application does by hand with
// SQLite, as ratios measured in turns in one run, each with its floor. Exit 1 when one is missed.
#include "storage_bench.h"

int main(int count, char** words) {
  using namespace tapewatch::bench;
  if (count < 2) {
    std::fprintf(stderr, "usage: bench_storage FOLDER [writes|concurrency|reads]\n");
    return 2;
  }
  const std::string part = count > 2 ? words[2] : "";
  Goals goals;
  if (part.empty() || part == "reads") measure_reads(words[1], goals);
  if (part.empty() || part == "writes") measure_writes(words[1], goals);
  if (part.empty() || part == "concurrency") measure_concurrency(words[1], goals);
  const auto number = [](const Goal& goal) { return std::strtol(goal.number, nullptr, 10); };
  std::stable_sort(goals.begin(), goals.end(), [&](const Goal& a, const Goal& b) { return number(a) < number(b); });
  int missed = 0;
  std::printf("%-4s %-66s %10s %10s\n", "goal", "ratio", "floor", "measured");
  for (const Goal& goal : goals) {
    const bool met = goal.at_most ? goal.measured <= goal.floor : goal.measured >= goal.floor;
    if (!met) ++missed;
    std::printf("%-4s %-66s %2s %7.2f %10.2f%s\n", goal.number, goal.what, goal.at_most ? "<=" : ">=", goal.floor,
                goal.measured, met ? "" : "  MISSED");
  }
  std::printf("%d of %zu missed\n", missed, goals.size());
  return missed == 0 ? 0 : 1;
}
