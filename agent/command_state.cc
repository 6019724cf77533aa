// SPDX-License-Identifier: Apache-2.0
// `tapewatch state`: what the checkpoint remembers of each file, and whether the files still are what it remembers.
#include "base/files.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "commands.h"
#include "tail/checkpoint.h"

namespace tapewatch {
namespace {

// "as remembered", or what is different; nothing is read beyond the head of the file.
std::string compare(const CheckpointEntry& entry) {
  const std::optional<FileStat> stat = stat_path(entry.path);
  if (!stat) return "no such file now";
  if (!(stat->key == entry.key)) return "another file has this name now";
  if (stat->size < entry.committed) return "truncated below the committed offset";
  const Result<OpenFile> file = open_log_file(entry.path, 0);
  if (!file.ok()) return file.error().message;
  if (check_head(file->fd.get(), entry.head) == Identity::changed) return "its beginning changed";
  return "as remembered";
}

void print_entry(const CheckpointEntry& entry, bool check, bool json, Console& console) {
  if (!json) {
    console.print(terminal_safe(entry.path + "  " + std::to_string(entry.committed) + " of " +
                                std::to_string(entry.size) + " bytes" + (entry.finished ? "  finished" : "") +
                                (check ? "  " + compare(entry) : "")) +
                  "\n");
    return;
  }
  std::string line;
  JsonObject object(line);
  object.add("path", std::string_view(entry.path));
  object.add("input", std::string_view(entry.input));
  object.add("committed", entry.committed);
  object.add("size", entry.size);
  object.add("device", entry.key.device);
  object.add("inode", entry.key.inode);
  object.add("finished", entry.finished);
  object.add("seen", std::string_view(format_rfc3339(entry.seen_wall_ns)));
  if (check) object.add("check", std::string_view(compare(entry)));
  object.end();
  console.print(line + "\n");
}

}  // namespace

int state_command(const Arguments& arguments, Console& console) {
  const std::optional<Config> config = load_for_command(arguments, console);
  if (!config) return exit_bad_config;
  const Result<std::string> bytes = read_file(config->state_dir + "/checkpoint", std::uint64_t{64} << 20);
  if (!bytes.ok()) return fail(console, bytes.error().message);
  const Result<Checkpoint> checkpoint = decode_checkpoint(*bytes);
  if (!checkpoint.ok()) return fail(console, checkpoint.error().message);
  const bool check = arguments.words()[0] == "check";
  for (const CheckpointEntry& entry : checkpoint->files) print_entry(entry, check, arguments.has("json"), console);
  return exit_good;
}

}  // namespace tapewatch
