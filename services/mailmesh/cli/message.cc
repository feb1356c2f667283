// `mailmesh message`: looking at and removing messages, for support. Each call is in the store's log with the operator's name.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/imap/sequence_set.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/mailbox_reader.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::ContentSelector;

constexpr size_t kBatch = 500;

struct Arguments {
  std::string address;
  std::string mailbox = "INBOX";
  std::string uids;
  uint32_t uid = 0;
  size_t limit = 100;
  std::string from, to, subject, text, since;
  bool unseen = false;
  bool raw = false;
};

void AddHeaderTest(mailbox::v1::SearchKeyList* all, const char* field, const std::string& text) {
  if (text.empty()) return;
  auto* test = all->add_keys()->mutable_header();
  test->set_field(field);
  test->set_text(text);
}

// What the filters ask for; an empty list matches everything.
absl::StatusOr<mailbox::v1::SearchKeyList> Filters(const Arguments& arguments) {
  mailbox::v1::SearchKeyList all;
  AddHeaderTest(&all, "From", arguments.from);
  AddHeaderTest(&all, "To", arguments.to);
  AddHeaderTest(&all, "Subject", arguments.subject);
  if (!arguments.text.empty()) all.add_keys()->set_text(arguments.text);
  if (arguments.unseen) {
    all.add_keys()->mutable_negated()->mutable_flag()->set_system_flag(mailbox::v1::SYSTEM_FLAG_SEEN);
  }
  if (!arguments.since.empty()) {
    absl::CivilDay day;
    if (!absl::ParseCivilTime(arguments.since, &day)) {
      return absl::InvalidArgumentError(absl::StrCat("--since: ", arguments.since, " is no date (2026-03-01)"));
    }
    auto* date = all.add_keys()->mutable_date();
    date->set_field(mailbox::v1::DateTest::FIELD_INTERNAL);
    date->set_relation(mailbox::v1::DateTest::RELATION_SINCE);
    date->set_day(static_cast<int32_t>(day - absl::CivilDay(1970, 1, 1)));
  }
  return all;
}

absl::StatusOr<std::vector<uint32_t>> MatchingUids(const AccountStore& store, const MailboxReader& reader,
                                                   const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto filters, Filters(arguments));
  if (filters.keys().empty()) return reader.uids();
  mailbox::v1::SearchMessagesRequest request;
  request.set_account_id(store.account.account_id);
  request.set_mailbox_id(reader.mailbox_id());
  *request.mutable_key()->mutable_all_of() = filters;
  ASSIGN_OR_RETURN(const auto found, Call(store.stub.get(), &StoreStub::SearchMessages, request));
  std::vector<uint32_t> uids;
  for (int i = 0; i < found.uids().first_size() && i < found.uids().last_size(); ++i) {
    for (uint64_t uid = found.uids().first(i); uid <= found.uids().last(i); ++uid) uids.push_back(static_cast<uint32_t>(uid));
  }
  return uids;
}

// "From", "Subject" and the like of each of these messages, by UID.
absl::StatusOr<std::map<uint32_t, std::string>> ReadHeaders(const MailboxReader& reader, std::span<const uint32_t> uids,
                                                            const std::vector<std::string>& fields) {
  ContentSelector selector;
  selector.set_section(fields.empty() ? ContentSelector::SECTION_HEADER : ContentSelector::SECTION_HEADER_FIELDS);
  for (const std::string& field : fields) selector.add_fields(field);
  std::map<uint32_t, std::string> headers;
  RETURN_IF_ERROR(reader.ReadContent(uids, {selector}, [&](const mailbox::v1::ContentChunk& chunk) {
    headers[chunk.uid()] += chunk.octets();
    return absl::OkStatus();
  }));
  return headers;
}

std::string FieldText(const mime::HeaderBlock& header, std::string_view name) {
  const mime::HeaderField* field = header.Find(name);
  return field == nullptr ? "" : mime::DecodeHeaderText(mime::HeaderText(field->value));
}

