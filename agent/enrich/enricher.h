#pragma once
#include <string>
#include <vector>
#include "event/event.h"
namespace tapewatch {
struct EnrichOptions { std::vector<std::pair<std::string,std::string>> fields; };
class Enricher final { public:
  Enricher(EnrichOptions o, FieldTable& t) : t_(t.add("@timestamp")), l_(t.add("log.level")) { t.alias("timestamp", t_); t.alias("level", l_); t.alias("event", t.add("event.action")); t.alias("order_id", t.add("order.id")); t.alias("user_id", t.add("user.id")); t.alias("correlation_id", t.add("labels.correlation_id"));
    for (auto& [k,v] : o.fields) blob_ += ",\"" + k + "\":\"" + v + "\""; }
  void enrich(Event& e, const Hash128&);
 private: FieldId t_, l_; std::string blob_;
};
}
