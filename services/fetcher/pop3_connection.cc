#include "services/fetcher/pop3_connection.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/net/connect.h"
#include "common/net/endpoint.h"

namespace mailmesh::fetcher {
namespace {

namespace client = pop3::client;

pop3::ClientOptions OptionsFor(const Fetcher& fetcher) {
  pop3::ClientOptions options;
  options.max_listing_lines = fetcher.max_listed_messages + 1;
  // ReadContent stops before.
  options.max_message_size = 2 * fetcher.max_message_bytes;
  return options;
}

// Stands for the unique id of a message where the server gives none: its size and header, digested. Copies of one message count once.
class HeaderId {
 public:
  explicit HeaderId(uint64_t size_bytes) : context_(EVP_MD_CTX_new()), size_bytes_(size_bytes) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Append(std::string_view octets) { EVP_DigestUpdate(context_.get(), octets.data(), octets.size()); }
  std::string Finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    // RFC 1939, 7: a UIDL has no such form by chance.
    return absl::StrCat("header-", size_bytes_, "-", base::HexEncode(std::string_view(reinterpret_cast<const char*>(digest), size)));
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  uint64_t size_bytes_;
};

// -ERR as a status: what a code says is temporary is.
absl::Status ToStatus(const pop3::Reply& reply, std::string_view command) {
  const std::string text = absl::StrCat(std::string(command), " refused: ", reply.ToString());
  return reply.HasCode("SYS/TEMP") || reply.HasCode("IN-USE") || reply.HasCode("LOGIN-DELAY")
             ? absl::UnavailableError(text)
             : absl::FailedPreconditionError(text);
}

}  // namespace

Pop3Connection::Pop3Connection(const Fetcher& fetcher)
    : fetcher_(fetcher), reader_(stream_, 256 * 1024), machine_(OptionsFor(fetcher)) {}

net::Awaitable<absl::StatusOr<client::Event>> Pop3Connection::NextEvent() {
  for (;;) {
    client::Event event = machine_.Next(input_);
    if (const auto* failed = std::get_if<client::Failed>(&event)) {
      co_return absl::UnavailableError(absl::StrCat("the server broke the protocol: ", std::string(failed->what)));
    }
    if (!std::holds_alternative<client::NeedInput>(event)) co_return event;
    reader_.Consume(reader_.data().size() - input_.size());
    input_ = {};
    stream_.ExpiresAfter(fetcher_.command_timeout);
    if (!machine_.output().empty()) {
      std::string octets = std::move(machine_.output());
      machine_.output().clear();
      absl::Status written = co_await stream_.Write(octets);
      if (!written.ok()) co_return written;
    }
    absl::StatusOr<size_t> filled = co_await reader_.Fill();
    if (!filled.ok()) co_return filled.status();
    if (*filled == 0) co_return absl::UnavailableError("the server closed the connection");
    input_ = reader_.data();
  }
}

net::Awaitable<absl::StatusOr<pop3::Reply>> Pop3Connection::AwaitReply() {
  for (;;) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    if (const auto* replied = std::get_if<client::Replied>(&*event)) {
      if (!replied->reply.ok) co_return ToStatus(replied->reply, pop3::VerbName(replied->verb));
      co_return replied->reply;
    }
    if (std::holds_alternative<client::AuthChallenged>(*event)) {
      // PLAIN has one step; whatever this server wants, it is not that.
      CO_RETURN_IF_ERROR(machine_.AuthCancel());
    }
  }
}

net::Awaitable<absl::Status> Pop3Connection::AskCapabilities() {
  CO_RETURN_IF_ERROR(machine_.Capa());
  capabilities_ = {};
  absl::StatusOr<client::Event> event = co_await NextEvent();
  if (!event.ok()) co_return event.status();
  // A server from before RFC 2449 refuses it: then it has none.
  if (const auto* done = std::get_if<client::CapaDone>(&*event)) capabilities_ = done->capabilities;
  co_return absl::OkStatus();
}

net::Awaitable<absl::Status> Pop3Connection::StartTls(const std::string& host) {
  net::TlsPeer peer;
  peer.name = host;
  peer.verify = net::TlsVerify::kRequired;
  stream_.ExpiresAfter(fetcher_.command_timeout);
  std::shared_ptr<const net::TlsClientContext> context = fetcher_.tls;
  absl::Status status = co_await stream_.StartTlsClient(context, peer);
  co_return base::Annotate(status, "TLS");
}

