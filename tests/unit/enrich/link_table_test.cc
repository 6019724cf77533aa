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
  table.at(key_of(1)).set("one", LinkStrength::trace, 5);
  ASSERT_NE(table.find(key_of(1)), nullptr);
  EXPECT_EQ(table.find(key_of(1))->id_text(), "one");
  table.at(key_of(1)).set("two", LinkStrength::trace, 6);
  EXPECT_EQ(table.find(key_of(1))->id_text(), "two");
  EXPECT_EQ(table.size(), 1u);
}

TEST(LinkTable, HoldsAsManyAsItMayAndNoMore) {
  LinkTable table(100);
  for (std::uint64_t i = 0; i < 100; ++i) table.at(key_of(i)).set("x", LinkStrength::trace, 0);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_NE(table.find(key_of(i)), nullptr);
  EXPECT_EQ(table.evictions(), 0u);
  for (std::uint64_t i = 100; i < 1000; ++i) table.at(key_of(i)).set("x", LinkStrength::trace, 0);
  EXPECT_EQ(table.size(), 100u);
  EXPECT_EQ(table.evictions(), 900u);
}

TEST(LinkTable, WhatIsUsedStays) {
  LinkTable table(100);
  table.at(key_of(0)).set("hot", LinkStrength::trace, 0);
  for (std::uint64_t i = 1; i < 1000; ++i) {
    table.at(key_of(i)).set("x", LinkStrength::trace, 0);
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
      table.at(key_of(n)).set(model[n], LinkStrength::trace, i);
    }
    const LinkTable::Link* link = table.find(key_of(n));
    if (link != nullptr) {
      ASSERT_EQ(link->id_text(), model[n]);
    }
  }
}

TEST(LinkTable, SaveAndRestore) {
  LinkTable table(10);
  for (std::uint64_t i = 0; i < 5; ++i) table.at(key_of(i)).set("id" + std::to_string(i), LinkStrength::request, 7);
  std::string saved;
  table.save(saved);
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

}  // namespace
}  // namespace tapewatch
