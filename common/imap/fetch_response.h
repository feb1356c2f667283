// Writes "* 12 FETCH (...)" item by item, straight into the output buffer.
//
// Flow: FetchResponse response(&out, sequence); response.Uid(uid); response.Flags(...); ...; response.End();
// A body larger than one wants in memory: BodyHead(item, size), send `out` and then exactly `size` octets by another way,
// then go on with the rest of the items (the response holds only the pointer to `out`, which may have been emptied).
// Thread-safety: one thread. RFC 3501, 7.4.2; RFC 7162, 3.1.4.2; RFC 3516.
#ifndef MAILMESH_COMMON_IMAP_FETCH_RESPONSE_H_
#define MAILMESH_COMMON_IMAP_FETCH_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/imap/date_time.h"
#include "common/imap/fetch_item.h"
#include "common/imap/flags.h"

namespace mailmesh::imap {

class FetchResponse {
 public:
  FetchResponse(std::string* out, SequenceNumber number);

  void Uid(mailmesh::Uid uid);
  void Flags(SystemFlags system, std::span<const std::string_view> keywords);
  void InternalDate(const DateTime& time);
  void Rfc822Size(uint64_t size);
  void ModSeq(mailmesh::ModSeq modseq);
  // Wire forms that were made before: envelope.h, body_structure.h. `kind` is kEnvelope, kBody or kBodyStructure.
  void Stored(FetchItem::Kind kind, std::string_view wire);
  // An item with a section; `octets` go out as a literal, for BINARY with a NUL as literal8.
  void Body(const FetchItem& item, std::string_view octets);
  // RFC 3501, 6.4.5: NIL for a part that is not there.
  void BodyNil(const FetchItem& item);
  void BodyHead(const FetchItem& item, uint64_t size, bool has_nul = false);
  void BinarySize(const FetchItem& item, uint64_t size);
  void End();

 private:
  void Separate();

  std::string* out_;
  bool first_ = true;
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_FETCH_RESPONSE_H_
