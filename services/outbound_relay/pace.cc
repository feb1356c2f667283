#include "services/outbound_relay/pace.h"

#include <algorithm>

namespace mailmesh::outbound_relay {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Seconds(1);
// A server that was reached this lately is up.
constexpr absl::Duration kStillUp = absl::Minutes(1);
// One that was reached is remembered to be up for so long after its mail has gone.
constexpr absl::Duration kKnownFor = absl::Minutes(2);
constexpr uint32_t kMaxDoublings = 20;

}  // namespace

uint32_t Pace::window() const { return std::clamp<uint32_t>(window_, 1, std::max<uint32_t>(options_.max_window, 1)); }

Standing Pace::standing() const {
  if (failures_ > 0) return Standing::kFailing;
  return reached_ == absl::InfinitePast() ? options_.untried : Standing::kUp;
}

absl::Time Pace::known_until() const { return reached_ + kKnownFor; }

void Pace::End() {
  if (running_ > 0) --running_;
}

void Pace::EndReached(absl::Time now) {
  End();
  // After an outage it begins with one and opens again.
  window_ = failures_ > 0 ? 2 : window() + 1;
  failures_ = 0;
  back_off_until_ = absl::InfinitePast();
  reached_ = now;
}

void Pace::EndUnreachable(absl::Time now, double random) {
  End();
  if (running_ > 0 && failures_ == 0 && now - reached_ < kStillUp) {
    window_ = running_;
    back_off_until_ = now + kFirstBackOff;
    return;
  }
  // Those that began before the back-off did are no news.
  if (now < back_off_until_ && failures_ > 0) return;
  window_ = 1;
  const absl::Duration pause = kFirstBackOff * (int64_t{1} << std::min(failures_, kMaxDoublings));
  ++failures_;
  back_off_until_ = now + std::min(pause, options_.longest_back_off) * (1.0 + 0.1 * random);
}

void Pace::Forget() {
  if (failures_ > 0) reached_ = absl::InfinitePast();
  failures_ = 0;
  back_off_until_ = absl::InfinitePast();
}

}  // namespace mailmesh::outbound_relay
