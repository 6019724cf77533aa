// SPDX-License-Identifier: Apache-2.0
#pragma once
// Task<T>: a coroutine that begins when it is awaited or started and gives back a T; for applications that have no
// coroutine type of their own. It owns its frame: it is kept until it is done. An exception that leaves its body goes
// to who awaits it; one of a started task ends the program. Thread: that which resumes it.

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace tapewatch {

template <typename T>
class [[nodiscard]] Task final {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr failure;
    std::coroutine_handle<> waiting;
    std::function<void(T)> done;

    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct End {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        promise_type& promise = self.promise();
        if (promise.waiting) return promise.waiting;
        if (promise.failure) std::terminate();
        // The callback may let the task go, and its frame with it.
        const std::function<void(T)> callback = std::move(promise.done);
        T result = std::move(*promise.value);
        if (callback) callback(std::move(result));
        return std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    End final_suspend() noexcept { return {}; }
    void return_value(T result) { value.emplace(std::move(result)); }
    void unhandled_exception() { failure = std::current_exception(); }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Runs it up to where it first waits. `done` gets its value.
  void start(std::function<void(T)> done) {
    handle_.promise().done = std::move(done);
    handle_.resume();
  }

  [[nodiscard]] bool await_ready() const { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace tapewatch
