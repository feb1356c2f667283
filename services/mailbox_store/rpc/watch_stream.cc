#include "services/mailbox_store/rpc/watch_stream.h"

#include <asio/post.hpp>
#include <utility>

#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::WatchMailboxesResponse;
using Ended = WatchMailboxesResponse::Ended;

// The contract promises one at least every 10 s.
constexpr std::chrono::seconds kHeartbeat{5};
// More changes of one mailbox than this in one round are told as one, from the database.
constexpr size_t kChangesOfARound = 8;

// What cannot be read of one mailbox ends the subscription to it; the stream has those of all other accounts too.
Ended::Cause CauseOf(const absl::Status& status) {
  if (absl::IsNotFound(status)) return Ended::CAUSE_MAILBOX_DELETED;
  // OutOfRange: too far behind.
  if (!absl::IsOutOfRange(status)) telemetry::Error("changes not read", {{"error", status}});
  return Ended::CAUSE_READ_AGAIN;
}

}  // namespace

WatchMailboxesResponse ToResponse(uint64_t watch_id, const MailboxChange& change) {
  WatchMailboxesResponse response;
  mailbox::v1::ViewChange* out = response.mutable_change();
  out->set_watch_id(watch_id);
  out->set_modseq(change.modseq);
  change.expunged.ToProto(out->mutable_expunged());
  ViewPageWriter page(out->mutable_messages());
  for (const ViewMessage& message : change.messages) page.Add(message.uid, message.flags, message.modseq);
  for (const std::string& keyword : change.keywords) out->add_keywords(keyword);
  out->set_uid_next(change.uid_next);
  return response;
}

WatchStream::WatchStream(const ServiceParts& parts, net::Executor executor)
    : parts_(parts), executor_(executor), changed_(executor) {}

WatchStream::~WatchStream() { Close(); }

void WatchStream::Close() {
  while (!watches_.empty()) Forget(watches_.begin());
}

void WatchStream::Forget(std::unordered_map<uint64_t, Watch>::iterator watch) {
  parts_.store.hub().Unsubscribe(this, watch->first, watch->second.account, watch->second.mailbox);
  stale_.erase(watch->first);
  watches_.erase(watch);
}

void WatchStream::OnChange(uint64_t watch_id, const std::shared_ptr<const MailboxChange>& change) {
  absl::MutexLock lock(&mutex_);
  const size_t cost = change->messages.size() + 1;
  if (queued_messages_ + cost > kMaxQueued && !queued_.empty() && !change->deleted) {
    dropped_.insert(watch_id);
    if (parts_.store.metrics() != nullptr) parts_.store.metrics()->notifications_dropped.Increment();
  } else {
    queued_messages_ += cost;
    queued_.push_back(Queued{watch_id, change});
  }
  if (std::exchange(woken_, true)) return;
  asio::post(executor_, [self = shared_from_this()] { self->Wake(); });
}

std::vector<WatchStream::Queued> WatchStream::TakeQueued() {
  absl::MutexLock lock(&mutex_);
  woken_ = false;
  for (uint64_t watch_id : dropped_) {
    if (watches_.contains(watch_id)) stale_.insert(watch_id);
  }
  dropped_.clear();
  queued_messages_ = 0;
  std::vector<Queued> taken(std::make_move_iterator(queued_.begin()), std::make_move_iterator(queued_.end()));
  queued_.clear();
  return taken;
}

asio::awaitable<void> WatchStream::ReadLoop(std::shared_ptr<WatchStream> self, rpc::ServerReader<Request>* reader) {
  while (true) {
    // Once this has no message the call may be gone: nothing of `reader` is touched after it.
    absl::StatusOr<std::optional<Request>> request = co_await reader->Read();
    if (!request.ok() || !request->has_value()) break;
    if ((*request)->has_subscribe()) {
      Request::Subscribe subscribe = std::move(*(*request)->mutable_subscribe());
      absl::Status status = co_await self->Subscribe(std::move(subscribe));
      if (!status.ok()) {
        self->failure_ = status;
        break;
      }
    } else if ((*request)->has_unsubscribe()) {
      self->Unsubscribe((*request)->unsubscribe().watch_id());
    }
    self->Wake();
  }
  self->read_ended_ = true;
  self->Wake();
}

asio::awaitable<absl::Status> WatchStream::Subscribe(Request::Subscribe request) {
  if (watches_.size() >= kMaxWatches) co_return LimitReached("watches of a stream");
  if (watches_.contains(request.watch_id())) co_return InvalidRequest("watch_id is in use");
  const std::optional<MailboxId> mailbox = ParseMailboxId(request.mailbox_id());
  if (!mailbox) {
    ended_.emplace_back(request.watch_id(), Ended::CAUSE_MAILBOX_DELETED);
    co_return absl::OkStatus();
  }
  if (!request.incarnation().empty() && request.incarnation() != parts_.store.incarnation()) {
    ended_.emplace_back(request.watch_id(), Ended::CAUSE_READ_AGAIN);
    co_return absl::OkStatus();
  }
  Store* const store = &parts_.store;
  auto find = [store, account_id = request.account_id()] { return store->FindAccount(account_id); };
  absl::StatusOr<AccountPtr> account = co_await service::OnPool(parts_.reads, std::move(find));
  if (!account.ok()) {
    ended_.emplace_back(request.watch_id(), CauseOf(account.status()));
    co_return absl::OkStatus();
  }
  Watch watch;
  watch.account_id = request.account_id();
  watch.account = (*account)->number();
  watch.mailbox = *mailbox;
  watch.sent_modseq = request.after_modseq();
  watches_[request.watch_id()] = watch;
  stale_.insert(request.watch_id());
  // Before the catch-up reads: what becomes durable after it is told by the hub.
  store->hub().Subscribe(this, request.watch_id(), watch.account, watch.mailbox);
  co_return absl::OkStatus();
}

