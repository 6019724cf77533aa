// SPDX-License-Identifier: Apache-2.0
#pragma once
// Finder: the files that the globs of one input name, and the neighbours a rotation may have made. Lists a folder again
// only when it changed; never opens a file. A symbolic link counts when its target lies in the link's own folder, and
// then as that target. Packed files (.gz and the like) are no lines of text: they are never found, and neighbours all
// the same. Owned by the tailer. Thread: loop.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tail/glob.h"
#include "tail/identity.h"

namespace tapewatch {

struct Found {
  std::string path;
  std::size_t root_bytes = 0;  // how much of path is the configured folder, which may itself be a link
  FileStat stat;
};

// Whether a name is that of a compressed file.
[[nodiscard]] bool is_packed(std::string_view path);

struct FinderLimits {
  std::size_t files_max = 100'000;
  std::size_t folders_max = 10'000;
};

class Finder final {
 public:
  [[nodiscard]] static Result<Finder> make(const std::vector<std::string>& include,
                                           const std::vector<std::string>& exclude, FinderLimits limits);

  // Every regular file that is named now, each device and inode once.
  [[nodiscard]] std::vector<Found> find(const Clock& clock);
  // Whether a file of this path would be found.
  [[nodiscard]] bool matches(std::string_view path) const;
  // Regular files in the folder of `path` whose names start with its name, itself excepted; excludes are obeyed.
  [[nodiscard]] std::vector<Found> neighbours(const std::string& path, const Clock& clock);
  // The folders that were listed in the last find(): what is worth a watch.
  [[nodiscard]] std::vector<std::string> folders() const;

  [[nodiscard]] std::uint64_t links_refused() const { return links_refused_; }
  [[nodiscard]] std::uint64_t over_limit() const { return over_limit_; }

 private:
  struct Name {
    std::string name;
    unsigned char type;  // as readdir tells it; may be unknown
  };
  struct Folder {
    std::int64_t mtime_ns = 0;
    FileKey key;
    bool settled = false;      // the listing is younger than the change it shows by enough to hold all of it
    std::uint64_t listed = 0;  // the round of the last listing
    std::uint64_t used = 0;    // the round of the last use
    std::vector<Name> names;
  };
  explicit Finder(FinderLimits limits) : limits_(limits) {}
  const Folder* list(const std::string& path, const Clock& clock);
  void walk(const Glob& glob, std::size_t component, const std::string& folder, const Clock& clock);
  void walk_names(const Glob& glob, std::size_t component, const std::string& folder, const Clock& clock);
  void add(const std::string& path, std::size_t root_bytes, const Name& name);
  bool resolve_link(std::string& path, FileStat& stat);

  FinderLimits limits_;
  std::vector<Glob> include_;
  Excludes exclude_;
  std::unordered_map<std::string, Folder> folders_;
  std::uint64_t round_ = 0;
  std::uint64_t links_refused_ = 0;
  std::uint64_t over_limit_ = 0;
  std::vector<Found> found_;                             // of the round under way
  std::unordered_set<FileKey, FileKeyHash> found_keys_;  // the same
};

}  // namespace tapewatch
