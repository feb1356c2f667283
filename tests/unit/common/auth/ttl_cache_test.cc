#include "common/auth/ttl_cache.h"

#include <gtest/gtest.h>

namespace mailmesh::auth {
namespace {

TEST(TtlCache, KeepsTheRecentlyUsed) {
  TtlCache<int> cache(3);
  auto time = std::chrono::steady_clock::time_point(std::chrono::seconds(5));
  for (int i = 0; i < 3; ++i) cache.Put(std::to_string(i), i, time);
  EXPECT_EQ(cache.Get("0")->value, 0);
  cache.Put("3", 3, time);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_FALSE(cache.Get("1"));
  EXPECT_TRUE(cache.Get("0"));
  cache.Put("0", 7, time + std::chrono::seconds(1));
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.Get("0")->value, 7);
  EXPECT_EQ(cache.Get("0")->fresh_until, time + std::chrono::seconds(1));
  cache.Clear();
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_FALSE(cache.Get("0"));
}

}  // namespace
}  // namespace mailmesh::auth
