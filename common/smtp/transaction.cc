#include "common/smtp/transaction.h"

#include <algorithm>

#include "common/smtp/replies.h"

namespace mailmesh::smtp {
namespace {

bool NeedsUtf8(const Transaction& transaction) {
  if (transaction.mail.smtputf8) return true;
  const ReversePath& from = transaction.mail.reverse_path;
  if (!from.is_null() && !from.mailbox->IsAscii()) return true;
  return std::any_of(transaction.recipients.begin(), transaction.recipients.end(),
                     [](const Rcpt& rcpt) { return !rcpt.forward_path.IsAscii(); });
}

}  // namespace

std::optional<Reply> RefusalFor(const Transaction& transaction, const Capabilities& offer) {
  const Mail& mail = transaction.mail;
  if (NeedsUtf8(transaction) && !offer.Has(Extension::kSmtpUtf8)) return Reply(replies::kUtf8NotOffered);
  // RFC 3030, 3: BINARYMIME goes by BDAT only; without PIPELINING each chunk would have to be waited for, which we do
  // not do.
  if (mail.body == Body::kBinaryMime &&
      !(offer.Has(Extension::kBinaryMime) && offer.Has(Extension::kChunking) && offer.Has(Extension::kPipelining))) {
    return Reply(replies::kBinaryNotOffered);
  }
  // RFC 8689, 4.2.1
  if (mail.require_tls && !offer.Has(Extension::kRequireTls)) return Reply(replies::kRequireTlsUnsupported);
  // RFC 1870, 5: a client need not try what is larger than the limit that was stated.
  if (mail.size && offer.max_size > 0 && *mail.size > offer.max_size) return Reply(replies::kSizeNotOffered);
  return std::nullopt;
}

}  // namespace mailmesh::smtp
