// SPDX-License-Identifier: Apache-2.0
#include "storage/migrations.h"

#include <exception>
#include <filesystem>
#include <map>

#include "base/clock.h"
#include "base/hash.h"

namespace tapewatch {
namespace {

struct Recorded {
  std::string name;
  std::string checksum;
};

// Of what the step says. Any keyed hash would do; an empty key makes it the same everywhere.
std::string checksum_of(const Migration& migration) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hmac_sha256("", migration.name + '\n' + migration.sql)) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Result<std::int64_t> user_version(Database& database) {
  Result<Rows> rows = database.query("PRAGMA user_version");
  if (!rows.ok()) return std::move(rows).error();
  Result<bool> row = rows->next();
  if (!row.ok()) return std::move(row).error();
  return rows->integer(0);
}

Result<std::map<std::int64_t, Recorded>> recorded_steps(Database& database) {
  std::map<std::int64_t, Recorded> out;
  Result<Rows> rows = database.query("SELECT version, name, checksum FROM _migrations");
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    Result<bool> row = rows->next();
    if (!row.ok()) return std::move(row).error();
    if (!row.value()) return out;
    out[rows->integer(0)] = Recorded{std::string(rows->text(1)), std::string(rows->text(2))};
  }
}

std::string title(const Migration& migration) {
  return "migration " + std::to_string(migration.version) + " '" + migration.name + "'";
}

// The one place where an exception of a migration's closure ends.
Status call(const Migration& migration, Tx& tx) {
  try {
    return migration.run(tx);
  } catch (const std::exception& e) {
    return Error{Code::internal, std::string("it threw: ") + e.what()};
  } catch (...) {
    return Error{Code::internal, "it threw"};
  }
}

Status apply_inside(Database& database, const Migration& migration) {
  Status done = database.script(migration.sql);
  if (!done.ok()) return done;
  if (migration.run) {
    Tx tx(database);
    done = call(migration, tx);
    if (!done.ok()) return done;
  }
  if (!database.in_transaction()) return Error{Code::invalid, "it ended the transaction"};
  done = database.exec("INSERT INTO _migrations(version, name, checksum, applied_ns) VALUES(?, ?, ?, ?)",
                       {migration.version, migration.name, checksum_of(migration), SystemClock().wall_ns()});
  if (!done.ok()) return done;
  return database.script("PRAGMA user_version=" + std::to_string(migration.version));
}

Status apply(Database& database, const Migration& migration) {
  Status done = database.exec("BEGIN IMMEDIATE");
  if (done.ok()) done = apply_inside(database, migration);
  if (done.ok()) done = database.exec("COMMIT");
  if (!done.ok()) database.rollback();
  return done;
}

Status keep_copy(Database& database, const std::string& path, const Migration& migration) {
  const std::string copy = path + ".before-" + std::to_string(migration.version);
  std::error_code ignored;
  if (std::filesystem::exists(copy, ignored)) return success();
  // A copy that was cut short must not pass for one.
  std::filesystem::remove(copy + ".part", ignored);
  Status done = database.exec("VACUUM INTO ?", {copy + ".part"});
  if (!done.ok()) return done;
  std::error_code failed;
  std::filesystem::rename(copy + ".part", copy, failed);
  if (failed) return Error{Code::io, "keeping the copy: " + failed.message()};
  return success();
}

}  // namespace

Status refuse_newer(Database& database, std::span<const Migration> migrations) {
  if (migrations.empty()) return success();
  std::int64_t before = 0;
  for (const Migration& migration : migrations) {
    if (migration.version <= before || migration.version > INT32_MAX)
      return Error{Code::invalid, title(migration) + " does not follow version " + std::to_string(before)};
    before = migration.version;
  }
  Result<std::int64_t> version = user_version(database);
  if (!version.ok()) return std::move(version).error();
  if (version.value() <= before) return success();
  return Error{Code::schema_newer, "the file has schema version " + std::to_string(version.value()) +
                                       ", and this program knows up to " + std::to_string(before)};
}

Status migrate(Database& database, const std::string& path, std::span<const Migration> migrations) {
  if (migrations.empty()) return success();
  Status ready = database.script(
      "CREATE TABLE IF NOT EXISTS _migrations(version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
      " applied_ns INTEGER NOT NULL)");
  if (!ready.ok()) return ready;
  Result<std::map<std::int64_t, Recorded>> recorded = recorded_steps(database);
  if (!recorded.ok()) return std::move(recorded).error();
  for (const Migration& migration : migrations) {
    const auto found = recorded->find(migration.version);
    if (found != recorded->end()) {
      if (found->second.checksum == checksum_of(migration)) continue;
      return Error{Code::invalid, title(migration) + " is not the one that was applied ('" + found->second.name +
                                      "'): a step is never changed, add another"};
    }
    if (!recorded->empty() && recorded->rbegin()->first > migration.version)
      return Error{Code::invalid, title(migration) + " comes before one that was applied already"};
    if (migration.keep_copy) {
      Status kept = keep_copy(database, path, migration);
      if (!kept.ok()) return std::move(kept).error().with_context(title(migration));
    }
    Status applied = apply(database, migration);
    if (!applied.ok()) return std::move(applied).error().with_context(title(migration));
  }
  return success();
}

}  // namespace tapewatch
