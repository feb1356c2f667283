// RETR and TOP (RFC 1939, 5 and 7): octets from the store to the socket, dot-stuffed on the way. A client that has not asked
// for UTF-8 gets a surrogate of a header that needs it (RFC 6856, 2.1).
#include "common/base/status.h"
#include "common/mime/header.h"
#include "common/mime/surrogate.h"
#include "common/pop3/multiline_writer.h"
#include "common/pop3/replies.h"
#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/pop3_gateway/session.h"
#include "services/pop3_gateway/status_to_pop3.h"

namespace mailmesh::pop3_gateway {
namespace {

namespace replies = pop3::replies;

constexpr size_t kFlushAbove = 64 * 1024;
// A header that is longer is sent as it is, or, where it needs a surrogate, not at all.
constexpr size_t kMaxHeader = 256 * 1024;

}  // namespace

Session::Result Session::On(pop3::Retr command) { co_return co_await Retrieve(command.number, std::nullopt); }

Session::Result Session::On(pop3::Top command) { co_return co_await Retrieve(command.number, command.lines); }

net::Awaitable<absl::StatusOr<std::string>> Session::OpenMessage(pop3::MessageNumber number, std::optional<uint32_t> top_lines) {
  absl::Status opened = co_await maildrop_->OpenMessage(number, top_lines);
  if (!opened.ok()) co_return opened;
  std::string first;
  size_t header_end = std::string::npos;
  while (header_end == std::string::npos && first.size() < kMaxHeader) {
    absl::StatusOr<std::string_view> octets = co_await maildrop_->ReadMessage();
    if (!octets.ok()) co_return octets.status();
    if (octets->empty()) break;
    first += *octets;
    if (utf8_) co_return first;
    header_end = mime::FindHeaderEnd(first);
  }
  const std::string_view header = std::string_view(first).substr(0, header_end);
  if (utf8_ || !mime::NeedsSurrogate(header)) co_return first;
  if (header.size() > kMaxHeader) {
    co_return rpc::MakeError(absl::StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_CHARSET, "header too long for a surrogate");
  }
  gateway_.metrics.surrogates.Increment();
  std::string surrogate = mime::SurrogateHeader(header);
  surrogate += std::string_view(first).substr(header.size());
  co_return surrogate;
}

Session::Result Session::Retrieve(pop3::MessageNumber number, std::optional<uint32_t> top_lines) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (FindOrSay(number) == nullptr) co_return Next::kGoOn;
  absl::StatusOr<std::string> first = co_await OpenMessage(number, top_lines);
  if (!first.ok()) {
    telemetry::Warning("message not read", {trace_, {"session_id", session_id_}, {"account", account_}, {"error", base::Message(first.status())}});
    co_return SayAndGoOn(StatusToReply(first.status()));
  }
  Say(replies::kMessageFollows);
  pop3::MultilineWriter writer;
  writer.Write(*first, out_);
  for (;;) {
    absl::StatusOr<std::string_view> octets = co_await maildrop_->ReadMessage();
    if (!octets.ok()) {
      // After +OK only the end of the connection can tell that this is not the whole message.
      telemetry::Warning("message not read", {trace_, {"session_id", session_id_}, {"account", account_}, {"error", base::Message(octets.status())}});
      out_.clear();
      co_return Next::kClose;
    }
    if (octets->empty()) break;
    writer.Write(*octets, out_);
    if (out_.size() >= kFlushAbove) {
      bool flushed = co_await Flush();
      if (!flushed) co_return Next::kClose;
    }
  }
  writer.Finish(out_);
  if (!top_lines.has_value()) gateway_.metrics.messages_retrieved.Increment();
  co_return Next::kGoOn;
}

}  // namespace mailmesh::pop3_gateway
