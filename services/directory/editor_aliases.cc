// Changes of aliases, catch-alls among them.
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/directory/editor.h"
#include "services/directory/errors.h"
#include "services/directory/resolver.h"

namespace mailmesh::directory {

using storage::v1::DirectoryAliasRecord;
using storage::v1::DirectoryDomainRecord;
using Targets = google::protobuf::RepeatedPtrField<std::string>;

namespace {

absl::StatusOr<DirectoryAliasRecord> ToRecord(const Targets& targets) {
  if (static_cast<size_t>(targets.size()) > Resolver::kMaxTargets) {
    return absl::InvalidArgumentError(absl::StrCat("an alias has 1 to ", Resolver::kMaxTargets, " targets"));
  }
  DirectoryAliasRecord record;
  for (const std::string& text : targets) {
    absl::StatusOr<Address> target = ParseAddress(text);
    if (!target.ok() || target->domain.empty()) return BadAddress(absl::StrCat("not an address: ", text));
    // As it was written: what a remote host makes of case is its own business.
    record.add_targets(target->wire);
  }
  return record;
}

}  // namespace

absl::Status Editor::StageAlias(Change& change, const Address& alias, const DirectoryDomainRecord& domain,
                                const Targets& targets) {
  ASSIGN_OR_RETURN(auto there, store_.Find<DirectoryAliasRecord>(Table::kAliases, alias.Key()));
  if (targets.empty()) {
    if (!there) return absl::OkStatus();
    store_.Delete(change.batch, Table::kAliases, alias.Key());
    --change.counts.aliases;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(DirectoryAliasRecord record, ToRecord(targets));
  RETURN_IF_ERROR(resolver_.CheckAlias(alias, domain, record));
  store_.Put(change.batch, Table::kAliases, alias.Key(), record);
  if (!there) ++change.counts.aliases;
  return absl::OkStatus();
}

absl::Status Editor::SetAlias(const v1::SetAliasRequest& request, v1::SetAliasResponse& response) {
  absl::StatusOr<Address> address = ParseAliasAddress(request.alias().address());
  if (!address.ok() || address->domain.empty()) return BadAddress("not an address, nor \"@domain\"");
  if (absl::Status status = CheckKeepable(*address); !status.ok()) return BadAddress(base::Message(status));
  if (request.alias().targets().empty()) return absl::InvalidArgumentError("an alias has at least one target");
  return Apply("SetAlias", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto domain, store_.Find<DirectoryDomainRecord>(Table::kDomains, address->domain));
    if (!domain) return DomainNotFound(address->domain);
    ASSIGN_OR_RETURN(std::optional<AccountId> taken, store_.FindAddress(address->Key()));
    if (taken) return AlreadyExists(absl::StrCat("an account ", address->ToString()));
    return StageAlias(change, *address, *domain, request.alias().targets());
  });
}

absl::Status Editor::DeleteAlias(const v1::DeleteAliasRequest& request, v1::DeleteAliasResponse& response) {
  absl::StatusOr<Address> address = ParseAliasAddress(request.address());
  if (!address.ok()) return AliasNotFound();
  return Apply("DeleteAlias", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<DirectoryAliasRecord>(Table::kAliases, address->Key()));
    if (!there) return AliasNotFound();
    store_.Delete(change.batch, Table::kAliases, address->Key());
    change.grows = false;
    --change.counts.aliases;
    return absl::OkStatus();
  });
}

}  // namespace mailmesh::directory
