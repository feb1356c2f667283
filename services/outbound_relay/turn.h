// The right to deliver to one destination once. Who has it holds one of the destination's places and one of the process's.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_TURN_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_TURN_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/smtp/transaction.h"

namespace mailmesh::outbound_relay {

class Lane;

// What a delivery has learnt of its destination.
enum class Contact {
  kNone,         // nothing: it was not tried, or has no server that could be down
  kReached,      // a server was ready for mail
  kUnreachable,  // no server could be found, connected to, or made ready
};

// Thread-safe.
class TurnKeeper {
 public:
  virtual ~TurnKeeper() = default;
  // False: the destination is backing off or has no place left, or the process has none.
  virtual bool Take(const std::string& destination) = 0;
  // `failure` of kUnreachable is kept for those who are not tried because of it.
  virtual void End(const std::string& destination, Lane& lane, Contact contact, const smtp::Outcome* failure) = 0;
  // Until when the destination is not tried; nothing: it can be.
  virtual std::optional<absl::Time> BacksOffUntil(const std::string& destination) = 0;
  virtual std::optional<smtp::Outcome> LastFailure(const std::string& destination) = 0;
};

class Turn {
 public:
  // One that was taken already.
  Turn(TurnKeeper& keeper, std::string destination, Lane& lane) : keeper_(&keeper), destination_(std::move(destination)), lane_(&lane) {}
  Turn(Turn&& other) noexcept : keeper_(std::exchange(other.keeper_, nullptr)), destination_(std::move(other.destination_)), lane_(other.lane_) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() { End(Contact::kNone); }

  const std::string& destination() const { return destination_; }
  bool ended() const { return keeper_ == nullptr; }
  // Once; more are ignored.
  void End(Contact contact, const smtp::Outcome* failure = nullptr) {
    if (TurnKeeper* keeper = std::exchange(keeper_, nullptr)) keeper->End(destination_, *lane_, contact, failure);
  }

 private:
  TurnKeeper* keeper_;
  std::string destination_;
  Lane* lane_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_TURN_H_
