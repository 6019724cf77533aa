// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the handles of the C interface stand for. Thread: see tapewatch/storage_c.h.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "tapewatch/storage.h"
#include "tapewatch/storage_c.h"

struct tws_store {
  explicit tws_store(int fd);
  ~tws_store();
  tws_store(const tws_store&) = delete;
  tws_store& operator=(const tws_store&) = delete;

  const int completion_fd;
  tapewatch::LoopExecutor completions;
  std::unique_ptr<tapewatch::Store> store;
};

struct tws_stream {
  tws_store& store;
  tapewatch::RowStream rows;
  tapewatch::StreamOptions options;
};

struct tws_stop {
  std::stop_source source;
};

struct tws_result {
  int32_t code = TWS_OK;
  std::string message{};
  std::int64_t changes = 0;
  std::int64_t left_out = 0;
  std::int64_t last_insert_id = 0;
  std::vector<std::string> names{};
  std::size_t rows = 0;
  std::string packed{};
  std::size_t at = 0;  // of the next value
};
