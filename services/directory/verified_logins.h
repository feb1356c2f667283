// Remembers which password of an account was right, so that Argon2id is not paid at every log-in.
//
// What is kept is an HMAC of account, version of the credentials and password under a secret that dies with the process:
// worth nothing to whoever reads the memory of another. An entry is good for `ttl` after it was made by a real
// verification; a change of the password raises the version and drops it at once.
// Thread-safe. Limits: `capacity` accounts, one password each; least recently used goes first.
#ifndef MAILMESH_SERVICES_DIRECTORY_VERIFIED_LOGINS_H_
#define MAILMESH_SERVICES_DIRECTORY_VERIFIED_LOGINS_H_

#include <list>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/sasl/credentials.h"

namespace mailmesh::directory {

class VerifiedLogins {
 public:
  struct Options {
    size_t capacity = 100'000;
    absl::Duration ttl = absl::Hours(1);
    const base::Clock* clock = &base::Clock::Real();
  };

  explicit VerifiedLogins(Options options);

  // True when this password was verified for these credentials. False says nothing.
  bool Knows(const sasl::Credentials& credentials, const base::Secret& password);
  void Remember(const sasl::Credentials& credentials, const base::Secret& password);
  void Forget(const std::string& account_id);
  size_t size() const;

 private:
  struct Entry {
    std::string account_id;
    std::string proof;
    std::chrono::steady_clock::time_point expires;
  };
  std::string Proof(const sasl::Credentials& credentials, const base::Secret& password) const;
  void Erase(std::list<Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const base::Secret secret_;
  mutable absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_account_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_VERIFIED_LOGINS_H_
