// SPDX-License-Identifier: Apache-2.0
#pragma once
// The checkpoint: which files are known and how far each is acknowledged, as one small file that is replaced whole. The
// generation before is kept beside it. It holds hashes, paths and numbers, never contents of a log. Thread: loop.
//
// On disk (numbers little-endian): "TWCP", u32 version 1, u64 generation, i64 wall time of writing, u32 entries, the
// entries, u32 CRC-32C of everything before it. Strings are u32 length and bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "tail/identity.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct CheckpointEntry {
  std::uint64_t id = 0;
  std::string input;
  std::string path;
  std::string origin;  // the path under which the file was first found
  FileKey key;
  Head head;
  std::uint64_t committed = 0;  // lowest unacknowledged offset
  Marker marker;                // of committed
  std::uint64_t size = 0;       // last known
  std::int64_t mtime_ns = 0;    // last known
  Hash128 first_line;           // zero: not known yet
  std::int64_t seen_wall_ns = 0;
  bool finished = false;  // the file is gone and all of it is accounted for
  friend bool operator==(const CheckpointEntry&, const CheckpointEntry&) = default;
};

struct Checkpoint {
  std::uint64_t generation = 0;
  std::int64_t written_wall_ns = 0;
  std::vector<CheckpointEntry> files;
};

[[nodiscard]] std::string encode_checkpoint(const Checkpoint& checkpoint);
// Code::corrupt, or Code::unsupported for another version. Any bytes are safe to pass.
[[nodiscard]] Result<Checkpoint> decode_checkpoint(std::string_view bytes);

struct LoadedCheckpoint {
  Checkpoint checkpoint;
  bool first_start = false;              // there was no checkpoint of any kind
  bool lost = false;                     // there was one, but no generation of it could be read
  std::vector<std::string> quarantined;  // new names of what could not be read
};

class CheckpointFile final {
 public:
  CheckpointFile(std::string folder, const Clock& clock, Log& log, std::uint64_t bytes_max);

  // The newest generation that is whole; what is damaged is renamed to *.corrupt-TIME. Fails only when a file is there
  // and may not or cannot be read or renamed.
  [[nodiscard]] Result<LoadedCheckpoint> load();
  // Durable when it succeeds; when it fails the generation on disk is still whole. Sets generation and time.
  [[nodiscard]] Status save(Checkpoint& checkpoint);

 private:
  [[nodiscard]] Result<bool> load_one(const std::string& path, LoadedCheckpoint& loaded);

  const std::string current_;
  const std::string previous_;
  const std::string next_;
  const std::string folder_;
  const Clock& clock_;
  Log& log_;
  const std::uint64_t bytes_max_;
  std::uint64_t generation_ = 0;
};

}  // namespace tapewatch
