// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_block.h"

#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "storage/query_node.h"

namespace tapewatch {
namespace {

constexpr std::size_t padding = 64;  // readable behind the last document, for loads of whole words
constexpr char heads_version = 2;
constexpr std::size_t raw_bytes_limit = std::size_t{1} << 30;
constexpr std::uint64_t records_limit = std::uint64_t{1} << 24;  // of one block

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

namespace {

// The largest of these that divides every time.
constexpr std::array<std::uint64_t, 3> time_units = {1'000'000, 1'000, 1};

std::uint64_t time_unit(const RecordHead* heads, std::size_t count) {
  for (const std::uint64_t unit : time_units) {
    const auto divides = [unit](const RecordHead& head) { return head.time_ns % static_cast<std::int64_t>(unit) == 0; };
    if (std::all_of(heads, heads + count, divides)) return unit;
  }
  return 1;
}

// A column: its size, the size of its frame (0: it is stored as it is), its bytes.
void put_column(std::string& out, std::string_view column, Compressor& compressor) {
  const std::string_view frame = compressor.compress(column);
  const bool smaller = frame.size() < column.size();
  put_varint(out, column.size());
  put_varint(out, smaller ? frame.size() : 0);
  out.append(smaller ? frame : column);
}

bool take_column(std::string_view& in, std::size_t bytes_max, Decompressor& decompressor, std::string& out) {
  std::uint64_t size = 0;
  std::uint64_t frame = 0;
  if (!take_varint(in, size) || !take_varint(in, frame) || size > bytes_max) return false;
  const std::uint64_t stored = frame > 0 ? frame : size;
  if (stored > in.size()) return false;
  const std::string_view bytes = in.substr(0, stored);
  in.remove_prefix(stored);
  if (frame > 0) return decompressor.decompress(bytes, size, out);
  out.assign(bytes);
  return true;
}

bool place_lengths(std::string_view& in, std::size_t raw_bytes, std::vector<RecordHead>& out) {
  std::uint64_t at = 0;
  for (RecordHead& head : out) {
    std::uint64_t length = 0;
    if (!take_varint(in, length) || length > raw_bytes || at + length + 1 > raw_bytes) return false;
    head.begin = static_cast<std::uint32_t>(at);
    head.end = static_cast<std::uint32_t>(at + length);
    at += length + 1;
  }
  return at == raw_bytes;
}

bool place_times(std::string_view& in, std::uint64_t unit, std::vector<RecordHead>& out) {
  std::uint64_t time = 0;
  for (RecordHead& head : out) {
    std::uint64_t difference = 0;
    if (!take_varint(in, difference)) return false;
    time += unzigzag(difference);
    head.time_ns = static_cast<std::int64_t>(time * unit);
  }
  return true;
}

void place_ids(std::string_view in, std::vector<RecordHead>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].id_high = get_64(in.data() + 16 * i);
    out[i].id_low = get_64(in.data() + 16 * i + 8);
  }
}

void place_levels(std::string_view in, std::vector<RecordHead>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i].level = static_cast<std::uint8_t>(in[i]);
}

// Version 1: columns as they are, ids always.
bool decode_heads_1(std::string_view in, std::size_t raw_bytes, std::vector<RecordHead>& out) {
  std::uint64_t count = 0;
  if (!take_varint(in, count) || count > in.size()) return false;
  out.resize(count);
  place_levels(in.substr(0, count), out);
  in.remove_prefix(count);
  if (!place_lengths(in, raw_bytes, out) || !place_times(in, 1, out) || in.size() != count * 16) return false;
  place_ids(in, out);
  return true;
}

bool decode_heads_2(std::string_view in, std::size_t raw_bytes, Decompressor& decompressor,
                    std::vector<RecordHead>& out) {
  std::uint64_t ids = 0;
  std::uint64_t unit = 0;
  std::uint64_t count = 0;
  if (!take_varint(in, ids) || !take_varint(in, unit) || unit == 0 || !take_varint(in, count) ||
      count > std::min<std::uint64_t>(raw_bytes, records_limit))
    return false;
  std::string column;
  if (!take_column(in, count, decompressor, column) || column.size() != count) return false;
  out.resize(count);
  place_levels(column, out);
  if (!take_column(in, count * 5, decompressor, column)) return false;
  std::string_view left = column;
  if (!place_lengths(left, raw_bytes, out) || !left.empty()) return false;
  if (!take_column(in, count * 10, decompressor, column)) return false;
  left = column;
  if (!place_times(left, unit, out) || !left.empty()) return false;
  if (in.size() != (ids != 0 ? count * 16 : 0)) return false;
  if (ids != 0) place_ids(in, out);
  return true;
}

}  // namespace

