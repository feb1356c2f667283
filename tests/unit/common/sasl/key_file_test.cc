#include "common/sasl/key_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/time/clock.h"

namespace mailmesh::sasl {
namespace {

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string pattern = testing::TempDir() + "/key_file_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    file_ = folder_ + "/keys";
  }
  ~KeyFileTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<KeyFile> Open() {
    auto opened = KeyFile::Open(file_, KeyFile::Missing::kCreate);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  std::string folder_, file_;
};

TEST_F(KeyFileTest, AMissingFileIsMadeOnlyWhereThatIsMeant) {
  EXPECT_TRUE(absl::IsNotFound(KeyFile::Open(file_, KeyFile::Missing::kError).status()));
  Open();
  EXPECT_TRUE(KeyFile::Open(file_, KeyFile::Missing::kError).ok());
}

TEST_F(KeyFileTest, WhatOneProcessSealsWithAFreshKeyAnotherOpens) {
  auto one = Open();
  auto other = Open();
  const std::string old = one->Seal(base::Secret("secret"), "account").value();
  const auto added = one->AddKey();
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->keys, 2u);
  EXPECT_EQ(added->name.size(), 16u);
  const std::string fresh = one->Seal(base::Secret("secret"), "account").value();
  EXPECT_NE(old.substr(1, 8), fresh.substr(1, 8));
  EXPECT_EQ(other->Open(fresh, "account").value().Reveal(), "secret");
  EXPECT_EQ(other->Open(old, "account").value().Reveal(), "secret");
}

TEST_F(KeyFileTest, ResealsWhatIsNotUnderTheNewestKey) {
  auto keys = Open();
  const std::string old = keys->Seal(base::Secret("secret"), "account").value();
  EXPECT_EQ(keys->Reseal(old, "account").value(), old);
  ASSERT_TRUE(keys->AddKey().ok());
  const std::string fresh = keys->Reseal(old, "account").value();
  EXPECT_NE(fresh, old);
  EXPECT_EQ(keys->Reseal(fresh, "account").value(), fresh);
  EXPECT_EQ(keys->Open(fresh, "account").value().Reveal(), "secret");
  EXPECT_TRUE(absl::IsDataLoss(keys->Reseal(old, "another").status()));
}

TEST_F(KeyFileTest, ResealsWithAKeyThatAnotherProcessHasJustAdded) {
  auto one = Open();
  auto other = Open();
  std::string sealed = one->Seal(base::Secret("secret"), "account").value();
  // Quicker after each other than the file is read again for what cannot be opened.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(other->AddKey().ok());
    const std::string fresh = one->Reseal(sealed, "account").value();
    EXPECT_NE(fresh, sealed) << i;
    sealed = fresh;
  }
}

TEST_F(KeyFileTest, TwoThatAddAtOnceLoseNoKey) {
  auto one = Open();
  auto other = Open();
  const auto first = one->AddKey();
  const auto second = other->AddKey();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->keys, 3u);
  const std::string sealed = one->Seal(base::Secret("secret"), "account").value();
  EXPECT_EQ(other->Open(sealed, "account").value().Reveal(), "secret");
}

}  // namespace
}  // namespace mailmesh::sasl
