// SPDX-License-Identifier: Apache-2.0
#include "config_check.h"

#include <algorithm>

#include "config_values.h"
#include "tail/finder.h"

namespace tapewatch {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// A letter or digit first, then letters, digits and ._-
bool is_plain_name(std::string_view name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !name.empty() && name.size() <= 64 && letters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(std::string(letters) + "._-") == std::string_view::npos;
}

// `written` in quotes, as it stands in the file.
std::string absolute_hint(const ConfigSection& section, const YamlPlace& place, const std::string& written) {
  if (written.size() < 3 || written[1] == '~' || written[1] == '$') return "write a path that starts with /";
  return "did you mean \"" + section.folder_of(place) + "/" + written.substr(1) + "?";
}

void check_patterns(ConfigSection& section, std::string_view key, const std::vector<std::string>& patterns) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const std::string& pattern = patterns[i];
    const YamlPlace place = section.place_of_item(key, i);
    if (pattern.empty()) continue;  // reported, or an empty text
    if (pattern[0] != '/') {
      section.error(place, 133, section.name_of(key) + " needs an absolute path, not " + section.written(key, i),
                    absolute_hint(section, place, section.written(key, i)));
    } else if (!glob_is_closed(pattern)) {
      section.error(place, 134,
                    "pattern " + section.written(key, i) + " has an open bracket in " + section.name_of(key));
    } else if (key == "include" && is_packed(pattern)) {
      section.warning(place, 152, "packed files are not read: " + section.written(key, i), "unpack them first");
    }
  }
}

std::string_view url_host(std::string_view url) {
  const std::size_t begin = url.find("://") + 3;
  std::string_view host = url.substr(begin, url.find('/', begin) - begin);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

// Elasticsearch's own rules for names; `dates` allows %Y %m %d %H.
void check_index_name(ConfigSection& section, std::string_view key, const std::string& name, bool dates) {
  if (name.empty()) return;
  const YamlPlace place = section.place_of_value(key);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '%' && dates && i + 1 < name.size() &&
        std::string_view("YmdH").find(name[i + 1]) != std::string_view::npos) {
      ++i;
      continue;
    }
    const bool upper = c >= 'A' && c <= 'Z';
    if (c == '%' && dates) {
      return section.error(place, 127, "unknown date part in " + section.name_of(key), "allowed: %Y, %m, %d, %H");
    }
    if (upper || std::string_view("%\\/*?\"<>| ,#:").find(c) != std::string_view::npos) {
      return section.error(place, 127, quoted(std::string(1, c)) + " cannot stand in " + section.name_of(key),
                           upper ? "use small letters" : "use small letters, digits, - . and _");
    }
  }
  if (std::string_view("-_+.").find(name[0]) != std::string_view::npos) {
    section.error(place, 127, section.name_of(key) + " starts with " + quoted(name.substr(0, 1)),
                  "start with a letter");
  }
}

void check_credentials(ConfigSection& s, const ElasticConfig& elastic) {
  if (s.has("api_key") && s.has("username")) {
    s.error(s.place_of("api_key"), 132, "api_key and username exclude each other in outputs.elasticsearch",
            "keep one of them");
  }
  if (s.has("username") != s.has("password")) {
    const bool user = s.has("username");
    s.error(s.place_of(user ? "username" : "password"), 122,
            std::string("missing key ") + (user ? "\"password\"" : "\"username\"") + " in outputs.elasticsearch");
  }
  if (!s.has("api_key") && !s.has("username")) return;
  for (const std::string& host : elastic.hosts) {
    if (host.compare(0, 7, "http://") == 0 && !is_loopback(url_host(host))) {
      s.warning(s.place_of("hosts"), 151, "credentials go over the network unencrypted", "use https://");
      return;
    }
  }
}

}  // namespace

void check_input(ConfigSection& section, const InputConfig& input) {
  if (!section.has("include")) {
    section.missing("include", "write include: [/var/log/trading/*.log]");
  } else if (section.is_empty_list("include")) {
    section.error(section.place_of("include"), 139, section.name_of("include") + " is empty",
                  "write include: [/var/log/trading/*.log]");
  }
  check_patterns(section, "include", input.include);
  check_patterns(section, "exclude", input.exclude);
  if (!is_plain_name(input.name)) {
    section.error(section.place_of_value("name"), 127, section.written("name") + " cannot be an input's name",
                  "use at most 64 letters, digits, - . and _");
  }
}

void check_input_names(ConfigSection& top, const std::vector<InputConfig>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (inputs[i].name != inputs[j].name) continue;
      top.error(top.place_of_item("inputs", i), 138, "two inputs have the name " + quoted(inputs[i].name),
                "checkpoints are kept by name: rename one");
      break;
    }
  }
}

