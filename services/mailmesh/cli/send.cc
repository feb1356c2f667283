// `mailmesh send`: gives a message file to the relay, as sendmail(8) -t would.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/mime/address.h"
#include "common/mime/header.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"
#include "mailmesh/relay/v1/relay_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryService;
using directory::v1::RecipientResolution;
using relay::v1::RelayService;

constexpr size_t kChunk = 256 * 1024;
constexpr size_t kMaxFile = size_t{1} << 30;

struct SendArguments {
  std::string file;
  std::string from;
  std::vector<std::string> to;
};

absl::StatusOr<std::string> ReadMessage(const std::string& file) {
  if (file != "-") return base::ReadFile(file, kMaxFile);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

// A file on Unix has bare LF; mail has CRLF. Octets of a file that has CRLF already stay as they are.
std::string WithNetworkLineEnds(std::string text) {
  if (absl::StrContains(text, "\r\n")) return text;
  return absl::StrReplaceAll(text, {{"\n", "\r\n"}});
}

// The addresses in the fields of these names.
std::vector<std::string> AddressesOf(const std::string& message, const std::vector<std::string>& names) {
  std::vector<std::string> addresses;
  const mime::HeaderBlock header = mime::ScanHeader(message);
  for (const mime::HeaderField& field : header.fields) {
    const auto same = [&](const std::string& name) { return mime::NameEquals(field.name, name); };
    if (std::none_of(names.begin(), names.end(), same)) continue;
    for (const mime::Address& address : mime::ParseAddressList(field.value).addresses) {
      if (address.kind == mime::Address::Kind::kMailbox) addresses.push_back(mime::FormatAddrSpec(address));
    }
  }
  return addresses;
}

absl::StatusOr<std::string> Upload(RelayService::Stub* stub, const std::string& message) {
  const auto call = NewCall(600);
  relay::v1::UploadBodyResponse response;
  const auto writer = stub->UploadBody(call.get(), &response);
  for (size_t offset = 0; offset < message.size(); offset += kChunk) {
    relay::v1::UploadBodyRequest request;
    request.mutable_chunk()->set_octets(message.substr(offset, kChunk));
    if (!writer->Write(request)) break;
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return FromGrpc(status);
  return response.upload_id();
}

// One recipient as asked for becomes the targets that the directory knows: local ones go to their shard.
absl::Status AddRecipient(const std::string& address, const RecipientResolution& resolution,
                          relay::v1::EnqueueMessageRequest& request) {
  switch (resolution.kind()) {
    case RecipientResolution::KIND_DELIVER:
      for (const auto& target : resolution.targets()) {
        auto* recipient = request.add_recipients();
        recipient->set_forward_path(target.address());
        if (target.account_id().empty()) continue;
        recipient->mutable_local()->set_account_id(target.account_id());
        recipient->mutable_local()->set_shard(target.shard());
        recipient->mutable_local()->set_mailbox(target.mailbox());
        recipient->mutable_local()->set_request_id(absl::StrCat(request.request_id(), "-", request.recipients_size()));
      }
      return absl::OkStatus();
    case RecipientResolution::KIND_RELAY:
    case RecipientResolution::KIND_REMOTE:
      request.add_recipients()->set_forward_path(address);
      return absl::OkStatus();
    default:
      return absl::NotFoundError(absl::StrCat(address, ": no such recipient here"));
  }
}

absl::Status Send(Context& context, SendArguments arguments) {
  ASSIGN_OR_RETURN(std::string message, ReadMessage(arguments.file));
  message = WithNetworkLineEnds(std::move(message));
  if (arguments.to.empty()) arguments.to = AddressesOf(message, {"To", "Cc", "Bcc"});
  if (arguments.to.empty()) return absl::InvalidArgumentError("no recipient: neither --to nor a To, Cc or Bcc field");
  if (arguments.from.empty()) {
    const std::vector<std::string> from = AddressesOf(message, {"From"});
    if (from.empty()) return absl::InvalidArgumentError("no sender: neither --from nor a From field");
    arguments.from = from.front();
  }

  ASSIGN_OR_RETURN(const auto directory_channel, context.ChannelTo("directory"));
  const auto directory = DirectoryService::NewStub(directory_channel);
  directory::v1::ResolveRecipientsRequest resolve;
  for (const std::string& address : arguments.to) resolve.add_addresses(address);
  ASSIGN_OR_RETURN(const auto resolved, Call<DirectoryService::Stub>(
                                            directory.get(), &DirectoryService::Stub::ResolveRecipients, resolve));

  ASSIGN_OR_RETURN(const auto relay_channel, context.ChannelTo("outbound_relay"));
  const auto relay = RelayService::NewStub(relay_channel);
  relay::v1::EnqueueMessageRequest request;
  request.set_request_id(NewRequestId());
  request.set_reverse_path(arguments.from);
  request.set_eight_bit(true);
  for (size_t i = 0; i < arguments.to.size(); ++i) {
    RETURN_IF_ERROR(AddRecipient(arguments.to[i], resolved.resolutions(static_cast<int>(i)), request));
  }
  if (message.size() <= kChunk) {
    request.mutable_body()->set_inline_octets(message);
  } else {
    ASSIGN_OR_RETURN(const std::string upload, Upload(relay.get(), message));
    request.mutable_body()->set_upload_id(upload);
  }
  ASSIGN_OR_RETURN(const auto response,
                   Call<RelayService::Stub>(relay.get(), &RelayService::Stub::EnqueueMessage, request));
  std::cout << FormatRecord({{"queue_id", response.queue_id()}}, context.output);
  return absl::OkStatus();
}

}  // namespace

void AddSendCommand(CLI::App& app) {
  auto arguments = std::make_shared<SendArguments>();
  auto* send = app.add_subcommand("send", "Sends a message file (RFC 5322)");
  send->add_option("FILE", arguments->file, "The message; - for standard input")->required();
  send->add_option("--from", arguments->from, "Envelope sender; else the From field");
  send->add_option("--to", arguments->to, "Recipients; else the To, Cc and Bcc fields");
  SetAction(send, [arguments](Context& context) { return Send(context, *arguments); });
}

}  // namespace mailmesh::cli
