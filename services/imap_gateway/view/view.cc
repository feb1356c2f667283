#include "services/imap_gateway/view/view.h"

#include <algorithm>
#include <utility>

namespace mailmesh::imap_gateway {

View::Snapshot View::Get() const {
  absl::MutexLock lock(&mutex_);
  return now_;
}

void View::WakeAll() {
  for (const std::weak_ptr<Observer>& weak : observers_) {
    if (std::shared_ptr<Observer> observer = weak.lock()) observer->Wake();
  }
}

void View::Publish(VersionPtr version) {
  absl::MutexLock lock(&mutex_);
  now_.version = std::move(version);
  now_.changed_at = net::Clock::now();
  error_ = absl::OkStatus();
  WakeAll();
}

void View::SetEnd(End end) {
  absl::MutexLock lock(&mutex_);
  now_.end = end;
  WakeAll();
}

void View::SetError(absl::Status error) {
  absl::MutexLock lock(&mutex_);
  error_ = std::move(error);
  WakeAll();
}

void View::ClearError() {
  absl::MutexLock lock(&mutex_);
  error_ = absl::OkStatus();
}

void View::AddObserver(const std::shared_ptr<Observer>& observer) {
  absl::MutexLock lock(&mutex_);
  observers_.push_back(observer);
}

void View::RemoveObserver(const Observer* observer) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(observers_, [observer](const std::weak_ptr<Observer>& weak) {
    const std::shared_ptr<Observer> other = weak.lock();
    return other == nullptr || other.get() == observer;
  });
}

absl::Status View::Look(uint64_t modseq, bool* reached) const {
  absl::MutexLock lock(&mutex_);
  if (now_.end != End::kNone) return absl::NotFoundError("the mailbox is gone");
  *reached = now_.version != nullptr && now_.version->modseq() >= modseq;
  return now_.version == nullptr ? error_ : absl::OkStatus();
}

net::Awaitable<absl::Status> View::WaitFor(std::shared_ptr<View> view, std::shared_ptr<Observer> observer,
                                           uint64_t modseq, net::TimePoint deadline) {
  for (;;) {
    observer->Expect();
    bool reached = false;
    absl::Status looked = view->Look(modseq, &reached);
    if (!looked.ok() || reached) co_return looked;
    absl::Status waited = co_await observer->Wait(deadline);
    if (!waited.ok()) co_return waited;
  }
}

bool View::TakeRecentTurn(uint32_t uid) {
  absl::MutexLock lock(&mutex_);
  if (uid <= recent_claimed_) return false;
  recent_claimed_ = uid;
  return true;
}

void View::NoteRecentClaimed(uint32_t uid) {
  absl::MutexLock lock(&mutex_);
  recent_claimed_ = std::max(recent_claimed_, uid);
}

}  // namespace mailmesh::imap_gateway
