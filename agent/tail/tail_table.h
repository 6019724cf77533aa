// SPDX-License-Identifier: Apache-2.0
#pragma once
// TailTable: every known generation of every file, found by id, by device and inode, by path and by the hash of the
// first line. Owned by the tailer; addresses of its tails are stable until erase(). Thread: loop.

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tail/file_tail.h"

namespace tapewatch {

class TailTable final {
 public:
  // Takes the tail in and, unless it is gone, binds its key and path.
  FileTail& insert(FileTail tail);
  void erase(std::uint64_t id);

  [[nodiscard]] FileTail* find(std::uint64_t id) const;
  [[nodiscard]] FileTail* by_key(const FileKey& key) const;
  [[nodiscard]] FileTail* by_path(const std::string& path) const;
  // The tails on disk or not that go back to one name, itself included. Valid until the next insert() or erase().
  [[nodiscard]] const std::vector<FileTail*>& generations(const FileTail& tail) const;
  // Tails of `input` whose first line has this hash, at most `most` of them.
  [[nodiscard]] std::vector<FileTail*> by_line(std::size_t input, const Hash128& line, std::size_t most) const;

  // The tail's key and path lead to it, instead of to what they led to before.
  void bind(FileTail& tail);
  // They no longer do.
  void unbind(FileTail& tail);
  void rename(FileTail& tail, const std::string& path, std::size_t root_bytes);
  // The hash of the tail's first line is known, or known better.
  void set_line(FileTail& tail, const Hash128& line);

  // In the order in which they came.
  [[nodiscard]] const std::list<std::unique_ptr<FileTail>>& all() const { return tails_; }

 private:
  void unindex_line(const FileTail& tail);

  std::list<std::unique_ptr<FileTail>> tails_;
  std::unordered_map<std::uint64_t, std::list<std::unique_ptr<FileTail>>::iterator> ids_;
  std::unordered_map<FileKey, FileTail*, FileKeyHash> keys_;
  std::unordered_map<std::string, FileTail*> paths_;
  std::unordered_multimap<std::uint64_t, FileTail*> lines_;
  std::unordered_map<std::string, std::vector<FileTail*>> generations_;  // by FileTail::group
};

}  // namespace tapewatch
