// SPDX-License-Identifier: Apache-2.0
#pragma once
// ByteSource: bytes in their order, from wherever they come. FileSource: those of a file. Thread: its owner's.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/files.h"
#include "tapewatch/result.h"

namespace tapewatch {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // How many bytes were put at `out`, at most `bytes`, which is not 0; 0: there are no more.
  [[nodiscard]] virtual Result<std::size_t> read(char* out, std::size_t bytes) = 0;
  // Of the file, as it lies on disk.
  [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
};

class FileSource final : public ByteSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FileSource>> open(const std::string& path);
  // Its first bytes, at most so many, without reading them; "" when it cannot be read at any place.
  [[nodiscard]] std::string beginning(std::size_t bytes) const;
  [[nodiscard]] Result<std::size_t> read(char* out, std::size_t bytes) override;
  [[nodiscard]] std::uint64_t bytes_read() const override { return bytes_read_; }

 private:
  FileSource(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  const Fd fd_;
  const std::string path_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace tapewatch
