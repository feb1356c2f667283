// What one I/O thread knows of the destinations that it delivers to: idle connections, limits, back-off.
//
// A message is delivered on one lane from beginning to end, so nothing here needs a lock. The limits of the configuration are shared
// out evenly among the lanes.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "common/net/semaphore.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/smtp_connection.h"

namespace mailmesh::outbound_relay {

// By domain. Kept while it is in use, has idle connections or is backing off.
struct Destination {
  Destination(const net::Executor& executor, size_t connections) : slots(executor, connections) {}

  net::Semaphore slots;
  size_t waiting = 0;  // deliveries that use it or wait for a slot
  std::vector<std::unique_ptr<SmtpConnection>> idle;
  uint32_t failures = 0;  // in a row, to connect
  net::TimePoint back_off_until{};
  smtp::Outcome last_failure;
};

class Lane {
 public:
  Lane(Relay& relay, net::Executor executor, size_t lanes);

  const net::Executor& executor() const { return executor_; }
  Destination& Find(const std::string& domain);
  net::Semaphore& connections() { return connections_; }
  // Takes an idle connection that still lives; null if there is none.
  std::unique_ptr<SmtpConnection> TakeIdle(Destination& destination);
  // Keeps it for the next message, if it may be used again.
  void GiveBack(Destination& destination, std::unique_ptr<SmtpConnection> connection);
  void NoteConnectFailure(Destination& destination, const smtp::Outcome& failure);
  static void NoteSuccess(Destination& destination) { destination.failures = 0; }
  // `mailmesh queue flush`: everything may be tried at once.
  void ForgetBackOff();

  // Closes connections that were idle for too long and forgets destinations, until the relay stops.
  net::Awaitable<void> Tend();

 private:
  Relay& relay_;
  net::Executor executor_;
  size_t connections_per_destination_;
  net::Semaphore connections_;
  std::map<std::string, std::unique_ptr<Destination>> destinations_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_
