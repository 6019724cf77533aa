// SPDX-License-Identifier: Apache-2.0
#include "tail/finder.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace tapewatch {
namespace {

constexpr std::size_t depth_max = 64;
// A folder's time may stand still while its entries change: a listing is trusted only when the folder had been quiet
// for this long, and even then not for ever (a network file system's clock may differ from ours).
constexpr std::int64_t quiet_ns = 3 * ns_per_second;
constexpr std::uint64_t trust_rounds = 30;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
struct Free {
  void operator()(char* text) const { ::free(text); }
};

std::string join(const std::string& folder, std::string_view name) {
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  path.append(folder);
  if (folder != "/") path.push_back('/');
  return path.append(name);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_literal(std::string_view component) { return component.find_first_of("*?[\\") == std::string_view::npos; }

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (!real) return std::nullopt;
  return std::string(real.get());
}

}  // namespace

bool is_packed(std::string_view path) {
  for (const std::string_view ending : {".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip", ".Z"}) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

Result<Finder> Finder::make(const std::vector<std::string>& include, const std::vector<std::string>& exclude,
                            FinderLimits limits) {
  Finder finder(limits);
  for (const std::string& pattern : include) {
    Result<std::vector<Glob>> globs = parse_globs(pattern);
    if (!globs.ok()) return std::move(globs).error();
    for (Glob& glob : *globs) finder.include_.push_back(std::move(glob));
  }
  Result<Excludes> excludes = Excludes::parse(exclude);
  if (!excludes.ok()) return std::move(excludes).error();
  finder.exclude_ = std::move(excludes).value();
  return finder;
}

std::vector<Found> Finder::find(const Clock& clock) {
  ++round_;
  found_.clear();
  found_keys_.clear();
  for (const Glob& glob : include_) walk(glob, 0, glob.root(), clock);
  std::erase_if(folders_, [this](const auto& folder) { return folder.second.used != round_; });
  return std::move(found_);
}

bool Finder::matches(std::string_view path) const {
  if (is_packed(path) || exclude_.match(path)) return false;
  return std::any_of(include_.begin(), include_.end(), [&](const Glob& glob) { return glob.matches(path); });
}

std::vector<std::string> Finder::folders() const {
  std::vector<std::string> paths;
  paths.reserve(folders_.size());
  for (const auto& [path, folder] : folders_) paths.push_back(path);
  return paths;
}

// nullptr: there is no such folder, or it may not be read.
const Finder::Folder* Finder::list(const std::string& path, const Clock& clock) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode)) return nullptr;
  const std::int64_t mtime_ns = std::int64_t{s.st_mtim.tv_sec} * ns_per_second + s.st_mtim.tv_nsec;
  const FileKey key{static_cast<std::uint64_t>(s.st_dev), static_cast<std::uint64_t>(s.st_ino)};
  auto known = folders_.find(path);
  if (known == folders_.end()) {
    if (folders_.size() >= limits_.folders_max) {
      ++over_limit_;
      return nullptr;
    }
    known = folders_.emplace(path, Folder{}).first;
  }
  Folder& folder = known->second;
  folder.used = round_;
  const bool same = folder.listed > 0 && folder.mtime_ns == mtime_ns && folder.key == key;
  if (folder.listed == round_) return &folder;
  if (same && folder.settled && round_ - folder.listed < trust_rounds) return &folder;
  folder.names.clear();
  folder.listed = 0;
  const std::unique_ptr<DIR, CloseFolder> open(::opendir(path.c_str()));
  if (!open) return nullptr;
  while (const dirent* entry = ::readdir(open.get())) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    folder.names.push_back({std::string(name), entry->d_type});
  }
  // Real names before links, so that a file with both is known by its own.
  std::stable_sort(folder.names.begin(), folder.names.end(), [](const Name& a, const Name& b) {
    return std::pair(a.type == DT_LNK, std::string_view(a.name)) <
           std::pair(b.type == DT_LNK, std::string_view(b.name));
  });
  folder.mtime_ns = mtime_ns;
  folder.key = key;
  folder.listed = round_;
  folder.settled = clock.wall_ns() - mtime_ns > quiet_ns;
  return &folder;
}

