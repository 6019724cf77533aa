// SPDX-License-Identifier: Apache-2.0
#pragma once
// The index templates of tapewatch's data streams, as the engine wants them. They take every line whose fields do not
// change between scalar and object: see the comment on the mappings in templates.cc. Thread: any.

#include <string>
#include <vector>

#include "sinks/engine.h"

namespace tapewatch {

// Data streams, or plain indices, and how long the engine keeps what is in them.
struct StreamOptions {
  std::string pattern;
  bool data_stream = true;
  std::string retention = {};  // "30d"; "": for ever, or as the engine's own policies say
};

struct TemplateOptions {
  StreamOptions app{"logs-tapewatch.app-*"};
  StreamOptions alerts{"logs-tapewatch.alerts-*"};
  StreamOptions audit{"logs-tapewatch.audit-*"};
  int fields_max = 2000;  // of one index: fields beyond it are kept in _source and not indexed
  // The limit where the engine cannot ignore what is beyond it (OpenSearch, Elasticsearch before 8.14) and refuses the
  // document instead.
  int fields_limit = 10'000;
};

struct Template {
  std::string path;  // "_component_template/tapewatch-common"
  std::string body;  // JSON
};

// Whether the engine removes what is older than a retention by itself: a data stream's lifecycle.
[[nodiscard]] bool has_lifecycle(const Engine& engine);

// In the order in which they must be put.
[[nodiscard]] std::vector<Template> make_templates(const Engine& engine, const TemplateOptions& options);

// All of them as one readable text: "PUT path", the body, an empty line.
[[nodiscard]] std::string print_templates(const Engine& engine, const TemplateOptions& options);

}  // namespace tapewatch
