// SPDX-License-Identifier: Apache-2.0
#include "enrich/link_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tapewatch {
namespace {

Hash128 key_of(std::uint64_t n) { return hash128(std::to_string(n)); }

TEST(LinkTable, FindsWhatWasPut) {
  LinkTable table(100);
  EXPECT_EQ(table.find(key_of(1)), nullptr);
  table.set(table.at(key_of(1)), "one", LinkStrength::trace, 5);
  ASSERT_NE(table.find(key_of(1)), nullptr);
  EXPECT_EQ(table.find(key_of(1))->id_text(), "one");
  table.set(table.at(key_of(1)), "two", LinkStrength::trace, 6);
  EXPECT_EQ(table.find(key_of(1))->id_text(), "two");
  EXPECT_EQ(table.size(), 1u);
}

TEST(LinkTable, HoldsAsManyAsItMayAndNoMore) {
  LinkTable table(100);
  for (std::uint64_t i = 0; i < 100; ++i) table.set(table.at(key_of(i)), "x", LinkStrength::trace, 0);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_NE(table.find(key_of(i)), nullptr);
  EXPECT_EQ(table.evictions(), 0u);
  for (std::uint64_t i = 100; i < 1000; ++i) table.set(table.at(key_of(i)), "x", LinkStrength::trace, 0);
  EXPECT_EQ(table.size(), 100u);
  EXPECT_EQ(table.evictions(), 900u);
}

TEST(LinkTable, WhatIsUsedStays) {
  LinkTable table(100);
  table.set(table.at(key_of(0)), "hot", LinkStrength::trace, 0);
  for (std::uint64_t i = 1; i < 1000; ++i) {
    table.set(table.at(key_of(i)), "x", LinkStrength::trace, 0);
    ASSERT_NE(table.find(key_of(0)), nullptr) << i;
  }
}

// Whatever is evicted, what is found is right: the index never leads to another key's link.
TEST(LinkTable, AgreesWithAMap) {
  LinkTable table(64);
  std::map<std::uint64_t, std::string> model;
  std::mt19937_64 random(3);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t n = random() % 200;
    if (random() % 2 == 0) {
      model[n] = std::to_string(i);
      table.set(table.at(key_of(n)), model[n], LinkStrength::trace, i);
    }
    const LinkTable::Link* link = table.find(key_of(n));
    if (link != nullptr) {
      ASSERT_EQ(link->id_text(), model[n]);
    }
  }
}

TEST(LinkTable, SaveAndRestore) {
  LinkTable table(10);
  for (std::uint64_t i = 0; i < 5; ++i)
    table.set(table.at(key_of(i)), "id" + std::to_string(i), LinkStrength::request, 7);
  std::string saved;
  EXPECT_EQ(table.save(saved), 5u);
  LinkTable other(10);
  other.restore(saved);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const LinkTable::Link* link = other.find(key_of(i));
    ASSERT_NE(link, nullptr);
    EXPECT_EQ(link->id_text(), "id" + std::to_string(i));
    EXPECT_EQ(link->strength, LinkStrength::request);
    EXPECT_EQ(link->time_ns, 7);
  }
  LinkTable torn(10);
  torn.restore(std::string_view(saved).substr(0, saved.size() - 1));
  EXPECT_EQ(torn.size(), 4u);
  torn.restore("garbage that is long enough to have a head");
}

TEST(LinkTable, SavesInPieces) {
  LinkTable table(10);
  for (std::uint64_t i = 0; i < 5; ++i) table.set(table.at(key_of(i)), "one", LinkStrength::request, 7);
  std::string whole;
  EXPECT_EQ(table.save(whole), 5u);
  std::string pieces;
  EXPECT_EQ(table.save(pieces, 0, 2), 2u);
  EXPECT_EQ(table.save(pieces, 2, 2), 4u);
  EXPECT_EQ(table.save(pieces, 4, 2), 5u);
  EXPECT_EQ(pieces, whole);
}

TEST(LinkTable, SavesOnlyWhatChanged) {
  constexpr std::int64_t minute_ns = 60'000'000'000;
  LinkTable table(10);
  for (std::uint64_t i = 0; i < 5; ++i) table.set(table.at(key_of(i)), "one", LinkStrength::request, 7);
  std::string saved;
  table.save_changes(saved);
  saved.clear();
  table.set(table.at(key_of(2)), "one", LinkStrength::request, 8);  // seen again, nothing new
  table.save_changes(saved);
  EXPECT_EQ(saved, "");
  table.set(table.at(key_of(3)), "two", LinkStrength::trace, 8);
  table.set(table.at(key_of(3)), "two", LinkStrength::trace, 9);
  table.set(table.at(key_of(4)), "one", LinkStrength::request, 2 * minute_ns);  // seen again, and much later
  table.save_changes(saved);
  LinkTable other(10);
  other.restore(saved);
  EXPECT_EQ(other.size(), 2u);
  ASSERT_NE(other.find(key_of(3)), nullptr);
  EXPECT_EQ(other.find(key_of(3))->id_text(), "two");
  ASSERT_NE(other.find(key_of(4)), nullptr);
  EXPECT_EQ(other.find(key_of(4))->time_ns, 2 * minute_ns);
  saved.clear();
  table.save_changes(saved);
  EXPECT_EQ(saved, "");
}

// The place of a link that was pushed out is saved as what it is now.
TEST(LinkTable, SavesChangesOfPlacesThatAreUsedAgain) {
  LinkTable table(4);
  for (std::uint64_t i = 0; i < 40; ++i) table.set(table.at(key_of(i)), std::to_string(i), LinkStrength::trace, 1);
  std::string saved;
  table.save_changes(saved);
  LinkTable other(100);
  other.restore(saved);
  EXPECT_EQ(other.size(), 4u);
  for (std::uint64_t i = 0; i < 40; ++i) {
    const LinkTable::Link* link = other.find(key_of(i));
    EXPECT_TRUE(link == nullptr || link->id_text() == std::to_string(i)) << i;
  }
}

}  // namespace
}  // namespace tapewatch
