#include "common/sasl/password_hash.h"

#include <crypt.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/sasl/credentials.h"

namespace mailmesh::sasl {
namespace {

constexpr Argon2Parameters kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

TEST(PasswordHash, Argon2idRoundTrip) {
  auto hash = HashPassword(base::Secret("secret"), kCheap);
  ASSERT_TRUE(hash.ok()) << hash.status();
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << *hash;
  EXPECT_EQ(*VerifyPassword(*hash, base::Secret("secret")), true);
  EXPECT_EQ(*VerifyPassword(*hash, base::Secret("Secret")), false);
  EXPECT_EQ(*VerifyPassword(*hash, base::Secret()), false);
  EXPECT_NE(*HashPassword(base::Secret("secret"), kCheap), *hash) << "the salt is not fresh";
}

TEST(PasswordHash, ReadsWhatTheReferenceProgramWrote) {
  // From the README of the Argon2 reference implementation: echo -n "password" | argon2 somesalt -t 2 -m 16 -p 4 -l 24
  std::string_view hash =
      "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
  EXPECT_EQ(*VerifyPassword(hash, base::Secret("password")), true);
  EXPECT_EQ(*VerifyPassword(hash, base::Secret("passwore")), false);
  EXPECT_TRUE(NeedsRehash(hash, kCheap));
}

TEST(PasswordHash, ParametersAreBounded) {
  auto status = [](uint32_t m, uint32_t t, uint32_t p) {
    return CheckImportable(absl::StrCat("$argon2id$v=19$m=", m, ",t=", t, ",p=", p,
                                        "$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"));
  };
  EXPECT_TRUE(status(19456, 2, 1).ok());
  EXPECT_TRUE(status(kMaxArgon2MemoryKib, 2, 1).ok());
  EXPECT_FALSE(status(kMaxArgon2MemoryKib, 3, 1).ok());
  EXPECT_FALSE(status(kMaxArgon2MemoryKib + 1, 1, 1).ok());
  EXPECT_FALSE(status(4294967295u, 1, 1).ok());
  EXPECT_TRUE(status(1024, kMaxArgon2Passes, 1).ok());
  EXPECT_FALSE(status(1024, kMaxArgon2Passes + 1, 1).ok());
  EXPECT_TRUE(status(1024, 1, kMaxArgon2Lanes).ok());
  EXPECT_FALSE(status(1024, 1, kMaxArgon2Lanes + 1).ok());
  EXPECT_FALSE(status(1024, 0, 1).ok());
  EXPECT_FALSE(status(1024, 1, 0).ok());
  EXPECT_FALSE(status(7, 1, 1).ok());
}

TEST(PasswordHash, MalformedIsNotImportable) {
  for (std::string_view hash : {"", "plain", "{SSHA}abc", "$", "$argon2id$", "$argon2id$v=19$m=64,t=1", "$argon2id$v=19$m=64,t=1,p=1$$",
                                "$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
                                "$argon2id$v=19$m=64,t=1,p=1x$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
                                "$argon2id$v=19$m=+64,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
                                "$2b$15$......................0123456789012345678901234567890", "$2b$99$x", "$6$rounds=99999999$salt$hash",
                                "$6$rounds=1$salt$hash", "$y$jZZ$salt$hash", "$y$jFT$salt$hash", "$7$ZZ", "$1$", "$6$a b$c"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckImportable(hash))) << hash;
    EXPECT_TRUE(absl::IsDataLoss(VerifyPassword(hash, base::Secret("x")).status())) << hash;
  }
}

TEST(PasswordHash, ImportsWhatDovecotWrites) {
  const std::string argon2 = *HashPassword(base::Secret("secret"), kCheap);
  const std::string sha512 = "$6$rounds=1000$salt$0123456789";
  EXPECT_EQ(*ImportHash(argon2), argon2);
  EXPECT_EQ(*ImportHash("{ARGON2ID}" + argon2), argon2);
  EXPECT_EQ(*ImportHash("{sha512-crypt}" + sha512), sha512);
  EXPECT_EQ(*ImportHash("{CRYPT}" + sha512), sha512);
  for (std::string bad : {"", "{CRYPT}", "{CRYPT", "{", "{}", "{PLAIN}secret", "{SSHA}MTIz", "{CRYPT}{CRYPT}$6$a$b",
                          "{SHA512-CRYPT.b64}JDYk", "!$6$salt$hash", "*", "rl.3StKT.4T8M"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ImportHash(bad).status())) << bad;
  }
  EXPECT_TRUE(ImportHash("$6$salt$" + std::string(504, 'x')).ok());
  EXPECT_FALSE(ImportHash("$6$salt$" + std::string(505, 'x')).ok()) << "over 512 octets";
}

TEST(PasswordHash, VerifiesCrypt) {
  struct {
    const char* prefix;
    unsigned long cost;
    Scheme scheme;
  } cases[] = {{"$y$", 1, Scheme::kYescrypt},    {"$y$", 5, Scheme::kYescrypt},    {"$gy$", 1, Scheme::kYescrypt},
               {"$7$", 7, Scheme::kScrypt},      {"$2b$", 4, Scheme::kBcrypt},     {"$2y$", 5, Scheme::kBcrypt},
               {"$6$", 1000, Scheme::kSha512Crypt}, {"$5$", 1000, Scheme::kSha256Crypt}, {"$6$", 0, Scheme::kSha512Crypt},
               {"$1$", 0, Scheme::kMd5Crypt}};
  for (const auto& c : cases) {
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    ASSERT_NE(crypt_gensalt_rn(c.prefix, c.cost, nullptr, 0, setting, sizeof(setting)), nullptr) << c.prefix;
    auto area = std::make_unique<crypt_data>();
    std::string hash = crypt_r("correct horse", setting, area.get());
    SCOPED_TRACE(hash);
    EXPECT_EQ(SchemeOf(hash), c.scheme);
    EXPECT_TRUE(CheckImportable(hash).ok()) << CheckImportable(hash);
    EXPECT_EQ(*VerifyPassword(hash, base::Secret("correct horse")), true);
    EXPECT_EQ(*VerifyPassword(hash, base::Secret("correct horsf")), false);
    EXPECT_EQ(*VerifyPassword(hash, base::Secret(std::string("correct horse\0", 14))), false);
    EXPECT_EQ(*VerifyPassword(hash, base::Secret(std::string(600, 'x'))), false);
    EXPECT_TRUE(NeedsRehash(hash, kCheap));
  }
}

TEST(PasswordHash, RehashWhenParametersChange) {
  auto hash = HashPassword(base::Secret("secret"), kCheap);
  EXPECT_FALSE(NeedsRehash(*hash, kCheap));
  EXPECT_TRUE(NeedsRehash(*hash, Argon2Parameters{.memory_kib = 128, .passes = 1, .lanes = 1}));
  EXPECT_TRUE(NeedsRehash(*hash, Argon2Parameters{.memory_kib = 64, .passes = 2, .lanes = 1}));
}

TEST(Credentials, HaveEveryKind) {
  auto made = MakeCredentials(base::Secret("secret"), {kCheap, 4096});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(*VerifyPassword(made->password_hash, base::Secret("secret")));
  EXPECT_EQ(made->scram_sha1.stored_key.size(), 20u);
  EXPECT_EQ(made->scram_sha256.stored_key.size(), 32u);
  EXPECT_NE(made->scram_sha1.salt, made->scram_sha256.salt);
  EXPECT_FALSE(MakeCredentials(base::Secret("secret"), {kCheap, 100}).ok());
}

}  // namespace
}  // namespace mailmesh::sasl
