// SPDX-License-Identifier: Apache-2.0
#pragma once
// Enricher: everything an event gains between parser and masker, in one call: ECS names, time and level (Schema), the
// security event it is (Classifier), a correlation id (Correlator), and the fields that every event gets
// (StaticFields). Owned by the pipeline, made before its Parser: it registers the fields it reads. Thread: worker.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "enrich/classifier.h"
#include "enrich/correlator.h"
#include "enrich/ecs_fields.h"
#include "enrich/masker.h"
#include "enrich/schema.h"
#include "enrich/static_fields.h"
#include "event/event.h"

namespace tapewatch {

struct EnricherOptions {
  std::string schema = "auto";
  // Added to every event that has none of that name, in this order: service.name, host.name, labels.desk, ...
  StaticFields::Fields fields;
  bool file = true;                   // log.file.path and log.offset
  std::string ecs_version = "9.5.0";  // "": not added
  CorrelatorOptions correlation;
};

class Enricher final {
 public:
  // `table` and `masker` outlive the enricher.
  Enricher(const EnricherOptions& options, FieldTable& table, Masker& masker);

  // `id` is the event's: it makes the correlation id of an event that has nothing else.
  void enrich(Event& event, const Hash128& id);

  [[nodiscard]] const EcsFields& ecs() const { return ecs_; }
  [[nodiscard]] Correlator& correlator() { return correlator_; }

 private:
  void add_time(Event& event, bool has_time);
  static void add_flags(Event& event);

  // Times of the last event of each file, for lines without one; direct-mapped.
  struct FileTime {
    std::uint64_t file = 0;
    std::int64_t time_ns = 0;
  };
  static constexpr std::size_t file_times = 1024;

  const EcsFields ecs_;
  Schema schema_;
  Classifier classifier_;
  Correlator correlator_;
  StaticFields static_fields_;
  std::array<FileTime, file_times> file_times_{};
};

}  // namespace tapewatch
