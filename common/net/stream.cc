#include "common/net/stream.h"

#include <absl/strings/str_cat.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/net/stream_core.h"

namespace mailmesh::net {
namespace {

using CorePtr = StreamCore::Ptr;
using Kind = IoStep::Kind;
using Side = StreamCore::Side;

Side SideOf(const IoStep& step) { return step.kind == Kind::kWantWrite ? Side::kWrite : Side::kRead; }

absl::Status Closed() { return absl::CancelledError("the stream was closed"); }

// The operations are free functions that own the core, so that they end well when the Stream goes away meanwhile.

Awaitable<absl::StatusOr<size_t>> DoReadSome(CorePtr core, std::span<char> into) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  if (core->Greedy()) co_await Yield();
  for (;;) {
    // Whatever was awaited last, the stream may have been closed meanwhile.
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    IoStep step = core->TryRead(into);
    if (step.kind == Kind::kDone) co_return step.octets;
    if (step.kind == Kind::kEnd) co_return size_t{0};
    if (step.kind == Kind::kFailed) co_return step.error;
    absl::Status status = co_await StreamCore::Wait(core, SideOf(step));
    if (!status.ok()) co_return status;
  }
}

Awaitable<absl::StatusOr<WaitResult>> DoWaitReadable(CorePtr core) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  if (core->Greedy()) co_await Yield();
  for (;;) {
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    IoStep step = core->TryPeek();
    if (step.kind != Kind::kWantRead && step.kind != Kind::kWantWrite) co_return WaitResult::kReadable;
    if (core->TakeInterrupt()) co_return WaitResult::kInterrupted;
    absl::Status status = co_await StreamCore::Wait(core, SideOf(step), true);
    if (!status.ok()) co_return status;
    // On TLS what came may be no data; and octets that came win over an interrupt.
    if (core->tls == nullptr && !core->interrupted()) co_return WaitResult::kReadable;
  }
}

Awaitable<absl::Status> DoWaitAfterTry(CorePtr core) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  co_return co_await StreamCore::Wait(core, core->try_side);
}

// Without TLS: the kernel gathers.
Awaitable<absl::Status> WritePlain(CorePtr core, std::span<const std::string_view> pieces) {
  constexpr size_t kMaxPieces = 64;
  std::array<iovec, kMaxPieces> vectors;
  size_t first = 0;
  size_t offset = 0;  // written of pieces[first]
  while (first < pieces.size()) {
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    size_t count = 0;
    for (size_t i = first; i < pieces.size() && count < kMaxPieces; ++i) {
      std::string_view rest = pieces[i].substr(i == first ? offset : 0);
      if (!rest.empty()) vectors[count++] = {const_cast<char*>(rest.data()), rest.size()};
    }
    IoStep step = IoStep::Done(0);
    if (count > 0) step = Send(core->descriptor.native_handle(), std::span<iovec>(vectors.data(), count));
    if (step.kind == Kind::kFailed) co_return step.error;
    if (step.kind != Kind::kDone) {
      absl::Status status = co_await StreamCore::Wait(core, Side::kWrite);
      if (!status.ok()) co_return status;
      continue;
    }
    offset += step.octets;
    while (first < pieces.size() && offset >= pieces[first].size()) offset -= pieces[first++].size();
    if (core->Greedy()) co_await Yield();
  }
  co_return absl::OkStatus();
}

Awaitable<absl::Status> WriteTls(CorePtr core, std::string_view octets) {
  while (!octets.empty()) {
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    IoStep step = core->tls->Write(octets);
    if (step.kind == Kind::kFailed) co_return step.error;
    if (step.kind == Kind::kEnd) co_return absl::UnavailableError("the peer has ended the TLS session");
    if (step.kind == Kind::kDone) {
      octets.remove_prefix(step.octets);
      if (core->Greedy()) co_await Yield();
      continue;
    }
    absl::Status status = co_await StreamCore::Wait(core, SideOf(step));
    if (!status.ok()) co_return status;
  }
  co_return absl::OkStatus();
}

// Small pieces are gathered into one record: each would cost a header, a tag and a system call of its own.
Awaitable<absl::Status> WriteTlsPieces(CorePtr core, std::span<const std::string_view> pieces) {
  std::string record;
  for (std::string_view piece : pieces) {
    if (record.size() + piece.size() > TlsSession::kMaxRecord) {
      // Fills the record up, so that a large body after a small head still goes in whole records.
      if (!record.empty()) {
        const size_t room = TlsSession::kMaxRecord - record.size();
        record.append(piece.substr(0, room));
        piece.remove_prefix(room);
        absl::Status status = co_await WriteTls(core, record);
        if (!status.ok()) co_return status;
        record.clear();
      }
      const size_t whole = piece.size() - piece.size() % TlsSession::kMaxRecord;
      absl::Status status = co_await WriteTls(core, piece.substr(0, whole));
      if (!status.ok()) co_return status;
      piece.remove_prefix(whole);
    }
    record.append(piece);
  }
  co_return co_await WriteTls(core, record);
}

