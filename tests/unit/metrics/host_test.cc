// SPDX-License-Identifier: Apache-2.0
// A made /proc below a temporary folder.
#include "metrics/host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "fake/folder.h"

namespace tapewatch {
namespace {

namespace fs = std::filesystem;

class HostTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(folder_.path(path)).parent_path());
    folder_.write(path, text);
  }
  void process(int pid, const std::string& comm, int rss_pages, const std::string& line = "") {
    const std::string folder = "proc/" + std::to_string(pid) + "/";
    // utime 200, stime 100, 7 threads, started 5000 ticks after the boot
    write(folder + "stat", std::to_string(pid) + " (" + comm +
                               ") S 1 1 1 0 -1 4194560 9 9 9 9 200 100 0 0 20 0 7 0 5000 4096000 " +
                               std::to_string(rss_pages) + " 18446744073709551615 0\n");
    write(folder + "comm", comm.substr(0, 15) + "\n");
    write(folder + "cmdline", line);
    write(folder + "limits",
          "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 "
          "files\n");
    write(folder + "io", "rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\n");
    write(folder + "fd/0", "");
    write(folder + "fd/1", "");
  }
  std::string host() {
    std::vector<SampleFamily> families;
    HostMetrics({folder_.path()}).collect(families);
    return serialize(families, MetricsFormat::text);
  }
  std::string app(AppOptions options) {
    std::vector<SampleFamily> families;
    AppMetrics({folder_.path()}, {std::move(options)}).collect(families);
    return serialize(families, MetricsFormat::text);
  }
  TemporaryFolder folder_;
};

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_F(HostTest, WhatIsNotThereIsLeftOut) { EXPECT_EQ(host(), ""); }

TEST_F(HostTest, EveryFamilyFromItsFile) {
  write("proc/stat", "cpu  100 200 300 400 500 600 700 800 0 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nbtime 1700000000\n");
  write("proc/loadavg", "0.98 1.92 1.79 3/97 9517\n");
  write("proc/meminfo",
        "MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    500 kB\nCached: 7 kB\nSwapCached: 9 kB\n");
  write("proc/diskstats", R"(   7       0 loop0 5 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 10 0 2048 5 20 0 4096 7 0 1500 12 0 0 0 0 0 0
   8       1 sda1 9 0 2000 5 20 0 4096 7 0 1500 12 0 0 0 0 0 0
 259       0 nvme0n1 1 0 8 5 0 0 0 0 0 1 12 0 0 0 0 0 0
 259       1 nvme0n1p1 1 0 8 5 0 0 0 0 0 1 12 0 0 0 0 0 0
   8      16 sdb 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
)");
  write("proc/net/dev", R"(Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0
  eth0:1000 5 1 2 0 0 0 0 2000 6 3 4 0 0 0 0
veth12: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
)");
  write("proc/pressure/io",
        "some avg10=0.17 avg60=6.26 avg300=21.75 total=2500000\nfull avg10=0 avg60=0 avg300=0 total=1000000\n");
  write("proc/sys/fs/file-nr", "508\t0\t9223372036854775807\n");
  const std::string text = host();
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_TRUE(has(text, "tapewatch_host_cpu_seconds_total{mode=\"iowait\"} " + number_text(500 / ticks))) << text;
  EXPECT_TRUE(has(text, "tapewatch_host_cpus 2"));
  EXPECT_TRUE(has(text, "tapewatch_host_load{minutes=\"5\"} 1.92"));
  EXPECT_TRUE(has(text, "tapewatch_host_memory_bytes{kind=\"total\"} 1024000"));
  EXPECT_TRUE(has(text, "tapewatch_host_memory_bytes{kind=\"cached\"} 7168"));
  EXPECT_TRUE(has(text, "tapewatch_host_disk_read_bytes_total{device=\"sda\"} 1048576"));
  EXPECT_TRUE(has(text, "tapewatch_host_disk_busy_seconds_total{device=\"sda\"} 1.5"));
  EXPECT_TRUE(has(text, "tapewatch_host_disk_read_bytes_total{device=\"nvme0n1\"} 4096"));
  for (const char* left_out : {"sda1", "sdb", "nvme0n1p1", "loop0", "lo\"", "veth"}) {
    EXPECT_EQ(text.find(left_out), std::string::npos) << left_out;
  }
  EXPECT_TRUE(has(text, "tapewatch_host_network_received_bytes_total{interface=\"eth0\"} 1000"));
  EXPECT_TRUE(has(text, "tapewatch_host_network_lost_packets_total{direction=\"sent\",interface=\"eth0\"} 7"));
  EXPECT_TRUE(has(text, "tapewatch_host_pressure_seconds_total{kind=\"some\",resource=\"io\"} 2.5"));
  EXPECT_TRUE(has(text, "tapewatch_host_open_files 508"));
}

