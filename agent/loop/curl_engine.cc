// SPDX-License-Identifier: Apache-2.0
#include "loop/curl_engine.h"

#include <uv.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "loop/loop.h"

namespace tapewatch {

// One socket that curl waits for; freed by the loop once it is closed.
struct CurlEngine::Socket {
  uv_poll_t uv{};
  CurlEngine* engine = nullptr;
  curl_socket_t fd = CURL_SOCKET_BAD;
};

namespace {

Error transfer_error(CURLcode code, const CurlTransfer& transfer) {
  Error error{Code::network, std::string(transfer.failure())};
  if (error.message.empty()) error.message = curl_easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT) error.code = Code::timeout;
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM ||
      code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CIPHER || code == CURLE_SSL_ISSUER_ERROR) {
    error.code = Code::tls;
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) error.code = Code::invalid;
  if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL) error.code = Code::bad_reply;
  return error;
}

}  // namespace

CurlEngine::CurlEngine(Loop& loop, Finished finished)
    : loop_(loop),
      finished_(std::move(finished)),
      timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
      collect_soon_(loop, [this] { collect(); }) {}

Result<std::unique_ptr<CurlEngine>> CurlEngine::open(Loop& loop, Finished finished) {
  std::unique_ptr<CurlEngine> engine(new CurlEngine(loop, std::move(finished)));
  if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) return Error{Code::internal, "curl does not start"};
  engine->multi_ = curl_multi_init();
  if (engine->multi_ == nullptr) {
    curl_global_cleanup();
    return Error{Code::internal, "curl does not start"};
  }
  curl_multi_setopt(engine->multi_, CURLMOPT_SOCKETFUNCTION, &CurlEngine::on_socket);
  curl_multi_setopt(engine->multi_, CURLMOPT_SOCKETDATA, engine.get());
  curl_multi_setopt(engine->multi_, CURLMOPT_TIMERFUNCTION, &CurlEngine::on_timer);
  curl_multi_setopt(engine->multi_, CURLMOPT_TIMERDATA, engine.get());
  curl_multi_setopt(engine->multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  return engine;
}

CurlEngine::~CurlEngine() {
  if (multi_ == nullptr) return;
  curl_multi_cleanup(multi_);  // closes kept-alive connections, and tells on_socket about each
  curl_global_cleanup();
}

Status CurlEngine::add(CurlTransfer& transfer) {
  const CURLMcode code = curl_multi_add_handle(multi_, transfer.handle());
  if (code != CURLM_OK) return Error{Code::internal, std::string("starting a request: ") + curl_multi_strerror(code)};
  return success();
}

void CurlEngine::remove(CurlTransfer& transfer) {
  if (transfer.handle() != nullptr) curl_multi_remove_handle(multi_, transfer.handle());
}

int CurlEngine::on_socket(CURL*, curl_socket_t fd, int what, void* engine, void* socket) {
  static_cast<CurlEngine*>(engine)->watch(fd, what, static_cast<Socket*>(socket));
  return 0;
}

void CurlEngine::watch(curl_socket_t fd, int what, Socket* socket) {
  if (what == CURL_POLL_REMOVE) {
    if (socket == nullptr) return;
    curl_multi_assign(multi_, fd, nullptr);
    socket->engine = nullptr;
    uv_poll_stop(&socket->uv);
    uv_close(reinterpret_cast<uv_handle_t*>(&socket->uv), [](uv_handle_t* h) { delete static_cast<Socket*>(h->data); });
    return;
  }
  if (socket == nullptr) {
    socket = new Socket;
    socket->engine = this;
    socket->fd = fd;
    socket->uv.data = socket;
    CHECK(uv_poll_init_socket(loop_.native(), &socket->uv, fd) == 0);
    curl_multi_assign(multi_, fd, socket);
  }
  const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  uv_poll_start(&socket->uv, events, [](uv_poll_t* h, int status, int ready) {
    const auto* s = static_cast<Socket*>(h->data);
    if (s->engine == nullptr) return;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if ((ready & UV_READABLE) != 0) flags |= CURL_CSELECT_IN;
    if ((ready & UV_WRITABLE) != 0) flags |= CURL_CSELECT_OUT;
    s->engine->act(s->fd, flags);
  });
}

int CurlEngine::on_timer(CURLM*, long ms, void* engine) {
  auto* self = static_cast<CurlEngine*>(engine);
  if (ms < 0) {
    self->timer_.stop();
  } else {
    self->timer_.start(std::chrono::milliseconds(ms));
  }
  return 0;
}

void CurlEngine::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect();
}

// One finished transfer a turn: its callback may do anything, also end this engine.
void CurlEngine::collect() {
  int left = 0;
  const CURLMsg* message = nullptr;
  do {
    message = curl_multi_info_read(multi_, &left);
    if (message == nullptr) return;
  } while (message->msg != CURLMSG_DONE);
  if (left > 0) collect_soon_.start({});
  const CURLcode code = message->data.result;
  void* data = nullptr;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
  auto* transfer = static_cast<CurlTransfer*>(data);
  std::optional<Error> error;
  if (code != CURLE_OK) error = transfer_error(code, *transfer);
  finished_(*transfer, std::move(error));
}

}  // namespace tapewatch
