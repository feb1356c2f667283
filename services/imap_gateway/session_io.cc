// The session's reading and writing: waiting with deadlines, kicks, flushing.
#include <algorithm>
#include <array>

#include "services/imap_gateway/session.h"
#include "services/imap_gateway/session_limits.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

void Session::Bye(imap::Code code, std::string_view text) {
  imap::AppendUntaggedStatus(out_, imap::Condition::kBye, code, text);
  lingers_ = true;
}

net::Awaitable<bool> Session::SayClosing() {
  Bye(imap::Code::kUnavailable, "Server is closing this session, please reconnect.");
  co_await Flush();
  co_return false;
}

net::Awaitable<bool> Session::WaitForInput() {
  bool flushed = co_await Flush();
  if (!flushed) co_return false;
  const net::TimePoint limit = store_ != nullptr ? net::After(gateway_.idle_timeout) : login_limit_;
  for (;;) {
    // A kick may have come while a command was being served. A drain lets the one that is arriving, such as an APPEND, be served:
    // that one alone, for a client may always have begun the next. The last call of a drain, and an operator's kick, wait for nothing.
    const Kick kick = kicked_->load();
    if (kick == Kick::kNow || (kick == Kick::kDrain && (drained_ || commands_.idle()))) co_return co_await SayClosing();
    drains_ = kick == Kick::kDrain;
    net::Duration left = limit - net::Clock::now();
    if (drains_) left = std::min<net::Duration>(left, kDrainPatience);
    stream_.ExpiresAfter(std::max<net::Duration>(left, std::chrono::milliseconds(1)));
    absl::StatusOr<net::WaitResult> waited = co_await reader_.WaitReadable();
    stream_.ExpiresAfter(gateway_.idle_timeout);
    if (waited.ok() && *waited == net::WaitResult::kReadable) break;
    if (waited.ok()) continue;
    if (absl::IsDeadlineExceeded(waited.status())) {
      if (drains_) co_return co_await SayClosing();
      // RFC 3501, 5.4.
      Bye(imap::Code::kNone, "Disconnected for inactivity.");
      co_await Flush();
    }
    co_return false;
  }
  absl::StatusOr<size_t> filled = co_await reader_.Fill();
  co_return filled.ok() && *filled > 0;
}

net::Awaitable<bool> Session::Flush() {
  if (out_.empty()) co_return true;
  stream_.ExpiresAfter(gateway_.idle_timeout);
  absl::Status status = co_await stream_.Write(out_);
  gateway_.metrics.bytes.At({1}).Increment(static_cast<double>(out_.size()));
  out_.clear();
  // An idle session keeps no buffer.
  if (reader_.empty()) out_.shrink_to_fit();
  co_return status.ok();
}

net::Awaitable<bool> Session::FlushWith(std::string_view octets) {
  stream_.ExpiresAfter(gateway_.idle_timeout);
  const std::array<std::string_view, 2> pieces = {std::string_view(out_), octets};
  absl::Status status = co_await stream_.WriteV(pieces);
  gateway_.metrics.bytes.At({1}).Increment(static_cast<double>(out_.size() + octets.size()));
  out_.clear();
  co_return status.ok();
}

net::Awaitable<bool> Session::FlushIfLarge() {
  if (out_.size() < kFlushAbove) co_return true;
  co_return co_await Flush();
}

net::Awaitable<std::optional<imap::CommandReader::Event>> Session::NextLine() {
  for (;;) {
    std::string_view input = reader_.data();
    const size_t before = input.size();
    imap::CommandReader::Event event = commands_.NextLine(&input);
    reader_.Consume(before - input.size());
    gateway_.metrics.bytes.At({0}).Increment(static_cast<double>(before - input.size()));
    if (event.kind != imap::CommandReader::Kind::kNeedInput) co_return event;
    bool more = co_await WaitForInput();
    if (!more) co_return std::nullopt;
  }
}

}  // namespace mailmesh::imap_gateway