Awaitable<absl::Status> DoWrite(CorePtr core, std::string_view octets) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  if (core->tls != nullptr) co_return co_await WriteTls(core, octets);
  const std::array<std::string_view, 1> pieces = {octets};
  std::span<const std::string_view> view(pieces);
  co_return co_await WritePlain(core, view);
}

Awaitable<absl::Status> DoWriteV(CorePtr core, std::span<const std::string_view> pieces) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  if (core->tls != nullptr) co_return co_await WriteTlsPieces(core, pieces);
  co_return co_await WritePlain(core, pieces);
}

// `session` becomes the stream's only when the handshake is done: until then tls() says what is true.
Awaitable<absl::Status> DoHandshake(CorePtr core, absl::StatusOr<std::unique_ptr<TlsSession>> session) {
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  if (!session.ok()) co_return session.status();
  if (core->tls != nullptr) co_return absl::FailedPreconditionError("TLS was started already");
  for (;;) {
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    IoStep step = (*session)->Handshake();
    if (step.kind == Kind::kDone) break;
    if (step.kind == Kind::kFailed) co_return step.error;
    absl::Status status = co_await StreamCore::Wait(core, SideOf(step));
    if (!status.ok()) co_return status;
  }
  core->tls = *std::move(session);
  co_return absl::OkStatus();
}

Awaitable<absl::Status> DoStartServer(CorePtr core, std::shared_ptr<const TlsServerContext> context) {
  if (core == nullptr || !core->descriptor.is_open()) co_return Closed();
  SslCtxPtr current(context->NewReference());
  auto session = TlsSession::Server(core->descriptor.native_handle(), current.get());
  co_return co_await DoHandshake(core, std::move(session));
}

Awaitable<absl::Status> DoStartClient(CorePtr core, std::shared_ptr<const TlsClientContext> context, TlsPeer peer) {
  if (core == nullptr || !core->descriptor.is_open()) co_return Closed();
  auto session = TlsSession::Client(core->descriptor.native_handle(), context->native(), peer);
  co_return co_await DoHandshake(core, std::move(session));
}

Awaitable<absl::Status> DoShutdownWrite(CorePtr core) {
  if (core == nullptr) co_return Closed();
  StreamCore::Operation operation(*core);
  if (!operation.status().ok()) co_return operation.status();
  while (core->tls != nullptr) {
    if (absl::Status status = core->Check(); !status.ok()) co_return status;
    IoStep step = core->tls->Shutdown();
    if (step.kind == Kind::kFailed) co_return step.error;
    if (step.kind == Kind::kDone || step.kind == Kind::kEnd) break;
    absl::Status status = co_await StreamCore::Wait(core, SideOf(step));
    if (!status.ok()) co_return status;
  }
  // A peer that was faster has ended both directions.
  if (shutdown(core->descriptor.native_handle(), SHUT_WR) == 0 || errno == ENOTCONN) co_return absl::OkStatus();
  co_return ConnectionError(errno, "ending");
}

Awaitable<void> DoLinger(CorePtr core) {
  absl::Status status = co_await DoShutdownWrite(core);
  std::array<char, 4096> octets;
  for (size_t left = Stream::kLingerOctets; status.ok() && left > 0;) {
    const absl::StatusOr<size_t> read = co_await DoReadSome(core, octets);
    if (!read.ok() || *read == 0) co_return;
    left -= std::min(left, *read);
  }
}

Awaitable<void> Later(StreamHandle handle, Duration delay, void (StreamHandle::*what)() const) {
  co_await SleepFor(delay);
  (handle.*what)();
}

const SocketAddress& NoAddress() {
  static const auto* address = new SocketAddress;
  return *address;
}

}  // namespace

Stream::Stream() = default;
Stream::Stream(Executor executor, int fd)
    : core_(std::make_shared<StreamCore>(std::move(executor), UniqueFd(fd))) {}
Stream::~Stream() { Close(); }
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    Close();
    core_ = std::move(other.core_);
  }
  return *this;
}

Awaitable<absl::StatusOr<size_t>> Stream::ReadSome(std::span<char> into) { return DoReadSome(core_, into); }