void WatchStream::Unsubscribe(uint64_t watch_id) {
  const auto it = watches_.find(watch_id);
  if (it != watches_.end()) Forget(it);
}

asio::awaitable<absl::Status> WatchStream::End(rpc::ServerWriter<Response>& writer, uint64_t watch_id, Ended::Cause cause) {
  Unsubscribe(watch_id);
  Response response;
  response.mutable_ended()->set_watch_id(watch_id);
  response.mutable_ended()->set_cause(cause);
  co_return co_await writer.Write(std::move(response));
}

asio::awaitable<absl::Status> WatchStream::WriteQueued(rpc::ServerWriter<Response>& writer, bool* wrote) {
  std::vector<Queued> queued = TakeQueued();
  std::unordered_map<uint64_t, size_t> counts;
  for (const Queued& item : queued) ++counts[item.watch_id];
  for (Queued& item : queued) {
    const auto it = watches_.find(item.watch_id);
    if (it == watches_.end()) continue;
    Watch& watch = it->second;
    const MailboxChange& change = *item.change;
    if (change.deleted) {
      absl::Status written = co_await End(writer, item.watch_id, Ended::CAUSE_MAILBOX_DELETED);
      if (!written.ok()) co_return written;
      *wrote = true;
      continue;
    }
    if (change.modseq <= watch.sent_modseq) continue;
    if (change.before_modseq > watch.sent_modseq || counts[item.watch_id] > kChangesOfARound ||
        change.messages.size() > kMaxChangeMessages || stale_.contains(item.watch_id)) {
      stale_.insert(item.watch_id);
      continue;
    }
    watch.sent_modseq = change.modseq;
    Response response = ToResponse(item.watch_id, change);
    absl::Status written = co_await writer.Write(std::move(response));
    if (!written.ok()) co_return written;
    *wrote = true;
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> WatchStream::CatchUp(rpc::ServerWriter<Response>& writer, uint64_t watch_id) {
  stale_.erase(watch_id);
  const auto before = watches_.find(watch_id);
  if (before == watches_.end()) co_return absl::OkStatus();
  Store* const store = &parts_.store;
  auto read = [store, account_id = before->second.account_id, mailbox = before->second.mailbox,
               after = before->second.sent_modseq] { return ReadChanges(*store, account_id, mailbox, after); };
  absl::StatusOr<MailboxChange> change = co_await service::OnPool(parts_.reads, std::move(read));
  // The subscription may have ended meanwhile.
  const auto it = watches_.find(watch_id);
  if (it == watches_.end()) co_return absl::OkStatus();
  if (!change.ok()) co_return co_await End(writer, watch_id, CauseOf(change.status()));
  it->second.sent_modseq = change->modseq;
  Response response = ToResponse(watch_id, *change);
  co_return co_await writer.Write(std::move(response));
}

asio::awaitable<absl::Status> WatchStream::WriteLoop(rpc::ServerWriter<Response>& writer) {
  while (true) {
    if (!failure_.ok()) co_return failure_;
    if (writer.draining()) {
      co_return rpc::MakeError(absl::StatusCode::kUnavailable, type::v1::ERROR_REASON_SHUTTING_DOWN, "the store is closing");
    }
    if (writer.cancelled() || read_ended_) co_return absl::OkStatus();
    bool wrote = false;
    std::vector<std::pair<uint64_t, Ended::Cause>> ended = std::exchange(ended_, {});
    for (const auto& [watch_id, cause] : ended) {
      absl::Status written = co_await End(writer, watch_id, cause);
      if (!written.ok()) co_return written;
      wrote = true;
    }
    absl::Status queued = co_await WriteQueued(writer, &wrote);
    if (!queued.ok()) co_return queued;
    while (!stale_.empty()) {
      const uint64_t watch_id = *stale_.begin();
      absl::Status caught_up = co_await CatchUp(writer, watch_id);
      if (!caught_up.ok()) co_return caught_up;
      wrote = true;
      if (writer.stopped()) break;
    }
    if (wrote) continue;
    net::TimePoint deadline = std::chrono::steady_clock::now() + kHeartbeat;
    absl::Status woken = co_await changed_.Wait(deadline);
    if (absl::IsDeadlineExceeded(woken)) {
      Response response;
      response.mutable_heartbeat();
      absl::Status written = co_await writer.Write(std::move(response));
      if (!written.ok()) co_return written;
    } else if (!woken.ok()) {
      co_return woken;
    }
  }
}

}  // namespace mailmesh::mailbox_store
