// SPDX-License-Identifier: Apache-2.0
#pragma once
// HookedVfs: SQLite's file system with a say in every call that changes a file: as long as it lives, it is what every
// database opened meanwhile uses. The hook may wait, count, or make the call fail. Thread: any, the hook too.

#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

namespace tapewatch {

class HookedVfs final {
 public:
  enum class Call { open, read, write, truncate, sync, shm_map, remove };
  // SQLITE_OK, or the code that the call is to fail with instead of being made.
  using Hook = std::function<int(Call call, const char* path)>;

  explicit HookedVfs(Hook hook) : below_(sqlite3_vfs_find(nullptr)), hook_(std::move(hook)), vfs_(*below_) {
    vfs_.zName = "hooked";
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + below_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    methods_.iVersion = 3;
    methods_.xClose = [](sqlite3_file* f) { return below(f)->pMethods->xClose(below(f)); };
    methods_.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      const int refused = of(f).ask(Call::read);
      return refused != SQLITE_OK ? refused : below(f)->pMethods->xRead(below(f), to, n, at);
    };
    methods_.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
      const int refused = of(f).ask(Call::write);
      return refused != SQLITE_OK ? refused : below(f)->pMethods->xWrite(below(f), from, n, at);
    };
    methods_.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      const int refused = of(f).ask(Call::truncate);
      return refused != SQLITE_OK ? refused : below(f)->pMethods->xTruncate(below(f), size);
    };
    methods_.xSync = [](sqlite3_file* f, int flags) {
      const int refused = of(f).ask(Call::sync);
      return refused != SQLITE_OK ? refused : below(f)->pMethods->xSync(below(f), flags);
    };
    methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return below(f)->pMethods->xFileSize(below(f), n); };
    methods_.xLock = [](sqlite3_file* f, int n) { return below(f)->pMethods->xLock(below(f), n); };
    methods_.xUnlock = [](sqlite3_file* f, int n) { return below(f)->pMethods->xUnlock(below(f), n); };
    methods_.xCheckReservedLock = [](sqlite3_file* f, int* n) {
      return below(f)->pMethods->xCheckReservedLock(below(f), n);
    };
    methods_.xFileControl = [](sqlite3_file* f, int n, void* p) {
      return below(f)->pMethods->xFileControl(below(f), n, p);
    };
    methods_.xSectorSize = [](sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); };
    methods_.xDeviceCharacteristics = [](sqlite3_file* f) {
      return below(f)->pMethods->xDeviceCharacteristics(below(f));
    };
    methods_.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      const int refused = of(f).ask(Call::shm_map);
      return refused != SQLITE_OK ? refused : below(f)->pMethods->xShmMap(below(f), page, size, extend, out);
    };
    methods_.xShmLock = [](sqlite3_file* f, int at, int n, int flags) {
      return below(f)->pMethods->xShmLock(below(f), at, n, flags);
    };
    methods_.xShmBarrier = [](sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); };
    methods_.xShmUnmap = [](sqlite3_file* f, int n) { return below(f)->pMethods->xShmUnmap(below(f), n); };
    methods_.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) {
      return below(f)->pMethods->xFetch(below(f), at, n, out);
    };
    methods_.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* p) {
      return below(f)->pMethods->xUnfetch(below(f), at, p);
    };
    if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) std::abort();
  }
  ~HookedVfs() {
    sqlite3_vfs_register(below_, 1);
    sqlite3_vfs_unregister(&vfs_);
  }
  HookedVfs(const HookedVfs&) = delete;
  HookedVfs& operator=(const HookedVfs&) = delete;

 private:
  struct File {
    sqlite3_file base;
    HookedVfs* vfs;
    const char* path;
    int ask(Call call) const { return vfs->hook_(call, path != nullptr ? path : ""); }
  };
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  // Behind ours lies the file of the system below.
  static sqlite3_file* below(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&of(file) + 1); }
  static HookedVfs& of(sqlite3_vfs* vfs) { return *static_cast<HookedVfs*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    HookedVfs& self = of(vfs);
    file->pMethods = nullptr;
    of(file).vfs = &self;
    of(file).path = path;  // lives as long as the file, says SQLite
    const int refused = of(file).ask(Call::open);
    if (refused != SQLITE_OK) return refused;
    const int opened = self.below_->xOpen(self.below_, path, below(file), flags, out_flags);
    if (below(file)->pMethods != nullptr) file->pMethods = &self.methods_;
    return opened;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int sync) {
    HookedVfs& self = of(vfs);
    const int refused = self.hook_(Call::remove, path);
    return refused != SQLITE_OK ? refused : self.below_->xDelete(self.below_, path, sync);
  }

  sqlite3_vfs* const below_;
  const Hook hook_;
  sqlite3_vfs vfs_;
  sqlite3_io_methods methods_{};
};

}  // namespace tapewatch
