// SPDX-License-Identifier: Apache-2.0
// Which files a configuration or a command line means by its patterns.
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "detect/rule_fault.h"
#include "detect/rule_loader.h"

namespace tapewatch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_max = 100'000;

bool is_yaml(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_glob(std::string_view part) { return part.find_first_of("*?[") != std::string_view::npos; }

// Sorted, so that every run reads in one order. Unreadable folders are empty.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    all.push_back(at->path());
  std::sort(all.begin(), all.end());
  return all;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// Folders to walk into unasked: neither links (cycles) nor hidden ones (a mounted ConfigMap keeps copies in those).
bool is_walked(const fs::path& path) {
  std::error_code error;
  return is_folder(path) && !fs::is_symlink(path, error) && !path.filename().string().starts_with('.');
}

// Walks down from `at` along the parts of a pattern from `next` on.
void expand(const fs::path& at, const std::vector<std::string>& parts, std::size_t next,
            std::vector<std::string>& out) {
  if (out.size() >= files_max) return;
  if (next == parts.size()) {
    std::error_code error;
    if (fs::is_regular_file(at, error)) out.push_back(at.string());
    return;
  }
  const std::string& part = parts[next];
  if (!is_glob(part)) {
    expand(at / part, parts, next + 1, out);
    return;
  }
  const bool any_folders = part == "**";
  if (any_folders) expand(at, parts, next + 1, out);
  for (const fs::path& entry : entries(at.empty() ? fs::path(".") : at)) {
    const fs::path path = at.empty() ? entry.filename() : entry;
    if (any_folders) {
      if (is_walked(path)) expand(path, parts, next, out);
    } else if (fnmatch(part.c_str(), entry.filename().c_str(), FNM_PERIOD) == 0) {
      expand(path, parts, next + 1, out);
    }
  }
}

void add_folder(const fs::path& folder, std::vector<std::string>& out) {
  for (const fs::path& entry : entries(folder)) {
    if (out.size() >= files_max) return;
    if (is_walked(entry)) {
      add_folder(entry, out);
    } else if (is_yaml(entry) && !is_folder(entry)) {
      out.push_back(entry.string());
    }
  }
}

}  // namespace

std::vector<std::string> find_rule_files(const std::vector<std::string>& patterns, Diagnostics& diagnostics) {
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    const std::size_t before = files.size();
    if (is_folder(pattern)) {
      add_folder(pattern, files);
    } else {
      expand(pattern.starts_with('/') ? fs::path("/") : fs::path(), split(pattern), 0, files);
    }
    if (files.size() == before) {
      const bool glob = is_glob(pattern);  // a pattern may come to mean something later, a plain name may not
      diagnostics.add({glob ? Severity::warning : Severity::error, fault_number::no_files, pattern, 0, 0, 1,
                       glob ? "no file matches" : "no such file or folder with rules", ""});
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace tapewatch
