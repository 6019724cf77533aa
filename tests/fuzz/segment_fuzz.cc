// SPDX-License-Identifier: Apache-2.0
// A segment of the embedded store with damaged bytes: it opens or is put aside, searches answer, new documents are
// taken. The input is a list of patches of three bytes: place in the file (two) and the new byte.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "tapewatch/log_store.h"

using namespace tapewatch;

namespace {

class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view, Fields) override {}
};

struct Rig {
  Rig() { std::filesystem::create_directory(folder); }
  ~Rig() { std::filesystem::remove_all(folder); }
  std::unique_ptr<LogStore> open() {
    LogStore::Options options;
    options.folder = folder + "/store";
    options.block_bytes = 1024;
    auto store = LogStore::open(options, clock, log);
    if (!store.ok()) std::abort();
    return std::move(*store);
  }
  void put(LogStore& store, int count) {
    LogBatch batch;
    for (int i = 0; i < count; ++i) {
      batch.add({.time_ns = i, .id_low = static_cast<std::uint64_t>(i)},
                R"({"message":"token)" + std::to_string(i) + "\"}");
    }
    if (!store.append(std::move(batch), [](const Status&) {}).ok()) std::abort();
    static_cast<void>(store.flush().ok());
  }
  const std::string folder = "/dev/shm/tapewatch-segment-fuzz-" + std::to_string(::getpid());
  SystemClock clock;
  NoLog log;
  std::string segment;  // its path
  std::string sound;    // its bytes
};

Rig& rig() {
  static Rig one;
  if (!one.sound.empty()) return one;
  one.put(*one.open(), 200);
  for (const auto& entry : std::filesystem::directory_iterator(one.folder + "/store")) {
    if (entry.path().filename().string().starts_with("segment-") && entry.path().extension() == ".db")
      one.segment = entry.path();
  }
  std::ifstream in(one.segment, std::ios::binary);
  one.sound.assign(std::istreambuf_iterator<char>(in), {});
  if (one.sound.empty()) std::abort();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Rig& one = rig();
  std::string bytes = one.sound;
  for (std::size_t i = 0; i + 2 < size; i += 3)
    bytes[static_cast<std::size_t>(data[i] | data[i + 1] << 8) % bytes.size()] = static_cast<char>(data[i + 2]);
  std::filesystem::remove_all(one.folder + "/store");
  std::filesystem::create_directory(one.folder + "/store");
  std::ofstream(one.segment, std::ios::binary) << bytes;
  const auto store = one.open();
  const auto query = Query::parse("token7");
  const SearchLimits limits;
  static_cast<void>(store->search(std::get<Query>(query), {}, limits).ok());
  static_cast<void>(store->trace("token8", limits).ok());
  static_cast<void>(store->top_values(std::get<Query>(query), {}, "a.b", 5, limits.time_max).ok());
  static_cast<void>(store->histogram(std::get<Query>(query), {0, 1000}, 10, limits.time_max).ok());
  one.put(*store, 3);
  return 0;
}
