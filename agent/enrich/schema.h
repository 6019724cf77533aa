// SPDX-License-Identifier: Apache-2.0
#pragma once
// Schema: brings the names of a line into the Elastic Common Schema. Only names of direct members change, as edits; a
// value changes where it must (a level's spelling, a time that Elasticsearch would refuse). It never makes a name that
// the line already has: then the original name stays. What it moves also fills the slot of its new name, so that rules
// find it under both. Reads the event's time and level. Owned by the Enricher. Thread: worker.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrich/ecs_fields.h"
#include "enrich/schema_table.h"
#include "enrich/time_reader.h"
#include "event/event.h"

namespace tapewatch {

class Schema final {
 public:
  // `name` is one of the configuration's. "none" reads time, level and ids but changes no name.
  Schema(std::string_view name, const EcsFields& ecs, FieldTable& table);

  // Sets time_ns and level. Returns whether the line told its time; whether it stands under "@timestamp" is then to be
  // seen there.
  bool apply(Event& event);
  // The time as the line tells it, when that is RFC 3339 as an engine takes it; else "". Lives as long as the event.
  [[nodiscard]] std::string_view time_text() const { return time_text_; }

 private:
  static constexpr std::size_t rows_max = 192;
  static constexpr std::uint16_t no_row = 0xFFFF;
  struct Target {
    FieldId field = no_field;
    std::string quoted_name;  // "\"log.level\""
  };
  struct Row {
    SourceKind kind = SourceKind::leaf;
    FieldId source = no_field;
    Target target;
    Target number_target;
    Target fallback;  // when the target is taken or does not fit
  };
  using RowSet = std::array<std::uint64_t, rows_max / 64>;

  [[nodiscard]] static Target target_of(std::string_view name, FieldTable& table);
  [[nodiscard]] RowSet rows_in(const Event& event) const;
  void apply_row(Event& event, const Row& row);
  void read_time(Event& event, const Row& row, const FieldValue& value);
  void read_level(Event& event, const Row& row, const FieldValue& value);
  void read_traceparent(Event& event, const FieldValue& value);
  void move_event(Event& event, const Row& row, const FieldValue& value);
  void move_id(Event& event, const Row& row, const FieldValue& value);
  // False when the target is taken or the value is no direct member.
  bool move(Event& event, const FieldValue& value, const Target& target);
  void move_or_fall_back(Event& event, const Row& row, const FieldValue& value, const Target& target);

  const EcsFields ecs_;
  const bool rewrites_;
  std::vector<Row> rows_;
  std::vector<std::uint16_t> row_of_field_;
  const FieldId http_request_;
  const FieldId instant_;
  const FieldId instant_nanos_;
  Target message_;
  Target timestamp_;
  TimeReader times_;
  bool has_time_ = false;  // of the current event
  std::string_view time_text_;
};

}  // namespace tapewatch
