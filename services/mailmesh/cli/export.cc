// `mailmesh export`: an account's mail into Maildir or mbox files, octet for octet.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/mailmesh/archive/maildir.h"
#include "services/mailmesh/archive/mbox.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/mailbox_reader.h"
#include "services/mailmesh/cli/progress.h"

namespace mailmesh::cli {
namespace {

using archive::ArchiveWriter;
using archive::LineEnds;

// Messages whose facts are asked for at once, and octets of one stream: what a batch may cost when it has to be repeated.
constexpr size_t kBatch = 500;
constexpr uint64_t kBatchOctets = 16 << 20;

struct Arguments {
  std::string address;
  std::string path;
  std::string format = "maildir";
  std::vector<std::string> mailboxes;
};

absl::StatusOr<std::vector<std::string>> MailboxNames(const AccountStore& store) {
  std::vector<std::string> names;
  mailbox::v1::ListMailboxesRequest request;
  request.set_account_id(store.account.account_id);
  do {
    ASSIGN_OR_RETURN(const auto page, Call(store.stub.get(), &StoreStub::ListMailboxes, request));
    for (const auto& box : page.mailboxes()) {
      if (!box.no_select() && !box.mailbox_id().empty()) names.push_back(box.name());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

class Export {
 public:
  Export(const AccountStore& store, ArchiveWriter& writer) : store_(store), writer_(writer) {}

  absl::Status Folder(const std::string& mailbox) {
    ASSIGN_OR_RETURN(const MailboxReader reader, MailboxReader::Open(store_, mailbox));
    progress_.Begin(mailbox, reader.uids().size());
    RETURN_IF_ERROR(writer_.BeginFolder(mailbox, reader.uid_validity()));
    const std::span<const uint32_t> uids(reader.uids());
    for (size_t start = 0; start < uids.size(); start += kBatch) {
      ASSIGN_OR_RETURN(const auto messages, reader.Describe(uids.subspan(start, std::min(kBatch, uids.size() - start))));
      RETURN_IF_ERROR(Batch(reader, messages));
    }
    ++folders_;
    return writer_.EndFolder();
  }

  uint64_t folders() const { return folders_; }
  uint64_t present() const { return present_; }
  const Progress& progress() const { return progress_; }

 private:
  archive::MessageFacts Facts(const MailboxReader& reader, const MessageInfo& message) const {
    return {reader.FlagNames(message.flags), message.date_seconds, message.date_zone_minutes};
  }

  // Those that an earlier run wrote are left out; the rest in streams of a bounded size.
  absl::Status Batch(const MailboxReader& reader, const std::vector<MessageInfo>& messages) {
    std::vector<MessageInfo> wanted;
    uint64_t octets = 0;
    for (const MessageInfo& message : messages) {
      ASSIGN_OR_RETURN(const bool there, writer_.Has(message.uid, Facts(reader, message)));
      if (there) {
        ++present_;
        progress_.Add(1, 0);
        continue;
      }
      wanted.push_back(message);
      octets += message.size;
      if (octets < kBatchOctets) continue;
      RETURN_IF_ERROR(Copy(reader, wanted, LineEnds::kLf));
      wanted.clear();
      octets = 0;
    }
    return Copy(reader, wanted, LineEnds::kLf);
  }

  absl::Status Copy(const MailboxReader& reader, const std::vector<MessageInfo>& messages, LineEnds ends) {
    if (messages.empty()) return absl::OkStatus();
    std::vector<uint32_t> uids;
    std::map<uint32_t, MessageInfo> by_uid;
    for (const MessageInfo& message : messages) {
      uids.push_back(message.uid);
      by_uid[message.uid] = message;
    }
    std::vector<MessageInfo> again;  // with a bare LF in them
    uint64_t got = 0;
    const absl::Status status = reader.ReadContent(
        uids, {mailbox::v1::ContentSelector()}, [&](const mailbox::v1::ContentChunk& chunk) -> absl::Status {
          const MessageInfo& message = by_uid[chunk.uid()];
          if (chunk.first()) {
            RETURN_IF_ERROR(writer_.Begin(message.uid, chunk.total_bytes(), Facts(reader, message), ends));
            got = 0;
          }
          RETURN_IF_ERROR(writer_.Write(chunk.octets()));
          got += chunk.octets().size();
          if (!chunk.last()) return absl::OkStatus();
          ASSIGN_OR_RETURN(const bool kept, writer_.End());
          if (!kept) again.push_back(message);
          if (kept) progress_.Add(1, got);
          return absl::OkStatus();
        });
    if (!status.ok()) {
      writer_.Abandon();
      return status;
    }
    for (const MessageInfo& message : again) RETURN_IF_ERROR(Copy(reader, {message}, LineEnds::kAsIs));
    return absl::OkStatus();
  }

  const AccountStore& store_;
  ArchiveWriter& writer_;
  Progress progress_{"exporting"};
  uint64_t folders_ = 0;
  uint64_t present_ = 0;
};

absl::Status RunExport(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  std::vector<std::string> mailboxes = arguments.mailboxes;
  if (mailboxes.empty()) {
    ASSIGN_OR_RETURN(mailboxes, MailboxNames(store));
  }
  uint64_t lost_keywords = 0;
  const auto writer = arguments.format == "mbox" ? archive::MakeMboxWriter(arguments.path)
                                                 : archive::MakeMaildirWriter(arguments.path, &lost_keywords);
  std::vector<std::pair<std::string, std::string>> result;
  {
    Export run(store, *writer);
    for (const std::string& mailbox : mailboxes) RETURN_IF_ERROR(base::Annotate(run.Folder(mailbox), mailbox));
    result = {{"mailboxes", absl::StrCat(run.folders())},
              {"messages", absl::StrCat(run.progress().messages())},
              {"octets", absl::StrCat(run.progress().octets())},
              {"already_there", absl::StrCat(run.present())},
              {"lost_keywords", absl::StrCat(lost_keywords)}};
  }
  std::cout << FormatRecord(result, context.output);
  return absl::OkStatus();
}

}  // namespace

void AddExportCommand(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = app.add_subcommand("export", "Writes an account's mail to files, with folders, flags and dates");
  command->add_option("ADDRESS", arguments->address, "The account")->required();
  command->add_option("FOLDER", arguments->path, "Where to; made if it is not there. Maildir: a run that was cut off goes on")
      ->required();
  command->add_option("--format", arguments->format, "maildir (the default; with folders as Maildir++), or mbox (mboxrd)")
      ->check(CLI::IsMember({"maildir", "mbox"}));
  command->add_option("--mailbox", arguments->mailboxes, "Only these mailboxes")->allow_extra_args(false);
  SetAction(command, [arguments](Context& context) { return RunExport(context, *arguments); });
}

}  // namespace mailmesh::cli
