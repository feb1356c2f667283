#include "common/sasl/secret_box.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"

namespace mailmesh::sasl {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHead = 1 + KeyRing::kNameOctets;
constexpr size_t kNonce = 12;
constexpr size_t kTag = 16;
constexpr size_t kMaxPlaintext = 64 * 1024;

struct ContextDelete {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDelete>;

const unsigned char* Octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int Size(std::string_view text) { return static_cast<int>(text.size()); }

absl::Status Broken() { return absl::DataLossError("not a sealed record, or changed, or sealed for something else"); }

// The head is of fixed size, so that head and data together have one reading.
bool AddAssociatedData(EVP_CIPHER_CTX* context, std::string_view head, std::string_view data, bool seal) {
  int unused = 0;
  auto update = seal ? EVP_EncryptUpdate : EVP_DecryptUpdate;
  return update(context, nullptr, &unused, Octets(head), Size(head)) == 1 &&
         (data.empty() || update(context, nullptr, &unused, Octets(data), Size(data)) == 1);
}

}  // namespace

absl::StatusOr<std::string> SecretBox::Seal(const base::Secret& secret, std::string_view associated_data) const {
  std::string_view plain = secret.Reveal();
  if (plain.size() > kMaxPlaintext || associated_data.size() > kMaxPlaintext) {
    return absl::InvalidArgumentError("too much to seal");
  }
  const KeyRing::Key& key = ring_.active();
  std::string head = absl::StrCat(std::string(1, kVersion), key.name);
  std::string nonce = base::RandomString(kNonce);
  std::string cipher(plain.size(), '\0');
  std::string tag(kTag, '\0');
  Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  bool good = context != nullptr &&
              EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Octets(key.key.Reveal()), Octets(nonce)) == 1 &&
              AddAssociatedData(context.get(), head, associated_data, true) &&
              (plain.empty() || EVP_EncryptUpdate(context.get(), Octets(cipher), &size, Octets(plain), Size(plain)) == 1) &&
              EVP_EncryptFinal_ex(context.get(), Octets(cipher) + size, &size) == 1 &&
              EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag), tag.data()) == 1;
  if (!good) return absl::InternalError("AES-256-GCM failed");
  return absl::StrCat(head, nonce, cipher, tag);
}

absl::StatusOr<base::Secret> SecretBox::Open(std::string_view sealed, std::string_view associated_data) const {
  if (sealed.size() < kHead + kNonce + kTag || sealed.size() > kHead + kNonce + kTag + kMaxPlaintext || sealed[0] != kVersion ||
      associated_data.size() > kMaxPlaintext) {
    return Broken();
  }
  std::string_view head = sealed.substr(0, kHead);
  std::string_view nonce = sealed.substr(kHead, kNonce);
  std::string_view cipher = sealed.substr(kHead + kNonce, sealed.size() - kHead - kNonce - kTag);
  std::string tag(sealed.substr(sealed.size() - kTag));
  const KeyRing::Key* key = ring_.Find(head.substr(1));
  if (key == nullptr) return absl::NotFoundError("the key ring has no key for this record");
  base::Secret plain;
  std::string octets(cipher.size(), '\0');
  Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  bool ready = context != nullptr &&
               EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Octets(key->key.Reveal()), Octets(nonce)) == 1 &&
               AddAssociatedData(context.get(), head, associated_data, false) &&
               (cipher.empty() || EVP_DecryptUpdate(context.get(), Octets(octets), &size, Octets(cipher), Size(cipher)) == 1) &&
               EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTag), tag.data()) == 1;
  if (!ready) return absl::InternalError("AES-256-GCM failed");
  bool authentic = EVP_DecryptFinal_ex(context.get(), Octets(octets) + size, &size) == 1;
  plain = base::Secret(std::move(octets));
  if (!authentic) return Broken();
  return plain;
}

bool SecretBox::IsCurrent(std::string_view sealed) const {
  return sealed.size() >= kHead && sealed[0] == kVersion && sealed.substr(1, KeyRing::kNameOctets) == ring_.active().name;
}

}  // namespace mailmesh::sasl
