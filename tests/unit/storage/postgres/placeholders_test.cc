// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/placeholders.h"

#include <gtest/gtest.h>

#include <array>

namespace tapewatch {
namespace {

struct Case {
  const char* ours;
  const char* theirs;
};

constexpr std::array<Case, 40> cases{{
    {"", ""},
    {"SELECT 1", "SELECT 1"},
    {"SELECT ?", "SELECT $1"},
    {"a=? AND b=?", "a=$1 AND b=$2"},
    {"VALUES(?,?,?)", "VALUES($1,$2,$3)"},
    {"a=?2 AND b=?1", "a=$2 AND b=$1"},
    {"a=?2 AND b=?", "a=$2 AND b=$3"},
    {"a=? AND b=?1 AND c=?", "a=$1 AND b=$1 AND c=$2"},
    {"a=$2 AND b=?", "a=$2 AND b=$3"},
    {"?::bigint", "$1::bigint"},
    {"?+?", "$1+$2"},
    {"?12x", "$12 x"},
    {"?or", "$1 or"},
    {"LIMIT?", "LIMIT $1"},
    {"?1?2", "$1 $2"},
    {"'?'", "'?'"},
    {"'it''s ?' || ?", "'it''s ?' || $1"},
    {"'\\' || ?", "'\\' || $1"},          // no escape in an ordinary literal
    {"E'\\' ?' || ?", "E'\\' ?' || $1"},  // but in this one
    {"e'a''\\' ?' || ?", "e'a''\\' ?' || $1"},
    {"E'\\\\' || ?", "E'\\\\' || $1"},
    {"tableE'?'", "tableE'?'"},
    {"U&'\\0061 ?' || ?", "U&'\\0061 ?' || $1"},
    {"\"a?\"\"?\" = ?", "\"a?\"\"?\" = $1"},
    {"-- ?\n?", "-- ?\n$1"},
    {"-- ?", "-- ?"},
    {"a - -?", "a - -$1"},
    {"/* ? */ ?", "/* ? */ $1"},
    {"/* /* ? */ ? */ ?", "/* /* ? */ ? */ $1"},
    {"/* ?", "/* ?"},
    {"$$ ? $$ ?", "$$ ? $$ $1"},
    {"$a$ ? $$ ? $a$ ?", "$a$ ? $$ ? $a$ $1"},
    {"$a$ ? $b$ ?", "$a$ ? $b$ ?"},        // never closed
    {"a$b$ ? c$b$ ?", "a$b$ $1 c$b$ $2"},  // part of a name
    {"$ ?", "$ $1"},
    {"doc ?? 'key'", "doc ? 'key'"},
    {"doc ??| array['a'] AND id=?", "doc ?| array['a'] AND id=$1"},
    {"'?", "'?"},
    {"E'\\", "E'\\"},
    {"\xe6\xa0\xaa=?", "\xe6\xa0\xaa=$1"},
}};

TEST(Placeholders, AreNumberedOutsideOfEverythingThatIsQuoted) {
  for (const Case& each : cases) EXPECT_EQ(numbered_placeholders(each.ours), each.theirs) << each.ours;
}

TEST(Placeholders, ANumberBeyondAllBoundsIsTheServersToRefuse) {
  EXPECT_EQ(numbered_placeholders("?99999999999999999999"), "$65536");
}

}  // namespace
}  // namespace tapewatch
