// The envelope of one transaction with what the directory said of each recipient, and where its copies go.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_ENVELOPE_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_ENVELOPE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/smtp/command.h"
#include "mailmesh/directory/v1/directory_service.pb.h"

namespace mailmesh::smtp_ingress {

// A RCPT that led to a copy, and what its sender wants to hear of that copy.
struct CopyRecipient {
  size_t rcpt = 0;       // by index
  std::string original;  // ORCPT (RFC 3461, 4.2), decoded: "rfc822;user@host"; empty if there was none
  smtp::Notify notify;
};

// A copy in a mailbox of this mesh.
struct LocalCopy {
  std::string account_id;
  std::string address;  // after aliases
  std::string mailbox;
  std::vector<CopyRecipient> recipients;  // at least one
};

// A copy that goes out through the relay.
struct RelayCopy {
  std::string address;
  std::vector<CopyRecipient> recipients;  // at least one; the first decides about notifications
};

class Envelope {
 public:
  explicit Envelope(smtp::Mail mail) : mail_(std::move(mail)) {}

  const smtp::Mail& mail() const { return mail_; }
  // Without brackets; empty for bounces.
  std::string reverse_path() const { return mail_.reverse_path.is_null() ? "" : mail_.reverse_path.mailbox->ToString(); }
  size_t recipient_count() const { return recipient_count_; }
  const std::string& first_recipient() const { return first_recipient_; }

  // An accepted RCPT. One account gets one copy, however many recipients lead to it.
  void Add(const smtp::Rcpt& rcpt, const std::string& address, const directory::v1::RecipientResolution& resolution);

  const std::map<std::string, std::vector<LocalCopy>>& local() const { return local_; }  // by shard
  const std::vector<RelayCopy>& relayed() const { return relayed_; }
  // RFC 3461, 6.2: somebody is to be told that a local copy was delivered. Never for bounces.
  bool reports_local_success() const { return reports_local_success_; }

 private:
  void AddLocal(const directory::v1::DeliveryTarget& target, CopyRecipient recipient);
  void AddRelayed(const std::string& address, CopyRecipient recipient);

  smtp::Mail mail_;
  size_t recipient_count_ = 0;
  std::string first_recipient_;
  std::map<std::string, std::vector<LocalCopy>> local_;
  std::map<std::string, std::pair<std::string, size_t>> place_of_account_;  // shard and index
  std::vector<RelayCopy> relayed_;
  std::map<std::string, size_t> place_of_address_;
  bool reports_local_success_ = false;
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_ENVELOPE_H_