std::string encode_heads(const RecordHead* heads, std::size_t count, Compressor& compressor) {
  const bool ids = std::any_of(heads, heads + count, [](const RecordHead& h) { return (h.id_high | h.id_low) != 0; });
  const std::uint64_t unit = time_unit(heads, count);
  std::string levels;
  std::string lengths;
  std::string times;
  std::uint64_t previous = 0;
  for (std::size_t i = 0; i < count; ++i) {
    levels.push_back(static_cast<char>(heads[i].level));
    put_varint(lengths, heads[i].end - heads[i].begin);
    // Exact, and the same sign: the unit divides it.
    const auto time = static_cast<std::uint64_t>(heads[i].time_ns / static_cast<std::int64_t>(unit));
    put_varint(times, zigzag(time - previous));
    previous = time;
  }
  std::string out(1, heads_version);
  put_varint(out, ids ? 1 : 0);
  put_varint(out, unit);
  put_varint(out, count);
  for (const std::string* column : {&levels, &lengths, &times}) put_column(out, *column, compressor);
  for (std::size_t i = 0; ids && i < count; ++i) {
    put_64(out, heads[i].id_high);
    put_64(out, heads[i].id_low);
  }
  put_64(out, hash64(out));
  return out;
}

bool decode_heads(std::string_view bytes, std::size_t raw_bytes, Decompressor& decompressor,
                  std::vector<RecordHead>& out) {
  out.clear();
  if (bytes.size() < 10) return false;
  const std::string_view covered = bytes.substr(0, bytes.size() - 8);
  if (hash64(covered) != get_64(bytes.data() + covered.size())) return false;
  if (covered[0] == heads_version) return decode_heads_2(covered.substr(1), raw_bytes, decompressor, out);
  return covered[0] == 1 && decode_heads_1(covered.substr(1), raw_bytes, out);
}

Compressor::Compressor(int level) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  CHECK(context != nullptr);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  // Short matches cost more than they save in log lines: 2 % smaller, and quicker both ways.
  if (level == 1) ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, 7);
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

void Compressor::use_dictionary(std::string_view dictionary) {
  CHECK(
      !ZSTD_isError(ZSTD_CCtx_loadDictionary(static_cast<ZSTD_CCtx*>(context_), dictionary.data(), dictionary.size())));
}

void Decompressor::use_dictionary(std::string_view dictionary) {
  // One that is damaged leaves none, and the frames that need it fail their checksums.
  if (ZSTD_isError(ZSTD_DCtx_loadDictionary(static_cast<ZSTD_DCtx*>(context_), dictionary.data(), dictionary.size())))
    ZSTD_DCtx_loadDictionary(static_cast<ZSTD_DCtx*>(context_), nullptr, 0);
}

// The newest lines as they are, with the statistics of all: training one by search costs ten times as much and saves
// little more.
std::string make_dictionary(std::string_view lines, std::size_t bytes_max) {
  constexpr std::size_t lines_min = 32;
  std::vector<std::size_t> sizes;
  std::size_t seen = 0;
  for (std::size_t end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n', seen)) {
    sizes.push_back(end + 1 - seen);
    seen = end + 1;
  }
  if (sizes.size() < lines_min || bytes_max == 0) return {};
  const std::size_t kept = std::min(bytes_max, seen / 2);
  const std::string_view content = lines.substr(seen - kept, kept);
  std::string out(bytes_max + 16 * 1024, '\0');
  ZDICT_params_t params{};
  params.compressionLevel = 1;
  const std::size_t size =
      ZDICT_finalizeDictionary(out.data(), out.size(), content.data(), content.size(), lines.data(), sizes.data(),
                               static_cast<unsigned>(sizes.size()), params);
  if (ZDICT_isError(size) != 0) return {};
  out.resize(size);
  return out;
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
