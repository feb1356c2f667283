// Password hashes of any octets: what can be imported can be verified, within bounds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/sasl/password_hash.h"

using namespace mailmesh;

namespace {

// A hash that costs little: the fuzzer is to try many.
bool IsCheap(std::string_view hash) {
  switch (sasl::SchemeOf(hash)) {
    case sasl::Scheme::kArgon2: return hash.find("$m=8,t=1,p=1$") != std::string_view::npos;
    case sasl::Scheme::kBcrypt: return hash.substr(4, 2) == "04";
    case sasl::Scheme::kSha512Crypt:
    case sasl::Scheme::kSha256Crypt: return hash.find("rounds=1000$") == 3;
    case sasl::Scheme::kMd5Crypt: return true;
    case sasl::Scheme::kYescrypt:
    case sasl::Scheme::kScrypt:
    case sasl::Scheme::kUnknown: return false;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)sasl::NeedsRehash(text, sasl::Argon2Parameters());
  absl::StatusOr<std::string> hash = sasl::ImportHash(text);
  if (!hash.ok()) return 0;
  if (!sasl::CheckImportable(*hash).ok() || hash->size() > 512) std::abort();
  if (!IsCheap(*hash)) return 0;
  absl::StatusOr<bool> fits = sasl::VerifyPassword(*hash, base::Secret("password"));
  // crypt(3) may know better than we do what is well-formed; then it says so.
  if (!fits.ok() && !absl::IsDataLoss(fits.status())) std::abort();
  return 0;
}
