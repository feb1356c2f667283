#include "services/mailmesh/cli/backups_to_delete.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

mailbox::v1::ListBackupsResponse List(const std::vector<std::string>& names) {
  mailbox::v1::ListBackupsResponse list;
  for (const std::string& name : names) list.add_backups()->set_name(name);
  return list;
}

TEST(BackupsToDeleteTest, KeepsTheLastOnes) {
  EXPECT_THAT(BackupsToDelete(List({"new", "c", "b", "a"}), "new", 2), ElementsAre("b", "a"));
  EXPECT_THAT(BackupsToDelete(List({"new", "c", "b", "a"}), "new", 1), ElementsAre("c", "b", "a"));
  EXPECT_THAT(BackupsToDelete(List({"new", "c"}), "new", 3), IsEmpty());
}

TEST(BackupsToDeleteTest, NeverTheOneThatWasJustMade) {
  EXPECT_THAT(BackupsToDelete(List({"c", "b", "a", "new"}), "new", 1), ElementsAre("c", "b", "a"));
  EXPECT_THAT(BackupsToDelete(List({"c", "b", "a", "new"}), "new", 2), ElementsAre("b", "a"));
}

}  // namespace
}  // namespace mailmesh::cli
