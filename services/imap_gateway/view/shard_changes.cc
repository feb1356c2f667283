// What the store tells of its mailboxes, put into their views.
#include <utility>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/view/shard.h"
#include "services/imap_gateway/view/version_builder.h"
#include "services/imap_gateway/view/watch_stream.h"

namespace mailmesh::imap_gateway {
namespace {

using Methods = class mailbox::v1::MailboxService::Stub::async;

constexpr absl::Duration kReadTimeout = absl::Minutes(2);
// A view that the store could not tell the changes of is read again as after so many failures: 100 ms or more.
constexpr int kUnfollowed = 3;

absl::Status PutPage(const mailbox::v1::ViewPage& page, VersionBuilder& builder) {
  const int count = page.uid_deltas_size();
  if (page.flags_size() != count || page.modseqs_size() != count) {
    return absl::InternalError("view page: columns differ in length");
  }
  uint32_t uid = 0;
  for (int i = 0; i < count; ++i) {
    uid += page.uid_deltas(i);
    builder.Put({uid, page.flags(i), page.modseqs(i)});
  }
  return absl::OkStatus();
}

template <class Repeated>
std::vector<std::string> Strings(const Repeated& names) {
  return std::vector<std::string>(names.begin(), names.end());
}

// UIDs ascend: nothing may come up between messages that the view has.
bool OnlyAdds(const Version& base, const mailbox::v1::UidSet& expunged, const Version& next) {
  uint32_t gone = 0;
  for (int i = 0; i < expunged.first_size(); ++i) gone += base.CountWithin(expunged.first(i), expunged.last(i));
  return next.CountBelow(base.uid_next()) == base.size() - gone;
}

}  // namespace

net::Awaitable<absl::StatusOr<VersionPtr>> Shard::ReadVersion(const View& view, std::string* incarnation) {
  mailbox::v1::ReadViewRequest request;
  request.set_account_id(view.key().account_id);
  request.set_mailbox_id(view.key().mailbox_id);
  const net::TimePoint deadline = net::After(std::chrono::seconds(10));
  absl::StatusOr<std::shared_ptr<Stub>> stub = co_await this->stub(deadline);
  if (!stub.ok()) co_return stub.status();
  rpc::CallContext context = rpc::CallContext::Within(kReadTimeout);
  auto stream = rpc::ServerStream<mailbox::v1::ReadViewResponse>::Start((*stub)->async(), &Methods::ReadView, request,
                                                                        context);
  const Version empty;
  VersionBuilder builder(empty);
  for (;;) {
    auto next = co_await stream.Read();
    if (!next.ok()) co_return next.status();
    if (!next->has_value()) break;
    const mailbox::v1::ReadViewResponse& part = **next;
    CO_RETURN_IF_ERROR(PutPage(part.page(), builder));
    if (part.highest_modseq() == 0) continue;
    builder.SetModSeq(part.highest_modseq());
    builder.SetUidNext(part.uid_next());
    builder.SetKeywords(Strings(part.keywords()));
    *incarnation = part.incarnation();
  }
  Heard();
  co_return builder.Build();
}

// Reads a view; for sessions that have an older version of it, again and again until it succeeds.
net::Awaitable<void> Shard::Read(Self self, std::shared_ptr<View> view, int failures) {
  // What cannot be followed must not be read in a circle.
  if (failures > 0) co_await rpc::ReconnectPause(rpc::RetryPolicy(), failures);
  for (++failures;; ++failures) {
    std::string incarnation;
    absl::StatusOr<VersionPtr> version = co_await self->ReadVersion(*view, &incarnation);
    if (version.ok() && incarnation != view->incarnation()) {
      self->Drop(view, View::End::kReplaced);
      co_return;
    }
    if (version.ok()) {
      view->Publish(std::move(*version));
      absl::MutexLock lock(&self->mutex_);
      const auto it = self->slots_.find(view->key());
      if (it == self->slots_.end() || it->second.view != view) co_return;
      it->second.phase = Phase::kWatched;
      self->Subscribe(it->second);
      co_return;
    }
    if (absl::IsNotFound(version.status())) {
      self->Drop(view, View::End::kDeleted);
      co_return;
    }
    telemetry::Warning("view not read", {{"shard", self->name_}, {"error", base::Message(version.status())}});
    if (rpc::HasReason(version.status(), type::v1::ERROR_REASON_WRONG_SHARD)) self->Forget();
    view->SetError(version.status());
    {
      absl::MutexLock lock(&self->mutex_);
      const auto it = self->slots_.find(view->key());
      if (it == self->slots_.end() || it->second.view != view) co_return;
      if (it->second.users == 0 || view->version() == nullptr || self->stopping_.load()) {
        it->second.phase = Phase::kNew;
        co_return;
      }
    }
    co_await rpc::ReconnectPause(rpc::RetryPolicy(), failures);
  }
}

void Shard::Handle(const mailbox::v1::WatchMailboxesResponse& response) {
  switch (response.event_case()) {
    case mailbox::v1::WatchMailboxesResponse::kChange:
      Apply(response.change());
      break;
    case mailbox::v1::WatchMailboxesResponse::kEnded:
      OnEnded(response.ended());
      break;
    case mailbox::v1::WatchMailboxesResponse::kHeartbeat:
    case mailbox::v1::WatchMailboxesResponse::EVENT_NOT_SET:
      break;
  }
}

std::shared_ptr<View> Shard::Watched(uint64_t watch_id) {
  absl::MutexLock lock(&mutex_);
  const auto watch = watches_.find(watch_id);
  if (watch == watches_.end()) return nullptr;
  const auto slot = slots_.find(watch->second);
  if (slot == slots_.end() || slot->second.watch_id != watch_id) return nullptr;
  return slot->second.view;
}

void Shard::Apply(const mailbox::v1::ViewChange& change) {
  const std::shared_ptr<View> view = Watched(change.watch_id());
  if (view == nullptr) return;
  const VersionPtr base = view->version();
  if (change.modseq() <= base->modseq()) return;
  VersionBuilder builder(*base);
  for (int i = 0; i < change.expunged().first_size(); ++i) {
    builder.Expunge(change.expunged().first(i), change.expunged().last(i));
  }
  const absl::Status put = PutPage(change.messages(), builder);
  if (change.keywords_size() > 0) builder.SetKeywords(Strings(change.keywords()));
  if (change.uid_next() > base->uid_next()) builder.SetUidNext(change.uid_next());
  builder.SetModSeq(change.modseq());
  VersionPtr next = builder.Build();
  if (!put.ok() || !OnlyAdds(*base, change.expunged(), *next)) {
    telemetry::Error("change does not fit the view", {{"shard", name_}, {"account", view->key().account_id}});
    ReadAgain(view, 0);
    return;
  }
  view->Publish(std::move(next));
}

void Shard::ReadAgain(const std::shared_ptr<View>& view, int failures) {
  absl::MutexLock lock(&mutex_);
  const auto it = slots_.find(view->key());
  if (it == slots_.end() || it->second.view != view) return;
  Unsubscribe(it->second);
  if (it->second.users == 0) {
    slots_.erase(it);
    return;
  }
  if (it->second.phase == Phase::kReading) return;
  it->second.phase = Phase::kReading;
  SpawnRead(view, failures);
}

void Shard::OnEnded(const mailbox::v1::WatchMailboxesResponse::Ended& ended) {
  const std::shared_ptr<View> view = Watched(ended.watch_id());
  if (view == nullptr) return;
  if (ended.cause() == mailbox::v1::WatchMailboxesResponse::Ended::CAUSE_MAILBOX_DELETED) {
    Drop(view, View::End::kDeleted);
  } else {
    ReadAgain(view, kUnfollowed);
  }
}

}  // namespace mailmesh::imap_gateway
