// SPDX-License-Identifier: Apache-2.0
#pragma once
// The index templates of tapewatch's data streams, as the engine wants them. They take every line whose fields do not
// change between scalar and object: see the comment on the mappings in templates.cc. Thread: any.

#include <string>
#include <vector>

#include "sinks/engine.h"

namespace tapewatch {

struct TemplateOptions {
  // Data streams (or indices) that the templates apply to.
  std::string app_pattern = "logs-tapewatch.app-*";
  std::string alerts_pattern = "logs-tapewatch.alerts-*";
  std::string audit_pattern = "logs-tapewatch.audit-*";
  bool data_streams = true;  // false: plain indices
  int fields_max = 2000;     // of one index: fields beyond it are kept in _source and not indexed
  // The limit where the engine cannot ignore what is beyond it (OpenSearch, Elasticsearch before 8.14) and refuses the
  // document instead.
  int fields_limit = 10'000;
};

struct Template {
  std::string path;  // "_component_template/tapewatch-common"
  std::string body;  // JSON
};

// In the order in which they must be put.
[[nodiscard]] std::vector<Template> make_templates(const Engine& engine, const TemplateOptions& options);

// All of them as one readable text: "PUT path", the body, an empty line.
[[nodiscard]] std::string print_templates(const Engine& engine, const TemplateOptions& options);

}  // namespace tapewatch