void check_words(ConfigSection& section, std::string_view key, const std::vector<std::string>& values,
                 const std::vector<std::string_view>& allowed) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::find(allowed.begin(), allowed.end(), values[i]) != allowed.end()) continue;
    const std::string_view near = meant_word(values[i], allowed);
    std::string hint = near.empty() ? "" : "did you mean " + quoted(near) + "? ";
    hint += "allowed:";
    for (const std::string_view word : allowed) hint += (word == allowed.front() ? " " : ", ") + std::string(word);
    section.error(section.place_of_item(key, i), 127,
                  section.written(key, i) + " is not a value of " + section.name_of(key), hint);
  }
}

void check_absolute(ConfigSection& section, std::string_view key, const std::string& path) {
  if (path.empty() || path[0] == '/' || !section.has(key)) return;
  const YamlPlace place = section.place_of_value(key);
  section.error(place, 133, section.name_of(key) + " needs an absolute path, not " + section.written(key),
                absolute_hint(section, place, section.written(key)));
}

void check_relative_patterns(ConfigSection& section, std::string_view key, std::vector<std::string>& patterns) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    std::string& pattern = patterns[i];
    const YamlPlace place = section.place_of_item(key, i);
    if (pattern.empty()) continue;
    if (!glob_is_closed(pattern)) {
      section.error(place, 134,
                    "pattern " + section.written(key, i) + " has an open bracket in " + section.name_of(key));
    }
    if (pattern[0] != '/') pattern = section.folder_of(place) + "/" + pattern;
  }
}

void check_url(ConfigSection& section, std::string_view key, std::size_t index, const std::string& url) {
  const YamlPlace place = section.place_of_item(key, index);
  const std::string name = section.name_of(key);
  const std::string written = section.written(key, index);
  const bool http = url.compare(0, 7, "http://") == 0 || url.compare(0, 8, "https://") == 0;
  if (url.find('@') != std::string::npos) {
    section.error(place, 135, "user and password do not belong into " + name, "use username and password, or api_key");
  } else if (!http) {
    section.error(place, 135, written + " is not an address for " + name,
                  url.find("://") == std::string::npos ? "did you mean \"http://" + written.substr(1) + "?"
                                                       : "it starts with http:// or https://");
  } else if (url_host(url).empty() || url.find_first_of(" \t\"<>") != std::string::npos) {
    section.error(place, 135, written + " is not an address for " + name, "write http://host:port");
  }
}

void check_elastic(ConfigSection& s, ConfigSection& ssl, ConfigSection& backoff, ElasticConfig& elastic) {
  if (!s.has("hosts")) {
    s.missing("hosts", "write hosts: [\"http://localhost:9200\"]");
  } else if (s.is_empty_list("hosts")) {
    s.error(s.place_of("hosts"), 139, "outputs.elasticsearch.hosts is empty", "write [\"http://localhost:9200\"]");
  }
  for (std::size_t i = 0; i < elastic.hosts.size(); ++i) {
    if (!elastic.hosts[i].empty()) check_url(s, "hosts", i, elastic.hosts[i]);
  }
  if (s.has("data_stream") && s.has("index")) {
    s.error(s.place_of("index"), 132, "index and data_stream exclude each other in outputs.elasticsearch",
            "keep one of them");
  }
  if (elastic.data_stream.empty() && elastic.index.empty()) elastic.data_stream = "logs-tapewatch.app-default";
  check_index_name(s, "data_stream", elastic.data_stream, false);
  check_index_name(s, "index", elastic.index, true);
  check_index_name(s, "alerts_data_stream", elastic.alerts_data_stream, false);
  check_credentials(s, elastic);
  if (ssl.has("certificate") != ssl.has("key")) {
    const bool certificate = ssl.has("certificate");
    ssl.error(
        ssl.place_of(certificate ? "certificate" : "key"), 122,
        std::string("missing key ") + (certificate ? "\"key\"" : "\"certificate\"") + " in outputs.elasticsearch.ssl");
  }
  if (elastic.ssl.verification == Verification::none) {
    ssl.warning(ssl.place_of("verification"), 149, "the server's certificate is not checked",
                "give ssl.certificate_authorities instead");
  }
  if (elastic.backoff_init > elastic.backoff_max) {
    backoff.error(backoff.place_of(backoff.has("init") ? "init" : "max"), 130,
                  "backoff.init is longer than backoff.max in outputs.elasticsearch");
  }
}

void check_http(ConfigSection& s, const std::string& address, HttpConfig& http) {
  const YamlPlace place = s.place_of_value("address");
  if (!parse_address(address, http.host, http.port)) {
    const bool port = !address.empty() && address.find_first_not_of(":0123456789") == std::string::npos;
    const std::string digits = address.substr(std::min(address.find_first_not_of(':'), address.size()));
    s.error(place, 136, s.written("address") + " is not an address for http.address",
            port ? "did you mean " + quoted("127.0.0.1:" + digits) + "?" : "write host:port, as 127.0.0.1:9600");
    return;
  }
  if (http.enabled && !is_loopback(http.host) && !s.has("token")) {
    s.error(place, 137,
            "http.address " + s.written("address") + " can be reached from other machines and needs http.token",
            "add token: {file: PATH} or listen on 127.0.0.1");
  }
}

}  // namespace tapewatch
