// SPDX-License-Identifier: Apache-2.0
#include "cli_args.h"

#include <algorithm>
#include <optional>

#include "base/diagnostic.h"

namespace tapewatch {
namespace {

constexpr Flag help_flag{"help", 'h', "", "this text"};

Error usage_error(std::string message) { return Error{Code::invalid, std::move(message)}; }

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, std::string_view prefix) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? "" : "; did you mean " + std::string(prefix) + std::string(near) + "?";
}

const Flag* find_flag(const Command& command, std::string_view name, char letter) {
  const auto matches = [&](const Flag& flag) { return letter != 0 ? flag.letter == letter : flag.name == name; };
  const auto found = std::find_if(command.flags.begin(), command.flags.end(), matches);
  if (found != command.flags.end()) return &*found;
  return matches(help_flag) ? &help_flag : nullptr;
}

Error unknown_flag(const Command& command, const std::string& written, std::string_view name) {
  std::vector<std::string_view> known = {help_flag.name};
  for (const Flag& flag : command.flags) known.push_back(flag.name);
  return usage_error("unknown flag " + written + " of " + std::string(command.name) + suggestion(name, known, "--"));
}

// One flag as it was written: "--name", "--name=value", "-l", "-lvalue".
struct Written {
  const Flag* flag = nullptr;
  std::optional<std::string> value;
};

Written read_flag(const Command& command, const std::string& text) {
  Written out;
  if (text[1] == '-') {
    const std::size_t equals = text.find('=');
    out.flag = find_flag(command, text.substr(2, equals == std::string::npos ? equals : equals - 2), 0);
    if (equals != std::string::npos) out.value = text.substr(equals + 1);
  } else {
    out.flag = find_flag(command, "", text[1]);
    if (text.size() > 2) out.value = text.substr(2);
  }
  return out;
}

Status check_words(const Command& command, const std::vector<std::string>& words) {
  const std::string name(command.name);
  if (words.size() < command.words_least) return usage_error(name + " needs " + std::string(command.words));
  if (words.size() > command.words_most) return usage_error(name + " does not take \"" + words.back() + "\"");
  if (command.verbs.empty() || words.empty()) return success();
  if (std::find(command.verbs.begin(), command.verbs.end(), words[0]) == command.verbs.end()) {
    return usage_error(name + " does not know \"" + words[0] + "\"" + suggestion(words[0], command.verbs, ""));
  }
  return success();
}

}  // namespace

bool Arguments::has(std::string_view flag) const {
  return std::any_of(flags_.begin(), flags_.end(), [&](const auto& given) { return given.first == flag; });
}

std::string Arguments::value(std::string_view flag, std::string_view otherwise) const {
  const auto all = values(flag);
  return all.empty() ? std::string(otherwise) : all.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : flags_) {
    if (name == flag) out.push_back(value);
  }
  return out;
}

Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& given) {
  Arguments out;
  bool only_words = false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& text = given[i];
    if (only_words || text.size() < 2 || text[0] != '-') {
      out.words_.push_back(text);
      continue;
    }
    if (text == "--") {
      only_words = true;
      continue;
    }
    Written written = read_flag(command, text);
    if (written.flag == nullptr) return unknown_flag(command, text, text.substr(text[1] == '-' ? 2 : 1));
    const std::string name(written.flag->name);
    const bool takes_value = !written.flag->value.empty();
    if (!takes_value && written.value) return usage_error("--" + name + " takes no value");
    if (takes_value && !written.value) {
      if (i + 1 == given.size()) return usage_error("--" + name + " needs " + std::string(written.flag->value));
      written.value = given[++i];
    }
    out.flags_.emplace_back(name, written.value.value_or(""));
  }
  if (out.has("help")) return out;
  if (Status status = check_words(command, out.words_); !status) return std::move(status).error();
  return out;
}

std::string help_text(const Command& command) {
  std::string out = "tapewatch " + std::string(command.name);
  if (!command.words.empty()) out += " " + std::string(command.words);
  out += ": " + std::string(command.summary) + "\n";
  if (!command.details.empty()) out += "\n" + std::string(command.details) + "\n";
  out += "\nflags:\n";
  std::vector<Flag> flags = command.flags;
  flags.push_back(help_flag);
  for (const Flag& flag : flags) {
    std::string left = "  " + (flag.letter == 0 ? std::string("   ") : "-" + std::string(1, flag.letter) + " ") + "--" +
                       std::string(flag.name) + (flag.value.empty() ? "" : " " + std::string(flag.value));
    left.resize(std::max<std::size_t>(left.size() + 2, 28), ' ');
    out += left + std::string(flag.help) + "\n";
  }
  out += "\nexamples:\n";
  for (std::size_t at = 0; at < command.examples.size();) {
    const std::size_t end = std::min(command.examples.find('\n', at), command.examples.size());
    out += "  " + std::string(command.examples.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace tapewatch
