#include "enrich/enricher.h"
#include "base/timestamp.h"
namespace tapewatch {
void Enricher::enrich(Event& e, const Hash128&) {
  if (e.field(t_).present()) { if (auto t = parse_rfc3339(e.field(t_).raw)) e.time_ns = *t; }
  if (e.field(l_).present()) e.level = level_from_name(e.field(l_).raw);
  e.add_members(blob_);
}
}
