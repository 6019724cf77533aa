// SPDX-License-Identifier: Apache-2.0
#pragma once
// One value as COPY's text format has it. Thread: any.

#include <string>

#include "tapewatch/row.h"

namespace tapewatch {

void append_copied(std::string& out, const Value& value);

}  // namespace tapewatch
