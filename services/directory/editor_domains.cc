// Changes of domains, and of what a domain does with addresses that are not there.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/directory/records.h"
#include "services/directory/editor.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {

using storage::v1::DirectoryDomainRecord;

absl::Status Editor::CreateDomain(const v1::CreateDomainRequest& request, v1::CreateDomainResponse& response) {
  const v1::Domain& domain = request.domain();
  absl::StatusOr<std::string> name = ParseDomain(domain.name());
  if (!name.ok()) return BadName("not a domain");
  DirectoryDomainRecord record;
  switch (domain.kind()) {
    case v1::DOMAIN_KIND_LOCAL: record.set_kind(storage::v1::DIRECTORY_DOMAIN_KIND_LOCAL); break;
    case v1::DOMAIN_KIND_RELAY: record.set_kind(storage::v1::DIRECTORY_DOMAIN_KIND_RELAY); break;
    default: return absl::InvalidArgumentError("the kind of the domain is missing: local or relay");
  }
  record.set_subaddress_separators(domain.has_subaddress_separators() ? domain.subaddress_separators()
                                                                      : std::string(kDefaultSeparators));
  RETURN_IF_ERROR(CheckSeparators(record.subaddress_separators()));
  record.set_created_seconds(absl::ToUnixSeconds(options_.clock->Now()));
  return Apply("CreateDomain", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<DirectoryDomainRecord>(Table::kDomains, *name));
    if (there) return AlreadyExists(*name);
    store_.Put(change.batch, Table::kDomains, *name, record);
    ++change.counts.domains;
    if (domain.catch_all().empty()) return absl::OkStatus();
    return StageAlias(change, Address::CatchAllOf(*name), record, domain.catch_all());
  });
}

absl::Status Editor::UpdateDomain(const v1::UpdateDomainRequest& request, v1::UpdateDomainResponse& response) {
  absl::StatusOr<std::string> name = ParseDomain(request.name());
  if (!name.ok()) return DomainNotFound(request.name());
  if (request.has_subaddress_separators()) RETURN_IF_ERROR(CheckSeparators(request.subaddress_separators()));
  return Apply("UpdateDomain", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto record, store_.Find<DirectoryDomainRecord>(Table::kDomains, *name));
    if (!record) return DomainNotFound(*name);
    if (request.has_subaddress_separators()) {
      record->set_subaddress_separators(request.subaddress_separators());
      store_.Put(change.batch, Table::kDomains, *name, *record);
    }
    *response.mutable_domain() = ToDomain(*name, *record);
    if (request.has_catch_all()) {
      RETURN_IF_ERROR(StageAlias(change, Address::CatchAllOf(*name), *record, request.catch_all().targets()));
      *response.mutable_domain()->mutable_catch_all() = request.catch_all().targets();
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(auto alias, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, Address::CatchAllOf(*name).Key()));
    if (alias) *response.mutable_domain()->mutable_catch_all() = alias->targets();
    return absl::OkStatus();
  });
}

absl::Status Editor::DeleteDomain(const v1::DeleteDomainRequest& request, v1::DeleteDomainResponse& response) {
  absl::StatusOr<std::string> name = ParseDomain(request.name());
  if (!name.ok()) return DomainNotFound(request.name());
  return Apply("DeleteDomain", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<DirectoryDomainRecord>(Table::kDomains, *name));
    if (!there) return DomainNotFound(*name);
    bool used = false;
    std::string prefix = *name + std::string(1, '\0');
    for (Table table : {Table::kAddresses, Table::kAliases}) {
      RETURN_IF_ERROR(store_.Scan(table, prefix, "", [&](std::string_view, std::string_view) { return used = true, false; }));
    }
    if (used) return NotAllowed("the domain still has accounts or aliases");
    store_.Delete(change.batch, Table::kDomains, *name);
    change.grows = false;
    --change.counts.domains;
    return absl::OkStatus();
  });
}

}  // namespace mailmesh::directory
