// SPDX-License-Identifier: Apache-2.0
#pragma once
// HostMetrics: what the machine and the application's own processes use, from /proc and /sys at the moment of the call.
// What cannot be read is left out. Labels are devices, interfaces and the names of the configuration, all bounded.
// Thread: any (immutable).

#include <cstddef>
#include <string>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/process.h"

namespace tapewatch {

struct HostOptions {
  std::string root = "/";  // proc and sys stand below it
  std::size_t devices_max = 32;
  std::size_t processes_max = 1'000;  // of one application
};

// The application's processes: exactly one of the three ways to find them is set.
struct AppOptions {
  std::string name;  // the label "app"
  std::string pid_file;
  std::string process;  // the program's name, as in /proc/PID/comm or at the end of its first argument
  std::string cgroup;   // below /sys/fs/cgroup: "system.slice/oms.service"
};

class HostMetrics final {
 public:
  explicit HostMetrics(HostOptions options) : options_(std::move(options)) {}

  void collect(std::vector<SampleFamily>& out) const;

 private:
  [[nodiscard]] std::string text(const char* path) const { return proc_text(options_.root + path); }
  void collect_cpu(std::vector<SampleFamily>& out) const;
  void collect_memory(std::vector<SampleFamily>& out) const;
  void collect_disks(std::vector<SampleFamily>& out) const;
  void collect_network(std::vector<SampleFamily>& out) const;
  void collect_pressure(std::vector<SampleFamily>& out) const;
  void collect_files(std::vector<SampleFamily>& out) const;

  const HostOptions options_;
};

class AppMetrics final {
 public:
  AppMetrics(HostOptions host, std::vector<AppOptions> apps) : host_(std::move(host)), apps_(std::move(apps)) {}

  void collect(std::vector<SampleFamily>& out) const;

 private:
  [[nodiscard]] std::vector<std::string> pids_of(const AppOptions& app) const;
  [[nodiscard]] bool is_named(const std::string& pid, const std::string& name) const;

  const HostOptions host_;
  const std::vector<AppOptions> apps_;
};

// Size and free space of the file system on which `folder` stands.
void collect_file_system(const std::string& folder, std::vector<SampleFamily>& out);

}  // namespace tapewatch
