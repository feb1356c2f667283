#include "services/mailbox_store/engine/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "common/base/bytes.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr size_t kDigestSize = 32;

// SHA-256 fails only when memory is gone.
void Check(int ok) {
  if (ok != 1) std::abort();
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Digest::Digest() : context_(EVP_MD_CTX_new()) { Check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }
Digest::~Digest() = default;

void Digest::Update(std::string_view octets) { Check(EVP_DigestUpdate(context_.get(), octets.data(), octets.size())); }

std::string Digest::Finish() {
  std::string digest(kDigestSize, '\0');
  Check(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr));
  return digest;
}

std::string EncodeBlobRecord(uint64_t size, std::string_view digest) {
  std::string out;
  base::AppendBigEndian(out, size);
  return out.append(digest);
}

bool DecodeBlobRecord(std::string_view octets, BlobRecord* record) {
  const auto size = base::TakeBigEndian<uint64_t>(octets);
  if (!size || octets.size() != kDigestSize) return false;
  record->size = *size;
  record->digest = octets;
  return true;
}

}  // namespace mailmesh::mailbox_store
