// SPDX-License-Identifier: Apache-2.0
#include "loop/folder_watch.h"

#include <uv.h>

#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "loop/loop.h"

namespace tapewatch {

struct FolderWatch::Handle {
  uv_fs_event_t uv{};
  Changed changed;

  static void close(Handle* handle) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* h) { delete static_cast<Handle*>(h->data); });
  }
  static void on_event(uv_fs_event_t* h, const char* name, int, int status) {
    // An event with an error says only that something was missed: the same hint without a name.
    const bool named = status == 0 && name != nullptr;
    static_cast<Handle*>(h->data)->changed(named ? std::string_view(name) : std::string_view());
  }
};

Result<std::unique_ptr<FolderWatch>> FolderWatch::open(Loop& loop, const std::string& folder, Changed changed) {
  CHECK(loop.on_thread());
  auto handle = std::make_unique<Handle>();
  handle->changed = std::move(changed);
  handle->uv.data = handle.get();
  CHECK(uv_fs_event_init(loop.native(), &handle->uv) == 0);
  const int rc = uv_fs_event_start(&handle->uv, Handle::on_event, folder.c_str(), 0);
  if (rc != 0) {
    Handle::close(handle.release());
    Error error = errno_error("watching " + folder, -rc);
    if (rc == UV_ENOSPC || rc == UV_EMFILE || rc == UV_ENFILE || rc == UV_ENOMEM) error.code = Code::limit;
    return error;
  }
  return std::unique_ptr<FolderWatch>(new FolderWatch(handle.release()));
}

FolderWatch::~FolderWatch() { Handle::close(handle_); }

}  // namespace tapewatch
