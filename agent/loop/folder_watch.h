// SPDX-License-Identifier: Apache-2.0
#pragma once
// FolderWatch: tells that something in one folder was written, made, renamed or removed. A hint, never the truth: the
// kernel drops events when too many come, some file systems send none, and there may be no watches left, so that
// whoever uses it polls as well. Thread: loop.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

class Loop;

class FolderWatch final {
 public:
  // Name of the entry inside the folder; empty when the kernel did not say. Several changes may come as one call.
  using Changed = std::function<void(std::string_view name)>;

  // Fails with Code::limit when the kernel has no watches or instances left, and with what open() would say otherwise.
  static Result<std::unique_ptr<FolderWatch>> open(Loop& loop, const std::string& folder, Changed changed);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

 private:
  struct Handle;
  explicit FolderWatch(Handle* handle) : handle_(handle) {}
  Handle* handle_;  // freed by the loop once it is closed
};

}  // namespace tapewatch
