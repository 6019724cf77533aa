// SPDX-License-Identifier: Apache-2.0
#pragma once
// DeadLetters: documents that the engine refused for good, kept on disk with the reason, to be listed, fixed and sent
// again. Bounded by bytes: the oldest is dropped and counted. Each put is durable before its `done` is called.
// Thread: any; put() never waits for the disk.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct DeadLetter {
  std::int64_t key = 0;  // given by the store, growing
  std::string index;
  std::string id;  // of the document; a second letter with the same index and id replaces the first
  std::string document;
  std::string reason;
  std::int64_t status = 0;  // of the item in the engine's answer
  std::int64_t time_ns = 0;
};

class TAPEWATCH_API DeadLetters final {
 public:
  struct Options {
    std::string path;
    std::int64_t bytes_max = 256 << 20;  // of documents and reasons
    std::size_t queue_bytes_max = 64u << 20;
  };
  struct Counts {
    std::int64_t letters = 0;
    std::int64_t bytes = 0;
    std::int64_t dropped = 0;  // for room, since the file was made
  };
  using Done = std::function<void(Status)>;

  [[nodiscard]] static Result<std::unique_ptr<DeadLetters>> open(Options options);
  ~DeadLetters();
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  // All of them in one commit. `done` is called on the store's thread; on Code::queue_full it is never called, and the
  // letters stay the caller's.
  [[nodiscard]] Status put(std::vector<DeadLetter>&& letters, Done done);
  // Oldest first, those with a key greater than `after`.
  [[nodiscard]] Result<std::vector<DeadLetter>> list(std::int64_t after, std::size_t letters_max);
  [[nodiscard]] Result<std::optional<DeadLetter>> get(std::int64_t key);
  // How many of the keys were there.
  [[nodiscard]] Result<std::int64_t> drop(const std::vector<std::int64_t>& keys);
  [[nodiscard]] Result<Counts> counts();

 private:
  class State;
  explicit DeadLetters(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapewatch
