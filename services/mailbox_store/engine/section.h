// Which octets of a message a content selector means (RFC 3501, 6.4.5: BODY[section]; RFC 3516: BINARY; RFC 1939: TOP).
//
// Thread-safety: free functions; a Section is a value.
// Limits: fields are picked from the first kMaxHeader octets of a header.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SECTION_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SECTION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/mime/structure.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/mailbox_store/engine/content_source.h"

namespace mailmesh::mailbox_store {

inline constexpr uint64_t kMaxHeader = 8 << 20;

struct Section {
  // NIL: there is no such part.
  bool missing = false;
  // The octets as they lie in the message...
  uint64_t offset = 0;
  uint64_t length = 0;
  // ... or made of them.
  std::optional<std::string> made;
  // ... or decoded while they are read.
  std::optional<mime::TransferEncoding> decode;
};

// `structure` is asked for only where the selector has a part, or is decoded.
absl::StatusOr<Section> ResolveSection(const mailbox::v1::ContentSelector& selector, ContentSource& source,
                                       const std::function<absl::StatusOr<const mime::Structure*>()>& structure);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SECTION_H_
