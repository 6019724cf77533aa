// SPDX-License-Identifier: Apache-2.0
// bench_limit: what the job costs at least. One thread reads, splits, parses (six fields by one walk of the top level),
// splices two fields, frames and posts with libcurl, and does nothing else: no rotation, checkpoint, retry or limit.
//   bench_limit FILE http://127.0.0.1:PORT
// Prints one JSON object: wall_s, cpu_s, events, bytes, rss_kib.
#include <curl/curl.h>
#include <fcntl.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t block_bytes = 4u << 20;
constexpr std::size_t body_bytes = 8u << 20;
constexpr std::size_t line_bytes_max = 1u << 20;
constexpr std::string_view tail = ",\"host\":\"trade-host-01\",\"agent\":\"limit/0.1\"}\n";

struct Fields {
  std::uint64_t bytes = 0;
  double duration = 0;
};

class Poster {
 public:
  explicit Poster(const std::string& url) : handle_(curl_easy_init()) {
    headers_ = curl_slist_append(nullptr, "Content-Type: application/x-ndjson");
    headers_ = curl_slist_append(headers_, "Expect:");
    curl_easy_setopt(handle_, CURLOPT_URL, (url + "/logs-trading/_bulk").c_str());
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(handle_, CURLOPT_POST, 1L);
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &Poster::on_reply);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle_, CURLOPT_UPLOAD_BUFFERSIZE, 2097152L);
  }
  ~Poster() {
    curl_slist_free_all(headers_);
    curl_easy_cleanup(handle_);
  }
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  void post(std::string_view body) {
    head_.clear();
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    long code = 0;
    const CURLcode result = curl_easy_perform(handle_);
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &code);
    if (result != CURLE_OK || code != 200 || head_.find("\"errors\":false") == std::string::npos) {
      std::fprintf(stderr, "limit: post failed: curl %d, status %ld\n", static_cast<int>(result), code);
      std::exit(1);
    }
  }

 private:
  static std::size_t on_reply(char* bytes, std::size_t size, std::size_t count, void* self) {
    std::string& head = static_cast<Poster*>(self)->head_;
    if (head.size() < 512) head.append(bytes, std::min<std::size_t>(size * count, 512));
    return size * count;
  }
  CURL* handle_;
  curl_slist* headers_;
  std::string head_;
};

bool walk(simdjson::ondemand::object object, Fields& fields) {
  for (auto member : object) {
    simdjson::ondemand::raw_json_string key;
    if (member.key().get(key) != simdjson::SUCCESS) return false;
    if (key == "timestamp" || key == "level" || key == "event" || key == "correlation_id" || key == "user_id") {
      std::string_view text;
      if (member.value().get_string().get(text) == simdjson::SUCCESS) fields.bytes += text.size();
    } else if (key == "duration_ms") {
      double number = 0;
      if (member.value().get_double().get(number) == simdjson::SUCCESS) fields.duration += number;
    }
  }
  return true;
}

char* splice(char* out, std::string_view line, std::uint64_t offset) {
  constexpr std::string_view action = "{\"create\":{\"_id\":\"5f3a9c1e00000001-";
  static const char hex[] = "0123456789abcdef";
  std::memcpy(out, action.data(), action.size());
  out += action.size();
  for (int shift = 44; shift >= 0; shift -= 4) *out++ = hex[offset >> shift & 15];
  std::memcpy(out, "\"}}\n", 4);
  out += 4;
  const std::size_t kept = line.rfind('}');
  std::memcpy(out, line.data(), kept);
  out += kept;
  std::memcpy(out, tail.data(), tail.size());
  return out + tail.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_limit FILE URL\n");
    return 2;
  }
  const int fd = ::open(argv[1], O_RDONLY);
  if (fd < 0) {
    std::perror(argv[1]);
    return 1;
  }
  const auto start = std::chrono::steady_clock::now();
  std::string block(line_bytes_max + block_bytes + simdjson::SIMDJSON_PADDING, ' ');
  std::string body(body_bytes + line_bytes_max, '\0');
  Poster poster(argv[2]);
  simdjson::ondemand::parser parser;
  Fields fields;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
  std::size_t have = 0;
  char* out = body.data();
  for (ssize_t n = 0; (n = ::read(fd, block.data() + have, block_bytes)) > 0;) {
    bytes += static_cast<std::uint64_t>(n);
    const char* p = block.data();
    const char* const end = p + have + n;
    for (const void* found = nullptr; (found = std::memchr(p, '\n', static_cast<std::size_t>(end - p))) != nullptr;) {
      const std::string_view line(p, static_cast<std::size_t>(static_cast<const char*>(found) - p));
      simdjson::ondemand::document document;
      simdjson::ondemand::object object;
      if (parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) ==
              simdjson::SUCCESS &&
          document.get_object().get(object) == simdjson::SUCCESS) {
        if (!walk(object, fields)) std::fprintf(stderr, "limit: bad line\n");
      }
      out = splice(out, line, offset);
      offset += line.size() + 1;
      ++events;
      if (out >= body.data() + body_bytes) {
        poster.post({body.data(), static_cast<std::size_t>(out - body.data())});
        out = body.data();
      }
      p = static_cast<const char*>(found) + 1;
    }
    have = static_cast<std::size_t>(end - p);
    if (have > line_bytes_max) {
      std::fprintf(stderr, "limit: line too long\n");
      return 1;
    }
    std::memmove(block.data(), p, have);
  }
  if (out != body.data()) poster.post({body.data(), static_cast<std::size_t>(out - body.data())});
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  std::printf("{\"wall_s\":%.3f,\"cpu_s\":%.3f,\"events\":%llu,\"bytes\":%llu,\"rss_kib\":%ld,\"check\":%llu}\n", wall,
              seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<unsigned long long>(events),
              static_cast<unsigned long long>(bytes), usage.ru_maxrss,
              static_cast<unsigned long long>(fields.bytes) + static_cast<unsigned long long>(fields.duration > 0));
  return 0;
}
