#include "services/outbound_relay/fit_to_offer.h"

#include <utility>

#include "common/base/status.h"
#include "common/dns/idna.h"
#include "common/mime/header.h"
#include "common/mime/seven_bit.h"
#include "common/mime/structure.h"
#include "common/text/utf8_repair.h"
#include "services/outbound_relay/spool_body.h"

namespace mailmesh::outbound_relay {
namespace {

// RFC 3463, 3.7: X.6.3, conversion required but not supported.
smtp::Reply CannotConvert() { return smtp::Reply(554, {5, 6, 3}, "The server takes no 8-bit content, and this message is signed as it is"); }
smtp::Reply NotReadable() { return smtp::Reply(451, {4, 3, 0}, "Temporary local problem"); }

// A message of which the converter's passes have been made.
class SevenBitBody final : public BodyReader {
 public:
  SevenBitBody(Relay& relay, const Item& item) : relay_(relay), item_(item), source_(relay, item) {}

  enum class Need { kNothing, kConversion, kImpossible };
  net::Awaitable<absl::StatusOr<Need>> Prepare() {
    mime::StructureParser parser;
    SpoolBody first(relay_, item_);
    for (;;) {
      absl::StatusOr<std::string> octets = co_await first.Next();
      if (!octets.ok()) co_return octets.status();
      if (octets->empty()) break;
      parser.Feed(*octets);
    }
    structure_ = std::move(parser).Finish();
    mime::SevenBitScanner scanner(structure_);
    SpoolBody second(relay_, item_);
    for (;;) {
      absl::StatusOr<std::string> octets = co_await second.Next();
      if (!octets.ok()) co_return octets.status();
      if (octets->empty()) break;
      scanner.Append(*octets);
    }
    if (!scanner.has_eight_bit()) co_return Need::kNothing;
    if (!scanner.convertible()) co_return Need::kImpossible;
    converter_.emplace(scanner);
    co_return Need::kConversion;
  }

  net::Awaitable<absl::StatusOr<std::string>> Next() override {
    std::string out;
    while (out.empty() && !finished_) {
      absl::StatusOr<std::string> octets = co_await source_.Next();
      if (!octets.ok()) co_return octets.status();
      finished_ = octets->empty();
      if (finished_) {
        converter_->Finish(&out);
      } else {
        converter_->Append(*octets, &out);
      }
    }
    co_return out;
  }

 private:
  Relay& relay_;
  const Item& item_;
  mime::Structure structure_;
  std::optional<mime::SevenBitConverter> converter_;
  SpoolBody source_;
  bool finished_ = false;
};

// The mailbox with its domain in A-labels; as it is where that cannot be.
smtp::Mailbox WithAsciiDomain(const smtp::Mailbox& mailbox) {
  if (mailbox.IsAscii() || !text::IsAscii(mailbox.local_part())) return mailbox;
  const absl::StatusOr<std::string> domain = dns::ToAsciiName(mailbox.domain());
  if (!domain.ok()) return mailbox;
  return smtp::Mailbox::FromParts(mailbox.local_part(), *domain, {}).value_or(mailbox);
}

// Does without SMTPUTF8 if the envelope and the header can. False: the message cannot be read now.
net::Awaitable<bool> LeaveOutUtf8(Relay& relay, const Item& item, smtp::Transaction& transaction) {
  bool ascii = true;
  if (auto& mailbox = transaction.mail.reverse_path.mailbox; mailbox.has_value()) {
    mailbox = WithAsciiDomain(*mailbox);
    ascii = mailbox->IsAscii();
  }
  for (smtp::Rcpt& rcpt : transaction.recipients) {
    rcpt.forward_path = WithAsciiDomain(rcpt.forward_path);
    ascii = ascii && rcpt.forward_path.IsAscii();
  }
  if (!transaction.mail.smtputf8 || !ascii) co_return true;
  SpoolBody body(relay, item);
  std::string start;
  // The trace fields, and the first part of what came.
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<std::string> octets = co_await body.Next();
    if (!octets.ok()) co_return false;
    start += *octets;
  }
  // A header that does not end here is left to the server's judgement as one that needs it.
  const size_t end = mime::FindHeaderEnd(start);
  if (end <= start.size() && text::IsAscii(std::string_view(start).substr(0, end))) transaction.mail.smtputf8 = false;
  co_return true;
}

}  // namespace

net::Awaitable<Fitted> FitToOffer(Relay& relay, const Item& item, const smtp::Capabilities& offer, smtp::Transaction& transaction) {
  Fitted fitted;
  if (!offer.Has(smtp::Extension::kSmtpUtf8)) {
    const bool read = co_await LeaveOutUtf8(relay, item, transaction);
    if (!read) {
      fitted.refusal = NotReadable();
      co_return fitted;
    }
  }
  if (!offer.Has(smtp::Extension::k8BitMime)) {
    auto body = std::make_unique<SevenBitBody>(relay, item);
    absl::StatusOr<SevenBitBody::Need> need = co_await body->Prepare();
    if (!need.ok()) {
      fitted.refusal = NotReadable();
      co_return fitted;
    }
    if (*need == SevenBitBody::Need::kImpossible) {
      fitted.refusal = CannotConvert();
      co_return fitted;
    }
    transaction.mail.body.reset();
    if (*need == SevenBitBody::Need::kConversion) {
      transaction.mail.size.reset();
      fitted.body = std::move(body);
      co_return fitted;
    }
  }
  fitted.body = std::make_unique<SpoolBody>(relay, item);
  co_return fitted;
}

}  // namespace mailmesh::outbound_relay