absl::Status ListMessages(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  ASSIGN_OR_RETURN(const MailboxReader reader, MailboxReader::Open(store, arguments.mailbox));
  ASSIGN_OR_RETURN(const std::vector<uint32_t> matching, MatchingUids(store, reader, arguments));
  std::span<const uint32_t> uids(matching);
  if (arguments.limit > 0 && uids.size() > arguments.limit) uids = uids.last(arguments.limit);
  Table table({"uid", "flags", "date", "octets", "from", "subject"});
  for (size_t start = 0; start < uids.size(); start += kBatch) {
    const auto batch = uids.subspan(start, std::min(kBatch, uids.size() - start));
    ASSIGN_OR_RETURN(const auto messages, reader.Describe(batch));
    ASSIGN_OR_RETURN(auto headers, ReadHeaders(reader, batch, {"From", "Subject"}));
    for (const MessageInfo& message : messages) {
      const mime::HeaderBlock header = mime::ScanHeader(headers[message.uid]);
      table.AddRow({absl::StrCat(message.uid), absl::StrJoin(reader.FlagNames(message.flags), " "),
                    FormatTime(message.date_seconds), absl::StrCat(message.size), FieldText(header, "From"),
                    FieldText(header, "Subject")});
    }
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status WriteRaw(const MailboxReader& reader, uint32_t uid) {
  const uint32_t uids[] = {uid};
  bool any = false;
  RETURN_IF_ERROR(reader.ReadContent(uids, {ContentSelector()}, [&](const mailbox::v1::ContentChunk& chunk) -> absl::Status {
    any = true;
    if (std::fwrite(chunk.octets().data(), 1, chunk.octets().size(), stdout) == chunk.octets().size()) return absl::OkStatus();
    return base::ErrnoStatus(errno, "standard output");
  }));
  if (!any) return absl::NotFoundError(absl::StrCat("no message with UID ", uid));
  return std::fflush(stdout) == 0 ? absl::OkStatus() : base::ErrnoStatus(errno, "standard output");
}

absl::Status ShowMessage(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  ASSIGN_OR_RETURN(const MailboxReader reader, MailboxReader::Open(store, arguments.mailbox));
  if (arguments.raw) return WriteRaw(reader, arguments.uid);
  const uint32_t uids[] = {arguments.uid};
  ASSIGN_OR_RETURN(const auto messages, reader.Describe(uids));
  if (messages.empty()) {
    return absl::NotFoundError(absl::StrCat("no message with UID ", arguments.uid, " in ", arguments.mailbox));
  }
  ASSIGN_OR_RETURN(auto headers, ReadHeaders(reader, uids, {}));
  const MessageInfo& message = messages.front();
  std::vector<std::pair<std::string, std::string>> record{
      {"account_id", store.account.account_id},
      {"mailbox", arguments.mailbox},
      {"uid", absl::StrCat(message.uid)},
      {"flags", absl::StrJoin(reader.FlagNames(message.flags), " ")},
      {"date", FormatTime(message.date_seconds)},
      {"octets", absl::StrCat(message.size)}};
  const std::string& octets = headers[arguments.uid];
  if (context.output == OutputFormat::kJson) {
    record.emplace_back("header", octets);
    std::cout << FormatRecord(record, context.output);
    return absl::OkStatus();
  }
  std::cout << FormatRecord(record, context.output) << "\n";
  for (const mime::HeaderField& field : mime::ScanHeader(octets).fields) {
    std::cout << Printable(field.name) << ": " << Printable(mime::DecodeHeaderText(mime::HeaderText(field.value))) << "\n";
  }
  return absl::OkStatus();
}

// RFC 4315, 2.1: only what is marked \Deleted goes, so that it is marked first; others' \Deleted messages stay.
absl::Status ExpungeMessages(Context& context, const Arguments& arguments) {
  const auto wanted = imap::SequenceSet::Parse(arguments.uids);
  if (!wanted.ok() || wanted->is_saved_result()) {
    return absl::InvalidArgumentError(absl::StrCat(arguments.uids, " is no set of UIDs (1,3:7)"));
  }
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  ASSIGN_OR_RETURN(const MailboxReader reader, MailboxReader::Open(store, arguments.mailbox));
  const imap::SequenceSet resolved = wanted->Resolve(reader.uids().empty() ? 0 : reader.uids().back(), true);
  std::vector<uint32_t> uids;
  for (const uint32_t uid : reader.uids()) {
    if (resolved.Contains(uid)) uids.push_back(uid);
  }
  uint64_t expunged = 0;
  if (!uids.empty()) {
    mailbox::v1::StoreFlagsRequest mark;
    mark.set_request_id(NewRequestId());
    mark.set_account_id(store.account.account_id);
    mark.set_mailbox_id(reader.mailbox_id());
    FillUidSet(uids, mark.mutable_uids());
    mark.set_mode(mailbox::v1::StoreFlagsRequest::MODE_ADD);
    mark.mutable_flags()->set_system_flags(mailbox::v1::SYSTEM_FLAG_DELETED);
    RETURN_IF_ERROR(Call(store.stub.get(), &StoreStub::StoreFlags, mark).status());
    mailbox::v1::ExpungeMessagesRequest expunge;
    expunge.set_request_id(NewRequestId());
    expunge.set_account_id(store.account.account_id);
    expunge.set_mailbox_id(reader.mailbox_id());
    FillUidSet(uids, expunge.mutable_uids());
    ASSIGN_OR_RETURN(const auto done, Call(store.stub.get(), &StoreStub::ExpungeMessages, expunge));
    for (int i = 0; i < done.expunged().first_size() && i < done.expunged().last_size(); ++i) {
      expunged += uint64_t{1} + done.expunged().last(i) - done.expunged().first(i);
    }
  }
  std::cout << FormatRecord({{"expunged", absl::StrCat(expunged)}}, context.output);
  return expunged > 0 ? absl::OkStatus() : absl::NotFoundError("none of these messages is there");
}

void AddFilters(CLI::App* list, Arguments& arguments) {
  list->add_option("--limit", arguments.limit, "At most this many, the newest; 100 if not given, 0: all");
  list->add_option("--from", arguments.from, "Only with this text in From");
  list->add_option("--to", arguments.to, "Only with this text in To");
  list->add_option("--subject", arguments.subject, "Only with this text in Subject");
  list->add_option("--text", arguments.text, "Only with this text in header or body");
  list->add_option("--since", arguments.since, "Only what arrived on this day or later (2026-03-01)");
  list->add_flag("--unseen", arguments.unseen, "Only unread ones");
}

}  // namespace

void AddMessageCommands(CLI::App& app) {
  auto* message =
      app.add_subcommand("message", "Messages of an account, for support; the store's log says who did what")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* help, absl::Status (*run)(Context&, const Arguments&)) {
    auto* command = message->add_subcommand(name, help);
    command->add_option("ADDRESS", arguments->address, "The account")->required();
    command->add_option("--mailbox", arguments->mailbox, "The mailbox; INBOX if not given");
    SetAction(command, [arguments, run](Context& context) { return run(context, *arguments); });
    return command;
  };
  AddFilters(add("list", "Lists the messages of a mailbox", ListMessages), *arguments);
  auto* show = add("show", "Shows the header of a message, and what the store knows of it", ShowMessage);
  show->add_option("UID", arguments->uid, "The message")->required();
  show->add_flag("--raw", arguments->raw, "Writes the whole message instead, its octets as they are");
  auto* expunge = add("expunge", "Removes messages for good", ExpungeMessages);
  expunge->add_option("UIDS", arguments->uids, "The messages: 1,3:7")->required();
}

}  // namespace mailmesh::cli
