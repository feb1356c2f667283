#include "services/mailmesh/cli/output.h"

#include <gtest/gtest.h>

namespace mailmesh::cli {
namespace {

TEST(Output, TableIsAligned) {
  Table table({"name", "kind"});
  table.AddRow({"a.test", "local"});
  table.AddRow({"grüße.test", "relay"});
  EXPECT_EQ(table.Format(OutputFormat::kTable), "NAME        KIND\na.test      local\ngrüße.test  relay\n");
}

TEST(Output, JsonIsEscaped) {
  Table table({"text"});
  table.AddRow({"a\"b\\c\n"});
  EXPECT_EQ(table.Format(OutputFormat::kJson), "[{\"text\": \"a\\\"b\\\\c\\u000a\"}]\n");
  EXPECT_EQ(Table({"x"}).Format(OutputFormat::kJson), "[]\n");
}

TEST(Output, NothingReachesTheTerminalThatSteersIt) { EXPECT_EQ(Printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a"); }

}  // namespace
}  // namespace mailmesh::cli
