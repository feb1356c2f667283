#include "services/directory/records.h"

#include <string>

#include "services/directory/address.h"
#include "services/directory/store.h"

namespace mailmesh::directory {
namespace {

void Copy(const sasl::ScramKeys& keys, storage::v1::DirectoryScramKeys* out) {
  if (keys.empty()) return;
  out->set_salt(keys.salt);
  out->set_iterations(keys.iterations);
  out->set_stored_key(keys.stored_key);
  out->set_server_key(std::string(keys.server_key.Reveal()));
}

void Copy(const storage::v1::DirectoryScramKeys& record, sasl::ScramKeys* out) {
  out->salt = record.salt();
  out->iterations = record.iterations();
  out->stored_key = record.stored_key();
  out->server_key = base::Secret(record.server_key());
}

}  // namespace

storage::v1::DirectoryCredentialRecord ToRecord(const sasl::Credentials& credentials) {
  storage::v1::DirectoryCredentialRecord record;
  record.set_version(credentials.version);
  record.set_password_hash(credentials.password_hash);
  Copy(credentials.scram_sha1, record.mutable_scram_sha1());
  Copy(credentials.scram_sha256, record.mutable_scram_sha256());
  return record;
}

sasl::Credentials FromRecord(AccountId id, const storage::v1::DirectoryCredentialRecord& record) {
  sasl::Credentials credentials;
  credentials.account_id = AccountText(id);
  credentials.version = record.version();
  credentials.password_hash = record.password_hash();
  Copy(record.scram_sha1(), &credentials.scram_sha1);
  Copy(record.scram_sha256(), &credentials.scram_sha256);
  return credentials;
}

std::string_view SeparatorsOf(const storage::v1::DirectoryDomainRecord& record) {
  return record.has_subaddress_separators() ? std::string_view(record.subaddress_separators()) : kDefaultSeparators;
}

v1::Domain ToDomain(std::string_view name, const storage::v1::DirectoryDomainRecord& record) {
  v1::Domain domain;
  domain.set_name(std::string(name));
  bool relay = record.kind() == storage::v1::DIRECTORY_DOMAIN_KIND_RELAY;
  domain.set_kind(relay ? v1::DOMAIN_KIND_RELAY : v1::DOMAIN_KIND_LOCAL);
  domain.set_subaddress_separators(std::string(SeparatorsOf(record)));
  return domain;
}

v1::Route ToRoute(std::string_view domain, const storage::v1::DirectoryRouteRecord& record) {
  v1::Route route;
  route.set_domain(std::string(domain));
  *route.mutable_next_hops() = record.next_hops();
  route.set_user(record.user());
  route.set_sealed_password(record.sealed_password());
  route.set_lmtp(record.lmtp());
  route.set_tls_policy(v1::TlsPolicy_IsValid(record.tls_policy()) ? static_cast<v1::TlsPolicy>(record.tls_policy())
                                                                  : v1::TLS_POLICY_UNSPECIFIED);
  route.set_implicit_tls(record.implicit_tls());
  return route;
}

v1::Account ToAccount(AccountId id, const storage::v1::DirectoryAccountRecord& record) {
  v1::Account account;
  account.set_account_id(AccountText(id));
  account.set_address(record.address());
  account.set_shard(record.shard());
  account.set_disabled(record.disabled());
  account.set_created_seconds(record.created_seconds());
  return account;
}

}  // namespace mailmesh::directory
