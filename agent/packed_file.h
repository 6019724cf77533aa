// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files that may be packed: plain, gzip or zstd, told by their first bytes. Thread: its owner's.

#include <memory>
#include <string>

#include "base/byte_source.h"

namespace tapewatch {

// The file's bytes, unpacked as they are read.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_packed(const std::string& path);

}  // namespace tapewatch
