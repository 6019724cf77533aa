// SPDX-License-Identifier: Apache-2.0
#pragma once
// CHECK(condition): for errors of the programmer only, on in release builds too: prints file:line and aborts.
// What the outside world can cause (a bad line, a full disk, a 429) is never checked with it.

namespace tapewatch {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace tapewatch

#define CHECK(condition)                                       \
  (__builtin_expect(static_cast<bool>(condition), 1) ? void(0) \
                                                     : ::tapewatch::check_failed(#condition, __FILE__, __LINE__))
