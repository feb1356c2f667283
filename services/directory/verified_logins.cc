#include "services/directory/verified_logins.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/bytes.h"
#include "common/base/random.h"

namespace mailmesh::directory {

VerifiedLogins::VerifiedLogins(Options options) : options_(options), secret_(base::RandomString(32)) {}

std::string VerifiedLogins::Proof(const sasl::Credentials& credentials, const base::Secret& password) const {
  std::string text = credentials.account_id;
  text.push_back('\0');
  base::AppendBigEndian(text, credentials.version);
  // The hash too: an account that was deleted and made again starts at version 1 once more, under another id, and this
  // costs nothing.
  text += credentials.password_hash;
  text.push_back('\0');
  text += password.Reveal();
  base::Secret input(std::move(text));
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), secret_.Reveal().data(), static_cast<int>(secret_.Reveal().size()),
           reinterpret_cast<const unsigned char*>(input.Reveal().data()), input.Reveal().size(), out, &size) == nullptr) {
    return base::RandomString(32);  // fits nothing
  }
  return std::string(reinterpret_cast<char*>(out), size);
}

bool VerifiedLogins::Knows(const sasl::Credentials& credentials, const base::Secret& password) {
  std::string proof = Proof(credentials, password);
  absl::MutexLock lock(&mutex_);
  auto it = by_account_.find(credentials.account_id);
  if (it == by_account_.end()) return false;
  if (options_.clock->Monotonic() >= it->second->expires) {
    Erase(it->second);
    return false;
  }
  if (!base::ConstantTimeEqual(proof, it->second->proof)) return false;
  entries_.splice(entries_.begin(), entries_, it->second);
  return true;
}

void VerifiedLogins::Remember(const sasl::Credentials& credentials, const base::Secret& password) {
  std::string proof = Proof(credentials, password);
  absl::MutexLock lock(&mutex_);
  if (auto it = by_account_.find(credentials.account_id); it != by_account_.end()) Erase(it->second);
  entries_.push_front(Entry{credentials.account_id, std::move(proof),
                            options_.clock->Monotonic() + absl::ToChronoNanoseconds(options_.ttl)});
  by_account_[credentials.account_id] = entries_.begin();
  if (entries_.size() > options_.capacity) Erase(std::prev(entries_.end()));
}

void VerifiedLogins::Forget(const std::string& account_id) {
  absl::MutexLock lock(&mutex_);
  if (auto it = by_account_.find(account_id); it != by_account_.end()) Erase(it->second);
}

size_t VerifiedLogins::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

void VerifiedLogins::Erase(std::list<Entry>::iterator entry) {
  by_account_.erase(entry->account_id);
  entries_.erase(entry);
}

}  // namespace mailmesh::directory
