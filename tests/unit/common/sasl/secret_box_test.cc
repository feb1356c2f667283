#include "common/sasl/secret_box.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "common/base/file.h"

namespace mailmesh::sasl {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = ::testing::TempDir() + "/key_ring_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(SecretBox, RoundTrip) {
  SecretBox box(KeyRing::Generate());
  for (const std::string& text : {std::string("pa\0ss", 5), std::string(), std::string(64 * 1024, 'x')}) {
    auto sealed = box.Seal(base::Secret(text), "account 1");
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    if (!text.empty()) {
      EXPECT_EQ(sealed->find(text), std::string::npos);
    }
    auto opened = box.Open(*sealed, "account 1");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->Reveal(), text);
  }
  EXPECT_FALSE(box.Seal(base::Secret(std::string(64 * 1024 + 1, 'x')), "").ok());
  EXPECT_NE(*box.Seal(base::Secret("x"), ""), *box.Seal(base::Secret("x"), ""));
}

TEST(SecretBox, AnyChangeIsNoticed) {
  SecretBox box(KeyRing::Generate());
  std::string sealed = *box.Seal(base::Secret("password"), "account 1");
  EXPECT_TRUE(absl::IsDataLoss(box.Open(sealed, "account 2").status()));
  EXPECT_TRUE(absl::IsDataLoss(box.Open(sealed, "").status()));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(box.Open(changed, "account 1").ok()) << i;
    EXPECT_FALSE(box.Open(sealed.substr(0, i), "account 1").ok()) << i;
  }
  EXPECT_TRUE(absl::IsNotFound(SecretBox(KeyRing::Generate()).Open(sealed, "account 1").status()));
}

TEST(SecretBox, Rotation) {
  KeyRing ring = KeyRing::Generate();
  std::string old = *SecretBox(ring).Seal(base::Secret("password"), "a");
  ring.AddKey();
  SecretBox box(ring);
  EXPECT_FALSE(box.IsCurrent(old));
  auto opened = box.Open(old, "a");
  ASSERT_TRUE(opened.ok());
  std::string fresh = *box.Seal(*opened, "a");
  EXPECT_TRUE(box.IsCurrent(fresh));
  EXPECT_EQ(box.Open(fresh, "a")->Reveal(), "password");
}

TEST(KeyRing, IsMadeOnceAndClosedToOthers) {
  TemporaryFolder folder;
  std::string path = folder.File("keys");
  EXPECT_TRUE(absl::IsNotFound(KeyRing::Load(path).status()));
  std::vector<std::string> names(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < names.size(); ++i) {
    threads.emplace_back([&, i] {
      auto ring = KeyRing::LoadOrCreate(path);
      if (ring.ok()) names[i] = ring->active().name;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& name : names) EXPECT_EQ(name, names[0]);
  EXPECT_EQ(names[0].size(), KeyRing::kNameOctets);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(std::filesystem::path(path).parent_path()), {}), 1);

  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(KeyRing::Load(path).status()));
}

TEST(KeyRing, SavesAndLoads) {
  TemporaryFolder folder;
  KeyRing ring = KeyRing::Generate();
  ring.AddKey();
  ASSERT_TRUE(ring.Save(folder.File("keys")).ok());
  auto loaded = KeyRing::Load(folder.File("keys"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->keys().size(), 2u);
  EXPECT_EQ(loaded->active().name, ring.active().name);
  EXPECT_EQ(loaded->active().key.Reveal(), ring.active().key.Reveal());
  EXPECT_NE(loaded->Find(ring.keys()[0].name), nullptr);
}

TEST(KeyRing, DamageIsNoticed) {
  TemporaryFolder folder;
  for (std::string_view text : {"", "mailmesh-key-ring 1\n", "mailmesh-key-ring 2\n", "mailmesh-key-ring 1\nxx yy 1\n",
                                "mailmesh-key-ring 1\n0011223344556677 c2hvcnQ= 1\n"}) {
    ASSERT_TRUE(base::WriteFileAtomically(folder.File("keys"), text).ok());
    EXPECT_TRUE(absl::IsDataLoss(KeyRing::LoadOrCreate(folder.File("keys")).status())) << text;
  }
}

}  // namespace
}  // namespace mailmesh::sasl