net::Awaitable<absl::Status> Pop3Connection::Open(const fetch::v1::FetchJob& job, const base::Secret& credential) {
  net::ConnectOptions options;
  options.deadline = net::After(fetcher_.command_timeout);
  net::Endpoint endpoint = net::Endpoint::Tcp(job.host(), static_cast<uint16_t>(job.port()));
  absl::StatusOr<net::Stream> stream = co_await net::ConnectEndpoint(endpoint, options);
  if (!stream.ok()) co_return base::Annotate(stream.status(), endpoint.ToString());
  stream_ = std::move(*stream);
  // However little a server sends at a time.
  stream_.ExpiresAt(net::After(fetcher_.max_run + fetcher_.command_timeout));
  if (job.tls() == fetch::v1::REMOTE_TLS_IMPLICIT) {
    absl::Status status = co_await StartTls(job.host());
    if (!status.ok()) co_return status;
  }
  absl::StatusOr<client::Event> greeting = co_await NextEvent();
  if (!greeting.ok()) co_return greeting.status();
  const auto* greeted = std::get_if<client::Greeted>(&*greeting);
  if (greeted == nullptr || !greeted->reply.ok) co_return absl::UnavailableError("the server does not greet with +OK");
  if (job.tls() == fetch::v1::REMOTE_TLS_STARTTLS) {
    CO_RETURN_IF_ERROR(machine_.Stls());
    absl::StatusOr<client::Event> ready = co_await NextEvent();
    if (!ready.ok()) co_return ready.status();
    if (!std::holds_alternative<client::TlsReady>(*ready)) {
      co_return absl::FailedPreconditionError("the server refuses STLS; the credential is not sent in plain text");
    }
    // What the server sent behind its +OK came in plain text: forget it.
    reader_.DiscardAll();
    input_ = {};
    absl::Status status = co_await StartTls(job.host());
    if (!status.ok()) co_return status;
    machine_.TlsEstablished();
  }
  if (!stream_.is_tls() && !(job.allow_plaintext() && stream_.peer_address().is_local())) {
    co_return absl::FailedPreconditionError("without TLS the credential is sent to loopback addresses only, where the job allows it");
  }
  absl::Status asked = co_await AskCapabilities();
  if (!asked.ok()) co_return asked;
  co_return co_await LogIn(job.user(), credential);
}

net::Awaitable<absl::Status> Pop3Connection::EnableUtf8() {
  if (!capabilities_.utf8) co_return absl::OkStatus();
  CO_RETURN_IF_ERROR(machine_.Utf8());
  absl::StatusOr<pop3::Reply> reply = co_await AwaitReply();
  // Refused: then messages come as this server makes them.
  if (reply.ok() || absl::IsFailedPrecondition(reply.status())) co_return absl::OkStatus();
  co_return reply.status();
}

net::Awaitable<absl::Status> Pop3Connection::LogIn(const std::string& user, const base::Secret& credential) {
  // RFC 6856, 2.1: a session without it is given converted headers, not the octets that were stored.
  absl::Status utf8 = co_await EnableUtf8();
  if (!utf8.ok()) co_return utf8;
  if (capabilities_.HasMechanism("PLAIN")) {
    CO_RETURN_IF_ERROR(machine_.AuthPlain(user, credential));
    absl::StatusOr<pop3::Reply> reply = co_await AwaitReply();
    co_return reply.status();
  }
  CO_RETURN_IF_ERROR(machine_.User(user));
  absl::StatusOr<pop3::Reply> named = co_await AwaitReply();
  if (!named.ok()) co_return named.status();
  CO_RETURN_IF_ERROR(machine_.Pass(credential));
  absl::StatusOr<pop3::Reply> reply = co_await AwaitReply();
  co_return reply.status();
}

absl::Status Pop3Connection::CheckCount(size_t messages) const {
  if (messages <= fetcher_.max_listed_messages) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the maildrop lists more than ", fetcher_.max_listed_messages, " messages"));
}

net::Awaitable<absl::StatusOr<bool>> Pop3Connection::ListIds(Maildrop& drop) {
  CO_RETURN_IF_ERROR(machine_.Uidl());
  for (;;) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    if (const auto* entry = std::get_if<client::UidlEntry>(&*event)) {
      drop.Add(entry->entry.number, entry->entry.unique_id);
      CO_RETURN_IF_ERROR(CheckCount(drop.size()));
    } else if (std::holds_alternative<client::BadListEntry>(*event)) {
      drop.AddUnreadable();
    } else if (const auto* replied = std::get_if<client::Replied>(&*event)) {
      // What says that it is for the moment is no "unknown command".
      if (absl::IsUnavailable(ToStatus(replied->reply, "UIDL"))) co_return ToStatus(replied->reply, "UIDL");
      co_return false;
    } else if (std::holds_alternative<client::ListingDone>(*event)) {
      drop.Seal();
      co_return true;
    }
  }
}

