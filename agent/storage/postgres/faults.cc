// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/faults.h"

#include <array>

namespace tapewatch {
namespace {

struct Meaning {
  std::string_view state;  // or the class that it begins with; the first that fits
  PgState means;
};

constexpr std::array<Meaning, 28> meanings{{
    {"40001", {Code::busy, PgFault::repeat}},           // serialization_failure
    {"40P01", {Code::busy, PgFault::repeat}},           // deadlock_detected
    {"26000", {Code::sql, PgFault::repeat}},            // somebody threw our prepared statements away
    {"40", {Code::busy, PgFault::statement}},           // transaction rollback
    {"55P03", {Code::busy, PgFault::statement}},        // lock_not_available
    {"55006", {Code::busy, PgFault::statement}},        // object_in_use
    {"23", {Code::constraint, PgFault::statement}},     // integrity constraint violation
    {"44", {Code::constraint, PgFault::statement}},     // WITH CHECK OPTION violation
    {"57014", {Code::timeout, PgFault::statement}},     // query_canceled: statement_timeout
    {"25P03", {Code::timeout, PgFault::lost}},          // idle_in_transaction_session_timeout
    {"25006", {Code::read_only, PgFault::statement}},   // read_only_sql_transaction
    {"22", {Code::invalid, PgFault::statement}},        // data exception
    {"42501", {Code::permission, PgFault::statement}},  // insufficient_privilege
    {"28", {Code::permission, PgFault::lost}},          // invalid authorization
    {"0A", {Code::unsupported, PgFault::statement}},    // feature not supported
    {"53100", {Code::full, PgFault::statement}},        // disk_full
    {"53300", {Code::limit, PgFault::lost}},            // too_many_connections
    {"53", {Code::limit, PgFault::statement}},          // insufficient resources
    {"54", {Code::limit, PgFault::statement}},          // program limit exceeded
    {"57P01", {Code::network, PgFault::lost}},          // admin_shutdown
    {"57P02", {Code::network, PgFault::lost}},          // crash_shutdown
    {"57P03", {Code::network, PgFault::lost}},          // cannot_connect_now
    {"57P04", {Code::not_found, PgFault::lost}},        // database_dropped
    {"57P05", {Code::network, PgFault::lost}},          // idle_session_timeout
    {"08", {Code::network, PgFault::lost}},             // connection exception
    {"58", {Code::io, PgFault::statement}},             // system error
    {"XX000", {Code::sql, PgFault::statement}},         // internal error
    {"XX", {Code::corrupt, PgFault::statement}},        // internal error, data corrupted
}};

}  // namespace

PgState state_of(std::string_view sqlstate, std::string_view message) {
  // The one "not supported" that is over when the statement is prepared anew.
  if (sqlstate == "0A000" && message.find("cached plan") != std::string_view::npos) return {Code::sql, PgFault::repeat};
  for (const Meaning& each : meanings) {
    if (sqlstate.starts_with(each.state)) return each.means;
  }
  return {};
}

}  // namespace tapewatch
