// Content transfer encodings, in pieces of any size. Decoders take what real mail has; encoders write what RFC 2045 says.
//
// Thread-safety: each object belongs to one thread. Never throws on input; keeps at most a line of white space. Output of
// decoders is at most as long as the input; of encoders at most about three times.
// RFC 2045, 6.7 (quoted-printable), 6.8 (base64).
#ifndef MAILMESH_COMMON_MIME_TRANSFER_ENCODING_H_
#define MAILMESH_COMMON_MIME_TRANSFER_ENCODING_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/mime/structure.h"

namespace mailmesh::mime {

// Octets outside the alphabet are skipped; padding ends a quantum and not the text (concatenated texts decode); padding
// that is missing at the end is not missed.
class Base64Decoder {
 public:
  void Append(std::string_view octets, std::string* out);
  // Begins anew.
  void Finish(std::string* out);

 private:
  void EndQuantum(std::string* out);

  uint32_t bits_ = 0;
  uint8_t count_ = 0;  // characters of the quantum, 0 to 3
};

// "=XX" in either case, soft line breaks also with white space after '='; white space before a line end is removed (rule 3);
// a '=' that means nothing stays as it is.
class QuotedPrintableDecoder {
 public:
  void Append(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  // True if the octet was taken; else the held octets are gone and the octet is ordinary.
  bool TakeHeld(char c, std::string* out);
  bool TakeAfterEquals(char c, std::string* out);

  std::string held_;  // an unfinished "=..." or white space that may stand before a line end
};

// Any encoding; what is not encoded, or in an unknown way, passes.
class TransferDecoder {
 public:
  explicit TransferDecoder(TransferEncoding encoding) : encoding_(encoding) {}
  void Append(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  TransferEncoding encoding_;
  Base64Decoder base64_;
  QuotedPrintableDecoder quoted_printable_;
};

// Lines of 76 characters, each ended by CRLF, the last one too.
class Base64Encoder {
 public:
  void Append(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  std::string carry_;  // octets of an unfinished line: fewer than 57
};

// For text: CRLF stays a line end, a lone CR or LF is encoded. Lines of at most 76 characters.
class QuotedPrintableEncoder {
 public:
  void Append(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  void Put(char c, bool plain, std::string* out);
  void FlushHeld(bool plain, std::string* out);

  std::string held_;  // white space or CR, or both, whose fate the next octet decides
  uint32_t column_ = 0;
};

std::string DecodeTransfer(TransferEncoding encoding, std::string_view octets);
std::string EncodeBase64Lines(std::string_view octets);
std::string EncodeQuotedPrintable(std::string_view text);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_TRANSFER_ENCODING_H_
