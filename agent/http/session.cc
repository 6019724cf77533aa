// SPDX-License-Identifier: Apache-2.0
#include "http/session.h"

#include <utility>

#include "base/check.h"

namespace tapewatch {

Session::Session(std::uint64_t id, std::unique_ptr<Connection> connection, const Limits& limits, Scheduler& scheduler,
                 Host& host)
    : id_(id),
      limits_(limits),
      host_(host),
      parser_(limits.request),
      timer_(scheduler, [this] { on_time(); }),
      connection_(std::move(connection)) {
  timer_.start(limits_.head_time);
  Connection::Handlers handlers;
  handlers.read = [this](std::string_view bytes) { on_bytes(bytes); };
  handlers.ended = [this](const Status&) { host_.ended(*this); };
  handlers.drained = [this] { on_drained(); };
  connection_->start(std::move(handlers));
}

void Session::on_bytes(std::string_view bytes) {
  if (state_ == State::lingering || state_ == State::streaming) {
    lingered_bytes_ += bytes.size();
    if (lingered_bytes_ > limits_.linger_bytes_max) host_.ended(*this);
    return;
  }
  if (state_ != State::reading) return;
  const bool first = !parser_.started();
  const bool in_head = parser_.state() == RequestParser::State::head;
  const std::size_t taken = parser_.feed(bytes);
  if (parser_.state() == RequestParser::State::refused) {
    return refuse(parser_.refusal().status, parser_.refusal().detail);
  }
  if (parser_.state() == RequestParser::State::complete) {
    close_ = close_ || taken < bytes.size();
    return on_request();
  }
  if (in_head && parser_.state() == RequestParser::State::body) {
    timer_.start(limits_.body_time);
  } else if (first) {
    timer_.start(limits_.head_time);
  }
}

void Session::on_request() {
  connection_->pause_reading();
  ApiRequest request = std::move(parser_.request());
  parser_.reset();
  close_ = close_ || request.close;
  head_only_ = request.method == Method::head;
  state_ = State::asked;
  timer_.start(limits_.answer_time);
  host_.handle(*this, std::move(request));
}

void Session::answer(const HttpAnswer& answer) {
  CHECK(state_ == State::asked);
  send(answer);
}

void Session::start_stream(const HttpAnswer& head) {
  CHECK(state_ == State::asked);
  state_ = State::streaming;
  close_ = true;
  timer_.stop();
  connection_->write(answer_head(head, std::nullopt, true));
  connection_->resume_reading();  // to learn when the client goes
}

void Session::send(const HttpAnswer& answer) {
  state_ = State::writing;
  std::string bytes = answer_head(answer, answer.body.size(), close_);
  if (!head_only_) bytes.append(answer.body);
  timer_.start(limits_.write_time);
  connection_->write(std::move(bytes));
}

void Session::refuse(int status, std::string_view detail) {
  close_ = true;
  connection_->pause_reading();
  host_.refused(*this, status);
  send(problem(status, detail));
}

void Session::on_drained() {
  if (state_ != State::writing) return;
  if (close_) return start_linger();
  state_ = State::reading;
  timer_.start(limits_.idle_time);
  connection_->resume_reading();
}

// Closing while the client still sends would make its kernel throw away the answer: its bytes are read and dropped for
// a while.
void Session::start_linger() {
  state_ = State::lingering;
  timer_.start(limits_.linger_time);
  connection_->shut_down();
  connection_->resume_reading();
}

Session::Worth Session::worth() const {
  if (state_ == State::lingering) return Worth::done;
  if (state_ != State::reading) return Worth::owed;
  return parser_.started() ? Worth::unfinished : Worth::idle;
}

void Session::on_time() {
  switch (state_) {
    case State::reading:
      // Who has sent nothing is not waiting for an answer.
      if (!parser_.started()) return host_.ended(*this);
      return refuse(408, "the request did not come in time");
    case State::asked:
      close_ = true;
      host_.refused(*this, 504);
      return send(problem(504, "the answer was not made in time"));
    case State::writing:
    case State::streaming:
    case State::lingering:
      return host_.ended(*this);
  }
}

}  // namespace tapewatch
