#include "services/directory/resolver.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/directory/records.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {
namespace {

using v1::RecipientResolution;

RecipientResolution OfKind(RecipientResolution::Kind kind) {
  RecipientResolution resolution;
  resolution.set_kind(kind);
  return resolution;
}

RecipientResolution ToAddress(RecipientResolution::Kind kind, const std::string& address) {
  RecipientResolution resolution = OfKind(kind);
  resolution.add_targets()->set_address(address);
  return resolution;
}

bool IsLocal(const std::optional<storage::v1::DirectoryDomainRecord>& domain) {
  return domain && domain->kind() == storage::v1::DIRECTORY_DOMAIN_KIND_LOCAL;
}

}  // namespace

// Follows aliases, breadth first, and collects where they end.
class Resolver::Expansion {
 public:
  // `everywhere`: aliases and accounts of relay domains count too (for senders).
  Expansion(const Resolver& resolver, bool everywhere) : resolver_(resolver), everywhere_(everywhere) {}

  // An alias and its domain as they are going to be, in place of what the store has. The entry must outlive this.
  void Assume(const Entry& alias, const storage::v1::DirectoryDomainRecord& domain) {
    assumed_alias_ = &alias;
    assumed_domain_ = domain;
  }

  absl::Status Run(Entry entry) {
    start_ = entry.address.Key();
    visited_.insert(start_);
    std::vector<Entry> level;
    level.push_back(std::move(entry));
    for (int depth = 0; !level.empty() && !overflow_; ++depth) {
      overflow_ = depth > kMaxDepth;
      std::vector<Entry> next;
      for (const Entry& each : level) RETURN_IF_ERROR(Visit(each, next));
      level = std::move(next);
    }
    return absl::OkStatus();
  }

  bool overflow() const { return overflow_; }
  // The alias that leads back to where it began; empty: none.
  const std::string& loop() const { return loop_; }
  bool Reaches(AccountId id) const { return accounts_.contains(id); }

  RecipientResolution Resolution() && {
    if (overflow_) return OfKind(RecipientResolution::KIND_UNSPECIFIED);
    if (result_.targets_size() > 0) {
      result_.set_kind(RecipientResolution::KIND_DELIVER);
    } else {
      result_.set_kind(disabled_ ? RecipientResolution::KIND_DISABLED : RecipientResolution::KIND_UNKNOWN_USER);
    }
    return std::move(result_);
  }

 private:
  absl::Status Visit(const Entry& entry, std::vector<Entry>& next) {
    if (entry.account) AddAccount(*entry.account);
    if (!entry.alias) return absl::OkStatus();
    for (const std::string& text : entry.alias->targets()) {
      overflow_ = overflow_ || ++steps_ > kMaxSteps;
      if (overflow_) break;
      RETURN_IF_ERROR(VisitTarget(entry, text, next));
    }
    return absl::OkStatus();
  }

  absl::Status VisitTarget(const Entry& from, const std::string& text, std::vector<Entry>& next) {
    absl::StatusOr<Address> target = ParseAddress(text);
    if (!target.ok()) return absl::OkStatus();  // it was checked when it was set; a record of ours never holds mail up
    ASSIGN_OR_RETURN(Domain domain, FindDomain(*target));
    if (IsLocal(domain) || (domain && everywhere_)) {
      ASSIGN_OR_RETURN(Entry entry, resolver_.FindEntry(*target, domain, assumed_alias_));
      if (entry.address.Key() == start_) loop_ = from.address.ToString();
      if (entry.found() && visited_.insert(entry.address.Key()).second) next.push_back(std::move(entry));
      return absl::OkStatus();
    }
    if (remote_.insert(target->wire).second) AddTarget()->set_address(target->wire);
    return absl::OkStatus();
  }

  void AddAccount(const Found& found) {
    if (found.record.disabled()) {
      disabled_ = true;
      return;
    }
    accounts_.insert(found.id);
    v1::DeliveryTarget* target = AddTarget();
    target->set_account_id(AccountText(found.id));
    target->set_shard(found.record.shard());
    target->set_address(found.record.address());
  }

  v1::DeliveryTarget* AddTarget() {
    overflow_ = overflow_ || static_cast<size_t>(result_.targets_size()) >= kMaxTargets;
    return result_.add_targets();
  }

  absl::StatusOr<Domain> FindDomain(const Address& address) const {
    if (assumed_alias_ != nullptr && address.domain == assumed_alias_->address.domain) return assumed_domain_;
    return resolver_.FindDomain(address);
  }

  const Resolver& resolver_;
  const bool everywhere_;
  const Entry* assumed_alias_ = nullptr;
  Domain assumed_domain_;
  std::string start_;
  std::string loop_;
  int steps_ = 0;
  std::set<std::string> visited_;
  std::set<std::string> remote_;
  std::set<AccountId> accounts_;
  RecipientResolution result_;
  bool disabled_ = false;
  bool overflow_ = false;
};

absl::StatusOr<RecipientResolution> Resolver::Resolve(std::string_view text) const {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return OfKind(RecipientResolution::KIND_BAD_ADDRESS);
  ASSIGN_OR_RETURN(Domain domain, FindDomain(*address));
  if (!domain && !address->domain.empty()) return ToAddress(RecipientResolution::KIND_REMOTE, address->wire);
  if (domain && !IsLocal(domain)) return ToAddress(RecipientResolution::KIND_RELAY, address->wire);
  Entry entry;
  if (domain) {
    ASSIGN_OR_RETURN(entry, FindEntry(*address, domain));
  }
  if (!entry.found() && address->is_postmaster()) {
    ASSIGN_OR_RETURN(entry, FindPostmaster());
  }
  if (!entry.found()) return OfKind(RecipientResolution::KIND_UNKNOWN_USER);
  Expansion expansion(*this, /*everywhere=*/false);
  RETURN_IF_ERROR(expansion.Run(std::move(entry)));
  return std::move(expansion).Resolution();
}

