#include "services/mailbox_store/engine/verify_account.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/content_source.h"
#include "services/mailbox_store/engine/digest.h"
#include "services/mailbox_store/engine/read_scope.h"
#include "services/mailbox_store/engine/repair.h"
#include "services/mailbox_store/engine/summary.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::VerifyFinding;
using storage::v1::AccountRecord;
using storage::v1::MailboxNameRecord;
using storage::v1::MailboxRecord;

template <class Record>
bool Parse(std::string_view octets, Record* record) {
  return record->ParseFromArray(octets.data(), static_cast<int>(octets.size()));
}

// The messages of one mailbox.
class MailboxVerifier {
 public:
  MailboxVerifier(const ReadScope& scope, MailboxId id, const MailboxRecord& record, bool contents, VerifyReport& report)
      : scope_(scope),
        id_(id),
        stored_(record),
        contents_(contents),
        report_(report),
        entries_(PagedColumn::Entries(scope, id)) {
    for (SummaryKind kind : kSummaryKinds) summaries_.push_back(PagedColumn::Summaries(scope, id, kind));
  }

  // Counts into `account` too.
  absl::Status Run(AccountRecord& account) {
    MessageScan scan(scope_, id_, all_);
    while (true) {
      const absl::StatusOr<bool> more = scan.Next();
      if (absl::IsDataLoss(more.status())) {
        // What comes after the damage cannot be read: the counters say nothing then.
        return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, std::string(base::Message(more.status())));
      }
      if (!more.ok()) return more.status();
      if (!*more) break;
      RETURN_IF_ERROR(Message(scan.uid(), scan.record()));
    }
    report_.At(account.account_id(), stored_.name());
    counted_.set_messages(messages_);
    account.set_messages(account.messages() + messages_);
    account.set_octets(account.octets() + counted_.octets());
    return Counters();
  }

 private:
  absl::Status Message(uint32_t uid, const MessageRecord& message) {
    ++messages_;
    counted_.set_unseen(counted_.unseen() + ((message.flags & kSeen) == 0));
    counted_.set_deleted(counted_.deleted() + ((message.flags & kDeleted) != 0));
    counted_.set_recent(counted_.recent() + (uid >= stored_.recent_from()));
    counted_.set_octets(counted_.octets() + message.size);
    greatest_modseq_ = std::max(greatest_modseq_, message.modseq);
    greatest_uid_ = uid;
    report_.At(scope_.account_record().account_id(), stored_.name(), uid);
    report_.progress().set_messages(report_.progress().messages() + 1);
    RETURN_IF_ERROR(report_.Tick());
    const absl::StatusOr<std::string_view> octets = entries_.At(uid);
    EntryRecord entry;
    if (absl::IsDataLoss(octets.status())) {
      return report_.Found(VerifyFinding::KIND_MISSING_ENTRY, std::string(base::Message(octets.status())));
    }
    if (!octets.ok()) return octets.status();
    if (!entry.Decode(*octets)) return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "entry");
    greatest_instance_ = std::max(greatest_instance_, entry.instance);
    return Entry(uid, message, entry);
  }

  absl::Status Entry(uint32_t uid, const MessageRecord& message, const EntryRecord& entry) {
    kv::Value value;
    ASSIGN_OR_RETURN(const bool has_content, scope_.Get(ColumnId::kReferences, keys::Blob(entry.blob), &value));
    BlobRecord blob;
    if (!has_content) return report_.Found(VerifyFinding::KIND_MISSING_CONTENT, "its content is gone");
    if (!DecodeBlobRecord(value.view(), &blob)) return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "content's record");
    const uint64_t size = blob.size + entry.prefix_size;
    ASSIGN_OR_RETURN(const bool referred,
                     scope_.Get(ColumnId::kReferences, keys::Reference(entry.blob, scope_.account(), entry.instance), &value));
    std::optional<VerifyFinding::Kind> kind;
    std::string detail;
    if (!referred) {
      kind = VerifyFinding::KIND_MISSING_REFERENCE;
      detail = "the message does not hold its content";
    } else if (size != message.size) {
      kind = VerifyFinding::KIND_WRONG_SIZE;
      detail = absl::StrCat("size ", message.size, ", its content has ", size);
    }
    const bool complete = ReadSummaries(uid);
    if (!kind && complete && !contents_) return absl::OkStatus();
    // What is wrong is written anew from the content, so it is looked at now.
    DerivedMessage derived{uid, entry.instance, entry.blob, {}};
    const absl::StatusOr<Summary> summary = Derive(entry, size);
    if (absl::IsDataLoss(summary.status())) {
      return report_.Found(VerifyFinding::KIND_MISSING_CONTENT, std::string(base::Message(summary.status())));
    }
    if (!summary.ok()) return summary.status();
    derived.summary = *std::move(summary);
    if (!kind && (!complete || !Agrees(derived.summary, entry))) {
      kind = VerifyFinding::KIND_WRONG_SUMMARY;
      detail = complete ? "a stored form is not what the content gives" : "a stored form is missing";
    }
    if (!kind) return absl::OkStatus();
    return report_.Found(*kind, detail, [&] { return RepairMessage(scope_.store(), scope_.account(), id_, derived); });
  }

  // False: one is missing or cannot be read.
  bool ReadSummaries(uint32_t uid) {
    bool complete = true;
    for (size_t i = 0; i < summaries_.size(); ++i) {
      const absl::StatusOr<std::string_view> octets = summaries_[i].At(uid);
      forms_[i] = octets.ok() ? std::string(*octets) : std::string();
      complete = complete && octets.ok();
    }
    return complete;
  }

  bool Agrees(const Summary& derived, const EntryRecord& entry) const {
    auto form = [this](SummaryKind kind) -> const std::string& { return forms_[static_cast<size_t>(kind) - 1]; };
    return form(SummaryKind::kEnvelope) == derived.envelope && form(SummaryKind::kBody) == derived.body &&
           form(SummaryKind::kBodyStructure) == derived.body_structure && form(SummaryKind::kSearch) == derived.search &&
           form(SummaryKind::kStructure) == derived.structure.SerializeAsString() &&
           entry.header_size == derived.header_size;
  }

  absl::StatusOr<Summary> Derive(const EntryRecord& entry, uint64_t size) {
    ContentSource source(scope_, entry, size);
    SummaryBuilder builder;
    for (uint64_t at = 0; at < size;) {
      ASSIGN_OR_RETURN(const std::string_view piece, source.Read(at, size - at));
      builder.Feed(piece);
      at += piece.size();
    }
    report_.progress().set_content_bytes(report_.progress().content_bytes() + size);
    return std::move(builder).Finish();
  }

  absl::Status Counters() {
    Store& store = scope_.store();
    const AccountId account = scope_.account();
    auto recount = [&] { return RepairAccount(store, account, [this](Txn& txn) { return RecountMailbox(txn, id_); }); };
    if (greatest_uid_ >= stored_.uid_next() || greatest_modseq_ > stored_.highest_modseq() ||
        greatest_instance_ > scope_.account_record().last_instance()) {
      auto raise = [&] {
        return RepairAccount(store, account, [this](Txn& txn) {
          txn.EditRecord().set_last_instance(std::max(txn.record().last_instance(), greatest_instance_));
          return RecountMailbox(txn, id_);
        });
      };
      RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_WRONG_GREATEST,
                                    absl::StrCat("UID ", greatest_uid_, ", MODSEQ ", greatest_modseq_, ", message ",
                                                 greatest_instance_, " are beyond what was given"),
                                    raise));
    }
    if (counted_.messages() == stored_.messages() && counted_.unseen() == stored_.unseen() &&
        counted_.recent() == stored_.recent() && counted_.deleted() == stored_.deleted() &&
        counted_.octets() == stored_.octets()) {
      return absl::OkStatus();
    }
    return report_.Found(VerifyFinding::KIND_WRONG_MAILBOX_COUNTERS,
                         absl::StrCat("messages ", stored_.messages(), " unseen ", stored_.unseen(), " recent ",
                                      stored_.recent(), " deleted ", stored_.deleted(), " octets ", stored_.octets(),
                                      ", counted ", counted_.messages(), " ", counted_.unseen(), " ", counted_.recent(),
                                      " ", counted_.deleted(), " ", counted_.octets()),
                         recount);
  }

  const ReadScope& scope_;
  const MailboxId id_;
  const MailboxRecord& stored_;
  const bool contents_;
  VerifyReport& report_;
  const UidSet all_ = UidSet::All();
  PagedColumn entries_;
  std::vector<PagedColumn> summaries_;
  std::string forms_[std::size(kSummaryKinds)];
  MailboxRecord counted_;
  uint32_t messages_ = 0;
  uint32_t greatest_uid_ = 0;
  uint64_t greatest_modseq_ = 0;
  uint64_t greatest_instance_ = 0;
};

