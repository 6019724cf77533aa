// SPDX-License-Identifier: Apache-2.0
#include "loop/signal_watch.h"

#include <uv.h>

#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "loop/loop.h"

namespace tapewatch {

struct SignalWatch::Handle {
  uv_signal_t uv{};
  std::function<void()> fn;

  static void close(Handle* handle) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->uv), [](uv_handle_t* h) { delete static_cast<Handle*>(h->data); });
  }
};

Result<std::unique_ptr<SignalWatch>> SignalWatch::open(Loop& loop, int signal_number, std::function<void()> fn) {
  CHECK(loop.on_thread());
  auto handle = std::make_unique<Handle>();
  handle->fn = std::move(fn);
  handle->uv.data = handle.get();
  if (const int rc = uv_signal_init(loop.native(), &handle->uv); rc != 0) {
    return errno_error("watching for signals", -rc);
  }
  const int rc = uv_signal_start(
      &handle->uv, [](uv_signal_t* h, int) { static_cast<Handle*>(h->data)->fn(); }, signal_number);
  if (rc != 0) {
    Handle::close(handle.release());
    return errno_error("watching for signals", -rc);
  }
  return std::unique_ptr<SignalWatch>(new SignalWatch(handle.release()));
}

SignalWatch::~SignalWatch() { Handle::close(handle_); }

}  // namespace tapewatch
