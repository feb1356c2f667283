// Long work that streams what it has to say: a backup, a verification. One of a kind at a time, on a thread of its own.
//
// Flow: JobSlot::Start(work) gives the reader of what `work` pushes -> Next() until it is false or an error. When the reader goes,
// or the slot does, `work` is told to end, and does so soon.
// Thread-safety: JobSlot by any thread; a sink belongs to the work. Memory: kMaxWaiting responses.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_JOB_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_JOB_H_

#include <deque>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"

namespace mailmesh::mailbox_store {

class JobChannelBase {
 public:
  virtual ~JobChannelBase() = default;
  void Cancel() {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }
  bool cancelled() const {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

 protected:
  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

// What the work writes to and its reader reads from.
template <class Response>
class JobSink final : public JobChannelBase {
 public:
  static constexpr size_t kMaxWaiting = 64;

  // Waits while the reader is behind. False: nobody wants it any more.
  bool Push(Response response) {
    absl::MutexLock lock(&mutex_);
    auto room = [this] {
      mutex_.AssertReaderHeld();
      return cancelled_ || waiting_.size() < kMaxWaiting;
    };
    mutex_.Await(absl::Condition(&room));
    if (!cancelled_) waiting_.push_back(std::move(response));
    return !cancelled_;
  }
  // The work is done.
  void End(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    status_ = std::move(status);
  }
  absl::StatusOr<bool> Pop(Response* response) {
    absl::MutexLock lock(&mutex_);
    auto something = [this] {
      mutex_.AssertReaderHeld();
      return ended_ || !waiting_.empty();
    };
    mutex_.Await(absl::Condition(&something));
    if (waiting_.empty()) return status_.ok() ? absl::StatusOr<bool>(false) : status_;
    *response = std::move(waiting_.front());
    waiting_.pop_front();
    return true;
  }

 private:
  std::deque<Response> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

class JobSlot {
 public:
  template <class Response>
  using Work = absl::AnyInvocable<absl::Status(JobSink<Response>&)>;

  // `what`: for the error.
  explicit JobSlot(std::string_view what) : what_(what) {}
  // Ends what runs, and waits for it.
  ~JobSlot() {
    {
      absl::MutexLock lock(&mutex_);
      if (channel_ != nullptr) channel_->Cancel();
    }
    if (thread_.joinable()) thread_.join();
  }
  JobSlot(const JobSlot&) = delete;
  JobSlot& operator=(const JobSlot&) = delete;

  // FailedPrecondition/IN_USE while another one runs.
  template <class Response>
  absl::StatusOr<StreamReaderPtr<Response>> Start(Work<Response> work) {
    absl::MutexLock lock(&mutex_);
    if (running_) return InUse(what_);
    if (thread_.joinable()) thread_.join();  // it has said that it is done
    auto sink = std::make_shared<JobSink<Response>>();  // shared by the work and its reader
    running_ = true;
    channel_ = sink;
    thread_ = std::thread([this, sink, work = std::move(work)]() mutable {
      absl::Status status = work(*sink);
      {
        absl::MutexLock done(&mutex_);
        running_ = false;
      }
      sink->End(std::move(status));
    });
    return std::make_unique<Reader<Response>>(std::move(sink));
  }

 private:
  template <class Response>
  class Reader final : public StreamReader<Response> {
   public:
    explicit Reader(std::shared_ptr<JobSink<Response>> sink) : sink_(std::move(sink)) {}
    ~Reader() override { sink_->Cancel(); }
    absl::StatusOr<bool> Next(Response* response) override { return sink_->Pop(response); }
    bool NextIsAtHand() const override { return false; }

   private:
    const std::shared_ptr<JobSink<Response>> sink_;
  };

  const std::string_view what_;
  absl::Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<JobChannelBase> channel_ ABSL_GUARDED_BY(mutex_);  // shared with the work
  std::thread thread_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_JOB_H_
