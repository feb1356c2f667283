// SHA-256 of a content, in pieces: kept with each blob, so that a scrub can tell what the disk did to it.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_DIGEST_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_DIGEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace mailmesh::mailbox_store {

class Digest {
 public:
  Digest();
  ~Digest();
  void Update(std::string_view octets);
  // 32 octets.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// The blob's own record (column references): 8 octets big-endian size, 32 octets SHA-256.
std::string EncodeBlobRecord(uint64_t size, std::string_view digest);
struct BlobRecord {
  uint64_t size = 0;
  std::string_view digest;
};
[[nodiscard]] bool DecodeBlobRecord(std::string_view octets, BlobRecord* record);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_DIGEST_H_
