// SPDX-License-Identifier: Apache-2.0
#include "file_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "http/front_door.h"

namespace tapewatch {
namespace {

// Standard streams, loop and folder watches, state files, sockets of the outputs, the store with its readers, and room
// for libraries that open files of their own.
constexpr std::uint64_t own_descriptors = 128;

}  // namespace

std::uint64_t descriptors_needed(const Config& config) {
  // A request that is handed on takes a second one.
  const std::uint64_t http = config.http.enabled ? 2 * HttpOptions{}.connections_max : 0;
  return config.limits.files_open_max + http + own_descriptors;
}

std::uint64_t wanted_soft_limit(std::uint64_t needed, const FileLimit& now) {
  return std::max(now.soft, std::min(needed, now.hard));
}

void raise_file_limit(const Config& config, Log& log) {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const std::uint64_t needed = descriptors_needed(config);
  const std::uint64_t wanted = wanted_soft_limit(needed, {limit.rlim_cur, limit.rlim_max});
  if (wanted > limit.rlim_cur) {
    limit.rlim_cur = wanted;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return;
  log.warn(
      "the limit of open files is too low: files may have to wait for each other. Set LimitNOFILE= in the unit, "
      "--ulimit nofile= of the container or `ulimit -Hn`, or lower limits.files_open_max",
      {{"limit", limit.rlim_cur}, {"needed", needed}, {"files_open_max", config.limits.files_open_max}});
}

}  // namespace tapewatch
