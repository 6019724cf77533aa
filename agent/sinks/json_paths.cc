// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_paths.h"

#include "event/json_index.h"

namespace tapewatch {
namespace {

constexpr int depth_max = 64;
constexpr std::size_t leaves_max = 100'000;

class PathReader final {
 public:
  explicit PathReader(JsonPaths& paths) : paths_(paths) {}

  bool read(std::string_view text) { return index_.build(text) && read_value(depth_max) && index_.done(); }

 private:
  bool read_value(int depth) {
    if (depth == 0 || paths_.size() >= leaves_max) return false;
    switch (index_.peek()) {
      case '{':
        return read_object(depth);
      case '[':
        return read_array(depth);
      case '"': {
        std::string value;
        if (!append_string(value)) return false;
        paths_.insert_or_assign(path_, std::move(value));
        return true;
      }
      case '\0':
        return false;
      default: {
        const std::string_view value = index_.take_scalar_raw();
        if (scalar_type(value) == JsonType::invalid) return false;
        paths_.insert_or_assign(path_, std::string(value));
        return true;
      }
    }
  }

  bool read_object(int depth) {
    if (!index_.take('{')) return false;
    if (index_.take('}')) return true;
    do {
      const std::size_t before = enter();
      if (index_.peek() != '"' || !append_string(path_) || !index_.take(':') || !read_value(depth - 1)) return false;
      path_.resize(before);
    } while (index_.take(','));
    return index_.take('}');
  }

  bool read_array(int depth) {
    if (!index_.take('[')) return false;
    if (index_.take(']')) return true;
    std::size_t at = 0;
    do {
      const std::size_t before = enter();
      path_.append(std::to_string(at++));
      if (!read_value(depth - 1)) return false;
      path_.resize(before);
    } while (index_.take(','));
    return index_.take(']');
  }

  std::size_t enter() {
    const std::size_t before = path_.size();
    if (before > 0) path_.push_back('.');
    return before;
  }

  bool append_string(std::string& out) {
    const std::string_view raw = index_.take_string_raw();
    if (!escapes_valid(raw)) return false;
    append_unescaped(out, raw);
    return true;
  }

  JsonIndex index_;
  JsonPaths& paths_;
  std::string path_;
};

}  // namespace

Result<JsonPaths> read_json_paths(std::string_view text) {
  JsonPaths paths;
  if (!PathReader(paths).read(text)) return Error{Code::bad_reply, "the reply is not JSON that can be read"};
  return paths;
}

JsonPaths paths_below(const JsonPaths& paths, std::string_view prefix) {
  JsonPaths below;
  for (auto at = paths.lower_bound(prefix); at != paths.end() && at->first.starts_with(prefix); ++at) {
    below.emplace(at->first.substr(prefix.size()), at->second);
  }
  return below;
}

}  // namespace tapewatch
