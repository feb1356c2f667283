// A folder that goes away with the test.
#ifndef MAILMESH_TESTS_UNIT_COMMON_KV_TEST_FOLDER_H_
#define MAILMESH_TESTS_UNIT_COMMON_KV_TEST_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mailmesh::kv {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mailmesh-kv-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_TESTS_UNIT_COMMON_KV_TEST_FOLDER_H_
