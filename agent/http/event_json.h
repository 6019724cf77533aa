// SPDX-License-Identifier: Apache-2.0
#pragma once
// An event of the store as it stands in the answers of search, trace and tail. Thread: any.

#include <string>

#include "tapewatch/log_store.h"

namespace tapewatch {

// The document itself, on one line. What is not a JSON object stands as the message of one.
void append_event_json(std::string& out, const LogDocument& document);

}  // namespace tapewatch
