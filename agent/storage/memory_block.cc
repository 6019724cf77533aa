// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_block.h"

#include <zstd.h>

#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "storage/query_node.h"

namespace tapewatch {
namespace {

constexpr std::size_t padding = 64;  // readable behind the last document, for loads of whole words
constexpr char heads_version = 1;
constexpr std::size_t raw_bytes_limit = std::size_t{1} << 30;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

bool take_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void put_64(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

std::uint64_t get_64(const char* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Small for small differences of either sign.
std::uint64_t zigzag(std::uint64_t difference) { return difference << 1 ^ (0 - (difference >> 63)); }
std::uint64_t unzigzag(std::uint64_t value) { return value >> 1 ^ (0 - (value & 1)); }

}  // namespace

MemoryBlock::MemoryBlock(std::int64_t first_sequence, std::size_t bytes_max, std::size_t records_max)
    : first_sequence_(first_sequence), bytes_max_(bytes_max), bytes_(new char[bytes_max + padding]) {
  heads_.reserve(records_max);
}

void MemoryBlock::add(const LogRecord& record, std::string_view document, TokenFilter& filter, std::string& scratch) {
  CHECK(fits(document.size()));
  RecordHead head{record.time_ns, record.id_high, record.id_low, static_cast<std::uint32_t>(size_), 0, record.level};
  char* const at = bytes_.get() + size_;
  if (!document.empty()) std::memcpy(at, document.data(), document.size());
  // Keeps the last token of one document apart from the first of the next.
  at[document.size()] = '\n';
  std::memset(at + document.size() + 1, 0, padding - 1);
  size_ += document.size() + 1;
  head.end = static_cast<std::uint32_t>(size_ - 1);
  heads_.push_back(head);
  const std::string_view stored(at, document.size());
  const std::string_view text = searchable_text(stored, scratch);
  if (text.data() == stored.data()) {
    filter.add_text(stored);
  } else {
    const std::size_t bytes = text.size();
    scratch.append(padding, '\0');
    filter.add_text(std::string_view(scratch).substr(0, bytes));
  }
}

std::string encode_heads(const RecordHead* heads, std::size_t count) {
  std::string out;
  out.reserve(count * 26 + 32);
  out.push_back(heads_version);
  put_varint(out, count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(heads[i].level));
  for (std::size_t i = 0; i < count; ++i) put_varint(out, heads[i].end - heads[i].begin);
  std::uint64_t previous = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto time = static_cast<std::uint64_t>(heads[i].time_ns);
    put_varint(out, zigzag(time - previous));
    previous = time;
  }
  for (std::size_t i = 0; i < count; ++i) {
    put_64(out, heads[i].id_high);
    put_64(out, heads[i].id_low);
  }
  put_64(out, hash64(out));
  return out;
}

bool decode_heads(std::string_view bytes, std::size_t raw_bytes, std::vector<RecordHead>& out) {
  out.clear();
  if (bytes.size() < 10 || bytes[0] != heads_version) return false;
  const std::string_view covered = bytes.substr(0, bytes.size() - 8);
  if (hash64(covered) != get_64(bytes.data() + covered.size())) return false;
  std::string_view in = covered.substr(1);
  std::uint64_t count = 0;
  if (!take_varint(in, count) || count > in.size()) return false;
  out.resize(count);
  for (RecordHead& head : out) {
    head.level = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
  }
  std::uint64_t at = 0;
  for (RecordHead& head : out) {
    std::uint64_t length = 0;
    if (!take_varint(in, length) || length > raw_bytes || at + length + 1 > raw_bytes) return false;
    head.begin = static_cast<std::uint32_t>(at);
    head.end = static_cast<std::uint32_t>(at + length);
    at += length + 1;
  }
  std::uint64_t time = 0;
  for (RecordHead& head : out) {
    std::uint64_t difference = 0;
    if (!take_varint(in, difference)) return false;
    time += unzigzag(difference);
    head.time_ns = static_cast<std::int64_t>(time);
  }
  if (at != raw_bytes || in.size() != count * 16) return false;
  for (std::size_t i = 0; i < count; ++i) {
    out[i].id_high = get_64(in.data() + 16 * i);
    out[i].id_low = get_64(in.data() + 16 * i + 8);
  }
  return true;
}

Compressor::Compressor(int level) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  CHECK(context != nullptr);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  context_ = context;
}

Compressor::~Compressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

std::string_view Compressor::compress(std::string_view raw) {
  const std::size_t bound = ZSTD_compressBound(raw.size());
  if (out_.size() < bound) out_.resize(bound);
  const std::size_t size =
      ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), out_.data(), out_.size(), raw.data(), raw.size());
  CHECK(!ZSTD_isError(size));  // the output has room for the worst case
  return std::string_view(out_).substr(0, size);
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) { CHECK(context_ != nullptr); }
Decompressor::~Decompressor() { ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(context_)); }

bool Decompressor::decompress(std::string_view frame, std::size_t raw_bytes, std::string& out) {
  if (raw_bytes > raw_bytes_limit || ZSTD_getFrameContentSize(frame.data(), frame.size()) != raw_bytes) return false;
  out.resize(raw_bytes);
  const std::size_t size =
      ZSTD_decompressDCtx(static_cast<ZSTD_DCtx*>(context_), out.data(), out.size(), frame.data(), frame.size());
  return !ZSTD_isError(size) && size == raw_bytes;
}

}  // namespace tapewatch
