// DeliverMessage: one message for all its recipients of this shard, in one commit.
//
// A request is remembered for each account and mailbox: the relay may repeat it for fewer recipients than the ingress had.
// Two recipients that are one account (aliases) get one copy in one mailbox.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "services/mailbox_store/engine/facts.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/new_message.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::DeliverMessageRequest;
using mailbox::v1::DeliverMessageResponse;
using mailbox::v1::DeliveryResult;

constexpr int kMaxRecipients = 10'000;

void SetError(DeliveryResult* result, const absl::Status& status) {
  result->Clear();
  result->set_code(static_cast<int>(status.code()));
  const type::v1::ErrorReason reason = rpc::ReasonOf(status);
  if (reason != type::v1::ERROR_REASON_UNSPECIFIED) result->set_reason(type::v1::ErrorReason_Name(reason));
  result->set_detail(std::string(base::Message(status)));
}

class Delivery {
 public:
  Delivery(Store& store, const DeliverMessageRequest& request) : store_(store), request_(request) {}

  // The accounts' locks are taken in the order of their numbers, so that two deliveries never wait for each other.
  absl::Status Run(Done<DeliverMessageResponse>& done) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    RETURN_IF_ERROR(Check());
    ASSIGN_OR_RETURN(content_, PrepareContent(store_, request_.body()));
    batch_.Reserve(BatchSize(content_));
    FindAccounts();
    for (auto& [number, part] : parts_) part.account->mutex.Lock();
    const absl::Status status = StageAndCommit(done);
    for (auto& [number, part] : parts_) part.account->mutex.Unlock();
    return status;
  }

 private:
  struct Part {
    AccountPtr account;
    std::vector<int> recipients;
    std::unique_ptr<Txn> txn;
  };
  struct Stored {
    std::string account_id;
    std::string mailbox_id;
    std::string message_id;
    uint32_t uid;
  };

  absl::Status Check() {
    RETURN_IF_ERROR(CheckRequestId(request_.request_id()));
    if (request_.recipients().empty()) return InvalidRequest("no recipients");
    if (request_.recipients_size() > kMaxRecipients) return LimitReached("recipients of a delivery");
    return absl::OkStatus();
  }

  void FindAccounts() {
    for (int i = 0; i < request_.recipients_size(); ++i) response_.add_results();
    for (int i = 0; i < request_.recipients_size(); ++i) {
      const std::string& name = request_.recipients(i).mailbox();
      if (const absl::Status valid = name.empty() ? absl::OkStatus() : CheckNewName(name); !valid.ok()) {
        SetError(response_.mutable_results(i), valid);
        continue;
      }
      absl::StatusOr<AccountPtr> account = store_.FindAccount(request_.recipients(i).account_id());
      if (!account.ok()) {
        SetError(response_.mutable_results(i), account.status());
        continue;
      }
      Part& part = parts_[(*account)->number().value()];
      part.account = std::move(account).value();
      part.recipients.push_back(i);
    }
  }

  absl::Status StageAndCommit(Done<DeliverMessageResponse>& done) {
    std::vector<Txn*> txns;
    for (auto& [number, part] : parts_) {
      batch_.Mark();
      part.txn = std::make_unique<Txn>(store_, part.account, &batch_);
      const size_t stored_before = stored_.size();
      const absl::Status status = StageAccount(part);
      if (status.ok()) {
        batch_.Keep();
        txns.push_back(part.txn.get());
        continue;
      }
      // This account's recipients fail; the others go on.
      batch_.RollBack();
      part.txn.reset();
      stored_.resize(stored_before);
      for (int i : part.recipients) SetError(response_.mutable_results(i), status);
    }
    if (!stored_.empty()) WriteContent(store_, content_, batch_);
    struct Answer {
      Done<DeliverMessageResponse> done;
      DeliverMessageResponse response;
      UploadPtr upload;  // kept from the collector until the references to it are durable
    };
    auto answer = std::make_shared<Answer>();  // shared with the completion; `done` must still be here if that is refused
    answer->done = std::move(done);
    answer->response = response_;
    answer->upload = content_.upload;
    auto on_durable = [metrics = store_.metrics(), answer, stored = std::move(stored_), facts = request_.facts(), request_id = request_.request_id(),
                       size = content_.size()](const absl::Status& status) {
      if (!status.ok()) return answer->done(status);
      for (const Stored& s : stored) {
        LogStored(metrics, "deliver", facts, request_id, s.account_id, s.mailbox_id, s.message_id, s.uid, size);
      }
      answer->done(std::move(answer->response));
    };
    const absl::Status committed = store_.Commit(txns, batch_, {}, std::move(on_durable));
    if (!committed.ok()) done = std::move(answer->done);
    return committed;
  }

  absl::Status StageAccount(Part& part) {
    RETURN_IF_ERROR(part.txn->Begin());
    for (int i : part.recipients) RETURN_IF_ERROR(StageRecipient(*part.txn, i));
    return absl::OkStatus();
  }

  absl::Status StageRecipient(Txn& txn, int index) {
    const mailbox::v1::DeliveryRecipient& recipient = request_.recipients(index);
    const std::string name = recipient.mailbox().empty() ? std::string(kInboxName) : recipient.mailbox();
    DeliveryResult* result = response_.mutable_results(index);
    ASSIGN_OR_RETURN(const auto before, txn.FindRequest(kDeliverRequest, request_.request_id(), name));
    if (before) return result->ParseFromString(*before) ? absl::OkStatus() : Damaged("remembered request");
    ASSIGN_OR_RETURN(const MailboxId mailbox, FindOrMakeMailbox(txn, name));
    ASSIGN_OR_RETURN(MailboxChange change, BeginChange(txn, mailbox));
    storage::v1::MessageFacts facts = ToStored(request_.facts());
    facts.set_reverse_path(request_.reverse_path());
    facts.set_forward_path(recipient.forward_path());
    facts.set_original_recipient(recipient.original_recipient());
    NewMessageFacts message;
    message.internal_seconds = store_.NowSeconds();
    message.facts = facts.SerializeAsString();
    ASSIGN_OR_RETURN(const AddedMessage added, AddMessage(txn, mailbox, content_, message, txn.NextModSeq(), &change));
    txn.RecordChange(std::move(change));
    result->set_mailbox_id(MailboxIdText(mailbox));
    result->set_uid(added.uid);
    result->set_message_id(MessageIdText(txn.number(), added.instance));
    txn.RememberRequest(kDeliverRequest, request_.request_id(), result->SerializeAsString(), name);
    stored_.push_back(Stored{recipient.account_id(), result->mailbox_id(), result->message_id(), added.uid});
    return absl::OkStatus();
  }

  Store& store_;
  const DeliverMessageRequest& request_;
  NewContent content_;
  std::map<uint64_t, Part> parts_;
  DeliverMessageResponse response_;
  kv::Batch batch_;
  std::vector<Stored> stored_;
};

}  // namespace

void DeliverMessage(Store& store, const DeliverMessageRequest& request, Done<DeliverMessageResponse> done) {
  Delivery delivery(store, request);
  const absl::Status status = delivery.Run(done);
  if (!status.ok()) done(status);
}

}  // namespace mailmesh::mailbox_store
