// SPDX-License-Identifier: Apache-2.0
// The application's processes.
#include <dirent.h>

#include <algorithm>
#include <memory>

#include "metrics/host.h"

namespace tapewatch {
namespace {

constexpr std::size_t folder_entries_max = 100'000;

bool is_pid(std::string_view text) {
  return !text.empty() && text.size() <= 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Names in `folder` that are pids.
std::vector<std::string> pids_in(const std::string& folder) {
  std::vector<std::string> pids;
  DIR* entries = ::opendir(folder.c_str());
  if (entries == nullptr) return pids;
  while (const dirent* entry = ::readdir(entries)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (is_pid(entry->d_name)) pids.emplace_back(entry->d_name);
    if (pids.size() >= folder_entries_max) break;
  }
  ::closedir(entries);
  return pids;
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

struct AppFamilies {
  SampleFamily up = family_of("tapewatch_app_up", FamilyType::gauge, "Whether the application has a process.");
  SampleFamily processes = family_of("tapewatch_app_processes", FamilyType::gauge, "Processes of the application.");
  SampleFamily cpu =
      family_of("tapewatch_app_cpu_seconds_total", FamilyType::counter, "User and system CPU time spent.");
  SampleFamily resident = family_of("tapewatch_app_resident_memory_bytes", FamilyType::gauge, "Resident memory.");
  SampleFamily virtual_ = family_of("tapewatch_app_virtual_memory_bytes", FamilyType::gauge, "Virtual memory.");
  SampleFamily threads = family_of("tapewatch_app_threads", FamilyType::gauge, "Threads.");
  SampleFamily fds = family_of("tapewatch_app_open_fds", FamilyType::gauge, "Open file descriptors.");
  SampleFamily fds_max = family_of("tapewatch_app_max_fds", FamilyType::gauge, "How many one process may open.");
  SampleFamily read = family_of("tapewatch_app_disk_read_bytes_total", FamilyType::counter, "Bytes read from disk.");
  SampleFamily written =
      family_of("tapewatch_app_disk_written_bytes_total", FamilyType::counter, "Bytes written to disk.");
  SampleFamily start =
      family_of("tapewatch_app_start_time_seconds", FamilyType::gauge, "Start of the oldest process since 1970.");

  void add(const std::string& app, std::size_t count, const ProcessUse& use) {
    add_sample(up, {{"app", app}}, count > 0 ? 1 : 0);
    add_sample(processes, {{"app", app}}, static_cast<double>(count));
    if (count == 0) return;
    const auto one = [&app](SampleFamily& family, auto value) {
      add_sample(family, {{"app", app}}, static_cast<double>(value));
    };
    one(cpu, use.cpu_seconds);
    one(resident, use.resident_bytes);
    one(virtual_, use.virtual_bytes);
    one(threads, use.threads);
    one(fds, use.open_fds);
    one(fds_max, use.fds_max);
    one(read, use.read_bytes);
    one(written, use.written_bytes);
    one(start, use.start_seconds);
  }
  void move_to(std::vector<SampleFamily>& out) {
    for (SampleFamily* family :
         {&up, &processes, &cpu, &resident, &virtual_, &threads, &fds, &fds_max, &read, &written, &start}) {
      if (!family->samples.empty()) out.push_back(std::move(*family));
    }
  }
};

}  // namespace

void AppMetrics::collect(std::vector<SampleFamily>& out) const {
  AppFamilies families;
  const std::string proc = host_.root + "/proc";
  for (const AppOptions& app : apps_) {
    ProcessUse sum;
    std::size_t count = 0;
    for (const std::string& pid : pids_of(app)) {
      ProcessUse use;
      if (count >= host_.processes_max || !read_process_use(proc, proc + "/" + pid, use)) continue;
      ++count;
      sum.cpu_seconds += use.cpu_seconds;
      sum.resident_bytes += use.resident_bytes;
      sum.virtual_bytes += use.virtual_bytes;
      sum.threads += use.threads;
      sum.open_fds += use.open_fds;
      sum.fds_max = std::max(sum.fds_max, use.fds_max);
      sum.read_bytes += use.read_bytes;
      sum.written_bytes += use.written_bytes;
      sum.start_seconds = count == 1 ? use.start_seconds : std::min(sum.start_seconds, use.start_seconds);
    }
    families.add(app.name, count, sum);
  }
  families.move_to(out);
}

std::vector<std::string> AppMetrics::pids_of(const AppOptions& app) const {
  std::vector<std::string> pids;
  if (!app.pid_file.empty()) {
    const std::string text = proc_text(app.pid_file);
    const std::vector<std::string_view> words = proc_words(text);
    if (!words.empty() && is_pid(words[0])) pids.emplace_back(words[0]);
    return pids;
  }
  if (!app.process.empty()) {
    for (std::string& pid : pids_in(host_.root + "/proc")) {
      if (is_named(pid, app.process)) pids.push_back(std::move(pid));
    }
    return pids;
  }
  // One tree (v2), or a tree for each controller (v1).
  for (const char* tree : {"/sys/fs/cgroup/", "/sys/fs/cgroup/systemd/", "/sys/fs/cgroup/memory/"}) {
    const std::string procs = proc_text(host_.root + tree + app.cgroup + "/cgroup.procs");
    for (const std::string_view pid : proc_words(procs)) {
      if (is_pid(pid)) pids.emplace_back(pid);
    }
    if (!pids.empty()) break;
  }
  return pids;
}

// The kernel cuts comm at 15 characters; an interpreter's script is its second argument, which is not looked at.
bool AppMetrics::is_named(const std::string& pid, const std::string& name) const {
  const std::string folder = host_.root + "/proc/" + pid;
  std::string comm = proc_text(folder + "/comm");
  while (!comm.empty() && comm.back() == '\n') comm.pop_back();
  if (comm == name) return true;
  if (comm != name.substr(0, 15) || name.size() <= 15) return false;
  const std::string line = proc_text(folder + "/cmdline");
  return base_name(std::string_view(line).substr(0, line.find('\0'))) == name;
}

}  // namespace tapewatch
