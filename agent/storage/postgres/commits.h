// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgCommits: who is told which tables a commit changed, here and in other processes that use the same channel. What a
// transaction changed is asked of the server in the round trip of its COMMIT. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/commit_listeners.h"

namespace tapewatch {

struct PgCommits {
  explicit PgCommits(std::string name);

  const std::string channel;  // "": other processes are neither told nor heard
  const std::string origin;   // what our own words begin with
  CommitListeners listeners;

  [[nodiscard]] bool wanted() const { return !channel.empty() || listeners.any(); }
  // Names the tables that the transaction changed so far, and tells them to the channel when it commits.
  [[nodiscard]] std::string statement(int server_version) const;
  // What another process said.
  void heard(std::string_view word);
  // Something may have been missed.
  void missed();
};

}  // namespace tapewatch