absl::StatusOr<std::optional<size_t>> Stream::TryRead(std::span<char> into) {
  if (core_ == nullptr) return Closed();
  StreamCore::Operation operation(*core_);
  if (!operation.status().ok()) return operation.status();
  IoStep step = core_->TryRead(into);
  core_->try_side = SideOf(step);
  if (step.kind == Kind::kFailed) return step.error;
  if (step.kind == Kind::kEnd) return std::optional<size_t>(0);
  if (step.kind == Kind::kDone) return std::optional<size_t>(step.octets);
  return std::optional<size_t>();
}

Awaitable<absl::Status> Stream::WaitAfterTry() { return DoWaitAfterTry(core_); }
Awaitable<absl::StatusOr<WaitResult>> Stream::WaitReadable() { return DoWaitReadable(core_); }
Awaitable<absl::Status> Stream::Write(std::string_view octets) { return DoWrite(core_, octets); }
Awaitable<absl::Status> Stream::WriteV(std::span<const std::string_view> pieces) { return DoWriteV(core_, pieces); }
Awaitable<absl::Status> Stream::StartTlsServer(std::shared_ptr<const TlsServerContext> context) {
  return DoStartServer(core_, std::move(context));
}
Awaitable<absl::Status> Stream::StartTlsClient(std::shared_ptr<const TlsClientContext> context, TlsPeer peer) {
  return DoStartClient(core_, std::move(context), std::move(peer));
}
Awaitable<absl::Status> Stream::ShutdownWrite() { return DoShutdownWrite(core_); }
Awaitable<void> Stream::Linger() {
  ExpiresAt(After(kLingerTime));
  return DoLinger(core_);
}

void Stream::ExpiresAfter(Duration limit) {
  if (core_ != nullptr) core_->wait_limit = limit;
}
void Stream::ExpiresAt(TimePoint when) {
  if (core_ != nullptr) core_->expires_at = when;
}
void Stream::Interrupt() {
  if (core_ != nullptr) core_->Interrupt();
}
void Stream::Cancel() {
  if (core_ != nullptr) core_->Cancel();
}
void Stream::Close() {
  if (core_ != nullptr) core_->Close();
}
bool Stream::Greedy() { return core_ != nullptr && core_->Greedy(); }
bool Stream::is_open() const { return core_ != nullptr && core_->descriptor.is_open(); }

StreamHandle Stream::handle() const {
  return core_ == nullptr ? StreamHandle() : StreamHandle(core_->executor, core_);
}
Executor Stream::executor() const { return core_ != nullptr ? core_->executor : Executor(); }
int Stream::fd() const { return is_open() ? core_->descriptor.native_handle() : -1; }
const SocketAddress& Stream::peer_address() const { return core_ != nullptr ? core_->peer : NoAddress(); }
const SocketAddress& Stream::local_address() const { return core_ != nullptr ? core_->local : NoAddress(); }
void Stream::set_peer_address(SocketAddress address) {
  if (core_ != nullptr) core_->peer = std::move(address);
}

bool Stream::is_tls() const { return core_ != nullptr && core_->tls != nullptr; }
const TlsInfo& Stream::tls_info() const {
  static const auto* none = new TlsInfo;
  return is_tls() ? core_->tls->info() : *none;
}
absl::StatusOr<std::string> Stream::ExportKeyingMaterial(std::string_view label, size_t size) const {
  if (!is_tls()) return absl::FailedPreconditionError("no TLS session");
  return core_->tls->ExportKeyingMaterial(label, size);
}

void Stream::Attach(std::shared_ptr<void> companion) {
  if (core_ != nullptr) core_->companion = std::move(companion);
}

// The core is only touched, and let go, on its own thread.
void StreamHandle::Interrupt() const {
  if (core_.expired()) return;
  asio::post(executor_, [core = core_] {
    if (auto alive = core.lock()) alive->Interrupt();
  });
}

void StreamHandle::Cancel() const {
  if (core_.expired()) return;
  asio::post(executor_, [core = core_] {
    if (auto alive = core.lock()) alive->Cancel();
  });
}

void StreamHandle::InterruptAfter(Duration delay) const {
  if (core_.expired()) return;
  Spawn(executor_, Later(*this, delay, &StreamHandle::Interrupt), "interrupt-later");
}

void StreamHandle::CancelAfter(Duration delay) const {
  if (core_.expired()) return;
  Spawn(executor_, Later(*this, delay, &StreamHandle::Cancel), "cancel-later");
}

}  // namespace mailmesh::net