class AccountVerifier {
 public:
  AccountVerifier(const ReadScope& scope, bool contents, VerifyReport& report)
      : scope_(scope), prefix_(keys::Account(scope.account())), contents_(contents), report_(report) {}

  absl::Status Run() {
    report_.At(stored().account_id());
    counted_.set_account_id(stored().account_id());
    RETURN_IF_ERROR(ReadNames());
    RETURN_IF_ERROR(Mailboxes());
    report_.At(stored().account_id());
    RETURN_IF_ERROR(Hierarchy());
    for (ColumnId column : {ColumnId::kMessages, ColumnId::kEntries}) RETURN_IF_ERROR(Strays(column));
    return Counters();
  }

 private:
  const AccountRecord& stored() const { return scope_.account_record(); }

  absl::Status ReadNames() {
    auto it = scope_.Scan(ColumnId::kNames, prefix_, kv::PrefixEnd(prefix_));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      MailboxNameRecord entry;
      if (!Parse(it->value(), &entry)) {
        RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "name " + keys::NameOf(it->key())));
      } else if (entry.mailbox() != 0) {
        names_.emplace_back(keys::NameOf(it->key()), entry);
      }
    }
    return FromKv(it->status());
  }

  absl::Status Mailboxes() {
    auto it = scope_.Scan(ColumnId::kMailboxes, prefix_, kv::PrefixEnd(prefix_));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      std::string_view key = it->key().substr(prefix_.size());
      const std::optional<MailboxId> id = keys::TakeMailbox(key);
      MailboxRecord record;
      if (!id || !Parse(it->value(), &record)) {
        RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "mailbox"));
        if (id) mailboxes_[id->value()];
        continue;
      }
      report_.At(stored().account_id(), record.name());
      report_.progress().set_mailboxes(report_.progress().mailboxes() + 1);
      counted_.set_mailboxes(counted_.mailboxes() + 1);
      RETURN_IF_ERROR(MailboxVerifier(scope_, *id, record, contents_, report_).Run(counted_));
      mailboxes_[id->value()] = std::move(record);
    }
    return FromKv(it->status());
  }

  absl::Status Hierarchy() {
    std::set<uint64_t> named;
    // One repair mends all names.
    std::optional<absl::Status> repaired;
    auto repair = [&] {
      if (!repaired) repaired = RepairNames(scope_.store(), scope_.account());
      return *repaired;
    };
    for (const auto& [name, entry] : names_) {
      report_.At(stored().account_id(), name);
      const auto mailbox = mailboxes_.find(entry.mailbox());
      if (mailbox == mailboxes_.end() || !named.insert(entry.mailbox()).second) {
        RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_NAME_WITHOUT_MAILBOX, "the name's mailbox is not there", repair));
      } else if (mailbox->second.name() != name || mailbox->second.uid_validity() != entry.uid_validity() ||
                 mailbox->second.special_use() != entry.special_use()) {
        RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_NAME_WITHOUT_MAILBOX, "name and mailbox differ", repair));
      }
    }
    for (const auto& [id, record] : mailboxes_) {
      if (named.contains(id)) continue;
      report_.At(stored().account_id(), record.name());
      RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_MAILBOX_WITHOUT_NAME, "the mailbox has no name", [&, mailbox = MailboxId(id)] {
        return NameMailbox(scope_.store(), scope_.account(), mailbox);
      }));
    }
    return absl::OkStatus();
  }

  // Pages of mailboxes that are not there, unless the collector knows.
  absl::Status Strays(ColumnId column) {
    auto it = scope_.Scan(column, prefix_, kv::PrefixEnd(prefix_));
    it->SeekToFirst();
    while (it->Valid()) {
      std::string_view key = it->key().substr(prefix_.size());
      const std::optional<MailboxId> id = keys::TakeMailbox(key);
      if (!id) return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "key of a page");
      kv::Value value;
      if (!mailboxes_.contains(id->value())) {
        ASSIGN_OR_RETURN(const bool known, scope_.Get(ColumnId::kGarbage, keys::GarbageMailbox(scope_.account(), *id), &value));
        auto collect = [&] { return CollectMailbox(scope_.store(), scope_.account(), *id); };
        if (!known) {
          RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_STRAY_RECORDS, "records of a mailbox that is not there", collect));
        }
      }
      it->Seek(kv::PrefixEnd(keys::Mailbox(scope_.account(), *id)));
    }
    return FromKv(it->status());
  }

  absl::Status Counters() {
    report_.At(stored().account_id());
    if (counted_.messages() == stored().messages() && counted_.octets() == stored().octets() &&
        counted_.mailboxes() == stored().mailboxes()) {
      return absl::OkStatus();
    }
    return report_.Found(VerifyFinding::KIND_WRONG_ACCOUNT_COUNTERS,
                         absl::StrCat("mailboxes ", stored().mailboxes(), " messages ", stored().messages(), " octets ",
                                      stored().octets(), ", counted ", counted_.mailboxes(), " ", counted_.messages(), " ",
                                      counted_.octets()),
                         [this] { return RepairAccount(scope_.store(), scope_.account(), &Recount); });
  }

  const ReadScope& scope_;
  const std::string prefix_;
  const bool contents_;
  VerifyReport& report_;
  std::vector<std::pair<std::string, MailboxNameRecord>> names_;
  std::map<uint64_t, MailboxRecord> mailboxes_;
  AccountRecord counted_;
};

}  // namespace

absl::Status VerifyAccount(Store& store, std::string_view account_id, bool contents, VerifyReport& report) {
  const auto scope = ReadScope::Open(store, account_id);
  if (!scope.ok()) return scope.status();
  return AccountVerifier(**scope, contents, report).Run();
}

}  // namespace mailmesh::mailbox_store
