// The idle connections of one I/O thread, by destination. A message is delivered on one lane from beginning to end.
//
// Thread-safety: none; all on the executor.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/smtp_connection.h"

namespace mailmesh::outbound_relay {

class Lane {
 public:
  Lane(Relay& relay, net::Executor executor) : relay_(relay), executor_(std::move(executor)) {}

  const net::Executor& executor() const { return executor_; }
  // Takes an idle connection that still lives; null if there is none.
  std::unique_ptr<SmtpConnection> TakeIdle(const std::string& destination);
  // Keeps it for the next message, if it may be used again.
  void GiveBack(const std::string& destination, std::unique_ptr<SmtpConnection> connection);

  // Closes connections that were idle for too long, until the relay stops; then all of them.
  net::Awaitable<void> Tend();

 private:
  Relay& relay_;
  net::Executor executor_;
  std::map<std::string, std::vector<std::unique_ptr<SmtpConnection>>> idle_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_LANE_H_
