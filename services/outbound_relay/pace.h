// How many deliveries to one destination run at once, and how long it is left alone when it cannot be reached.
//
// The window opens by one with each delivery that reached the server, up to the configured limit, and falls to one when none does;
// then the destination backs off, for one second at first, doubling. While others still reach it, a connection that is refused says
// "not so many": the window shrinks to those.
// Plain arithmetic. Thread-safety: none.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_PACE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_PACE_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace mailmesh::outbound_relay {

// What is known of a destination, from the best to the worst.
enum class Standing {
  kUp,       // it was reached the last time
  kNew,      // not tried yet; its first mail has come while this process ran
  kWaiting,  // not tried yet; its mail is from before the start
  kFailing,  // it could not be reached the last time
};
inline constexpr size_t kStandings = 4;

struct PaceOptions {
  uint32_t max_window = 20;
  absl::Duration longest_back_off = absl::Minutes(30);
  Standing untried = Standing::kNew;
};

class Pace {
 public:
  explicit Pace(const PaceOptions& options) : options_(options) {}

  bool MayBegin(absl::Time now) const { return running_ < window() && now >= back_off_until_; }
  void Begin() { ++running_; }
  // The delivery ended without news of the destination: it was not tried, or is none of the network's.
  void End();
  // The server took the connection, whatever it then said of the message.
  void EndReached(absl::Time now);
  // `random` in [0, 1) spreads what failed together.
  void EndUnreachable(absl::Time now, double random);
  // An operator says: try again now.
  void Forget();

  uint32_t running() const { return running_; }
  uint32_t window() const;
  absl::Time back_off_until() const { return back_off_until_; }
  Standing standing() const;
  // Nothing is known of it that a fresh one would not assume; from `known_until()` on, if nothing happens.
  bool IsFresh(absl::Time now) const { return running_ == 0 && failures_ == 0 && now >= back_off_until_ && now >= known_until(); }
  absl::Time known_until() const;

 private:
  PaceOptions options_;
  uint32_t window_ = 2;
  uint32_t running_ = 0;
  uint32_t failures_ = 0;  // in a row
  absl::Time back_off_until_ = absl::InfinitePast();
  absl::Time reached_ = absl::InfinitePast();  // the last time
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_PACE_H_