void Finder::walk(const Glob& glob, std::size_t component, const std::string& folder, const Clock& clock) {
  if (component > depth_max || std::count(folder.begin(), folder.end(), '/') > std::ptrdiff_t{depth_max}) return;
  const std::string& pattern = glob.components()[component];
  if (pattern == "**") {
    if (component + 1 < glob.components().size()) walk(glob, component + 1, folder, clock);
    walk_names(glob, component, folder, clock);
  } else if (component + 1 < glob.components().size() && is_literal(pattern)) {
    struct stat s {};
    const std::string below = join(folder, pattern);
    if (::lstat(below.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) walk(glob, component + 1, below, clock);
  } else {
    walk_names(glob, component, folder, clock);
  }
}

// One folder against a component with wildcards, or against the last one.
void Finder::walk_names(const Glob& glob, std::size_t component, const std::string& folder, const Clock& clock) {
  const Folder* listing = list(folder, clock);
  if (listing == nullptr) return;
  const std::string& pattern = glob.components()[component];
  const bool any_folders = pattern == "**";
  const bool last = component + 1 == glob.components().size();
  const std::size_t root_bytes = glob.root() == "/" ? 0 : glob.root().size();
  std::vector<std::string> below;
  for (const Name& name : listing->names) {
    if (any_folders ? name.name[0] == '.' : !component_matches(pattern, name.name)) continue;
    if (last) add(join(folder, name.name), root_bytes, name);
    if ((!last || any_folders) && (name.type == DT_DIR || name.type == DT_UNKNOWN)) {
      std::string path = join(folder, name.name);
      struct stat s {};
      if (name.type == DT_UNKNOWN && (::lstat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode))) continue;
      below.push_back(std::move(path));
    }
  }
  // `listing` may move from here on.
  for (const std::string& path : below) walk(glob, any_folders ? component : component + 1, path, clock);
}

void Finder::add(const std::string& path, std::size_t root_bytes, const Name& name) {
  if (name.type != DT_REG && name.type != DT_LNK && name.type != DT_UNKNOWN) return;
  if (exclude_.match(path)) return;
  Found found{path, root_bytes, {}};
  bool regular = false;
  const std::optional<FileStat> stat = stat_path(path, &regular);
  if (!stat) return;
  found.stat = *stat;
  if (!regular && !resolve_link(found.path, found.stat)) return;
  if (is_packed(found.path)) return;
  if (found_.size() >= limits_.files_max) {
    ++over_limit_;
    return;
  }
  if (found_keys_.insert(found.stat.key).second) found_.push_back(std::move(found));
}

// A link to a regular file in the link's own folder becomes that file; everything else that is not regular is refused.
bool Finder::resolve_link(std::string& path, FileStat& stat) {
  struct stat s {};
  if (::lstat(path.c_str(), &s) != 0 || !S_ISLNK(s.st_mode)) return false;
  const std::optional<std::string> target = real_path(path);
  if (!target) return false;
  const std::string folder = folder_of(path);
  const std::optional<std::string> real_folder = real_path(folder);
  if (!real_folder || folder_of(*target) != *real_folder) {
    ++links_refused_;
    return false;
  }
  path = join(folder, std::string_view(*target).substr(target->rfind('/') + 1));
  bool regular = false;
  const std::optional<FileStat> found = stat_path(path, &regular);
  if (!found || !regular) return false;
  stat = *found;
  return true;
}

std::vector<Found> Finder::neighbours(const std::string& path, const Clock& clock) {
  const std::string folder = folder_of(path);
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  const Folder* listing = list(folder, clock);
  std::vector<Found> result;
  if (listing == nullptr) return result;
  for (const Name& other : listing->names) {
    if (other.name.size() <= name.size() || std::string_view(other.name).substr(0, name.size()) != name) continue;
    Found found{join(folder, other.name), folder == "/" ? 0 : folder.size(), {}};
    bool regular = false;
    const std::optional<FileStat> stat = stat_path(found.path, &regular);
    if (!stat || !regular || exclude_.match(found.path)) continue;
    found.stat = *stat;
    result.push_back(std::move(found));
  }
  return result;
}

}  // namespace tapewatch
