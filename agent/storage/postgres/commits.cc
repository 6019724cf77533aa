// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/commits.h"

#include <random>
#include <utility>

namespace tapewatch {
namespace {

// The server counts until it gives its counts away, which it does at most once a second unless it is asked to: a table
// that an earlier transaction of the connection changed may be named again.
std::string changed_tables(int server_version) {
  std::string out = " FROM pg_stat_xact_user_tables";
  if (server_version >= 150000) out += ", (SELECT pg_stat_force_next_flush()) AS flush";
  return out + " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0";
}

std::string random_origin() {
  std::random_device device;
  return std::to_string(device()) + std::to_string(device()) + ":";
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

}  // namespace

PgCommits::PgCommits(std::string name) : channel(std::move(name)), origin(random_origin()) {}

std::string PgCommits::statement(int server_version) const {
  if (channel.empty()) return "SELECT relname" + changed_tables(server_version);
  return "SELECT relname, pg_notify(" + literal(channel) + ", " + literal(origin) + " || relname)" +
         changed_tables(server_version);
}

void PgCommits::heard(std::string_view word) {
  if (word.starts_with(origin)) return;  // told already, before the result of the write
  const std::string table(word.substr(word.find(':') + 1));
  listeners.tell({&table});
}

void PgCommits::missed() {
  const std::string any;
  listeners.tell({&any});
}

}  // namespace tapewatch