net::Awaitable<absl::Status> Pop3Connection::ListSizes(Maildrop& drop) {
  CO_RETURN_IF_ERROR(machine_.List());
  for (;;) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    if (const auto* entry = std::get_if<client::ListEntry>(&*event)) drop.SetSize(entry->entry.number, entry->entry.size);
    // Without sizes the limit works while a message comes.
    if (std::holds_alternative<client::ListingDone>(*event) || std::holds_alternative<client::Replied>(*event)) co_return absl::OkStatus();
  }
}

net::Awaitable<absl::StatusOr<Maildrop>> Pop3Connection::List() {
  Maildrop drop;
  absl::StatusOr<bool> listed = co_await ListIds(drop);
  if (!listed.ok()) co_return listed.status();
  if (!*listed) co_return co_await ListWithoutIds();
  absl::Status sizes = co_await ListSizes(drop);
  if (!sizes.ok()) co_return sizes;
  co_return drop;
}

net::Awaitable<absl::StatusOr<Maildrop>> Pop3Connection::ListWithoutIds() {
  std::vector<pop3::ScanListing> messages;
  CO_RETURN_IF_ERROR(machine_.List());
  for (bool done = false; !done;) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    if (const auto* entry = std::get_if<client::ListEntry>(&*event)) {
      messages.push_back(entry->entry);
      CO_RETURN_IF_ERROR(CheckCount(messages.size()));
    } else if (const auto* replied = std::get_if<client::Replied>(&*event)) {
      co_return ToStatus(replied->reply, "LIST");
    }
    done = std::holds_alternative<client::ListingDone>(*event);
  }
  Maildrop drop;
  for (const pop3::ScanListing& message : messages) {
    absl::StatusOr<std::string> id = co_await IdFromHeader(message.number, message.size);
    if (!id.ok()) co_return id.status();
    drop.Add(message.number, *id);
  }
  drop.Seal();
  for (const pop3::ScanListing& message : messages) drop.SetSize(message.number, message.size);
  co_return drop;
}

net::Awaitable<absl::StatusOr<std::string>> Pop3Connection::IdFromHeader(pop3::MessageNumber number, uint64_t size_bytes) {
  CO_RETURN_IF_ERROR(machine_.Top(number, 0));
  HeaderId id(size_bytes);
  for (;;) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    if (std::holds_alternative<client::Replied>(*event)) {
      co_return absl::UnimplementedError("the server has neither UIDL nor TOP: what was fetched could not be told from what was not");
    }
    id.Append(machine_.TakeContent());
    if (std::holds_alternative<client::MessageDone>(*event)) co_return id.Finish();
  }
}

net::Awaitable<absl::Status> Pop3Connection::Retrieve(pop3::MessageNumber number) {
  CO_RETURN_IF_ERROR(machine_.Retr(number));
  absl::StatusOr<client::Event> event = co_await NextEvent();
  if (!event.ok()) co_return event.status();
  if (const auto* replied = std::get_if<client::Replied>(&*event)) {
    const absl::Status refused = ToStatus(replied->reply, "RETR");
    co_return absl::IsUnavailable(refused) ? refused : absl::NotFoundError(std::string(base::Message(refused)));
  }
  if (!std::holds_alternative<client::MessageBegins>(*event)) co_return absl::InternalError("no message after RETR");
  message_done_ = false;
  retrieved_bytes_ = 0;
  co_return absl::OkStatus();
}

net::Awaitable<absl::StatusOr<std::string>> Pop3Connection::ReadContent() {
  while (!message_done_) {
    absl::StatusOr<client::Event> event = co_await NextEvent();
    if (!event.ok()) co_return event.status();
    message_done_ = std::holds_alternative<client::MessageDone>(*event);
    retrieved_bytes_ += machine_.content().size();
    // One that its listing called smaller: the server lied.
    if (retrieved_bytes_ > fetcher_.max_message_bytes) co_return absl::OutOfRangeError("the message is larger than allowed");
    if (!machine_.content().empty()) co_return machine_.TakeContent();
  }
  co_return std::string();
}

net::Awaitable<absl::Status> Pop3Connection::Delete(pop3::MessageNumber number) {
  CO_RETURN_IF_ERROR(machine_.Dele(number));
  absl::StatusOr<pop3::Reply> reply = co_await AwaitReply();
  co_return reply.status();
}

net::Awaitable<absl::Status> Pop3Connection::Quit() {
  CO_RETURN_IF_ERROR(machine_.Quit());
  absl::StatusOr<pop3::Reply> reply = co_await AwaitReply();
  Close();
  co_return reply.status();
}

}  // namespace mailmesh::fetcher
