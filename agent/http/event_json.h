// SPDX-License-Identifier: Apache-2.0
#pragma once
// An event of the store as it stands in the answers of search, trace and tail. Thread: any.

#include <string>

#include "tapewatch/log_store.h"

namespace tapewatch {

// {"sequence":1,"id":"...","time":"...","level":"ERROR","event":{...}} on one line; a document that is not a JSON
// object stands as a string under "text" instead of "event".
void append_event_json(std::string& out, const LogDocument& document);

}  // namespace tapewatch
