#include "common/sasl/scram_keys.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"

namespace mailmesh::sasl {
namespace {

struct Vector {
  const char* rfc;
  ScramHash hash;
  const char* salt;
  const char* client_first_bare;
  const char* server_first;
  const char* client_final_without_proof;
  const char* proof;
  const char* server_signature;
};

// User "user", password "pencil", 4096 iterations in both.
const Vector kVectors[] = {
    {"RFC 5802, 5", ScramHash::kSha1, "QSXCR+Q6sek8bf92", "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"RFC 7677, 3", ScramHash::kSha256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

std::string Hmac(ScramHash hash, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(hash == ScramHash::kSha1 ? EVP_sha1() : EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
}

std::string Hash(ScramHash hash, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, hash == ScramHash::kSha1 ? EVP_sha1() : EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<char*>(out), size);
}

TEST(ScramKeys, FitTheExchangesOfTheRfcs) {
  for (const Vector& v : kVectors) {
    SCOPED_TRACE(v.rfc);
    auto keys = DeriveScramKeys(v.hash, base::Secret("pencil"), *base::Base64Decode(v.salt), 4096);
    ASSERT_TRUE(keys.ok()) << keys.status();
    std::string auth_message = absl::StrCat(v.client_first_bare, ",", v.server_first, ",", v.client_final_without_proof);
    EXPECT_EQ(base::Base64Encode(Hmac(v.hash, keys->server_key.Reveal(), auth_message)), v.server_signature);
    // RFC 5802, 3: ClientKey is what the proof hides under the signature, and StoredKey is its hash.
    std::string client_key = *base::Base64Decode(v.proof);
    std::string signature = Hmac(v.hash, keys->stored_key, auth_message);
    ASSERT_EQ(client_key.size(), signature.size());
    for (size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= signature[i];
    EXPECT_EQ(Hash(v.hash, client_key), keys->stored_key);
  }
}

TEST(ScramKeys, IterationsAreBounded) {
  auto with = [](uint32_t n) { return DeriveScramKeys(ScramHash::kSha256, base::Secret("x"), "salt", n).status(); };
  EXPECT_TRUE(absl::IsInvalidArgument(with(kMinScramIterations - 1)));
  EXPECT_TRUE(with(kMinScramIterations).ok());
  EXPECT_TRUE(with(kMinScramIterations + 1).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(with(kMaxScramIterations + 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(DeriveScramKeys(ScramHash::kSha1, base::Secret("x"), "", 4096).status()));
}

TEST(ScramKeys, DecoysAreStableAndDifferByName) {
  base::Secret secret("a secret of the server");
  auto one = DecoyScramKeys(ScramHash::kSha256, secret, "nobody@example.org", 10'000);
  auto again = DecoyScramKeys(ScramHash::kSha256, secret, "nobody@example.org", 10'000);
  auto other = DecoyScramKeys(ScramHash::kSha256, secret, "somebody@example.org", 10'000);
  auto restarted = DecoyScramKeys(ScramHash::kSha256, base::Secret("another"), "nobody@example.org", 10'000);
  EXPECT_EQ(one.salt, again.salt);
  EXPECT_EQ(one.stored_key, again.stored_key);
  EXPECT_NE(one.salt, other.salt);
  EXPECT_NE(one.salt, restarted.salt);
  EXPECT_EQ(one.salt.size(), kScramSaltOctets);
  EXPECT_EQ(one.stored_key.size(), 32u);
  EXPECT_EQ(one.iterations, 10'000u);
  EXPECT_EQ(DecoyScramKeys(ScramHash::kSha1, secret, "nobody@example.org", 10'000).stored_key.size(), 20u);
}

}  // namespace
}  // namespace mailmesh::sasl
