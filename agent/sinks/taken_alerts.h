// SPDX-License-Identifier: Apache-2.0
#pragma once
// TakenAlerts: which messages a receiver has taken, kept in a file as they are taken, so that one that comes up again
// after the end of the process, because the lines behind it are read again, is not told twice. One id a line; bounded:
// the newest are kept. It survives the end of the process, not always that of the machine. Owned by an AlertSink.
// Thread: loop.

#include <deque>
#include <string>
#include <unordered_set>

#include "base/files.h"
#include "base/log.h"

namespace tapewatch {

class TakenAlerts final {
 public:
  // Reads the file; what it holds beyond whole lines is ignored. `path` "": nothing is kept.
  TakenAlerts(std::string path, std::size_t ids_max, Log& log);

  // It was taken in an earlier life.
  [[nodiscard]] bool before(const std::string& id) const { return before_.contains(id); }
  void taken(const std::string& id);

 private:
  void begin_anew();

  const std::string path_;
  const std::size_t ids_max_;
  Log& log_;
  std::unordered_set<std::string> before_;
  std::deque<std::string> newest_;  // of all lives
  std::size_t lines_ = 0;           // of the file
  Fd file_;
};

}  // namespace tapewatch
