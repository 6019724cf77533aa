// SPDX-License-Identifier: Apache-2.0
#pragma once
// EcsFields: the numbers of the fields that enrichment reads and fills, registered once. Immutable. Thread: any.

#include "event/field_table.h"

namespace tapewatch {

struct EcsFields {
  explicit EcsFields(FieldTable& table)
      : timestamp(table.add("@timestamp")),
        level(table.add("log.level")),
        message(table.add("message")),
        event_action(table.add("event.action")),
        event_category(table.add("event.category")),
        event_type(table.add("event.type")),
        event_outcome(table.add("event.outcome")),
        event_code(table.add("event.code")),
        trace_id(table.add("trace.id")),
        span_id(table.add("span.id")),
        request_id(table.add("http.request.id")),
        correlation_id(table.add("labels.correlation_id")),
        correlation_source(table.add("labels.correlation_source")) {}

  FieldId timestamp;
  FieldId level;
  FieldId message;
  FieldId event_action;
  FieldId event_category;
  FieldId event_type;
  FieldId event_outcome;
  FieldId event_code;
  FieldId trace_id;
  FieldId span_id;
  FieldId request_id;
  FieldId correlation_id;
  FieldId correlation_source;
};

}  // namespace tapewatch
