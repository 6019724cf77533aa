// SPDX-License-Identifier: Apache-2.0
#include "metrics/host.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace tapewatch {
namespace {

constexpr double sector_bytes = 512;  // whatever the disk's own are

double number(std::string_view text) { return static_cast<double>(proc_number(text)); }

double fraction(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Calls visit(line) for each line of `text`.
template <typename Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void push(std::vector<SampleFamily>& out, SampleFamily family) {
  if (!family.samples.empty()) out.push_back(std::move(family));
}

void push_one(std::vector<SampleFamily>& out, std::string_view name, FamilyType type, std::string_view help,
              double value) {
  SampleFamily family = family_of(name, type, help);
  add_sample(family, {}, value);
  out.push_back(std::move(family));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "sda1" of "sda", "nvme0n1p2" of "nvme0n1".
bool is_part_of(std::string_view name, std::string_view disk) {
  if (disk.empty() || !name.starts_with(disk) || name.size() == disk.size()) return false;
  std::string_view rest = name.substr(disk.size());
  if (is_digit(disk.back())) {
    if (rest[0] != 'p') return false;
    rest.remove_prefix(1);
  }
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
}

bool begins_with_any(std::string_view name, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

}  // namespace

void HostMetrics::collect(std::vector<SampleFamily>& out) const {
  collect_cpu(out);
  collect_memory(out);
  collect_disks(out);
  collect_network(out);
  collect_pressure(out);
  collect_files(out);
}

void HostMetrics::collect_cpu(std::vector<SampleFamily>& out) const {
  constexpr std::array<std::string_view, 8> modes = {"user",   "nice", "system",  "idle",
                                                     "iowait", "irq",  "softirq", "steal"};
  const std::string stat = text("/proc/stat");
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  SampleFamily seconds =
      family_of("tapewatch_host_cpu_seconds_total", FamilyType::counter, "Time of all CPUs, by what it went into.");
  double cpus = 0;
  for_each_line(stat, [&](std::string_view line) {
    const std::vector<std::string_view> fields = proc_words(line);
    if (fields.empty() || !fields[0].starts_with("cpu")) return;
    if (fields[0] != "cpu") {
      ++cpus;
      return;
    }
    for (std::size_t i = 0; i < modes.size() && i + 1 < fields.size(); ++i) {
      add_sample(seconds, {{"mode", modes[i]}}, number(fields[i + 1]) / ticks);
    }
  });
  push(out, std::move(seconds));
  if (cpus > 0) push_one(out, "tapewatch_host_cpus", FamilyType::gauge, "CPUs that are on.", cpus);
  const std::string average = text("/proc/loadavg");
  const std::vector<std::string_view> loads = proc_words(average);
  SampleFamily load = family_of("tapewatch_host_load", FamilyType::gauge,
                                "Processes that run or wait for a disk, averaged over so many minutes.");
  constexpr std::array<std::string_view, 3> windows = {"1", "5", "15"};
  for (std::size_t i = 0; i < windows.size() && i < loads.size(); ++i) {
    add_sample(load, {{"minutes", windows[i]}}, fraction(loads[i]));
  }
  push(out, std::move(load));
}

void HostMetrics::collect_memory(std::vector<SampleFamily>& out) const {
  constexpr std::pair<std::string_view, std::string_view> kinds[] = {
      {"MemTotal", "total"}, {"MemAvailable", "available"}, {"MemFree", "free"},      {"Buffers", "buffers"},
      {"Cached", "cached"},  {"SwapTotal", "swap_total"},   {"SwapFree", "swap_free"}};
  const std::string info = text("/proc/meminfo");
  if (info.empty()) return;
  SampleFamily bytes = family_of("tapewatch_host_memory_bytes", FamilyType::gauge, "Memory of the machine, by kind.");
  for (const auto& [name, kind] : kinds) {
    add_sample(bytes, {{"kind", kind}}, static_cast<double>(proc_value(info, name)) * 1024);
  }
  out.push_back(std::move(bytes));
}

// Whole disks that were ever used.
void HostMetrics::collect_disks(std::vector<SampleFamily>& out) const {
  const auto counter = [](const char* name, const char* help) { return family_of(name, FamilyType::counter, help); };
  SampleFamily read = counter("tapewatch_host_disk_read_bytes_total", "Bytes read from the disk.");
  SampleFamily written = counter("tapewatch_host_disk_written_bytes_total", "Bytes written to the disk.");
  SampleFamily busy = counter("tapewatch_host_disk_busy_seconds_total", "Time in which the disk had something to do.");
  const std::string stats = text("/proc/diskstats");
  std::vector<std::string_view> known;
  for_each_line(stats, [&](std::string_view line) {
    const std::vector<std::string_view> fields = proc_words(line);
    if (fields.size() < 13 || known.size() >= options_.devices_max) return;
    const std::string_view name = fields[2];
    if (begins_with_any(name, {"loop", "ram", "zram", "sr", "fd"}) || number(fields[3]) + number(fields[7]) == 0)
      return;
    const auto part = [&](std::string_view disk) { return is_part_of(name, disk); };
    if (std::any_of(known.begin(), known.end(), part)) return;
    known.push_back(name);
    add_sample(read, {{"device", name}}, number(fields[5]) * sector_bytes);
    add_sample(written, {{"device", name}}, number(fields[9]) * sector_bytes);
    add_sample(busy, {{"device", name}}, number(fields[12]) / 1000);
  });
  for (SampleFamily* family : {&read, &written, &busy}) push(out, std::move(*family));
}

void HostMetrics::collect_network(std::vector<SampleFamily>& out) const {
  const auto counter = [](const char* name, const char* help) { return family_of(name, FamilyType::counter, help); };
  SampleFamily received = counter("tapewatch_host_network_received_bytes_total", "Bytes received.");
  SampleFamily sent = counter("tapewatch_host_network_sent_bytes_total", "Bytes sent.");
  SampleFamily lost = counter("tapewatch_host_network_lost_packets_total", "Packets with errors, or dropped.");
  const std::string stats = text("/proc/net/dev");
  std::size_t known = 0;
  for_each_line(stats, [&](std::string_view line) {
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos || known >= options_.devices_max) return;
    const std::vector<std::string_view> names = proc_words(line.substr(0, colon));
    const std::vector<std::string_view> fields = proc_words(line.substr(colon + 1));
    if (names.size() != 1 || fields.size() < 12) return;
    const std::string_view name = names[0];
    if (name == "lo" || begins_with_any(name, {"veth", "ifb", "dummy", "tunl", "sit"})) return;
    ++known;
    add_sample(received, {{"interface", name}}, number(fields[0]));
    add_sample(sent, {{"interface", name}}, number(fields[8]));
    add_sample(lost, {{"direction", "received"}, {"interface", name}}, number(fields[2]) + number(fields[3]));
    add_sample(lost, {{"direction", "sent"}, {"interface", name}}, number(fields[10]) + number(fields[11]));
  });
  for (SampleFamily* family : {&received, &sent, &lost}) push(out, std::move(*family));
}

// "some avg10=0.17 avg60=6.26 avg300=21.75 total=13456755136", in microseconds
void HostMetrics::collect_pressure(std::vector<SampleFamily>& out) const {
  SampleFamily waited = family_of("tapewatch_host_pressure_seconds_total", FamilyType::counter,
                                  "Time in which some, or all (full), tasks waited for the resource.");
  for (const char* resource : {"cpu", "memory", "io"}) {
    const std::string stall = text((std::string("/proc/pressure/") + resource).c_str());
    for_each_line(stall, [&](std::string_view line) {
      const std::size_t at = line.find(" total=");
      const std::string_view kind = line.substr(0, line.find(' '));
      if (at == std::string_view::npos || (kind != "some" && kind != "full")) return;
      add_sample(waited, {{"kind", kind}, {"resource", resource}}, number(line.substr(at + 7)) / 1e6);
    });
  }
  push(out, std::move(waited));
}

void HostMetrics::collect_files(std::vector<SampleFamily>& out) const {
  const std::string numbers = text("/proc/sys/fs/file-nr");
  const std::vector<std::string_view> fields = proc_words(numbers);
  if (fields.size() < 3) return;
  push_one(out, "tapewatch_host_open_files", FamilyType::gauge, "Open files of the machine.", number(fields[0]));
  push_one(out, "tapewatch_host_open_files_limit", FamilyType::gauge, "How many files may be open.", number(fields[2]));
}

void collect_file_system(const std::string& folder, std::vector<SampleFamily>& out) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) return;
  const auto block = static_cast<double>(status.f_frsize);
  push_one(out, "tapewatch_state_disk_size_bytes", FamilyType::gauge, "Size of the file system with the state folder.",
           static_cast<double>(status.f_blocks) * block);
  push_one(out, "tapewatch_state_disk_free_bytes", FamilyType::gauge, "What is free of it for this user.",
           static_cast<double>(status.f_bavail) * block);
}

}  // namespace tapewatch
