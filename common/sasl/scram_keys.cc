#include "common/sasl/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/str_cat.h"

namespace mailmesh::sasl {
namespace {

const EVP_MD* Digest(ScramHash hash) { return hash == ScramHash::kSha1 ? EVP_sha1() : EVP_sha256(); }

// Empty when OpenSSL fails (no memory).
std::string Hmac(const EVP_MD* md, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(md, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           out, &size) == nullptr) {
    return {};
  }
  std::string result(reinterpret_cast<char*>(out), size);
  OPENSSL_cleanse(out, sizeof(out));
  return result;
}

std::string Hash(const EVP_MD* md, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), out, &size, md, nullptr) != 1) return {};
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

size_t ScramKeyOctets(ScramHash hash) { return hash == ScramHash::kSha1 ? 20 : 32; }

absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const base::Secret& password, std::string_view salt,
                                          uint32_t iterations) {
  if (iterations < kMinScramIterations || iterations > kMaxScramIterations) {
    return absl::InvalidArgumentError(absl::StrCat("SCRAM iterations must be ", kMinScramIterations, " to ",
                                                   kMaxScramIterations, ", not ", iterations));
  }
  if (salt.empty()) return absl::InvalidArgumentError("SCRAM needs a salt");
  const EVP_MD* md = Digest(hash);
  // RFC 5802, 3: SaltedPassword := Hi(Normalize(password), salt, i); Hi is PBKDF2 with HMAC.
  std::string raw(ScramKeyOctets(hash), '\0');
  if (PKCS5_PBKDF2_HMAC(password.Reveal().data(), static_cast<int>(password.Reveal().size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                        static_cast<int>(iterations), md, static_cast<int>(raw.size()),
                        reinterpret_cast<unsigned char*>(raw.data())) != 1) {
    return absl::InternalError("PBKDF2 failed");
  }
  base::Secret salted(std::move(raw));
  base::Secret client_key(Hmac(md, salted.Reveal(), "Client Key"));
  ScramKeys keys;
  keys.salt = std::string(salt);
  keys.iterations = iterations;
  keys.stored_key = Hash(md, client_key.Reveal());
  keys.server_key = base::Secret(Hmac(md, salted.Reveal(), "Server Key"));
  if (client_key.empty() || keys.stored_key.empty() || keys.server_key.empty()) {
    return absl::InternalError("deriving SCRAM keys failed");
  }
  return keys;
}

ScramKeys DecoyScramKeys(ScramHash hash, const base::Secret& server_secret, std::string_view name, uint32_t iterations) {
  auto derive = [&](std::string_view purpose) {
    std::string text = absl::StrCat(std::string(purpose), hash == ScramHash::kSha1 ? "-1:" : "-256:", std::string(name));
    return Hmac(EVP_sha256(), server_secret.Reveal(), text);
  };
  ScramKeys keys;
  keys.salt = derive("salt").substr(0, kScramSaltOctets);
  keys.iterations = iterations;
  keys.stored_key = derive("stored").substr(0, ScramKeyOctets(hash));
  keys.server_key = base::Secret(derive("server").substr(0, ScramKeyOctets(hash)));
  return keys;
}

}  // namespace mailmesh::sasl
