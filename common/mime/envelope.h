// The envelope structure of a message, in the sense of IMAP: what its header says about itself. Not the SMTP envelope.
//
// Strings are raw header text: HeaderText(): unfolded, encoded words as they are, any octet but NUL, CR and LF.
// Absent means that the field is not there (IMAP: NIL); an empty string that it is there and empty (IMAP: "").
// Repeated address fields count as one long list, so that no reader can be shown another From than was checked; of
// repeated other fields the last counts, as in Dovecot.
// Thread-safety: a builder belongs to one thread. Never throws on input.
// Limits: EnvelopeLimits; what is beyond them is left out and `truncated` says so.
// RFC 3501, 7.4.2 (ENVELOPE); RFC 5322, 3.6.
#ifndef MAILMESH_COMMON_MIME_ENVELOPE_H_
#define MAILMESH_COMMON_MIME_ENVELOPE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/address.h"
#include "common/mime/header.h"

namespace mailmesh::mime {

struct Envelope {
  std::optional<std::string> date;
  std::optional<std::string> subject;
  std::optional<std::string> in_reply_to;
  std::optional<std::string> message_id;
  std::vector<Address> from;
  std::vector<Address> sender;    // From, where the field is absent or empty
  std::vector<Address> reply_to;  // likewise
  std::vector<Address> to;
  std::vector<Address> cc;
  std::vector<Address> bcc;
  bool truncated = false;
};

struct EnvelopeLimits {
  size_t max_addresses = 10000;         // of one message, all its fields together, defaults not counted
  size_t max_string_size = 256 * 1024;  // of date, subject, in_reply_to, message_id
};

class EnvelopeBuilder {
 public:
  explicit EnvelopeBuilder(const EnvelopeLimits& limits = {}) : limits_(limits) {}
  // Takes what it knows, ignores the rest; true if it was one of the envelope's fields.
  bool AddField(const HeaderField& field);
  // RFC 3501, 7.4.2: Sender and Reply-To default to From. The builder is empty afterwards.
  Envelope Finish();

 private:
  void AddString(std::optional<std::string>* target, std::string_view value);
  void AddAddresses(std::vector<Address>* target, std::string_view value);

  EnvelopeLimits limits_;
  Envelope envelope_;
  size_t addresses_ = 0;
};

Envelope ParseEnvelope(std::string_view header_block, const EnvelopeLimits& limits = {});

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_ENVELOPE_H_
