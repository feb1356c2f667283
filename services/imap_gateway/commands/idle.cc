// IDLE (RFC 2177): changes are told as they come, until DONE.
#include <algorithm>

#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"
#include "common/text/ascii.h"

namespace mailmesh::imap_gateway {

Session::Result Session::On(imap::Idle) {
  imap::AppendContinuation(out_, "idling");
  const SessionState before = state_;
  SetState(SessionState::kIdle);
  if (observer_ != nullptr) observer_->set_idling(true);
  Next next = co_await Idle();
  if (observer_ != nullptr) observer_->set_idling(false);
  SetState(before);
  co_return next;
}

Session::Result Session::Idle() {
  Next next = co_await IdleWait();
  if (next == Next::kClose) co_return next;
  std::optional<imap::CommandReader::Event> line = co_await NextLine();
  if (!line.has_value()) co_return Next::kClose;
  if (line->kind == imap::CommandReader::Kind::kLine && text::EqualsIgnoreAsciiCase(line->text, "DONE")) {
    co_return Ok("Idle completed.");
  }
  co_return Bad("Expected DONE.");
}

// Until the client has sent something.
Session::Result Session::IdleWait() {
  const net::TimePoint limit = net::After(gateway_.idle_timeout);
  for (;;) {
    const ClientView::Options options = TellOptions(true, false);
    Next told = co_await Tell(options);
    bool flushed = co_await Flush();
    if (told == Next::kClose || !flushed) co_return Next::kClose;
    const net::Duration left = limit - net::Clock::now();
    const net::Duration wait = std::min<net::Duration>(left, gateway_.keepalive_interval);
    stream_.ExpiresAfter(std::max<net::Duration>(wait, std::chrono::milliseconds(1)));
    absl::StatusOr<net::WaitResult> waited = co_await reader_.WaitReadable();
    stream_.ExpiresAfter(gateway_.idle_timeout);
    if (waited.ok() && *waited == net::WaitResult::kReadable) co_return Next::kGoOn;
    if (kicked_->load() != Kick::kNone) {
      co_await SayClosing();
      co_return Next::kClose;
    }
    if (waited.ok()) continue;
    if (!absl::IsDeadlineExceeded(waited.status())) co_return Next::kClose;
    if (net::Clock::now() >= limit) {
      // RFC 2177, 3: a server may log an IDLE client out as any other that is silent (RFC 3501, 5.4).
      Bye(imap::Code::kNone, "Disconnected for inactivity.");
      co_await Flush();
      co_return Next::kClose;
    }
    // Before routers on the way forget the connection.
    imap::AppendUntaggedStatus(out_, imap::Condition::kOk, {}, "Still here");
  }
}

}  // namespace mailmesh::imap_gateway
