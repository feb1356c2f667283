#include "common/kv/page_merge.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace mailmesh::kv {
namespace {

using Model = std::map<uint32_t, std::string>;

Model Decode(std::string_view octets) {
  Model result;
  PageReader reader(octets);
  while (reader.Next()) {
    EXPECT_FALSE(reader.removed());
    result[reader.index()] = std::string(reader.payload());
  }
  EXPECT_FALSE(reader.damaged());
  return result;
}

TEST(PageMergeTest, DeltasInOrderEqualTheModel) {
  std::mt19937 random(7);
  Model model;
  std::string page;
  for (int round = 0; round < 500; ++round) {
    const uint32_t index = random() % kPageWidth;
    PageWriter delta;
    if (random() % 4 == 0) {
      delta.AddRemoved(index);
      model.erase(index);
    } else {
      std::string payload(random() % 5, static_cast<char>('a' + random() % 26));
      delta.Add(index, payload);
      model[index] = payload;
    }
    PageView view;
    ASSERT_TRUE(view.Apply(page));
    ASSERT_TRUE(view.Apply(delta.octets()));
    page = view.Encode();
    ASSERT_EQ(Decode(page), model);
  }
}

TEST(PageMergeTest, CombiningDeltasFirstChangesNothing) {
  PageWriter base, first, second;
  base.Add(1, "one");
  base.Add(5, "five");
  first.AddRemoved(1);
  first.Add(7, "seven");
  second.Add(1, "uno");
  second.AddRemoved(5);
  second.AddRemoved(7);

  PageView combined;
  ASSERT_TRUE(combined.Apply(first.octets()));
  ASSERT_TRUE(combined.Apply(second.octets()));
  PageView page;
  ASSERT_TRUE(page.Apply(base.octets()));
  const std::string delta = combined.Encode(/*keep_removed=*/true);
  ASSERT_TRUE(page.Apply(delta));
  EXPECT_EQ(Decode(page.Encode()), (Model{{1, "uno"}}));
}

TEST(PageMergeTest, EveryCutOfAPageIsDamagedOrShorter) {
  PageWriter writer;
  writer.Add(0, "zero");
  writer.Add(255, std::string(300, 'x'));
  const std::string& octets = writer.octets();
  for (size_t size = 0; size < octets.size(); ++size) {
    PageReader reader(std::string_view(octets).substr(0, size));
    size_t records = 0;
    while (reader.Next()) ++records;
    EXPECT_LT(records, 2u);
  }
}

TEST(PageMergeTest, NumbersBeyondThePageAreDamage) {
  PageWriter writer;
  writer.Add(200, "a");
  std::string octets = writer.octets();
  std::string again = octets + octets;  // 200, then 400
  PageView view;
  EXPECT_FALSE(view.Apply(again));
}

}  // namespace
}  // namespace mailmesh::kv
