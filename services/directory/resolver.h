// Where an address leads: domains, accounts, aliases, tags, catch-alls.
//
// For a domain of ours, in this order: the account or alias of the address as it is; that of the address without its tag
// ("user+tag", by the domain's separators); the catch-all ("@domain"). The first that is there decides. RFC 5321, 4.5.1: a
// postmaster that no domain names is that of another local domain.
// Blocks (RocksDB); thread-safe.
// Limits: an alias leads to at most kMaxTargets places over kMaxDepth aliases, found in kMaxSteps look-ups. Loops are refused
// when they are set; one that came about later (an account in its way was deleted) ends where it began.
#ifndef MAILMESH_SERVICES_DIRECTORY_RESOLVER_H_
#define MAILMESH_SERVICES_DIRECTORY_RESOLVER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "mailmesh/directory/v1/directory_service.pb.h"
#include "services/directory/address.h"
#include "services/directory/store.h"

namespace mailmesh::directory {

class Resolver {
 public:
  static constexpr size_t kMaxTargets = 1000;
  static constexpr int kMaxDepth = 16;
  static constexpr int kMaxSteps = 10'000;

  // An account and who it is.
  struct Found {
    AccountId id;
    storage::v1::DirectoryAccountRecord record;
  };

  explicit Resolver(const Store& store) : store_(store) {}

  // Never fails for what the address is; KIND_UNSPECIFIED (to be told as temporary) where aliases exceed the limits.
  absl::StatusOr<v1::RecipientResolution> Resolve(std::string_view address) const;
  // Whether mail to the address would reach the account, by its own address or by aliases; in a domain of any kind.
  absl::StatusOr<bool> Owns(AccountId account, std::string_view address) const;
  // The account that a name logs in as: its address, with or without a tag. Aliases do not log in.
  absl::StatusOr<std::optional<Found>> FindAccountByAddress(std::string_view address) const;
  absl::StatusOr<std::optional<Found>> FindAccountById(AccountId id) const;
  // One name for all ways to write an account's address, tags too, whether it is there or not: what failures are counted by.
  absl::StatusOr<std::string> LoginName(std::string_view name) const;
  // Whether `alias` may have these targets: FAILED_PRECONDITION/NOT_ALLOWED when it would lead back to itself, or exceed the
  // limits. `domain`: as it will be.
  absl::Status CheckAlias(const Address& alias, const storage::v1::DirectoryDomainRecord& domain,
                          const storage::v1::DirectoryAliasRecord& record) const;

 private:
  using Domain = std::optional<storage::v1::DirectoryDomainRecord>;

  // What one address is, before aliases are followed.
  struct Entry {
    std::optional<Found> account;
    std::optional<storage::v1::DirectoryAliasRecord> alias;
    // What was found, for the detection of loops.
    Address address;
    bool found() const { return account.has_value() || alias.has_value(); }
  };
  class Expansion;

  absl::StatusOr<Domain> FindDomain(const Address& address) const;
  // `assumed`, here and below: counts as there, whatever the store has under its address.
  absl::StatusOr<Entry> FindExact(const Address& address, const Entry* assumed = nullptr) const;
  // As it is, or without its tag; the domain decides what a tag is.
  absl::StatusOr<Entry> FindUser(const Address& address, const Domain& domain, const Entry* assumed = nullptr) const;
  // The same, or by the catch-all.
  absl::StatusOr<Entry> FindEntry(const Address& address, const Domain& domain, const Entry* assumed = nullptr) const;
  absl::StatusOr<Entry> FindPostmaster() const;

  const Store& store_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_RESOLVER_H_
