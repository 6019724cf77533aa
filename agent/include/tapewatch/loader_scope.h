// SPDX-License-Identifier: Apache-2.0
#pragma once
// LoaderScope: the loaders of one request, and its writes. A write made through the scope makes the loaders forget what
// they read of the tables that it changed, by triggers and foreign keys too, before its caller has the result: who asks
// after a write of the same request never gets what was there before. Writes of others are not noticed: that is what
// makes a request see one state. Made with the request and gone with it; the loaders outlive it or leave it.
// Thread: one, that of the loaders.

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/storage.h"

namespace tapewatch {

class LoaderScope final {
 public:
  explicit LoaderScope(Store& store) : store_(store) {}
  LoaderScope(const LoaderScope&) = delete;
  LoaderScope& operator=(const LoaderScope&) = delete;

  // `loader` is cleared whole when one of `tables` changes.
  template <typename AnyLoader>
  void add(AnyLoader& loader, std::vector<std::string> tables) {
    members_.push_back({std::move(tables), [&loader] { loader.clear_all(); }});
  }

  // As Store::write and Store::submit. `options` has an executor that answers on the loaders' thread.
  [[nodiscard]] Status write(const Store::Job& job, Durability durability = Durability::fast) {
    std::vector<std::string> changed;
    Status done = store_.write(noting(job, changed), durability);
    if (done.ok()) changed_now(changed);
    return done;
  }
  // The scope lives until `done` was called.
  [[nodiscard]] Status submit(Store::Job job, Store::Done done, CallOptions options) {
    const auto changed = std::make_shared<std::vector<std::string>>();
    return store_.submit([job = std::move(job), changed](Tx& tx) { return noting(job, *changed)(tx); },
                         [this, changed, done = std::move(done)](Status status) {
                           if (status.ok()) changed_now(*changed);
                           done(std::move(status));
                         },
                         std::move(options));
  }

  // For tables that changed otherwise; "" is any table.
  void changed_now(const std::vector<std::string>& tables) {
    ++writes_;
    for (const Member& member : members_) {
      const bool concerned = std::any_of(tables.begin(), tables.end(), [&](const std::string& table) {
        return table.empty() || std::find(member.tables.begin(), member.tables.end(), table) != member.tables.end();
      });
      if (concerned) member.clear();
    }
  }
  [[nodiscard]] std::int64_t writes() const { return writes_; }

 private:
  struct Member {
    std::vector<std::string> tables;
    std::function<void()> clear;
  };
  static Store::Job noting(const Store::Job& job, std::vector<std::string>& changed) {
    return [&job, &changed](Tx& tx) {
      Status done = job(tx);
      changed = tx.changed_tables();
      return done;
    };
  }

  Store& store_;
  std::vector<Member> members_;
  std::int64_t writes_ = 0;
};

}  // namespace tapewatch