TEST_F(HostTest, DevicesAreBounded) {
  std::string stats;
  for (int i = 0; i < 500; ++i) stats += "8 0 dm-" + std::to_string(i * 2 + 1) + "x 1 0 8 5 0 0 0 0 0 1 12 0\n";
  write("proc/diskstats", stats);
  const std::string text = host();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 * (32 + 2));
}

TEST_F(HostTest, AnApplicationByItsNameIsTheSumOfItsProcesses) {
  write("proc/stat", "btime 1700000000\n");
  process(17, "oms", 10);
  process(18, "oms", 20);
  process(19, "other", 1000);
  const std::string text = app({"oms", "", "oms", ""});
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_TRUE(has(text, "tapewatch_app_up{app=\"oms\"} 1")) << text;
  EXPECT_TRUE(has(text, "tapewatch_app_processes{app=\"oms\"} 2"));
  EXPECT_TRUE(has(text, "tapewatch_app_cpu_seconds_total{app=\"oms\"} " + number_text(600 / ticks)));
  EXPECT_TRUE(
      has(text, "tapewatch_app_resident_memory_bytes{app=\"oms\"} " + std::to_string(30 * ::sysconf(_SC_PAGESIZE))));
  EXPECT_TRUE(has(text, "tapewatch_app_open_fds{app=\"oms\"} 4"));
  EXPECT_TRUE(has(text, "tapewatch_app_max_fds{app=\"oms\"} 1024"));
  EXPECT_TRUE(has(text, "tapewatch_app_disk_written_bytes_total{app=\"oms\"} 16384"));
  EXPECT_TRUE(has(text, "tapewatch_app_start_time_seconds{app=\"oms\"} " + number_text(1.7e9 + 5000 / ticks)));
}

TEST_F(HostTest, ALongNameIsFoundThoughTheKernelCutsIt) {
  process(17, "order-management-system", 1, std::string("/opt/bin/order-management-system\0--x", 36));
  process(18, "order-management-other", 1, std::string("/opt/bin/order-management-other\0", 32));
  EXPECT_TRUE(has(app({"oms", "", "order-management-system", ""}), "tapewatch_app_processes{app=\"oms\"} 1"));
}

TEST_F(HostTest, AnApplicationByItsPidFileAndByItsCgroup) {
  process(17, "a) b (c", 10);
  write("run/oms.pid", "17\n");
  write("sys/fs/cgroup/system.slice/oms.service/cgroup.procs", "17\n99\n");
  for (const AppOptions& way : {AppOptions{"oms", folder_.path("run/oms.pid"), "", ""},
                                AppOptions{"oms", "", "", "system.slice/oms.service"}}) {
    EXPECT_TRUE(has(app(way), "tapewatch_app_processes{app=\"oms\"} 1")) << app(way);
  }
}

TEST_F(HostTest, AnApplicationThatIsGoneIsDown) {
  write("run/hostile.pid", "../../etc/passwd\n");
  for (const char* file : {"run/none.pid", "run/hostile.pid"}) {
    const std::string text = app({"oms", folder_.path(file), "", ""});
    EXPECT_TRUE(has(text, "tapewatch_app_up{app=\"oms\"} 0")) << text;
    EXPECT_EQ(text.find("cpu"), std::string::npos);
  }
}

}  // namespace
}  // namespace tapewatch
