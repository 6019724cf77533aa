// SPDX-License-Identifier: Apache-2.0
#pragma once
// TAPEWATCH_API marks what the shared libraries export; everything else of them is hidden.

#define TAPEWATCH_API __attribute__((visibility("default")))
