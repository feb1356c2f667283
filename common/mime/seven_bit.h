// Makes a message fit for servers that take 7-bit octets only: parts with 8-bit content are encoded, quoted-printable where they are
// text and base64 else. Everything else keeps its octets.
//
// Three passes over the message, in pieces of any size: StructureParser says where its parts are, the scanner which of them have 8-bit
// content, the converter converts.
//   SevenBitScanner scanner(structure); scanner.Append(...)*;
//   if (scanner.has_eight_bit() && scanner.convertible()) { SevenBitConverter converter(scanner); converter.Append(..., &out)*; Finish(&out); }
// A message without MIME gets the fields that say what was done to it (RFC 1428, 3). 8-bit octets of headers stay: no transfer encoding
// can carry them.
// What is signed as it stands (multipart/signed, multipart/encrypted) or is a piece of something (message/partial) cannot be converted.
// Thread-safety: none. Never throws on input. Keeps one part's header at a time; one above the structure's limit
// cannot be converted either.
// RFC 6152, 3; RFC 2045, 6; RFC 2046, 5.1 and 5.2.2; RFC 1847, 2.
#ifndef MAILMESH_COMMON_MIME_SEVEN_BIT_H_
#define MAILMESH_COMMON_MIME_SEVEN_BIT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/structure.h"
#include "common/mime/transfer_encoding.h"

namespace mailmesh::mime {

class SevenBitScanner {
 public:
  // `structure` must outlive the scanner and its converter.
  explicit SevenBitScanner(const Structure& structure);
  void Append(std::string_view octets);

  // In content; 8-bit octets of headers do not count.
  bool has_eight_bit() const { return has_eight_bit_; }
  bool convertible() const { return convertible_; }

 private:
  friend class SevenBitConverter;
  const Structure& structure_;
  std::vector<PartIndex> leaves_;  // in message order
  std::vector<bool> needs_;        // by part
  size_t next_ = 0;                // of leaves_
  uint64_t position_ = 0;
  bool has_eight_bit_ = false;
  bool convertible_ = true;
};

class SevenBitConverter {
 public:
  explicit SevenBitConverter(const SevenBitScanner& scanner);
  void Append(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  // What is not copied.
  struct Region {
    uint64_t begin = 0;
    uint64_t end = 0;
    PartIndex part = kNoPart;
    bool header = false;
  };

  void AddRegions(PartIndex index, bool needs);
  void Take(const Region& region, std::string_view octets, std::string* out);
  void End(const Region& region, std::string* out);
  // The header with its Content-Transfer-Encoding changed.
  std::string Rewrite(const Part& part, bool needs) const;
  bool IsText(PartIndex index) const { return structure_.parts[index].kind == PartKind::kText; }

  const Structure& structure_;
  const std::vector<bool> needs_;
  std::vector<Region> regions_;
  size_t next_ = 0;  // of regions_
  uint64_t position_ = 0;
  std::string header_;
  QuotedPrintableEncoder quoted_printable_;
  Base64Encoder base64_;
};

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_SEVEN_BIT_H_
