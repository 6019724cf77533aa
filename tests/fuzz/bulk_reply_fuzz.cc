// SPDX-License-Identifier: Apache-2.0
// The bulk reply reader on any bytes, for a request of a few items: what is understood speaks of each item exactly
// once.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fake/bulk.h"
#include "sinks/bulk_reply.h"
#include "sinks/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  static_cast<void>(tapewatch::parse_engine(text));
  tapewatch::Batch batch = tapewatch::fake_batch(1, data[0] % 5 + 1U);
  const tapewatch::Bulk bulk{std::move(batch.body), std::move(batch.items), {}};
  tapewatch::BulkReply reader;
  const auto verdict = reader.read(text, bulk);
  if (!verdict.ok()) return 0;
  if (verdict->created + verdict->duplicate + verdict->refused.size() != bulk.items.size()) std::abort();
  for (const tapewatch::RefusedItem& refused : verdict->refused) {
    if (refused.item >= bulk.items.size()) std::abort();
  }
  return 0;
}
