#include "services/mailmesh/pki/authorities.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::pki {
namespace {

constexpr char kSigner[] = "ca.crt";
constexpr char kSignerKey[] = "ca.key";
constexpr char kNext[] = "next.crt";
constexpr char kNextKey[] = "next.key";
constexpr char kDistributed[] = "next.distributed";
constexpr char kPrevious[] = "previous.crt";
constexpr char kReplaced[] = "previous.replaced";
constexpr char kCertificates[] = "certificates";

std::string Get(const Files& files, const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? "" : found->second;
}

absl::StatusOr<std::optional<absl::Time>> ReadTime(const Files& files, const std::string& name) {
  const std::string text = Get(files, name);
  if (text.empty()) return std::nullopt;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::DataLossError(absl::StrCat(name, " of the authority is no time: ", error));
  }
  return time;
}

// Also checks that the two belong together.
absl::StatusOr<net::PemPair> ReadPair(const Files& files, const std::string& certificate, const std::string& key) {
  const net::PemPair pem{Get(files, certificate), Get(files, key)};
  const auto authority = net::CertificateAuthority::FromPem(pem);
  if (!authority.ok()) return base::Annotate(authority.status(), absl::StrCat(certificate, " and ", key, " of the authority"));
  ASSIGN_OR_RETURN(const std::vector<std::string> certificates, net::SplitCertificates(pem.certificate));
  return net::PemPair{certificates.front(), pem.key};
}

}  // namespace

std::vector<std::string> Authorities::All() const {
  std::vector<std::string> all = {signer.certificate};
  if (next.has_value()) all.push_back(next->certificate);
  if (!previous.empty()) all.push_back(previous);
  return all;
}

absl::StatusOr<Authorities> ReadAuthorities(const Files& files) {
  Authorities authorities;
  ASSIGN_OR_RETURN(authorities.signer, ReadPair(files, kSigner, kSignerKey));
  if (files.contains(kNext)) {
    ASSIGN_OR_RETURN(authorities.next, ReadPair(files, kNext, kNextKey));
  }
  ASSIGN_OR_RETURN(authorities.distributed, ReadTime(files, kDistributed));
  authorities.previous = Get(files, kPrevious);
  ASSIGN_OR_RETURN(authorities.replaced, ReadTime(files, kReplaced));
  for (const absl::string_view name : absl::StrSplit(Get(files, kCertificates), '\n', absl::SkipEmpty())) {
    authorities.certificates.emplace(name);
  }
  return authorities;
}

Files WriteAuthorities(const Authorities& authorities) {
  Files files = {{kSigner, authorities.signer.certificate},
                 {kSignerKey, authorities.signer.key},
                 {kCertificates, absl::StrCat(absl::StrJoin(authorities.certificates, "\n"), "\n")}};
  const auto add_time = [&files](const char* name, const std::optional<absl::Time>& time) {
    if (time.has_value()) files[name] = absl::FormatTime(absl::RFC3339_full, *time, absl::UTCTimeZone());
  };
  if (authorities.next.has_value()) {
    files[kNext] = authorities.next->certificate;
    files[kNextKey] = authorities.next->key;
    add_time(kDistributed, authorities.distributed);
  }
  if (!authorities.previous.empty()) {
    files[kPrevious] = authorities.previous;
    add_time(kReplaced, authorities.replaced);
  }
  return files;
}

bool IsSignedByOneOf(const std::string& certificate, const std::vector<std::string>& authorities) {
  return std::any_of(authorities.begin(), authorities.end(),
                     [&](const std::string& authority) { return net::IsSignedBy(certificate, authority); });
}

absl::StatusOr<net::PemPair> MakeAuthority() {
  const std::string day = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
  ASSIGN_OR_RETURN(const auto made, net::CertificateAuthority::Create(absl::StrCat("Mailmesh authority ", day, " ", base::NewSessionId())));
  return made.pem();
}

bool IsDue(const net::CertificateInfo& info, absl::Time now) {
  return now >= info.not_before + (info.not_after - info.not_before) * 2 / 3;
}

}  // namespace mailmesh::pki
