// SPDX-License-Identifier: Apache-2.0
#pragma once
// The page and what belongs to it, embedded at build from agent/http/ui by embed.cmake. Thread: any.

#include <span>
#include <string_view>

namespace tapewatch {

struct PageFile {
  const char* path;  // "/app.js"
  std::string_view content_type;
  std::string_view content;
};

[[nodiscard]] std::span<const PageFile> page_files();

}  // namespace tapewatch
