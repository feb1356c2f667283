// Changes of aliases.
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/directory/editor.h"
#include "services/directory/errors.h"
#include "services/directory/resolver.h"

namespace mailmesh::directory {

absl::Status Editor::SetAlias(const v1::SetAliasRequest& request, v1::SetAliasResponse& response) {
  absl::StatusOr<Address> address = ParseAliasAddress(request.alias().address());
  if (!address.ok() || address->domain.empty()) return BadAddress("not an address, nor \"@domain\"");
  if (request.alias().targets().empty() || static_cast<size_t>(request.alias().targets_size()) > Resolver::kMaxTargets) {
    return absl::InvalidArgumentError("an alias has 1 to 1000 targets");
  }
  storage::v1::DirectoryAliasRecord record;
  for (const std::string& text : request.alias().targets()) {
    absl::StatusOr<Address> target = ParseAddress(text);
    if (!target.ok() || target->domain.empty()) return BadAddress(absl::StrCat("not an address: ", text));
    // As it was written: what a remote host makes of case is its own business.
    record.add_targets(target->wire);
  }
  return Apply("SetAlias", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    RETURN_IF_ERROR(CheckDomainOfOurs(*address));
    ASSIGN_OR_RETURN(std::optional<AccountId> taken, store_.FindAddress(address->Key()));
    if (taken) return AlreadyExists(absl::StrCat("an account ", address->ToString()));
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, address->Key()));
    store_.Put(change.batch, Table::kAliases, address->Key(), record);
    if (!there) {
      change.applied = [this] {
        absl::MutexLock lock(&counts_mutex_);
        ++counts_.aliases;
      };
    }
    return absl::OkStatus();
  });
}

absl::Status Editor::DeleteAlias(const v1::DeleteAliasRequest& request, v1::DeleteAliasResponse& response) {
  absl::StatusOr<Address> address = ParseAliasAddress(request.address());
  if (!address.ok()) return AliasNotFound();
  return Apply("DeleteAlias", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, address->Key()));
    if (!there) return AliasNotFound();
    store_.Delete(change.batch, Table::kAliases, address->Key());
    change.grows = false;
    change.applied = [this] {
      absl::MutexLock lock(&counts_mutex_);
      --counts_.aliases;
    };
    return absl::OkStatus();
  });
}

}  // namespace mailmesh::directory