absl::StatusOr<bool> Resolver::Owns(AccountId account, std::string_view text) const {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok() || address->domain.empty()) return false;
  ASSIGN_OR_RETURN(Domain domain, FindDomain(*address));
  if (!domain) return false;
  ASSIGN_OR_RETURN(Entry entry, FindEntry(*address, domain));
  if (!entry.found()) return false;
  Expansion expansion(*this, /*everywhere=*/true);
  RETURN_IF_ERROR(expansion.Run(std::move(entry)));
  return expansion.Reaches(account);
}

absl::StatusOr<std::optional<Resolver::Found>> Resolver::FindAccountByAddress(std::string_view text) const {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return std::optional<Found>();
  ASSIGN_OR_RETURN(Domain domain, FindDomain(*address));
  ASSIGN_OR_RETURN(Entry entry, FindUser(*address, domain));
  return std::move(entry.account);
}

absl::StatusOr<std::optional<Resolver::Found>> Resolver::FindAccountById(AccountId id) const {
  ASSIGN_OR_RETURN(auto record, store_.Find<storage::v1::DirectoryAccountRecord>(Table::kAccounts, AccountKey(id)));
  if (!record) return std::optional<Found>();
  return std::optional<Found>(Found{id, *std::move(record)});
}

absl::StatusOr<std::string> Resolver::LoginName(std::string_view name) const {
  absl::StatusOr<Address> address = ParseAddress(name);
  if (!address.ok()) return absl::AsciiStrToLower(base::Av(name));
  ASSIGN_OR_RETURN(Domain domain, FindDomain(*address));
  ASSIGN_OR_RETURN(Entry entry, FindExact(*address));
  if (entry.found() || !domain) return address->ToString();
  return address->WithoutTag(SeparatorsOf(*domain)).value_or(*address).ToString();
}

absl::Status Resolver::CheckAlias(const Address& alias, const storage::v1::DirectoryDomainRecord& domain,
                                  const storage::v1::DirectoryAliasRecord& record) const {
  Expansion expansion(*this, /*everywhere=*/true);
  const Entry entry{std::nullopt, record, alias};
  expansion.Assume(entry, domain);
  RETURN_IF_ERROR(expansion.Run(entry));
  if (!expansion.loop().empty()) {
    return NotAllowed(absl::StrCat(alias.ToString(), " would lead back to itself by the targets of ", expansion.loop()));
  }
  if (!expansion.overflow()) return absl::OkStatus();
  return NotAllowed(absl::StrCat(alias.ToString(), " would lead to more than ", kMaxTargets, " places, or over more than ",
                                 kMaxDepth, " aliases"));
}

absl::StatusOr<Resolver::Domain> Resolver::FindDomain(const Address& address) const {
  return store_.Find<storage::v1::DirectoryDomainRecord>(Table::kDomains, address.domain);
}

absl::StatusOr<Resolver::Entry> Resolver::FindExact(const Address& address, const Entry* assumed) const {
  Entry entry;
  entry.address = address;
  const std::string key = address.Key();
  if (assumed != nullptr && assumed->address.Key() == key) return *assumed;
  ASSIGN_OR_RETURN(std::optional<AccountId> id, store_.FindAddress(key));
  if (id) {
    ASSIGN_OR_RETURN(entry.account, FindAccountById(*id));
    if (entry.account) return entry;
  }
  ASSIGN_OR_RETURN(entry.alias, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, key));
  return entry;
}

absl::StatusOr<Resolver::Entry> Resolver::FindUser(const Address& address, const Domain& domain,
                                                   const Entry* assumed) const {
  ASSIGN_OR_RETURN(Entry entry, FindExact(address, assumed));
  if (entry.found() || !domain) return entry;
  std::optional<Address> base = address.WithoutTag(SeparatorsOf(*domain));
  return base ? FindExact(*base, assumed) : entry;
}

absl::StatusOr<Resolver::Entry> Resolver::FindEntry(const Address& address, const Domain& domain,
                                                    const Entry* assumed) const {
  ASSIGN_OR_RETURN(Entry entry, FindUser(address, domain, assumed));
  return entry.found() ? entry : FindExact(address.CatchAll(), assumed);
}

absl::StatusOr<Resolver::Entry> Resolver::FindPostmaster() const {
  std::vector<std::string> domains;
  RETURN_IF_ERROR(store_.Scan(Table::kDomains, "", "", [&](std::string_view key, std::string_view value) {
    storage::v1::DirectoryDomainRecord record;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
        record.kind() == storage::v1::DIRECTORY_DOMAIN_KIND_LOCAL) {
      domains.emplace_back(key);
    }
    return domains.size() < 1000;
  }));
  for (const std::string& domain : domains) {
    Address address;
    address.local = "postmaster";
    address.domain = domain;
    ASSIGN_OR_RETURN(Entry entry, FindExact(address));
    if (entry.found()) return entry;
  }
  return Entry();
}

}  // namespace mailmesh::directory
