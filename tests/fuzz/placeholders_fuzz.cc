// SPDX-License-Identifier: Apache-2.0
// Placeholders of any statement: what has none stays as it is, and what was translated has none.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/postgres/placeholders.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const std::string once = tapewatch::numbered_placeholders(sql);
  if (sql.find('?') == std::string_view::npos && once != sql) std::abort();
  if (sql.find("??") == std::string_view::npos && tapewatch::numbered_placeholders(once) != once) std::abort();
  return 0;
}
