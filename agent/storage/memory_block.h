// SPDX-License-Identifier: Apache-2.0
#pragma once
// MemoryBlock: the documents of one block, raw, in a buffer that never moves. The writer thread appends; readers look
// at the records that were published to them (LogMemory), which never change again, so neither waits for the other.
// Also its form on disk: `heads` (columns of the records) and `body` (one zstd frame with checksum).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/token_filter.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

struct RecordHead {
  std::int64_t time_ns = 0;
  std::uint64_t id_high = 0;
  std::uint64_t id_low = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint8_t level = 0;
};

class MemoryBlock final {
 public:
  MemoryBlock(std::int64_t first_sequence, std::size_t bytes_max, std::size_t records_max);

  // Writer thread.
  [[nodiscard]] bool fits(std::size_t document_bytes) const {
    return size_ + document_bytes + 1 <= bytes_max_ && heads_.size() < heads_.capacity();
  }
  // REQUIRES fits(). Also adds the document's tokens to `filter`; `scratch` is for documents with escapes.
  void add(const LogRecord& record, std::string_view document, TokenFilter& filter, std::string& scratch);
  void seal(const TokenFilter& filter) { filter_bits_ = filter.bits(); }

  [[nodiscard]] std::int64_t first_sequence() const { return first_sequence_; }
  [[nodiscard]] std::size_t size() const { return size_; }                      // writer thread only
  [[nodiscard]] std::size_t records() const { return heads_.size(); }           // writer thread only
  [[nodiscard]] std::string_view raw() const { return {bytes_.get(), size_}; }  // writer thread only
  [[nodiscard]] const RecordHead* heads() const { return heads_.data(); }
  [[nodiscard]] std::string_view document(const RecordHead& head) const {
    return {bytes_.get() + head.begin, head.end - head.begin};
  }
  // Of a sealed block.
  [[nodiscard]] std::string_view filter_bits() const { return filter_bits_; }

 private:
  const std::int64_t first_sequence_;
  const std::size_t bytes_max_;
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::vector<RecordHead> heads_;  // reserved once, never grows beyond
  std::string filter_bits_;
};

// zstd, with its working memory kept from call to call. Thread: one at a time.
class Compressor final {
 public:
  explicit Compressor(int level);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  // For what is compressed from now on; empty: none.
  void use_dictionary(std::string_view dictionary);
  // The view lives until the next call.
  [[nodiscard]] std::string_view compress(std::string_view raw);

 private:
  void* context_;
  std::string out_;
};

class Decompressor final {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  void use_dictionary(std::string_view dictionary);
  // False when the frame is damaged or does not hold exactly `raw_bytes`.
  [[nodiscard]] bool decompress(std::string_view frame, std::size_t raw_bytes, std::string& out);

 private:
  void* context_;
};

// A dictionary of at most `bytes_max` for text like these lines; empty when there are too few to make one.
[[nodiscard]] std::string make_dictionary(std::string_view lines, std::size_t bytes_max);

// The columns of `count` heads: version, whether there are ids, the unit of time, count; levels, lengths and time
// differences, each a frame; ids; hash. Lengths are enough, because documents stand one behind the other with one byte
// between them. Ids that are all zero are not stored.
[[nodiscard]] std::string encode_heads(const RecordHead* heads, std::size_t count, Compressor& compressor);
// Also of version 1. False when they are damaged or do not fit a body of `raw_bytes`.
[[nodiscard]] bool decode_heads(std::string_view bytes, std::size_t raw_bytes, Decompressor& decompressor,
                                std::vector<RecordHead>& out);

}  // namespace tapewatch
