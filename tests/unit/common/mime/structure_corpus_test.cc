// Real and odd messages: those of Python's e-mail tests, read where Debian's package libpython3.11-testsuite puts them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/mime/header.h"
#include "common/mime/search_text.h"
#include "tests/unit/common/mime/structure_for_test.h"

namespace mailmesh::mime {
namespace {

std::vector<std::pair<std::string, std::string>> Corpus() {
  std::vector<std::pair<std::string, std::string>> messages;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/python3.11/test/test_email/data", error)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    messages.emplace_back(entry.path().filename(), std::string(std::istreambuf_iterator<char>(file), {}));
  }
  return messages;
}

TEST(StructureCorpusTest, PythonsMessages) {
  const auto messages = Corpus();
  if (messages.empty()) GTEST_SKIP() << "package libpython3.11-testsuite is not installed";
  EXPECT_EQ(messages.size(), 47u);
  for (const auto& [name, message] : messages) {
    SCOPED_TRACE(name);
    const Structure structure = ParseStructure(message);
    ExpectTiles(message, structure);
    EXPECT_FALSE(structure.truncated);
    const std::string description = Describe(structure);
    for (const size_t size : {1, 2, 3, 7, 61, 4096}) ASSERT_EQ(Describe(ParseInPieces(message, size)), description);

    HeaderScanner scanner;
    scanner.Feed(message);
    EXPECT_EQ(scanner.header_size(), structure.root().header_size);
    const HeaderBlock block = ScanHeader(message);
    EXPECT_EQ(block.size, structure.root().header_size);
    EXPECT_EQ(scanner.field_count(), block.fields.size());

    SubstringSink sink("no message holds this");
    SearchText text(structure, {}, &sink);
    for (const char c : message) text.Feed(std::string_view(&c, 1));
    text.Finish();
    EXPECT_FALSE(sink.found());
  }
}

}  // namespace
}  // namespace mailmesh::mime
