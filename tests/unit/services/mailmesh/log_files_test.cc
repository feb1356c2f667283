#include "services/mailmesh/up/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/file.h"
#include "common/base/random.h"

namespace mailmesh::up {
namespace {

using testing::ElementsAre;

class LogFilesTest : public testing::Test {
 protected:
  LogFilesTest() : folder_(std::filesystem::temp_directory_path() / ("logs-" + base::NewIdText())) {
    std::filesystem::create_directories(folder_);
  }
  ~LogFilesTest() override { std::filesystem::remove_all(folder_); }
  std::string Read(const std::string& name) { return base::ReadFile(folder_ / name).value_or("-"); }

  std::filesystem::path folder_;
};

TEST_F(LogFilesTest, FilesChangeBetweenLines) {
  const std::string text = "one\ntwo is longer\nthree\nfour\nfive\n";
  // Whatever the pieces are in which the octets come, lines stay whole and in order.
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    LogFile file(folder_ / "x.log", {.file_bytes = 8, .files = 3});
    for (size_t at = 0; at < text.size(); at += piece) file.Append(std::string_view(text).substr(at, piece));
    EXPECT_EQ(Read("x.log.2"), "one\ntwo is longer\n") << piece;
    EXPECT_EQ(Read("x.log.1"), "three\nfour\n") << piece;
    EXPECT_EQ(Read("x.log"), "five\n") << piece;
  }
}

TEST_F(LogFilesTest, AFileGoesOnAfterARestart) {
  for (int life = 0; life < 3; ++life) LogFile(folder_ / "x.log", {.file_bytes = 100, .files = 2}).Append("line\n");
  EXPECT_EQ(Read("x.log"), "line\nline\nline\n");
  LogFile(folder_ / "x.log", {.file_bytes = 10, .files = 1}).Append("the last\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.log"));  // one file is kept, and it was full
}

TEST_F(LogFilesTest, ListedOldestFirst) {
  for (const char* name : {"b.log", "a.log.2", "a.log", "a.log.10", "a.log.1", "a.1.log"}) {
    ASSERT_TRUE(base::WriteFileAtomically(folder_ / name, "x").ok());
  }
  std::vector<std::string> names;
  for (const std::string& path : ListLogFiles(folder_)) names.push_back(std::filesystem::path(path).filename());
  EXPECT_THAT(names, ElementsAre("a.log.10", "a.log.2", "a.log.1", "a.log", "a.1.log", "b.log"));
}

}  // namespace
}  // namespace mailmesh::up
