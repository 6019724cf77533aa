// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stream<Row>: a result of any size, read in batches of bounded memory by whoever asks for the next one, so that a slow
// consumer slows the reading and nothing piles up. It reads one snapshot as long as that is younger than its limit;
// then the snapshot is let go, also while nobody asks, so that the write-ahead log can shrink, and the stream goes on
// behind the last row's key (StreamOptions::key_columns) in a new one, or ends with Code::timeout when it has no key.
// Made by Store::stream. Thread: one at a time; cancel() from any. It does not outlive its store.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/async.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

struct StreamOptions {
  std::size_t batch_bytes = 1u << 20;
  std::size_t batch_rows = 1u << 16;
  std::chrono::milliseconds age_max{0};  // of a snapshot; 0: Store::Options::read_age_max
  // How many leading columns of the result are its key. Then the statement orders by them and its last so many
  // arguments are a key that it begins behind: SELECT id, ... WHERE id > ? ORDER BY id, or, for two,
  // WHERE (account, symbol) > (?, ?) ORDER BY account, symbol.
  int key_columns = 0;
};

// Rows of a running statement, without their type.
class TAPEWATCH_API RowStream final {
 public:
  using Rows = tapewatch::Rows;
  class State;
  explicit RowStream(std::shared_ptr<State> state);
  ~RowStream();
  RowStream(RowStream&&) noexcept;
  RowStream& operator=(RowStream&&) noexcept;

  // Hands rows to `visit` until that returns false or there are no more: true when there may be more.
  [[nodiscard]] Result<bool> run(const std::function<bool(const Rows&)>& visit);
  // The same on a thread of the store. `done` is called as CallOptions say.
  void run_async(std::function<bool(const Rows&)> visit, std::function<void(Result<bool>)> done, CallOptions options);
  // The run that is under way, and every one after it, ends with Code::cancelled.
  void cancel();
  // How many snapshots it has read so far.
  [[nodiscard]] std::int64_t snapshots() const;

 private:
  std::shared_ptr<State> state_;
};

// Text of one batch: chunks that are kept from one batch to the next.
class StreamText final {
 public:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > chunk_bytes) return keep_long(text);
    if (chunks_.empty() || used_ + text.size() > chunk_bytes) next_chunk();
    char* const at = chunks_[chunk_ - 1].get() + used_;
    std::copy(text.begin(), text.end(), at);
    used_ += text.size();
    bytes_ += text.size();
    return {at, text.size()};
  }
  void clear() {
    long_.clear();
    chunk_ = chunks_.empty() ? 0 : 1;
    used_ = 0;
    bytes_ = 0;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t chunk_bytes = 64 * 1024;
  void next_chunk() {
    if (chunk_ == chunks_.size()) chunks_.push_back(std::make_unique<char[]>(chunk_bytes));
    ++chunk_;
    used_ = 0;
  }
  std::string_view keep_long(std::string_view text) {
    long_.push_back(std::make_unique<char[]>(text.size()));
    std::copy(text.begin(), text.end(), long_.back().get());
    bytes_ += text.size();
    return {long_.back().get(), text.size()};
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<std::unique_ptr<char[]>> long_;
  std::size_t chunk_ = 0;  // in use, counted from one
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
};

// Rows of one batch and the bytes that their views point to. Used again for the next batch, it allocates nothing.
template <typename Row>
class RowBatch final {
 public:
  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  [[nodiscard]] std::size_t bytes() const { return rows_.size() * sizeof(Row) + text_.bytes() + heap_bytes_; }

  void clear() {
    rows_.clear();
    text_.clear();
    heap_bytes_ = 0;
  }
  template <typename From>
  void add(const From& from) {
    rows_.push_back(row_detail::read_row<Row>(from));
    std::apply([this](auto&... member) { (this->own(member), ...); }, row_detail::tie_members(rows_.back()));
  }

 private:
  template <typename T>
  void own(T& member) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      member = text_.keep(member);
    } else if constexpr (std::is_same_v<T, Blob>) {
      member.bytes = text_.keep(member.bytes);
    } else if constexpr (std::is_same_v<T, std::string>) {
      heap_bytes_ += member.capacity();
    } else if constexpr (row_detail::IsOptional<T>::value) {
      if (member) own(*member);
    }
  }

  std::vector<Row> rows_;
  StreamText text_;
  std::size_t heap_bytes_ = 0;
};

// `Source` gives the rows: RowStream, or what another database has with the same calls.
template <typename Row, typename Source = RowStream>
class Stream final {
 public:
  Stream(Source rows, const StreamOptions& options) : rows_(std::move(rows)), options_(options) {}

  // Fills the batch, which is the caller's; its rows are valid until it is used again. False at the end, when it is
  // left empty.
  [[nodiscard]] Result<bool> next(RowBatch<Row>& batch) {
    batch.clear();
    const Result<bool> more = rows_.run(filler(batch));
    if (!more.ok()) return more.error();
    return !batch.rows().empty();
  }
  // The same on a thread of the store; the batch and the stream live until the answer.
  [[nodiscard]] Pending<bool> next_async(RowBatch<Row>& batch, CallOptions options = {}) {
    batch.clear();
    const auto answer = std::make_shared<Answer<bool>>();
    const auto done = [answer, &batch](const Result<bool>& more) {
      answer->set(more.ok() ? Result<bool>(!batch.rows().empty()) : Result<bool>(more.error()));
    };
    rows_.run_async(filler(batch), done, std::move(options));
    return Pending<bool>(answer);
  }
  // Every row of what is left, in batches of its own.
  template <typename Visit>
  [[nodiscard]] Status for_each(Visit&& visit) {
    RowBatch<Row> batch;
    for (;;) {
      const Result<bool> more = next(batch);
      if (!more.ok()) return more.error();
      if (!more.value()) return success();
      for (const Row& row : batch.rows()) visit(row);
    }
  }
  void cancel() { rows_.cancel(); }
  [[nodiscard]] std::int64_t snapshots() const { return rows_.snapshots(); }

 private:
  std::function<bool(const typename Source::Rows&)> filler(RowBatch<Row>& batch) const {
    return [&batch, bytes = options_.batch_bytes, rows = options_.batch_rows](const typename Source::Rows& from) {
      batch.add(from);
      return batch.bytes() < bytes && batch.rows().size() < rows;
    };
  }
  Source rows_;
  StreamOptions options_;
};

}  // namespace tapewatch
