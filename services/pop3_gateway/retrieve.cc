// RETR and TOP (RFC 1939, 5 and 7): octets from the store to the socket, dot-stuffed on the way.
#include "common/base/status.h"
#include "common/pop3/multiline_writer.h"
#include "common/pop3/replies.h"
#include "common/telemetry/log.h"
#include "services/pop3_gateway/session.h"
#include "services/pop3_gateway/status_to_pop3.h"

namespace mailmesh::pop3_gateway {
namespace {

namespace replies = pop3::replies;

constexpr size_t kFlushAbove = 64 * 1024;

}  // namespace

Session::Result Session::On(pop3::Retr command) { co_return co_await Retrieve(command.number, std::nullopt); }

Session::Result Session::On(pop3::Top command) { co_return co_await Retrieve(command.number, command.lines); }

Session::Result Session::Retrieve(pop3::MessageNumber number, std::optional<uint32_t> top_lines) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (FindOrSay(number) == nullptr) co_return Next::kGoOn;
  absl::Status opened = co_await maildrop_->OpenMessage(number, top_lines);
  if (!opened.ok()) {
    telemetry::Warning("message not read", {{"session_id", session_id_}, {"account", account_}, {"error", base::Message(opened)}});
    co_return SayAndGoOn(StatusToReply(opened));
  }
  Say(replies::kMessageFollows);
  pop3::MultilineWriter writer;
  for (;;) {
    absl::StatusOr<std::string_view> octets = co_await maildrop_->ReadMessage();
    if (!octets.ok()) {
      // After +OK only the end of the connection can tell that this is not the whole message.
      telemetry::Warning("message not read", {{"session_id", session_id_}, {"account", account_}, {"error", base::Message(octets.status())}});
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
