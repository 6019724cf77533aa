// SPDX-License-Identifier: Apache-2.0
#include "tail/tail_table.h"

#include "base/check.h"

namespace tapewatch {

FileTail& TailTable::insert(FileTail tail) {
  const std::uint64_t id = tail.id;
  tails_.push_back(std::make_unique<FileTail>(std::move(tail)));
  CHECK(ids_.emplace(id, std::prev(tails_.end())).second);
  FileTail& kept = *tails_.back();
  kept.group = rotation_base(kept.origin);
  generations_[kept.group].push_back(&kept);
  if (kept.state != TailState::gone) bind(kept);
  if (kept.line_known) lines_.emplace(kept.line.low, &kept);
  return kept;
}

void TailTable::erase(std::uint64_t id) {
  const auto at = ids_.find(id);
  if (at == ids_.end()) return;
  unbind(**at->second);
  unindex_line(**at->second);
  const auto group = generations_.find((*at->second)->group);
  std::erase(group->second, at->second->get());
  if (group->second.empty()) generations_.erase(group);
  tails_.erase(at->second);
  ids_.erase(at);
}

FileTail* TailTable::find(std::uint64_t id) const {
  const auto at = ids_.find(id);
  return at == ids_.end() ? nullptr : at->second->get();
}

FileTail* TailTable::by_key(const FileKey& key) const {
  const auto at = keys_.find(key);
  return at == keys_.end() ? nullptr : at->second;
}

FileTail* TailTable::by_path(const std::string& path) const {
  const auto at = paths_.find(path);
  return at == paths_.end() ? nullptr : at->second;
}

const std::vector<FileTail*>& TailTable::generations(const FileTail& tail) const {
  return generations_.find(tail.group)->second;
}

std::vector<FileTail*> TailTable::by_line(std::size_t input, const Hash128& line, std::size_t most) const {
  std::vector<FileTail*> found;
  const auto [first, last] = lines_.equal_range(line.low);
  for (auto at = first; at != last && found.size() < most; ++at) {
    if (at->second->input == input && at->second->line == line) found.push_back(at->second);
  }
  return found;
}

void TailTable::bind(FileTail& tail) {
  keys_[tail.key] = &tail;
  paths_[tail.path] = &tail;
}

void TailTable::unbind(FileTail& tail) {
  if (const auto key = keys_.find(tail.key); key != keys_.end() && key->second == &tail) keys_.erase(key);
  if (const auto path = paths_.find(tail.path); path != paths_.end() && path->second == &tail) paths_.erase(path);
}

void TailTable::rename(FileTail& tail, const std::string& path, std::size_t root_bytes) {
  if (const auto old = paths_.find(tail.path); old != paths_.end() && old->second == &tail) paths_.erase(old);
  rename_tail(tail, path, root_bytes);
  paths_[path] = &tail;
}

void TailTable::set_line(FileTail& tail, const Hash128& line) {
  unindex_line(tail);
  tail.line = line;
  tail.line_known = true;
  lines_.emplace(line.low, &tail);
}

void TailTable::unindex_line(const FileTail& tail) {
  const auto [first, last] = lines_.equal_range(tail.line.low);
  for (auto at = first; at != last; ++at) {
    if (at->second != &tail) continue;
    lines_.erase(at);
    return;
  }
}

}  // namespace tapewatch
