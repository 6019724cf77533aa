// SPDX-License-Identifier: Apache-2.0
#pragma once
// Migration: one step of a database's schema. A Store applies the ones that its file lacks when it is opened, in order,
// each in a transaction of its own, and records them in the table _migrations with a checksum and in user_version.
// A step that is recorded is never changed again: a store whose steps differ from the recorded ones is refused
// (Code::invalid), and so is one whose file has steps that this program does not know (Code::schema_newer).

#include <cstdint>
#include <functional>
#include <string>

#include "tapewatch/result.h"
#include "tapewatch/transaction.h"

namespace tapewatch {

struct Migration {
  std::int64_t version = 0;  // positive, greater than the one before
  std::string name;
  std::string sql{};                 // statements, run first
  std::function<Status(Tx&)> run{};  // what SQL cannot say; not part of the checksum: name it anew when it changes
  bool keep_copy = false;            // before it: VACUUM INTO <path>.before-<version>, unless that is there
};

}  // namespace tapewatch
