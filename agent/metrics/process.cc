// SPDX-License-Identifier: Apache-2.0
#include "metrics/process.h"

#include <dirent.h>
#include <sys/stat.h>
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

// Seconds since 1970 at which the machine started, from the "btime" line of /proc/stat.
double boot_seconds(const std::string& proc) {
  return static_cast<double>(proc_value(proc_text(proc + "/stat"), "btime"));
}

std::uint64_t count_open_fds(const std::string& folder, bool own) {
  DIR* fds = ::opendir((folder + "/fd").c_str());
  if (fds == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(fds)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(fds);
  return own && count > 0 ? count - 1 : count;  // without the one that looks
}

// "Max open files            1024                 4096                 files"
std::uint64_t open_files_max(const std::string& folder) {
  const std::string limits = proc_text(folder + "/limits");
  constexpr std::string_view name = "Max open files";
  const std::size_t at = limits.find(name);
  if (at == std::string::npos) return 0;
  const std::vector<std::string_view> found = proc_words(std::string_view(limits).substr(at + name.size()));
  return found.empty() ? 0 : proc_number(found.front());
}

}  // namespace

std::string proc_text(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  Result<std::string> text = read_file(path, proc_file_bytes_max);
  return text ? std::move(*text) : std::string();
}

std::uint64_t proc_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string_view> proc_words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    if (end > 0) found.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

std::uint64_t proc_value(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    const std::string_view rest = line.substr(name.size());
    if (rest[0] != ' ' && rest[0] != '\t' && rest[0] != ':') continue;
    const std::vector<std::string_view> found = proc_words(rest.substr(1));
    return found.empty() ? 0 : proc_number(found.front());
  }
  return 0;
}

bool read_process_use(const std::string& proc, const std::string& folder, ProcessUse& use) {
  const std::string stat = proc_text(folder + "/stat");
  // Field 2 is the program's name in brackets and may hold anything; man 5 proc counts the fields from 1.
  const std::size_t bracket = stat.rfind(')');
  if (bracket == std::string::npos) return false;
  const std::vector<std::string_view> fields = proc_words(std::string_view(stat).substr(bracket + 1));
  if (fields.size() < 22) return false;
  const auto field = [&fields](std::size_t one_based) { return proc_number(fields[one_based - 3]); };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  use.cpu_seconds = static_cast<double>(field(14) + field(15)) / ticks;
  use.threads = field(20);
  use.start_seconds = boot_seconds(proc) + static_cast<double>(field(22)) / ticks;
  use.virtual_bytes = field(23);
  use.resident_bytes = field(24) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  use.open_fds = count_open_fds(folder, folder.ends_with("/self"));
  use.fds_max = open_files_max(folder);
  const std::string io = proc_text(folder + "/io");
  use.read_bytes = proc_value(io, "read_bytes");
  use.written_bytes = proc_value(io, "write_bytes");
  return true;
}

ProcessUse read_process_use() {
  ProcessUse use;
  (void)read_process_use("/proc", "/proc/self", use);
  return use;
}

}  // namespace tapewatch
