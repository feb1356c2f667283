// The sessions that a process is serving: what control.v1 lists and kicks, and what a drain waits for.
//
// A session registers itself with an Entry that it owns (RAII) and keeps its facts current. Thread-safe. The kick
// callback is called on some other thread (or by Register, in a drain), at most once for each reason and only for one more urgent
// than before: it must only post to the session's own executor. After the Entry is gone it is not called any more.
#ifndef MAILMESH_COMMON_SERVICE_SESSION_REGISTRY_H_
#define MAILMESH_COMMON_SERVICE_SESSION_REGISTRY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mailmesh::service {

struct SessionFacts {
  std::string session_id;
  // "smtp", "imap", "pop3", "lmtp".
  std::string protocol;
  std::string peer_address;
  // Empty before log-in.
  std::string account;
  // A word of the protocol: "greeting", "auth", "selected", "idle".
  std::string state;
  absl::Time start;
  bool tls = false;
};

// Why a session is asked to end, in the order of urgency.
enum class KickReason {
  kDrain,     // at its next boundary: what its client has begun may come to its end
  kLastCall,  // a drain's time is almost over: at the next chance to say so
  kOperator,  // at once; also where its account may not log in any more
};

// A session that an operator ends is cut where it has not ended by itself within this time: its client reads too slowly.
inline constexpr auto kKickGrace = std::chrono::seconds(10);

class SessionRegistry {
 private:
  struct Slot;

 public:
  using Kick = std::function<void(KickReason)>;

  // A session's place in the list. Movable; must not outlive the registry.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept;
    Entry& operator=(Entry&& other) noexcept;
    ~Entry();

    void SetAccount(std::string_view account);
    void SetState(std::string_view state);
    void SetTls(bool tls);

   private:
    friend class SessionRegistry;
    Entry(SessionRegistry* registry, std::shared_ptr<Slot> slot) : registry_(registry), slot_(std::move(slot)) {}
    void Release();
    SessionRegistry* registry_ = nullptr;
    // Shared with the registry, which lists it, and with a kick under way.
    std::shared_ptr<Slot> slot_;
  };

  // A registration while the process drains is kicked (kDrain) at once. `facts.start` defaults to now.
  [[nodiscard]] Entry Register(SessionFacts facts, Kick kick);

  // Sessions whose id is greater than `after`, in the order of ids, at most `limit`.
  std::vector<SessionFacts> List(std::string_view after, size_t limit) const;
  size_t size() const;
  // Those that have sessions, each once.
  std::vector<std::string> Accounts() const;

  // NotFound when there is none of this id.
  absl::Status KickOne(std::string_view session_id);
  // All sessions of an account.
  void KickAccount(std::string_view account);

  // Asks all sessions to end, spread evenly over `spread` so that they do not all come back at once (0: now), and waits
  // until none is left or `deadline` has passed; a little before it, those that go on hear the last call. True when none is left.
  // New registrations are kicked at once from now on.
  bool DrainAll(absl::Time deadline, absl::Duration spread = absl::ZeroDuration());
  // What became of the sessions of a drain, those that came after DrainAll too.
  struct DrainCounts {
    uint64_t finished = 0;  // before they were asked
    uint64_t told = 0;
    uint64_t cut = 0;  // still there when nobody waited any more
  };
  DrainCounts drain_counts() const;
  // Nobody waits any more: whoever is still there is cut, whatever it may still say. Gives the final counts, from the second call on too.
  DrainCounts EndDrain();
  // Waits until no session is left, asking none to end.
  bool WaitUntilEmpty(absl::Time deadline);

 private:
  struct Slot {
    // Guarded by the registry's mutex; the id never changes once it is in the list.
    SessionFacts facts;
    Kick kick;
    // Serialises the callback against the entry's end.
    absl::Mutex calling;
    std::optional<KickReason> kicked ABSL_GUARDED_BY(calling);
    bool gone ABSL_GUARDED_BY(calling) = false;
  };

  static void Call(const std::shared_ptr<Slot>& slot, KickReason reason);
  // From now on whoever registers hears `reason`; those that are there.
  std::vector<std::shared_ptr<Slot>> BeginTelling(KickReason reason);

  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>, std::less<>> sessions_ ABSL_GUARDED_BY(mutex_);
  // What sessions that register hear at once.
  std::optional<KickReason> draining_ ABSL_GUARDED_BY(mutex_);
  DrainCounts counts_ ABSL_GUARDED_BY(mutex_);
  bool counted_ ABSL_GUARDED_BY(mutex_) = false;  // counts_ is final
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_SESSION_REGISTRY_H_
