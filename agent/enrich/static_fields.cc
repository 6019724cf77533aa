// SPDX-License-Identifier: Apache-2.0
#include "enrich/static_fields.h"

#include <algorithm>
#include <charconv>

#include "base/json_writer.h"

namespace tapewatch {
namespace {

std::string member_of(std::string_view name, std::string_view value) {
  std::string out = ",";
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, value);
  return out;
}

}  // namespace

StaticFields::StaticFields(const Fields& fields, bool file, FieldTable& table) : file_(file) {
  for (const auto& [name, value] : fields) {
    const FieldId id = table.add(name);
    if (std::any_of(fields_.begin(), fields_.end(), [id = id](const Field& field) { return field.id == id; })) continue;
    fields_.push_back(Field{id, name, value, member_of(name, value)});
    all_.append(fields_.back().member);
  }
  if (!file_) return;
  path_ = table.add("log.file.path");
  offset_ = table.add("log.offset");
  use_source(SourceFile{});
}

void StaticFields::use_source(const SourceFile& source) {
  source_path_ = source.path;
  path_member_ = member_of("log.file.path", source.path);
  all_with_path_ = all_ + path_member_ + ",\"log.offset\":";
}

void StaticFields::add_to(Event& event) {
  bool alone = true;  // whether the line has none of these fields
  for (const Field& field : fields_) {
    if (event.field(field.id).present()) {
      alone = false;
    } else {
      event.set(field.id, field.value);
    }
  }
  if (file_ && source_path_ != event.source().path) use_source(event.source());
  const bool has_place = file_ && (event.field(path_).present() || event.field(offset_).present());
  if (alone && !has_place) {
    event.add_members(file_ ? all_with_path_ : all_);
  } else {
    for (const Field& field : fields_) {
      // Set above, and not in the line, when it shows the very text of this field.
      if (event.field(field.id).raw.data() == field.value.data()) event.add_members(field.member);
    }
    if (!file_ || has_place) return;
    event.add_members(path_member_);
    event.add_members(",\"log.offset\":");
  }
  if (!file_) return;
  event.set(path_, source_path_);
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, event.line().offset).ptr;
  event.add_members(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

}  // namespace tapewatch
