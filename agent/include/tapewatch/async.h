// SPDX-License-Identifier: Apache-2.0
#pragma once
// Asynchronous calls of a Store: how one is made (CallOptions) and what it gives back (Pending). A Pending is answered
// exactly once, also when the call was refused, cancelled, ran out of time or its store closed, and is taken in one of
// four ways: a callback (then), a blocking get, a std::future, or co_await. Thread: any; one at a time per Pending.

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tapewatch/executor.h"
#include "tapewatch/result.h"
#include "tapewatch/row_members.h"

namespace tapewatch {

// fast: a crash of the process loses nothing, a power cut may lose the last commits, never corrupts (synchronous
// NORMAL). durable: on the disk before the result is delivered (synchronous FULL).
enum class Durability : std::uint8_t { fast, durable };

struct CallOptions {
  // Where the answer is given. Null: on the thread that has it; it must not be held up there.
  Executor* executor = nullptr;
  // From the call to its answer, then Code::timeout; 0: none. A read is stopped wherever it is; a write that has begun
  // is brought to its end, and its answer tells how it went.
  std::chrono::nanoseconds limit{0};
  // Likewise, with Code::cancelled. The answer may then be given on the thread that asks to stop.
  std::stop_token stop{};
  Durability durability = Durability::fast;  // of writes
  std::size_t bytes = 256;                   // the call's weight in the queue
};

// What a call and whoever waits for it share.
template <typename T>
class Answer final {
 public:
  using Then = std::function<void(Result<T>)>;

  void set(Result<T> result) {
    Then then;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!then_) {
        result_.emplace(std::move(result));
        set_.notify_all();
        return;
      }
      then = std::move(then_);
    }
    then(std::move(result));
  }
  // False when the answer is there already: then it is not called.
  bool wait_with(Then then) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (result_) return false;
    then_ = std::move(then);
    return true;
  }
  Result<T> take() {
    std::unique_lock<std::mutex> lock(mutex_);
    set_.wait(lock, [this] { return result_.has_value(); });
    return std::move(*result_);
  }
  [[nodiscard]] bool ready() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return result_.has_value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable set_;
  std::optional<Result<T>> result_;  // guarded by mutex_
  Then then_;                        // guarded by mutex_
};

template <typename T>
class [[nodiscard]] Pending final {
 public:
  explicit Pending(std::shared_ptr<Answer<T>> answer) : answer_(std::move(answer)) {}
  Pending(Pending&&) noexcept = default;
  Pending& operator=(Pending&&) noexcept = default;

  // Callback: on the call's executor, or here when the answer is there already. It does not throw.
  void then(typename Answer<T>::Then done) && {
    if (!answer_->wait_with(done)) done(answer_->take());
  }
  // Blocks. Not on the thread whose executor is to give the answer.
  [[nodiscard]] Result<T> get() && { return answer_->take(); }
  [[nodiscard]] bool ready() const { return answer_->ready(); }
  [[nodiscard]] std::future<Result<T>> future() && {
    const auto promise = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> out = promise->get_future();
    std::move(*this).then([promise](Result<T> result) { promise->set_value(std::move(result)); });
    return out;
  }

  // co_await: the coroutine goes on where the answer is given. It lives until then.
  [[nodiscard]] bool await_ready() const { return answer_->ready(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    return answer_->wait_with([this, waiting](Result<T> result) {
      resumed_with_.emplace(std::move(result));
      waiting.resume();
    });
  }
  [[nodiscard]] Result<T> await_resume() { return resumed_with_ ? std::move(*resumed_with_) : answer_->take(); }

 private:
  std::shared_ptr<Answer<T>> answer_;
  std::optional<Result<T>> resumed_with_;
};

namespace async_detail {

// How an argument is kept until its statement runs.
template <typename T>
auto kept(T argument) {
  if constexpr (std::is_convertible_v<T, std::string_view> && !std::is_same_v<T, std::nullptr_t>) {
    return std::string(std::string_view(argument));
  } else if constexpr (std::is_same_v<T, Blob>) {
    return std::make_shared<const std::string>(argument.bytes);
  } else {
    return argument;
  }
}
template <typename T>
const T& given(const T& kept) {
  return kept;
}
inline Blob given(const std::shared_ptr<const std::string>& kept) { return Blob{*kept}; }

// f(access) -> R, a Result<T>, as a Pending<T>: `submit` is handed a job and what is to be done with its Status. A
// refusal is an answer as well.
template <typename R, typename F, typename Submit>
auto call(F f, Submit submit) {
  using T = std::remove_cvref_t<decltype(std::declval<R&>().value())>;
  struct Shared {
    explicit Shared(F&& function) : f(std::move(function)) {}
    F f;
    std::optional<T> value;
    Answer<T> answer;
  };
  const auto shared = std::make_shared<Shared>(std::move(f));
  auto job = [shared](auto& access) -> Status {
    R result = shared->f(access);
    if (!result.ok()) return std::move(result).error();
    shared->value.emplace(std::move(result.value()));
    return success();
  };
  auto done = [shared](Status status) {
    shared->answer.set(status.ok() ? Result<T>(std::move(*shared->value)) : Result<T>(std::move(status).error()));
  };
  Status queued = submit(std::move(job), std::move(done));
  if (!queued.ok()) shared->answer.set(std::move(queued).error());
  return Pending<T>(std::shared_ptr<Answer<T>>(shared, &shared->answer));
}

}  // namespace async_detail
}  // namespace tapewatch
