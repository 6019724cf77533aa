// SPDX-License-Identifier: Apache-2.0
#pragma once
// What must hold between the values of a configuration, beyond the type of each: places that must be absolute, keys
// that exclude each other, addresses that need a token. Called by load_config() only. Thread: one at a time.

#include "config.h"
#include "config_reader.h"

namespace tapewatch {

void check_input(ConfigSection& section, const InputConfig& input);
// Names are unique, since checkpoints and ids are kept by them.
void check_input_names(ConfigSection& top, const std::vector<InputConfig>& inputs);
// Each of `values` is one of `allowed`.
void check_words(ConfigSection& section, std::string_view key, const std::vector<std::string>& values,
                 const std::vector<std::string_view>& allowed);
void check_absolute(ConfigSection& section, std::string_view key, const std::string& path);
// Makes patterns absolute that may start at the configuration's folder.
void check_relative_patterns(ConfigSection& section, std::string_view key, std::vector<std::string>& patterns);
// http or https, with a host, without user and password.
void check_url(ConfigSection& section, std::string_view key, std::size_t index, const std::string& url);
// Sets `data_stream` when neither it nor `index` is given.
void check_elastic(ConfigSection& section, ConfigSection& ssl, ConfigSection& backoff, ElasticConfig& elastic);
// Fills host and port.
void check_http(ConfigSection& section, const std::string& address, HttpConfig& http);

}  // namespace tapewatch
