// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the examples: runs a way of doing something in a process of its own and tells its queries, time and peak memory.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "tapewatch/storage.h"

namespace tapewatch::demo {

struct Figures {
  std::int64_t queries = 0;
  std::int64_t answer = 0;  // what all ways have to agree on; negative: it failed
  double ms = 0;
  double peak_mib = 0;
  std::chrono::steady_clock::time_point begun{};

  // What came before is not a part of the time.
  void begin() { begun = std::chrono::steady_clock::now(); }
};

// `way` fills in queries and answer. A process of its own, because peak memory is one figure a process.
inline Figures measure(const std::function<void(Figures&)>& way) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    Figures out;
    out.begin();
    way(out);
    out.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - out.begun).count();
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    out.peak_mib = static_cast<double>(used.ru_maxrss) / 1024;
    const bool told = ::write(ends[1], &out, sizeof out) == sizeof out;
    ::_exit(told ? 0 : 1);
  }
  Figures out;
  out.answer = -1;
  ::close(ends[1]);
  if (::read(ends[0], &out, sizeof out) != sizeof out) out.answer = -1;
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return out;
}

inline void print(const char* way, const Figures& figures) {
  std::printf("  %-34s %9lld queries %11.1f ms %8.1f MiB\n", way, static_cast<long long>(figures.queries), figures.ms,
              figures.peak_mib);
}

inline bool check(bool good, const char* what) {
  if (!good) std::printf("  NOT SO: %s\n", what);
  return good;
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::abort();
  }
  return std::move(result).value();
}

inline std::unique_ptr<Store> open(const std::string& path, const std::string& schema = "") {
  Store::Options options;
  options.path = path;
  options.schema = schema;
  return must(Store::open(options));
}

}  // namespace tapewatch::demo
