// SPDX-License-Identifier: Apache-2.0
#include "metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t proc_file_bytes_max = 1 << 20;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end > 0) found.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

// Seconds since 1970 at which the machine started, from the "btime" line of /proc/stat.
double boot_seconds() {
  const Result<std::string> stat = read_file("/proc/stat", proc_file_bytes_max);
  if (!stat) return 0;
  const std::size_t at = stat->find("\nbtime ");
  return at == std::string::npos ? 0 : static_cast<double>(number(std::string_view(*stat).substr(at + 7)));
}

std::uint64_t count_open_fds() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(folder);
  return count > 0 ? count - 1 : 0;  // without the one that looks
}

}  // namespace

ProcessUse read_process_use() {
  ProcessUse use;
  use.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) use.fds_max = limit.rlim_cur;
  const Result<std::string> stat = read_file("/proc/self/stat", proc_file_bytes_max);
  if (!stat) return use;
  // Field 2 is the program's name in brackets and may hold anything; man 5 proc counts the fields from 1.
  const std::size_t bracket = stat->rfind(')');
  if (bracket == std::string::npos) return use;
  const std::vector<std::string_view> fields = words(std::string_view(*stat).substr(bracket + 1));
  if (fields.size() < 22) return use;
  const auto field = [&fields](std::size_t one_based) { return number(fields[one_based - 3]); };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  use.cpu_seconds = static_cast<double>(field(14) + field(15)) / ticks;
  use.threads = field(20);
  use.start_seconds = boot_seconds() + static_cast<double>(field(22)) / ticks;
  use.virtual_bytes = field(23);
  use.resident_bytes = field(24) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return use;
}

}  // namespace tapewatch
