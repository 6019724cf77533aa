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
constexpr std::size_t frame_head = 12;

void put32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint32_t take32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

std::string frame(std::string_view bytes) {
  std::string out;
  out.reserve(frame_head + bytes.size());
  put32(out, static_cast<std::uint32_t>(bytes.size()));
  put32(out, crc32c(bytes));
  put32(out, crc32c(out));
  out.append(bytes);
  return out;
}

// The whole frames' bytes, one behind the other; "" or what is wrong with the rest.
std::string_view read_frames(std::string_view file, std::string& records) {
  if (file.substr(0, magic.size()) != magic) return "not a file of links";
  file.remove_prefix(magic.size());
  while (file.size() >= frame_head) {
    const std::uint32_t length = take32(file);
    if (crc32c(file.substr(0, 8)) != take32(file.substr(8))) return "a checksum does not match";
    if (length > file.size() - frame_head) return "";  // a crash came between
    const std::string_view bytes = file.substr(frame_head, length);
    if (crc32c(bytes) != take32(file.substr(4))) return "a checksum does not match";
    records.append(bytes);
    file.remove_prefix(frame_head + length);
  }
  return "";
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error("writing " + path, n < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return success();
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
  if (stats_.quarantined > 0 && !older.empty()) add({true, older});
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
  if (records.bytes.empty() || (!records.whole && !file_.open())) return;
  const Status written = records.whole ? begin_anew(records.bytes) : append(records.bytes);
  if (!written.ok()) return failed(written.error());
  if (std::exchange(broken_, false)) log_.info("correlation links are written again", {{"path", current_}});
}

// As the checkpoint: at no moment is there no generation.
Status LinkFile::begin_anew(std::string_view bytes) {
  Fd file(::open(next_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open()) return errno_error("creating " + next_, errno);
  Status written = write_all(file.get(), std::string(magic) + frame(bytes), next_);
  if (!written.ok()) return written;
  if (::fdatasync(file.get()) != 0) return errno_error("syncing " + next_, errno);
  ::unlink(previous_.c_str());
  if (::link(current_.c_str(), previous_.c_str()) != 0 && errno != ENOENT)
    (void)::rename(current_.c_str(), previous_.c_str());
  if (::rename(next_.c_str(), current_.c_str()) != 0) return errno_error("renaming " + next_, errno);
  const Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return errno_error("opening " + folder_, errno);
  if (::fsync(folder.get()) != 0) return errno_error("syncing " + folder_, errno);
  file_ = std::move(file);
  dirty_ = false;
  return success();
}

Status LinkFile::append(std::string_view bytes) {
  dirty_ = true;
  return write_all(file_.get(), frame(bytes), current_);
}

void LinkFile::sync() {
  if (!std::exchange(dirty_, false)) return;
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
}

}  // namespace tapewatch
