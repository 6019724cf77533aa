// SPDX-License-Identifier: Apache-2.0
#include "packed_file.h"

#include <utility>

#include "sinks/gunzip.h"
#include "tapewatch/zstd_reader.h"

namespace tapewatch {
namespace {

constexpr std::string_view gzip_magic{"\x1F\x8B", 2};
constexpr std::string_view zstd_magic{"\x28\xB5\x2F\xFD", 4};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)),
        reader_([this](char* out, std::size_t bytes) { return packed_->read(out, bytes); }) {}
  [[nodiscard]] Result<std::size_t> read(char* out, std::size_t bytes) override { return reader_.read(out, bytes); }
  [[nodiscard]] std::uint64_t bytes_read() const override { return packed_->bytes_read(); }

 private:
  const std::unique_ptr<ByteSource> packed_;
  ZstdReader reader_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_packed(const std::string& path) {
  Result<std::unique_ptr<FileSource>> file = FileSource::open(path);
  if (!file.ok()) return std::move(file).error();
  const std::string beginning = (*file)->beginning(zstd_magic.size());
  std::unique_ptr<ByteSource> source = std::move(*file);
  if (beginning.starts_with(gzip_magic)) source = std::make_unique<Gunzip>(std::move(source));
  if (beginning.starts_with(zstd_magic)) source = std::make_unique<ZstdSource>(std::move(source));
  return source;
}

}  // namespace tapewatch
