#include "common/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace mailmesh::base {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/file_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static mode_t ModeOf(const std::string& path) {
    struct stat info;
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }
  std::string folder_;
};

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNothingBeside) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, "one").ok());
  EXPECT_EQ(ModeOf(path), 0600u);
  ASSERT_TRUE(WriteFileAtomically(path, "two", 0644).ok());
  EXPECT_EQ(ModeOf(path), 0644u);
  EXPECT_EQ(*ReadFile(path), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, AtomicWriteIntoAMissingFolderFails) {
  EXPECT_EQ(WriteFileAtomically(folder_ + "/no/a", "one").code(), absl::StatusCode::kNotFound);
}

TEST_F(FileTest, ReadIsBounded) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(100, 'x')).ok());
  EXPECT_EQ(ReadFile(path, 100)->size(), 100u);
  EXPECT_EQ(ReadFile(path, 99).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReadFile("/dev/zero", 1000).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReadFile(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FileTest, AppendAdds) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(AppendToFile(path, "one\n").ok());
  ASSERT_TRUE(AppendToFile(path, "two\n").ok());
  EXPECT_EQ(*ReadFile(path), "one\ntwo\n");
}

TEST_F(FileTest, FoldersAreMadeClosedToOthers) {
  ASSERT_TRUE(MakeDirectories(folder_ + "/a/b/c").ok());
  EXPECT_EQ(ModeOf(folder_ + "/a/b"), 0700u);
  EXPECT_TRUE(MakeDirectories(folder_ + "/a/b/c/").ok());
  EXPECT_TRUE(MakeDirectories("/").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/a/file", "").ok());
  EXPECT_EQ(MakeDirectories(folder_ + "/a/file").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(MakeDirectories(folder_ + "/a/file/b").ok());
  EXPECT_FALSE(MakeDirectories("").ok());
}

}  // namespace
}  // namespace mailmesh::base
