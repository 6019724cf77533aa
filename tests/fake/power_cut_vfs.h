// SPDX-License-Identifier: Apache-2.0
#pragma once
// PowerCutVfs: files in memory that remember what was synced, and what a disk may make of the rest when the power goes:
// of the writes since the last sync some arrive, in any order, and some only in part. A seed decides. SQLite's shared
// memory is the process's own. For code that lists folders itself, names can be those of empty files on the real disk;
// making and removing those is never lost. Thread: any; all handles of one file see the same bytes.

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tapewatch {

class PowerCutVfs final {
 public:
  enum class Names { in_memory, on_disk };
  explicit PowerCutVfs(std::uint32_t seed, Names names = Names::in_memory)
      : below_(sqlite3_vfs_find(nullptr)), vfs_(*below_), on_disk_(names == Names::on_disk), random_(seed) {
    vfs_.zName = "power_cut";
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(Handle));
    vfs_.xOpen = open;
    vfs_.xDelete = [](sqlite3_vfs* v, const char* path, int) {
      const std::lock_guard<std::mutex> lock(of(v).mutex_);
      if (of(v).cut_) return SQLITE_IOERR_DELETE;
      of(v).files_.erase(path);
      if (of(v).on_disk_) ::unlink(path);
      return SQLITE_OK;
    };
    vfs_.xAccess = [](sqlite3_vfs* v, const char* path, int, int* out) {
      const std::lock_guard<std::mutex> lock(of(v).mutex_);
      of(v).forget_removed(path);
      *out = of(v).files_.contains(path) ? 1 : 0;
      return SQLITE_OK;
    };
    vfs_.xFullPathname = [](sqlite3_vfs*, const char* path, int size, char* out) {
      sqlite3_snprintf(size, out, "%s", path);
      return SQLITE_OK;
    };
    set_methods();
    if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) std::abort();
  }
  ~PowerCutVfs() {
    sqlite3_vfs_register(below_, 1);
    sqlite3_vfs_unregister(&vfs_);
  }
  PowerCutVfs(const PowerCutVfs&) = delete;
  PowerCutVfs& operator=(const PowerCutVfs&) = delete;

  // The power goes at the so many-th write or sync from now: whatever is tried from then on fails.
  void cut_after(int calls) {
    const std::lock_guard<std::mutex> lock(mutex_);
    calls_left_ = calls;
  }
  [[nodiscard]] bool is_cut() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return cut_;
  }
  // It is back: files are what the disk has. No handle is open.
  void restore() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [path, file] : files_) settle(*file);
    cut_ = false;
    calls_left_ = -1;
  }

 private:
  struct Write {
    std::size_t at;
    std::string bytes;
    bool truncate = false;  // to `at`
  };
  struct File {
    std::string bytes;    // as the process sees it
    std::string durable;  // as of the last sync
    std::vector<Write> unsynced;
    std::map<int, std::unique_ptr<std::vector<char>>> shared;
    int locks[8] = {};  // of the shared memory: holders, or -1
  };
  struct Handle {
    sqlite3_file base;
    PowerCutVfs* vfs;
    std::shared_ptr<File>* file;
    int shared_held;
    int exclusive_held;
  };
  static Handle& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static PowerCutVfs& of(sqlite3_vfs* vfs) { return *static_cast<PowerCutVfs*>(vfs->pAppData); }

  void forget_removed(const char* path) {
    if (on_disk_ && ::access(path, F_OK) != 0) files_.erase(path);
  }
  static void apply(std::string& bytes, const Write& write, std::size_t size) {
    if (write.truncate) {
      if (bytes.size() > write.at) bytes.resize(write.at);
      return;
    }
    if (bytes.size() < write.at + size) bytes.resize(write.at + size);
    std::copy_n(write.bytes.begin(), size, bytes.begin() + static_cast<std::ptrdiff_t>(write.at));
  }
  void settle(File& file) {
    std::shuffle(file.unsynced.begin(), file.unsynced.end(), random_);
    for (const Write& write : file.unsynced) {
      const auto fate = random_() % 3;
      if (fate == 0) continue;
      // Torn at a sector.
      const std::size_t sectors = write.bytes.size() / 512;
      apply(file.durable, write, fate == 1 || sectors == 0 ? write.bytes.size() : random_() % (sectors + 1) * 512);
    }
    file.unsynced.clear();
    file.bytes = file.durable;
    file.shared.clear();
    std::fill(std::begin(file.locks), std::end(file.locks), 0);
  }
  // True when the power is gone.
  bool count_call() {
    if (!cut_ && calls_left_ >= 0 && calls_left_-- == 0) cut_ = true;
    return cut_;
  }

  static int open(sqlite3_vfs* v, const char* path, sqlite3_file* base, int flags, int* out_flags) {
    PowerCutVfs& self = of(v);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    base->pMethods = nullptr;
    if (path != nullptr) self.forget_removed(path);
    std::shared_ptr<File> file = path == nullptr ? std::make_shared<File>() : self.files_[path];
    if (file == nullptr) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      if (self.on_disk_) ::close(::open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      file = self.files_[path] = std::make_shared<File>();
    }
    Handle& handle = of(base);
    handle.vfs = &self;
    handle.file = new std::shared_ptr<File>(std::move(file));
    handle.shared_held = handle.exclusive_held = 0;
    base->pMethods = &self.methods_;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }
  static int close(sqlite3_file* f) {
    shm_lock(f, 0, 8, SQLITE_SHM_UNLOCK);
    delete of(f).file;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
    const std::string& bytes = (*of(f).file)->bytes;
    const auto from = std::min(static_cast<std::size_t>(at), bytes.size());
    const std::size_t got = std::min(static_cast<std::size_t>(n), bytes.size() - from);
    std::memcpy(to, bytes.data() + from, got);
    std::memset(static_cast<char*>(to) + got, 0, static_cast<std::size_t>(n) - got);
    return got == static_cast<std::size_t>(n) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  int change(File& file, Write write) {
    if (count_call()) return SQLITE_IOERR_WRITE;
    apply(file.bytes, write, write.bytes.size());
    file.unsynced.push_back(std::move(write));
    return SQLITE_OK;
  }
  static int write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
    return of(f).vfs->change(
        **of(f).file,
        Write{static_cast<std::size_t>(at), std::string(static_cast<const char*>(from), static_cast<std::size_t>(n))});
  }
  static int truncate(sqlite3_file* f, sqlite3_int64 size) {
    const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
    return of(f).vfs->change(**of(f).file, Write{static_cast<std::size_t>(size), "", true});
  }
  static int sync(sqlite3_file* f, int) {
    const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
    if (of(f).vfs->count_call()) return SQLITE_IOERR_FSYNC;
    File& file = **of(f).file;
    file.durable = file.bytes;
    file.unsynced.clear();
    return SQLITE_OK;
  }
  static int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
    auto& region = (*of(f).file)->shared[page];
    if (region == nullptr && extend != 0) region = std::make_unique<std::vector<char>>(static_cast<std::size_t>(size));
    *out = region == nullptr ? nullptr : region->data();
    return SQLITE_OK;
  }
  static int shm_lock(sqlite3_file* f, int first, int count, int flags) {
    Handle& handle = of(f);
    const std::lock_guard<std::mutex> lock(handle.vfs->mutex_);
    int* locks = (*handle.file)->locks;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (int i = first; i < first + count; ++i) {
      const int bit = 1 << i;
      if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        if ((handle.exclusive_held & bit) != 0) locks[i] = 0;
        if ((handle.shared_held & bit) != 0) --locks[i];
        handle.exclusive_held &= ~bit;
        handle.shared_held &= ~bit;
      } else if (exclusive ? locks[i] != 0 : locks[i] < 0) {
        return SQLITE_BUSY;
      }
    }
    for (int i = first; (flags & SQLITE_SHM_LOCK) != 0 && i < first + count; ++i) {
      const int bit = 1 << i;
      if ((handle.shared_held & bit) != 0) continue;
      locks[i] = exclusive ? -1 : locks[i] + 1;
      (exclusive ? handle.exclusive_held : handle.shared_held) |= bit;
    }
    return SQLITE_OK;
  }
  void set_methods() {
    methods_.iVersion = 2;
    methods_.xClose = close;
    methods_.xRead = read;
    methods_.xWrite = write;
    methods_.xTruncate = truncate;
    methods_.xSync = sync;
    methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_);
      *size = static_cast<sqlite3_int64>((*of(f).file)->bytes.size());
      return SQLITE_OK;
    };
    // One process and, for writes, one connection: the store's own lock keeps others away.
    methods_.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
    methods_.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
    methods_.xCheckReservedLock = [](sqlite3_file*, int* out) { return *out = 0, SQLITE_OK; };
    methods_.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
    methods_.xSectorSize = [](sqlite3_file*) { return 512; };
    methods_.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    methods_.xShmMap = shm_map;
    methods_.xShmLock = shm_lock;
    methods_.xShmBarrier = [](sqlite3_file* f) { const std::lock_guard<std::mutex> lock(of(f).vfs->mutex_); };
    methods_.xShmUnmap = [](sqlite3_file*, int) { return SQLITE_OK; };
  }

  sqlite3_vfs* const below_;
  sqlite3_vfs vfs_;
  const bool on_disk_;
  sqlite3_io_methods methods_{};
  std::mutex mutex_;  // what follows, and every file
  std::map<std::string, std::shared_ptr<File>> files_;
  std::mt19937 random_;
  int calls_left_ = -1;
  bool cut_ = false;
};

}  // namespace tapewatch
