// SPDX-License-Identifier: Apache-2.0
#include "tail/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "base/check.h"
#include "base/files.h"

namespace tapewatch {
namespace {

constexpr std::string_view magic = "TWCP";
constexpr std::uint32_t version = 1;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t entry_bytes_least = 3 * 4 + 13 * 8;

template <typename T>
void put(std::string& out, T value) {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(bits >> (8 * i) & 0xFF));
}
void put(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

// Takes values from the front of `rest`; after the first that does not fit everything fails.
class ByteReader final {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  bool take(T& value) {
    if (rest_.size() < sizeof(T)) return false;
    std::make_unsigned_t<T> bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= static_cast<std::make_unsigned_t<T>>(
          static_cast<std::make_unsigned_t<T>>(static_cast<unsigned char>(rest_[i])) << (8 * i));
    value = static_cast<T>(bits);
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  bool take(std::string& text) {
    std::uint32_t length = 0;
    if (!take(length) || rest_.size() < length) return false;
    text.assign(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return true;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

void put_entry(std::string& out, const CheckpointEntry& e) {
  put(out, std::string_view(e.input));
  put(out, std::string_view(e.path));
  put(out, std::string_view(e.origin));
  for (const std::uint64_t number :
       {e.id, e.key.device, e.key.inode, std::uint64_t{e.head.length}, e.head.hash, e.committed,
        std::uint64_t{e.marker.length}, e.marker.hash, e.size, e.first_line.high, e.first_line.low})
    put(out, number);
  put(out, e.mtime_ns);
  put(out, e.seen_wall_ns);
  put(out, static_cast<std::uint8_t>(e.finished ? 1 : 0));
}

bool take_entry(ByteReader& in, CheckpointEntry& e) {
  std::uint64_t head_length = 0;
  std::uint64_t marker_length = 0;
  std::uint8_t finished = 0;
  const bool whole = in.take(e.input) && in.take(e.path) && in.take(e.origin) && in.take(e.id) &&
                     in.take(e.key.device) && in.take(e.key.inode) && in.take(head_length) && in.take(e.head.hash) &&
                     in.take(e.committed) && in.take(marker_length) && in.take(e.marker.hash) && in.take(e.size) &&
                     in.take(e.first_line.high) && in.take(e.first_line.low) && in.take(e.mtime_ns) &&
                     in.take(e.seen_wall_ns) && in.take(finished);
  if (!whole || head_length > head_bytes_max || marker_length > marker_bytes_max || marker_length > e.committed)
    return false;
  e.head.length = static_cast<std::uint32_t>(head_length);
  e.marker.length = static_cast<std::uint32_t>(marker_length);
  e.finished = finished != 0;
  return true;
}

Error corrupt(std::string_view what) { return Error{Code::corrupt, std::string(what)}; }

Status write_new(const std::string& path, std::string_view bytes) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open()) return errno_error("creating " + path, errno);
  Status written = write_all(file.get(), bytes, path);
  if (!written.ok()) return written;
  if (::fdatasync(file.get()) != 0) return errno_error("syncing " + path, errno);
  return success();
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string out(magic);
  put(out, version);
  put(out, checkpoint.generation);
  put(out, checkpoint.written_wall_ns);
  put(out, static_cast<std::uint32_t>(checkpoint.files.size()));
  for (const CheckpointEntry& entry : checkpoint.files) put_entry(out, entry);
  put(out, crc32c(out));
  return out;
}

Result<Checkpoint> decode_checkpoint(std::string_view bytes) {
  if (bytes.size() < magic.size() + crc_bytes || bytes.substr(0, magic.size()) != magic)
    return corrupt("not a checkpoint");
  std::uint32_t crc = 0;
  (void)ByteReader(bytes.substr(bytes.size() - crc_bytes)).take(crc);
  bytes.remove_suffix(crc_bytes);
  if (crc != crc32c(bytes)) return corrupt("the checksum does not match");
  ByteReader in(bytes.substr(magic.size()));
  Checkpoint checkpoint;
  std::uint32_t written_version = 0;
  std::uint32_t entries = 0;
  if (!in.take(written_version)) return corrupt("cut short");
  if (written_version != version)
    return Error{Code::unsupported, "written in version " + std::to_string(written_version) + " of the format"};
  if (!in.take(checkpoint.generation) || !in.take(checkpoint.written_wall_ns) || !in.take(entries))
    return corrupt("cut short");
  if (entries > in.left() / entry_bytes_least) return corrupt("more entries than bytes for them");
  checkpoint.files.resize(entries);
  for (CheckpointEntry& entry : checkpoint.files) {
    if (!take_entry(in, entry)) return corrupt("a damaged entry");
  }
  if (in.left() != 0) return corrupt("bytes behind the last entry");
  return checkpoint;
}

CheckpointFile::CheckpointFile(std::string folder, const Clock& clock, Log& log, std::uint64_t bytes_max)
    : current_(folder + "/checkpoint"),
      previous_(current_ + ".prev"),
      next_(current_ + ".new"),
      folder_(std::move(folder)),
      clock_(clock),
      log_(log),
      bytes_max_(bytes_max) {}

Result<LoadedCheckpoint> CheckpointFile::load() {
  LoadedCheckpoint loaded;
  bool found = false;
  for (const std::string& path : {current_, previous_}) {
    Result<bool> whole = load_one(path, loaded);
    if (!whole.ok()) return std::move(whole).error();
    if (*whole) {
      found = true;
      break;
    }
  }
  loaded.first_start = !found && loaded.quarantined.empty();
  loaded.lost = !found && !loaded.quarantined.empty();
  if (loaded.lost)
    log_.error("no generation of the checkpoint can be read: every file is read from its beginning",
               {{"folder", folder_}});
  generation_ = loaded.checkpoint.generation;
  return loaded;
}

// False: nothing usable there.
Result<bool> CheckpointFile::load_one(const std::string& path, LoadedCheckpoint& loaded) {
  Result<std::string> bytes = read_file(path, bytes_max_);
  if (!bytes.ok() && bytes.error().code == Code::not_found) return false;
  if (!bytes.ok() && bytes.error().code != Code::limit) return std::move(bytes).error();
  Result<Checkpoint> checkpoint =
      bytes.ok() ? decode_checkpoint(*bytes) : Result<Checkpoint>(Error{Code::limit, "too large to be one"});
  if (checkpoint.ok()) {
    loaded.checkpoint = std::move(checkpoint).value();
    return true;
  }
  const std::string aside = path + ".corrupt-" + std::to_string(clock_.wall_ns() / ns_per_second);
  if (::rename(path.c_str(), aside.c_str()) != 0) return errno_error("putting aside " + path, errno);
  log_.error("a damaged checkpoint was put aside",
             {{"path", path}, {"kept_as", aside}, {"reason", checkpoint.error().message}});
  loaded.quarantined.push_back(aside);
  return false;
}

Status CheckpointFile::save(Checkpoint& checkpoint) {
  checkpoint.generation = generation_ + 1;
  checkpoint.written_wall_ns = clock_.wall_ns();
  Status written = write_new(next_, encode_checkpoint(checkpoint));
  if (!written.ok()) return written;
  if (Status replaced = next_generation(next_, current_, previous_); !replaced.ok()) return replaced;
  generation_ = checkpoint.generation;
  return success();
}

}  // namespace tapewatch
