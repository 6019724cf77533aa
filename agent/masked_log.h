// SPDX-License-Identifier: Apache-2.0
#pragma once
// MaskedLog: the agent's own log, with the texts of its fields masked as events are: a reason may quote a document, a
// path or an address may hold a name. Owned by the agent, whose parts know no other log. Thread: any.

#include "base/log.h"
#include "base/mutex.h"
#include "enrich/masker.h"

namespace tapewatch {

class MaskedLog final : public Log {
 public:
  // `log` and `masked_fields` outlive it.
  MaskedLog(Log& log, const MaskOptions& options, Family<Counter>& masked_fields)
      : log_(log), masker_(options, masked_fields) {}
  void write(LogLevel level, std::string_view message, Fields fields) override EXCLUDES(mutex_);

 private:
  Log& log_;
  Mutex mutex_;
  Masker masker_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch
