// `mailmesh import`: Maildir or mbox files into an account. A run that was cut off may be repeated: each message has an id that
// follows from the archive, and the store does not store one twice (for the time that it remembers ids: mailbox_store's
// request_memory).
#include <CLI/CLI.hpp>
#include <openssl/sha.h>

#include <filesystem>
#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/status.h"
#include "services/mailmesh/archive/maildir.h"
#include "services/mailmesh/archive/mbox.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/progress.h"
#include "services/mailmesh/cli/store_access.h"

namespace mailmesh::cli {
namespace {

using archive::ArchivedMessage;
using mailbox::v1::AppendMessagesRequest;

constexpr size_t kInline = 256 << 10;
// A store that restarts is waited for; one that stays away ends the run.
constexpr absl::Duration kPatience = absl::Seconds(60);

struct Arguments {
  std::string address;
  std::string path;
  std::string format = "auto";
  std::string mailbox = "INBOX";
  bool no_subscribe = false;
};

void SetFlags(const std::vector<std::string>& flags, mailbox::v1::FlagList* list) {
  static constexpr std::pair<const char*, uint32_t> kSystem[] = {{"\\Seen", mailbox::v1::SYSTEM_FLAG_SEEN},
                                                                 {"\\Answered", mailbox::v1::SYSTEM_FLAG_ANSWERED},
                                                                 {"\\Flagged", mailbox::v1::SYSTEM_FLAG_FLAGGED},
                                                                 {"\\Deleted", mailbox::v1::SYSTEM_FLAG_DELETED},
                                                                 {"\\Draft", mailbox::v1::SYSTEM_FLAG_DRAFT}};
  uint32_t bits = 0;
  for (const std::string& flag : flags) {
    if (flag.front() != '\\') list->add_keywords(flag);
    for (const auto& [name, bit] : kSystem) {
      if (flag == name) bits |= bit;
    }
  }
  list->set_system_flags(bits);
}

class Import {
 public:
  Import(const AccountStore& store, bool subscribe) : store_(store), subscribe_(subscribe) {}

  absl::Status Folder(archive::ArchiveReader& reader, const std::string& folder) {
    RETURN_IF_ERROR(CreateMailbox(folder));
    progress_.Begin(folder, 0);
    ++folders_;
    return reader.ForEach(folder, [&](ArchivedMessage& message) { return Message(folder, message); });
  }

  uint64_t folders() const { return folders_; }
  const std::vector<std::string>& refused() const { return refused_; }
  const Progress& progress() const { return progress_; }

 private:
  absl::Status CreateMailbox(const std::string& folder) {
    mailbox::v1::CreateMailboxRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id(store_.account.account_id);
    request.set_mailbox(folder);
    const auto created = Patiently([&] { return Call(store_.stub.get(), &StoreStub::CreateMailbox, request).status(); });
    if (absl::IsAlreadyExists(created) || folder == "INBOX") return absl::OkStatus();
    RETURN_IF_ERROR(created);
    if (!subscribe_) return absl::OkStatus();
    mailbox::v1::SetSubscriptionRequest subscribe;
    subscribe.set_request_id(NewRequestId());
    subscribe.set_account_id(store_.account.account_id);
    subscribe.set_mailbox(folder);
    subscribe.set_subscribed(true);
    return Patiently([&] { return Call(store_.stub.get(), &StoreStub::SetSubscription, subscribe).status(); });
  }

  // What may be repeated because it carries an id, until it is done or its time is over.
  template <class Work>
  absl::Status Patiently(Work work) {
    const absl::Time deadline = absl::Now() + kPatience;
    for (absl::Duration pause = absl::Milliseconds(100);; pause = std::min(pause * 2, absl::Seconds(5))) {
      const absl::Status status = work();
      if (!absl::IsUnavailable(status) || absl::Now() + pause > deadline) return status;
      absl::SleepFor(pause);
    }
  }

  absl::Status Message(const std::string& folder, ArchivedMessage& message) {
    std::string octets;
    RETURN_IF_ERROR(ReadUpTo(*message.octets, kInline, &octets));
    AppendMessagesRequest request;
    request.set_request_id(RequestId(folder, message.key, octets));
    request.set_account_id(store_.account.account_id);
    request.set_mailbox(folder);
    auto* part = request.add_messages();
    SetFlags(message.facts.flags, part->mutable_flags());
    if (message.facts.date_seconds != 0) part->mutable_internal_date()->set_seconds(message.facts.date_seconds);
    part->set_internal_date_zone_minutes(message.facts.zone_minutes);
    uint64_t size = octets.size();
    if (octets.size() <= kInline) {
      part->mutable_body()->set_inline_octets(std::move(octets));
    } else {
      const auto upload = Upload(std::move(octets), *message.octets, &size);
      if (!upload.ok()) return Refused(folder, message.key, upload.status());
      part->mutable_body()->set_upload_id(*upload);
    }
    const auto status = Patiently([&] { return Call(store_.stub.get(), &StoreStub::AppendMessages, request).status(); });
    if (!status.ok()) return Refused(folder, message.key, status);
    progress_.Add(1, size);
    return absl::OkStatus();
  }

  // More than `limit` octets only where the message has more.
  static absl::Status ReadUpTo(archive::OctetSource& source, size_t limit, std::string* octets) {
    std::string piece;
    do {
      RETURN_IF_ERROR(source.Next(&piece));
      *octets += piece;
    } while (!piece.empty() && octets->size() <= limit);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Upload(std::string octets, archive::OctetSource& source, uint64_t* size) {
    const auto call = NewCall(600);
    mailbox::v1::UploadBodyResponse response;
    const auto writer = store_.stub->UploadBody(call.get(), &response);
    mailbox::v1::UploadBodyRequest request;
    request.set_account_id(store_.account.account_id);
    absl::Status read;
    while (!octets.empty()) {
      const size_t take = std::min(octets.size(), kInline);
      request.mutable_chunk()->set_octets(octets.substr(0, take));
      octets.erase(0, take);
      if (!writer->Write(request)) break;
      request.clear_account_id();
      if (octets.empty()) {
        read = source.Next(&octets);
        if (!read.ok()) call->TryCancel();
        *size += octets.size();
      }
    }
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    RETURN_IF_ERROR(read);
    if (!status.ok()) return FromGrpc(status);
    return response.upload_id();
  }

  // The same for the same message in each run; another one where the archive changed under its key.
  std::string RequestId(const std::string& folder, const std::string& key, const std::string& octets) const {
    const std::string text = absl::StrCat(store_.account.account_id, "\n", folder, "\n", key, "\n", octets.size(), "\n", octets);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return "import-" + absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
  }

  // One message that cannot be stored stops nothing; what concerns the others too ends the run.
  absl::Status Refused(const std::string& folder, const std::string& key, const absl::Status& status) {
    if (!absl::IsInvalidArgument(status) && !rpc::HasReason(status, type::v1::ERROR_REASON_TOO_LARGE)) return status;
    refused_.push_back(absl::StrCat(folder, ": ", key, ": ", status.message()));
    return absl::OkStatus();
  }

  const AccountStore& store_;
  const bool subscribe_;
  Progress progress_{"importing"};
  uint64_t folders_ = 0;
  std::vector<std::string> refused_;
};

absl::StatusOr<std::unique_ptr<archive::ArchiveReader>> OpenArchive(const Arguments& arguments) {
  std::string format = arguments.format;
  if (format == "auto") {
    const std::filesystem::path path = arguments.path;
    bool has_mbox = !std::filesystem::is_directory(path);
    if (!has_mbox) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        has_mbox = has_mbox || entry.path().extension() == ".mbox";
      }
    }
    format = has_mbox && !std::filesystem::exists(path / "cur") ? "mbox" : "maildir";
  }
  if (format == "mbox") return archive::OpenMbox(arguments.path, arguments.mailbox);
  return archive::OpenMaildir(arguments.path);
}

absl::Status RunImport(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto reader, OpenArchive(arguments));
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  std::vector<std::string> refused;
  absl::Status status;
  std::vector<std::pair<std::string, std::string>> result;
  {
    Import run(store, !arguments.no_subscribe);
    for (const std::string& folder : reader->Folders()) {
      status = base::Annotate(run.Folder(*reader, folder), folder);
      if (!status.ok()) break;
    }
    refused = run.refused();
    result = {{"mailboxes", absl::StrCat(run.folders())},
              {"messages", absl::StrCat(run.progress().messages())},
              {"octets", absl::StrCat(run.progress().octets())},
              {"refused", absl::StrCat(refused.size())}};
  }
  std::cout << FormatRecord(result, context.output);
  for (const std::string& line : refused) std::cerr << "mailmesh: not imported: " << Printable(line) << "\n";
  if (!status.ok()) return base::Annotate(status, "stopped; the same command goes on, nothing is stored twice");
  return refused.empty() ? absl::OkStatus() : absl::InvalidArgumentError("some messages were refused");
}

}  // namespace

void AddImportCommand(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = app.add_subcommand(
      "import", "Stores mail from files in an account, with folders, flags and dates; may be repeated after an interruption");
  command->add_option("ADDRESS", arguments->address, "The account")->required();
  command->add_option("PATH", arguments->path, "A Maildir (with its folders), an mbox file, or a folder of *.mbox files")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("--format", arguments->format, "auto (the default: by what is there), maildir or mbox")
      ->check(CLI::IsMember({"auto", "maildir", "mbox"}));
  command->add_option("--mailbox", arguments->mailbox, "Where a single mbox file goes; INBOX if not given");
  command->add_flag("--no-subscribe", arguments->no_subscribe, "Does not subscribe to the mailboxes that it makes");
  SetAction(command, [arguments](Context& context) { return RunImport(context, *arguments); });
}

}  // namespace mailmesh::cli
