// SPDX-License-Identifier: Apache-2.0
#pragma once
// LoaderTurns: a scheduler for loaders of those who have no loop: jobs and, after the last of them, what waits for the
// end of the turn. So loads made by the answers of one turn join in the next batch. Owned by the request. Thread: one.

#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace tapewatch {

class LoaderTurns final {
 public:
  using Job = std::function<void()>;
  void post(Job job) { jobs_.push_back(std::move(job)); }
  void at_end(Job job) { ends_.push_back(std::move(job)); }
  // Until nothing is left to do.
  void run() {
    while (!jobs_.empty() || !ends_.empty()) {
      while (!jobs_.empty()) {
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        job();
      }
      for (const Job& end : std::exchange(ends_, {})) end();
    }
  }

 private:
  std::deque<Job> jobs_;
  std::vector<Job> ends_;
};

}  // namespace tapewatch
