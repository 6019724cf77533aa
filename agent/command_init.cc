// SPDX-License-Identifier: Apache-2.0
// `tapewatch init`.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/files.h"
#include "commands.h"
#include "init_guess.h"

namespace tapewatch {
namespace {

Result<LogSample> read_sample(const std::string& path) {
  LogSample sample;
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return errno_error("opening " + path, errno);
  sample.path = real;
  std::free(real);  // NOLINT(cppcoreguidelines-no-malloc): realpath's own contract
  const Fd fd(::open(sample.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return errno_error("opening " + path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Error{Code::invalid, path + " is not a file"};
  sample.text.resize(sample_bytes_max);
  const ::ssize_t got = ::pread(fd.get(), sample.text.data(), sample.text.size(), 0);
  if (got < 0) return errno_error("reading " + path, errno);
  sample.text.resize(static_cast<std::size_t>(got));
  if (DIR* folder = ::opendir(sample.path.substr(0, sample.path.rfind('/') + 1).c_str())) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* entry = ::readdir(folder)) sample.neighbours.emplace_back(entry->d_name);
    ::closedir(folder);
  }
  return sample;
}

Status write_new_file(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!fd.open() && errno == EEXIST) return Error{Code::invalid, path + " exists already; it is not touched"};
  if (!fd.open()) return errno_error("creating " + path, errno);
  const ::ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<::ssize_t>(text.size())) return errno_error("writing " + path, errno);
  return success();
}

}  // namespace

int init_command(const Arguments& arguments, Console& console) {
  const auto sample = read_sample(arguments.words()[0]);
  if (!sample) return fail(console, sample.error().message);
  if (sample->text.find('\n') == std::string::npos) return fail(console, "no whole line in " + arguments.words()[0]);
  const std::string text = guess_configuration(*sample);
  if (!arguments.has("output")) {
    console.print(text);
    return exit_good;
  }
  const std::string file = arguments.value("output");
  if (const Status written = write_new_file(file, text); !written) return fail(console, written.error().message);
  console.notice("wrote " + terminal_safe(file) + "; next: tapewatch validate -c " + terminal_safe(file) + "\n");
  return exit_good;
}

}  // namespace tapewatch
