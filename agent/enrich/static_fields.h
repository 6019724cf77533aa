// SPDX-License-Identifier: Apache-2.0
#pragma once
// StaticFields: what is added to every event, whatever its line says: fields of the configuration, the service, the
// host, the pod, and where the line stands. One piece of JSON is made when the configuration is loaded; only a line
// that has one of these fields itself, which then stays, is given them one by one. Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/event.h"

namespace tapewatch {

class StaticFields final {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // Of two fields with one name the first stays. `file`: log.file.path and log.offset.
  StaticFields(const Fields& fields, bool file, FieldTable& table);
  void add_to(Event& event);

 private:
  struct Field {
    FieldId id = no_field;
    std::string name;
    std::string value;
    std::string member;  // ,"name":"value"
  };
  void use_source(const SourceFile& source);

  std::vector<Field> fields_;
  const bool file_;
  FieldId path_ = no_field;
  FieldId offset_ = no_field;
  std::string all_;  // members of all fields

  // Of the file whose line came last.
  std::string source_path_;
  std::string path_member_;
  std::string all_with_path_;
};

}  // namespace tapewatch
