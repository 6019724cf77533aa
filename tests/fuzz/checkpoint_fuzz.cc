// SPDX-License-Identifier: Apache-2.0
// Any bytes as a checkpoint: refused or decoded, and what was decoded survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "tail/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewatch;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)decode_checkpoint(bytes);
  // With the checksum put right, so that what is behind it is tried too.
  std::string sealed(bytes);
  const std::uint32_t crc = crc32c(sealed);
  for (int i = 0; i < 4; ++i) sealed.push_back(static_cast<char>(crc >> (8 * i) & 0xFF));
  const Result<Checkpoint> decoded = decode_checkpoint(sealed);
  if (!decoded.ok()) return 0;
  const std::string again = encode_checkpoint(*decoded);
  const Result<Checkpoint> back = decode_checkpoint(again);
  CHECK(back.ok() && back->files == decoded->files && back->generation == decoded->generation);
  return 0;
}
