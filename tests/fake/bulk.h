// SPDX-License-Identifier: Apache-2.0
#pragma once
// Batches to send and replies to give, for tests of the Elasticsearch sink.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "event/batch.h"
#include "sinks/bulk.h"

namespace tapewatch {

// A batch of `count` items whose ids are "<number>-<i>", covering the bytes [100 * number, 100 * number + 100) of
// file 1.
inline Batch fake_batch(std::uint64_t number, std::size_t count, std::size_t document_bytes = 10) {
  Batch batch;
  batch.number = number;
  batch.spans.push_back(Span{1, 100 * number, 100 * number + 100});
  for (std::size_t i = 0; i < count; ++i) {
    batch.body += "{\"create\":{\"_id\":\"" + std::to_string(number) + "-" + std::to_string(i) + "\"}}\n{\"m\":\"" +
                  std::string(document_bytes, 'x') + "\"}\n";
    batch.items.push_back(static_cast<std::uint32_t>(batch.body.size()));
  }
  return batch;
}

inline std::vector<std::string> ids_of(std::string_view body) {
  std::vector<std::string> ids;
  while (!body.empty()) {
    const std::size_t line = body.find('\n');
    ids.emplace_back(id_of_action(body.substr(0, line)));
    body.remove_prefix(body.find('\n', line + 1) + 1);
  }
  return ids;
}

// One item of a reply: its status, and for a refusal its error's type.
struct FakeItem {
  int status = 201;
  std::string type;
};

inline std::string reply_item(std::string_view id, const FakeItem& item) {
  std::string out = "{\"create\":{\"_index\":\"i\",\"_id\":\"" + std::string(id) + "\",";
  if (item.status >= 300) {
    out += "\"status\":" + std::to_string(item.status) + ",\"error\":{\"type\":\"" + item.type +
           "\",\"reason\":\"because \\\"x\\\"\",\"caused_by\":{\"type\":\"inner\",\"reason\":\"deep\"}}}}";
  } else {
    out +=
        "\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":2,\"successful\":1,\"failed\":0},\"_seq_no\":7,"
        "\"_primary_term\":1,\"status\":" +
        std::to_string(item.status) + "}}";
  }
  return out;
}

// The reply to `body` with these verdicts; items beyond the list are created.
inline std::string fake_reply(std::string_view body, const std::vector<FakeItem>& items = {}) {
  std::string out = "{\"took\":3,\"errors\":true,\"items\":[";
  const std::vector<std::string> ids = ids_of(body);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    out += reply_item(ids[i], i < items.size() ? items[i] : FakeItem{});
  }
  return out + "]}";
}

}  // namespace tapewatch
