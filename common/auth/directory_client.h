// Look-ups in the directory, with a cache that outlives short absences of it.
//
// An answer is used for the time that the directory allows. After that it is asked for again; when the directory does not
// answer (UNAVAILABLE, DEADLINE_EXCEEDED), an older answer is used for up to `stale` more if it says yes: recipients that
// are known, senders that are owned, routes that are set. Old refusals are never repeated: they become Unavailable, which
// the client may retry (architecture, invariant 5). While the directory is known to be away, one question in `pause` waits for
// it; the others use what they have at once. Nobody waits long, for a client waits behind: a question that is not answered
// in `patience_without` is Unavailable or DeadlineExceeded.
//
// Errors: Unavailable (temporary) and whatever else the directory says, with its reason (common/rpc).
// Limits: `max_entries` per kind of answer, least recently used goes first. Thread-safe; every call runs on the caller's
// executor.
#ifndef MAILMESH_COMMON_AUTH_DIRECTORY_CLIENT_H_
#define MAILMESH_COMMON_AUTH_DIRECTORY_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/net/awaitable.h"
#include "common/telemetry/trace.h"
#include "mailmesh/directory/v1/directory_service.pb.h"

namespace grpc {
class Channel;
}

namespace mailmesh::auth {

class DirectoryClient {
 public:
  struct Options {
    size_t max_entries = 100'000;
    absl::Duration stale = absl::Hours(1);
    // One attempt at the directory when an older answer could be used instead.
    absl::Duration patience = absl::Seconds(2);
    // The same without one: long enough for a directory that is busy, short enough for a client that waits.
    absl::Duration patience_without = absl::Seconds(4);
    absl::Duration pause = absl::Seconds(1);
    const base::Clock* clock = &base::Clock::Real();
  };

  explicit DirectoryClient(std::shared_ptr<grpc::Channel> directory) : DirectoryClient(std::move(directory), Options()) {}
  DirectoryClient(std::shared_ptr<grpc::Channel> directory, Options options);
  ~DirectoryClient();
  DirectoryClient(const DirectoryClient&) = delete;
  DirectoryClient& operator=(const DirectoryClient&) = delete;

  // Where mail for each address goes, in the order given. Addresses as in RCPT TO, without angle brackets; at most 1,000.
  net::Awaitable<absl::StatusOr<std::vector<directory::v1::RecipientResolution>>> ResolveRecipients(
      std::vector<std::string> addresses, net::TimePoint deadline, telemetry::Trace trace = {});
  // The same for one.
  net::Awaitable<absl::StatusOr<directory::v1::RecipientResolution>> ResolveRecipient(std::string address,
                                                                                      net::TimePoint deadline,
                                                                                      telemetry::Trace trace = {});
  // Whether the account may use the address as envelope sender; the empty address is always allowed.
  net::Awaitable<absl::StatusOr<bool>> CheckSender(std::string account_id, std::string address, net::TimePoint deadline,
                                                  telemetry::Trace trace = {});
  // The route of a domain; nothing: by MX.
  net::Awaitable<absl::StatusOr<std::optional<directory::v1::Route>>> GetRoute(std::string domain, net::TimePoint deadline,
                                                                              telemetry::Trace trace = {});
  // Accounts by their addresses, at most 1,000, in the order given; one that does not exist has an empty id. Not cached.
  net::Awaitable<absl::StatusOr<std::vector<directory::v1::Account>>> GetAccounts(std::vector<std::string> addresses,
                                                                                  net::TimePoint deadline);

  // Forgets everything.
  void Clear();

  // For metrics: entries kept, hits, stale answers given.
  struct Stats {
    size_t entries = 0;
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t stale = 0;
  };
  Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_DIRECTORY_CLIENT_H_
