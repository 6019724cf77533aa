// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether a value may be shown outside its event: as a name of a group, as a label of a metric. Thread: any.

#include <string_view>

#include "event/event.h"

namespace tapewatch {

// Whether the value stands in the document as it does in the line, so that showing it tells nothing that masking hid.
[[nodiscard]] bool document_shows(std::string_view document, const FieldValue& value);

}  // namespace tapewatch
