// SPDX-License-Identifier: Apache-2.0
#include "sinks/taken_alerts.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace tapewatch {
namespace {

constexpr std::size_t id_bytes = 32;
constexpr std::uint64_t file_bytes_max = 64 << 20;

bool is_id(std::string_view text) {
  return text.size() == id_bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

TakenAlerts::TakenAlerts(std::string path, std::size_t ids_max, Log& log)
    : path_(std::move(path)), ids_max_(ids_max), log_(log) {
  if (path_.empty()) return;
  const Result<std::string> file = read_file(path_, file_bytes_max);
  std::string_view rest = file.ok() ? std::string_view(*file) : std::string_view();
  for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    if (is_id(rest.substr(0, end))) newest_.emplace_back(rest.substr(0, end));
  }
  if (newest_.size() > ids_max_) newest_.erase(newest_.begin(), newest_.end() - static_cast<std::ptrdiff_t>(ids_max_));
  before_.insert(newest_.begin(), newest_.end());
  begin_anew();
}

// The file as it should be: without half a line at its end, and without what is too old.
void TakenAlerts::begin_anew() {
  std::string content;
  for (const std::string& id : newest_) content.append(id).append(1, '\n');
  lines_ = newest_.size();
  Status written = write_file_durable(path_, content);
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (written.ok() && !file_.open()) written = errno_error("opening " + path_, errno);
  if (!written.ok())
    log_.warn("alerts that were taken cannot be kept: after a crash some may be told twice",
              {{"reason", written.error().message}});
}

void TakenAlerts::taken(const std::string& id) {
  if (path_.empty()) return;
  newest_.push_back(id);
  if (newest_.size() > ids_max_) newest_.pop_front();
  if (++lines_ > 2 * ids_max_) return begin_anew();
  if (!file_.open()) return;
  if (!write_all(file_.get(), id + "\n", path_).ok()) file_ = Fd();  // told at the next start at the latest
}

}  // namespace tapewatch
