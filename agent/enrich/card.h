// SPDX-License-Identifier: Apache-2.0
#pragma once
// Payment card numbers: 13 to 19 digits, in one group or in groups divided by single spaces or dashes, of an issuer's
// range (ISO/IEC 7812) and with a right check digit (Luhn). Thread: any.

#include <string_view>

#include "base/scan.h"

namespace tapewatch {

// The next card number in a run of digits (see LineScan) that starts at or behind `from`. A number inside a
// longer run of letters and digits, or behind a decimal point, is none. False when there is no more.
[[nodiscard]] bool find_card(std::string_view text, TextRange run, std::size_t from, TextRange& card);

}  // namespace tapewatch
