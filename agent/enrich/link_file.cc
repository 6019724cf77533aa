// SPDX-License-Identifier: Apache-2.0
#include "enrich/link_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/hash.h"

namespace tapewatch {
namespace {

constexpr std::string_view magic{"TWLK\1\0\0\0", 8};
constexpr std::size_t frame_head = 16;

template <typename T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

template <typename T>
T take(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= T{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

std::uint32_t check_of(std::string_view head) { return static_cast<std::uint32_t>(hash64(head)); }

std::string head_of(std::string_view bytes) {
  std::string head;
  put(head, static_cast<std::uint32_t>(bytes.size()));
  put(head, hash64(bytes));
  put(head, check_of(head));
  return head;
}

// The whole frames' bytes, one behind the other; "" or what is wrong with the rest.
std::string_view read_frames(std::string_view file, std::string& records) {
  if (file.substr(0, magic.size()) != magic) return "not a file of links";
  file.remove_prefix(magic.size());
  while (file.size() >= frame_head) {
    const auto length = take<std::uint32_t>(file);
    if (check_of(file.substr(0, 12)) != take<std::uint32_t>(file.substr(12))) return "a checksum does not match";
    if (length > file.size() - frame_head) return "";  // a crash came between
    const std::string_view bytes = file.substr(frame_head, length);
    if (hash64(bytes) != take<std::uint64_t>(file.substr(4))) return "a checksum does not match";
    records.append(bytes);
    file.remove_prefix(frame_head + length);
  }
  return "";
}

Status write_frame(int fd, std::string_view bytes, const std::string& path) {
  if (bytes.empty()) return success();
  Status written = write_all(fd, head_of(bytes), path);
  return written.ok() ? write_all(fd, bytes, path) : written;
}

}  // namespace

LinkFile::LinkFile(std::string folder, std::uint64_t bytes_max, const Clock& clock, Log& log)
    : folder_(std::move(folder)),
      current_(folder_ + "/links"),
      previous_(current_ + ".prev"),
      next_(current_ + ".new"),
      bytes_max_(bytes_max),
      clock_(clock),
      log_(log) {}

std::string LinkFile::load() {
  std::string records;
  if (load_one(current_, records)) return records;
  // What is older goes first: the later record of a link wins.
  std::string older;
  (void)load_one(previous_, older);
  older.append(records);
  if (stats_.quarantined > 0 && !older.empty()) add({"", older, true, true});
  return older;
}

// False when the file is not there or not whole; `records` is what could be read of it.
bool LinkFile::load_one(const std::string& path, std::string& records) {
  Result<std::string> bytes = read_file(path, bytes_max_);
  if (!bytes.ok() && bytes.error().code == Code::not_found) return false;
  const std::string fault(bytes.ok() ? read_frames(*bytes, records) : std::string_view(bytes.error().message));
  if (fault.empty()) return true;
  ++stats_.quarantined;
  const std::string aside = path + ".corrupt-" + std::to_string(clock_.wall_ns() / ns_per_second);
  const bool renamed = ::rename(path.c_str(), aside.c_str()) == 0;
  log_.error("a damaged file of correlation links was put aside",
             {{"path", path}, {"kept_as", renamed ? aside : path}, {"reason", fault}});
  return false;
}

void LinkFile::add(const LinkRecords& records) {
  if (records.empty() || (broken_ && !records.begins)) return;
  const Status written = write(records);
  if (!written.ok()) return failed(written.error());
  if (records.completes && std::exchange(broken_, false))
    log_.info("correlation links are written again", {{"path", current_}});
}

// What changes while the next generation is put together belongs to both.
Status LinkFile::write(const LinkRecords& records) {
  Status written = records.begins ? begin_next() : success();
  if (written.ok() && next_file_.open()) written = write_frame(next_file_.get(), records.everything, next_);
  for (const auto& [file, path] : {std::pair(&next_file_, &next_), std::pair(&file_, &current_)}) {
    if (written.ok() && file->open()) written = write_frame(file->get(), records.changes, *path);
  }
  dirty_ = true;
  return written.ok() && records.completes && next_file_.open() ? complete_next() : written;
}

Status LinkFile::begin_next() {
  next_file_ = Fd(::open(next_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!next_file_.open()) return errno_error("creating " + next_, errno);
  return write_all(next_file_.get(), magic, next_);
}

Status LinkFile::complete_next() {
  if (::fdatasync(next_file_.get()) != 0) return errno_error("syncing " + next_, errno);
  if (Status replaced = next_generation(next_, current_, previous_); !replaced.ok()) return replaced;
  file_ = std::exchange(next_file_, Fd());
  dirty_ = false;
  return success();
}

void LinkFile::sync() {
  if (!std::exchange(dirty_, false) || !file_.open()) return;
  if (::fdatasync(file_.get()) != 0) failed(errno_error("syncing " + current_, errno));
}

// Half a frame may stand there, and a failed sync cannot be repeated: this generation is given up. What it holds is
// still read at a start, and only that.
void LinkFile::failed(const Error& error) {
  ++stats_.failures;
  if (!broken_)
    log_.error("correlation links cannot be written: those learned from now on would not survive a crash",
               {{"reason", error.message}});
  broken_ = true;
  dirty_ = false;
  file_ = Fd();
  next_file_ = Fd();
}

}  // namespace tapewatch
