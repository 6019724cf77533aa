// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/migrations.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "storage/postgres/store_state.h"

namespace tapewatch {
namespace {

// Of the lock under which the schema is changed.
constexpr std::int64_t lock_number = 0x7477'6d69'6772'6174;

std::string checksum_of(const PgMigration& migration) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hmac_sha256("", migration.name + '\n' + migration.sql)) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string title(const PgMigration& migration) {
  return "migration " + std::to_string(migration.version) + " '" + migration.name + "'";
}

Status check_order(std::span<const PgMigration> migrations) {
  std::int64_t before = 0;
  for (const PgMigration& migration : migrations) {
    if (migration.version <= before)
      return Error{Code::invalid, title(migration) + " does not follow version " + std::to_string(before)};
    before = migration.version;
  }
  return success();
}

// In snapshots of their own: what another store did while this one waited for the lock is to be seen.
Status lock_schema(PgConnection& connection) {
  Status begun = connection.begin_now();
  if (begun.ok()) begun = connection.run_all({"SET TRANSACTION ISOLATION LEVEL READ COMMITTED"});
  if (!begun.ok()) return begun;
  return connection.run_all({"SELECT pg_advisory_xact_lock(" + std::to_string(lock_number) + ")"});
}

Status record(PgTx& tx, const PgMigration& migration) {
  Result<std::int64_t> done =
      tx.exec("INSERT INTO _migrations(version, name, checksum, applied_ns) VALUES(?, ?, ?, ?)", migration.version,
              migration.name, checksum_of(migration), SystemClock().wall_ns());
  if (!done.ok()) return std::move(done).error();
  return success();
}

// True when it is there already, as it is.
Result<bool> recorded(PgTx& tx, const PgMigration& migration, std::int64_t known) {
  using Step = std::tuple<std::int64_t, std::string, std::string>;
  Result<std::vector<Step>> steps = tx.query<Step>("SELECT version, name, checksum FROM _migrations ORDER BY version");
  if (!steps.ok()) return std::move(steps).error();
  const std::int64_t newest = steps->empty() ? 0 : std::get<0>(steps->back());
  if (newest > known)
    return Error{Code::schema_newer, "the database has schema version " + std::to_string(newest) +
                                         ", and this program knows up to " + std::to_string(known)};
  for (const auto& [version, name, checksum] : steps.value()) {
    if (version != migration.version) continue;
    if (checksum == checksum_of(migration)) return true;
    return Error{Code::invalid, title(migration) + " is not the one that was applied ('" + name +
                                    "'): a step is never changed, add another"};
  }
  if (newest > migration.version)
    return Error{Code::invalid, title(migration) + " comes before one that was applied already"};
  return false;
}

Status apply(PgConnection& connection, const PgMigration& migration, std::int64_t known) {
  Status locked = lock_schema(connection);
  if (!locked.ok()) return locked;
  PgTx tx(connection);
  Result<bool> there = recorded(tx, migration, known);
  if (!there.ok()) return std::move(there).error();
  if (there.value()) return success();
  Status done = migration.sql.empty() ? success() : connection.run_script(migration.sql);
  if (done.ok() && migration.run) done = call_job(migration.run, tx);
  return done.ok() ? record(tx, migration) : done;
}

}  // namespace

Status run_schema(PgConnection& connection, const std::string& schema) {
  Status locked = lock_schema(connection);
  return locked.ok() ? connection.run_script(schema) : locked;
}

Status migrate(std::span<const PgMigration> migrations,
               const std::function<Status(std::function<Status(PgConnection&)>)>& write) {
  if (migrations.empty()) return success();
  Status done = check_order(migrations);
  if (!done.ok()) return done;
  done = write([](PgConnection& connection) {
    return run_schema(connection,
                      "CREATE TABLE IF NOT EXISTS _migrations(version bigint PRIMARY KEY, name text NOT NULL,"
                      " checksum text NOT NULL, applied_ns bigint NOT NULL)");
  });
  for (const PgMigration& migration : migrations) {
    if (!done.ok()) return done;
    const std::int64_t known = migrations.back().version;
    done = write([&](PgConnection& connection) { return apply(connection, migration, known); });
    if (!done.ok()) done = std::move(done).error().with_context(title(migration));
  }
  return done;
}

}  // namespace tapewatch
