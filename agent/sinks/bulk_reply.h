// SPDX-License-Identifier: Apache-2.0
#pragma once
// BulkReply: reads the answer of `_bulk` item by item. An answer that does not say, for each item that was sent and in
// their order, what became of it, is no answer at all: read() fails, and nothing of it counts. Thread: loop.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/json_index.h"
#include "sinks/bulk.h"
#include "tapewatch/result.h"

namespace tapewatch {

// An item that was neither created nor there already.
struct RefusedItem {
  std::uint32_t item = 0;
  int status = 0;
  std::string type;
  std::string reason;  // cut at reason_bytes_max
};

struct BulkVerdict {
  std::size_t created = 0;
  std::size_t duplicate = 0;
  std::vector<RefusedItem> refused;
};

class BulkReply final {
 public:
  static constexpr std::size_t reason_bytes_max = 1024;

  // Code::bad_reply when the text cannot be taken for the answer to `bulk`.
  [[nodiscard]] Result<BulkVerdict> read(std::string_view text, const Bulk& bulk);

 private:
  struct Item {
    int status = 0;
    std::string_view id;
    std::string_view type;    // still escaped
    std::string_view reason;  // still escaped
  };
  // The usual reply: every item created, and all alike but for _id and sequence number. Learns the first item's shape
  // with the strict reader and compares the others to it byte by byte, which costs a tenth. False: it is not such a
  // reply.
  struct Shape {
    std::string before_id, after_id, end;  // the item's text around its _id and its _seq_no
    std::size_t id_bytes = 0;
    bool numbered = false;  // has a _seq_no
  };
  [[nodiscard]] bool read_uniform(std::string_view text, const Bulk& bulk);
  [[nodiscard]] bool learn(std::string_view text, Shape& shape);

  Status read_body(const Bulk& bulk, BulkVerdict& verdict);
  Status read_items(const Bulk& bulk, BulkVerdict& verdict);
  [[nodiscard]] bool read_item(Item& item);
  [[nodiscard]] bool read_member(std::string_view key, Item& item);
  [[nodiscard]] bool read_error(Item& item);
  // Reads `"key":`; false when something else stands there.
  [[nodiscard]] bool read_key(std::string_view& key);

  JsonIndex index_;
};

}  // namespace tapewatch
