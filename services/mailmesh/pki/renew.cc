#include "services/mailmesh/pki/renew.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/net/address.h"
#include "common/net/pki.h"
#include "common/rpc/tls.h"
#include "services/mailmesh/pki/authorities.h"

namespace mailmesh::pki {
namespace {

using Certificates = std::vector<std::string>;

// Other runs, and answers that were lost, change a bundle under our hands; more often than this it is something else.
constexpr int kAttempts = 5;

std::string Get(const Files& files, const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? "" : found->second;
}

bool Contains(const Certificates& all, const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

// What `text` holds beyond `ours`.
absl::StatusOr<Certificates> Foreign(const std::string& text, const Certificates& ours, const std::string& place) {
  absl::StatusOr<Certificates> all = net::SplitCertificates(text);
  if (!all.ok()) return base::Annotate(all.status(), absl::StrCat(place, ": mend or remove what is no certificate"));
  std::erase_if(*all, [&](const std::string& one) { return Contains(ours, one); });
  return all;
}

std::string Join(const Certificates& first, const Certificates& second, const Certificates& third = {}) {
  Certificates all;
  for (const Certificates* part : {&first, &second, &third}) {
    for (const std::string& one : *part) {
      if (!Contains(all, one)) all.push_back(one);
    }
  }
  return absl::StrJoin(all, "");
}

// Whether the certificates of `chain` lead from the first one to one of `authorities`.
bool LeadsTo(const std::string& chain, const Certificates& authorities) {
  const absl::StatusOr<Certificates> links = net::SplitCertificates(chain);
  if (!links.ok()) return false;
  for (size_t i = 0; i < links->size(); ++i) {
    if (IsSignedByOneOf((*links)[i], authorities)) return true;
    if (i + 1 == links->size() || !net::IsSignedBy((*links)[i], (*links)[i + 1])) return false;
  }
  return false;
}

std::string TimeText(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone()); }

class Renewer {
 public:
  Renewer(BundleStore& store, const RenewOptions& options, const base::Clock& clock)
      : store_(store), options_(options), clock_(clock) {}

  absl::StatusOr<Renewal> Run() {
    RETURN_IF_ERROR(LoadAuthorities());
    RETURN_IF_ERROR(ChangeAuthority());
    dropping_ = !authorities_.previous.empty() && authorities_.replaced.has_value() &&
                clock_.Now() >= *authorities_.replaced + options_.overlap;
    ours_ = authorities_.All();
    trusted_ = ours_;
    if (dropping_) std::erase(trusted_, authorities_.previous);
    RETURN_IF_ERROR(RenewTrust());
    const std::set<std::string> names = authorities_.certificates;
    // One that cannot be renewed holds up no other, but everything that counts from when all have been.
    absl::Status status;
    for (const std::string& name : names) {
      const absl::Status one = RenewBundle(name);
      if (absl::IsAborted(one)) return one;
      status.Update(one);
    }
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(Settle());
    return std::move(renewal_);
  }

 private:
  void Changed(std::string text) { renewal_.changes.push_back(std::move(text)); }
  void Note(std::string text) { renewal_.notes.push_back(std::move(text)); }

  bool IsWanted(const std::string& name) const {
    return name == kPublicBundle ? !options_.host_names.empty() : options_.roles.contains(name);
  }

  absl::Status LoadAuthorities() {
    ASSIGN_OR_RETURN(stored_, store_.Read(kAuthorityBundle));
    if (stored_.files.empty()) {
      RETURN_IF_ERROR(CheckThatNoneIsLost());
      ASSIGN_OR_RETURN(authorities_.signer, MakeAuthority());
      Changed(absl::StrCat("authority: made in ", store_.PlaceOf(kAuthorityBundle)));
    } else {
      const absl::StatusOr<Authorities> read = ReadAuthorities(stored_.files);
      if (!read.ok()) return base::Annotate(read.status(), store_.PlaceOf(kAuthorityBundle));
      authorities_ = *read;
    }
    // Before they are made: a bundle that is there is always known here.
    authorities_.certificates.insert(options_.roles.begin(), options_.roles.end());
    if (!options_.host_names.empty()) authorities_.certificates.insert(kPublicBundle);
    return SaveAuthorities();
  }

  // A new authority, which nobody trusts yet, in the place of one that was lost would part those who have its certificates from
  // the others.
  absl::Status CheckThatNoneIsLost() {
    ASSIGN_OR_RETURN(const Bundle trust, store_.Read(kTrustBundle));
    if (stored_.version.empty() && trust.files.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(store_.PlaceOf(kAuthorityBundle), " holds no authority, and there was one: restore it ",
                                                      "from a backup. If there is none, remove it and all certificates beside it: ",
                                                      "everything is made anew"));
  }

  absl::Status SaveAuthorities() {
    Files files = WriteAuthorities(authorities_);
    if (files == stored_.files) return absl::OkStatus();
    ASSIGN_OR_RETURN(stored_.version, store_.Write(kAuthorityBundle, files, stored_.version));
    stored_.files = std::move(files);
    return absl::OkStatus();
  }

  absl::Status ChangeAuthority() {
    ASSIGN_OR_RETURN(const net::CertificateInfo signer, net::DescribeCertificate(authorities_.signer.certificate));
    const bool under_way = authorities_.next.has_value() || !authorities_.previous.empty();
    if (under_way && options_.new_authority) Note("authority: a change is under way already");
    if (!under_way && (options_.new_authority || IsDue(signer, clock_.Now()))) {
      ASSIGN_OR_RETURN(authorities_.next, MakeAuthority());
      Changed("authority: the next one is made; it goes to all, and signs nothing yet");
      RETURN_IF_ERROR(SaveAuthorities());
    }
    if (!authorities_.next.has_value()) return absl::OkStatus();
    const bool is_known = authorities_.distributed.has_value() && clock_.Now() >= *authorities_.distributed + options_.overlap;
    // Certificates of an authority that has ended are worth nothing: there is nothing to wait for.
    if (!is_known && signer.not_after > clock_.Now()) return absl::OkStatus();
    authorities_.previous = authorities_.signer.certificate;
    authorities_.signer = *std::move(authorities_.next);
    authorities_.next.reset();
    authorities_.distributed.reset();
    authorities_.replaced.reset();
    Changed("authority: the next one signs from now on");
    return SaveAuthorities();
  }

  absl::Status RenewTrust() {
    ASSIGN_OR_RETURN(Bundle bundle, store_.Read(kTrustBundle));
    RETURN_IF_ERROR(CheckLinks(bundle, kTrustBundle, {kTrustFile}));
    const std::string text = Get(bundle.files, kTrustFile);
    ASSIGN_OR_RETURN(foreign_, Foreign(text, ours_, store_.PlaceOf(kTrustBundle)));
    const std::string wanted = Join(trusted_, foreign_);
    if (text == wanted) return absl::OkStatus();
    bundle.files[kTrustFile] = wanted;
    return store_.Write(kTrustBundle, bundle.files, bundle.version).status();
  }

  // What a link leads to may be what its owner cannot read, so that it is neither copied nor replaced.
  absl::Status CheckLinks(const Bundle& bundle, const std::string& name, const std::vector<std::string>& files) const {
    for (const std::string& file : files) {
      if (!bundle.elsewhere.contains(file)) continue;
      const std::string path = absl::StrCat(store_.PlaceOf(name), "/", file);
      return absl::FailedPreconditionError(path + " is a link to elsewhere: put the file itself there");
    }
    return absl::OkStatus();
  }

  absl::Status RenewBundle(const std::string& name) {
    const std::string place = store_.PlaceOf(name);
    const absl::StatusOr<Bundle> read = store_.Read(name);
    if (absl::IsPermissionDenied(read.status()) && options_.skip_forbidden && !IsWanted(name)) {
      Note(absl::StrCat(name, ": ", place, " may not be read, and stays as it is unless it is asked for"));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(read.status());
    const Bundle& bundle = *read;
    const absl::Status links = CheckLinks(bundle, name, {kCertificate, kKey, kTrusted});
    if (!links.ok() && name == kPublicBundle) {
      Note(absl::StrCat(name, ": ", links.message(), "; it stays as it is"));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(links);
    if (bundle.files.empty() && !IsWanted(name)) {
      authorities_.certificates.erase(name);
      Note(absl::StrCat(name, ": ", place, " is gone, and is not made anew unless it is asked for"));
      return absl::OkStatus();
    }
    const net::PemPair leaf{Get(bundle.files, kCertificate), Get(bundle.files, kKey)};
    if (name == kPublicBundle && !(leaf.certificate.empty() && leaf.key.empty()) && !IsSignedByOneOf(leaf.certificate, ours_)) {
      const auto info = net::DescribeCertificate(leaf.certificate);
      Note(absl::StrCat(name, ": ", place, " is not of this authority and stays as it is",
                        info.ok() ? absl::StrCat("; ends ", TimeText(info->not_after)) : ""));
      return absl::OkStatus();
    }
    Files files = bundle.files;
    ASSIGN_OR_RETURN(const Certificates added, Foreign(Get(files, kTrusted), ours_, absl::StrCat(place, "/", kTrusted)));
    files[kTrusted] = Join(trusted_, foreign_, added);
    if (!IsInOrder(name, leaf, Join(foreign_, added))) {
      ASSIGN_OR_RETURN(const net::PemPair made, Issue(name, leaf.certificate));
      files[kCertificate] = made.certificate;
      files[kKey] = made.key;
      ASSIGN_OR_RETURN(const net::CertificateInfo info, net::DescribeCertificate(made.certificate));
      Changed(absl::StrCat(name, ": a certificate until ", TimeText(info.not_after)));
    } else if (files != bundle.files) {
      Changed(absl::StrCat(name, ": the authorities that it trusts"));
    }
    if (files == bundle.files) return absl::OkStatus();
    return store_.Write(name, files, bundle.version).status();
  }

  // `foreign`: the authorities of others that everybody who meets this role has been told of.
  bool IsInOrder(const std::string& name, const net::PemPair& leaf, const std::string& foreign) const {
    const absl::StatusOr<net::CertificateInfo> info = net::DescribeCertificate(leaf.certificate);
    if (!info.ok() || IsDue(*info, clock_.Now()) || !net::IsKeyOf(leaf.key, leaf.certificate)) return false;
    const auto names_all = [&](const std::vector<std::string>& wanted) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) { return Contains(info->names, one); });
    };
    if (net::IsSignedBy(leaf.certificate, authorities_.signer.certificate)) {
      return !options_.reissue && names_all(name == kPublicBundle ? options_.host_names : std::vector<std::string>{rpc::RoleUri(name)});
    }
    // Another's certificate for a role is good while it lasts.
    const absl::StatusOr<Certificates> others = net::SplitCertificates(foreign);
    return others.ok() && names_all({rpc::RoleUri(name)}) && LeadsTo(leaf.certificate, *others);
  }

  absl::StatusOr<net::PemPair> Issue(const std::string& name, const std::string& before) const {
    ASSIGN_OR_RETURN(const auto authority, net::CertificateAuthority::FromPem(authorities_.signer));
    net::LeafRequest request;
    request.validity = options_.validity;
    std::vector<std::string> names = {"localhost", "127.0.0.1"};
    if (name == kPublicBundle) {
      names = options_.host_names;
      // An operator may have had it issued with more names (the certificate is ours, or we would not be here).
      if (const auto info = net::DescribeCertificate(before); info.ok()) names.insert(names.end(), info->names.begin(), info->names.end());
    } else {
      request.common_name = name;
      request.uris = {rpc::RoleUri(name)};
      request.client_auth = true;
    }
    std::set<std::string> seen;
    for (const std::string& one : names) {
      if (!seen.insert(one).second || absl::StrContains(one, "://")) continue;
      if (const auto address = net::IpAddress::Parse(one); address.ok()) {
        request.ip_addresses.push_back(*address);
      } else {
        request.dns_names.push_back(one);
      }
    }
    return authority.Issue(request);
  }

  // Everything is written: what waits for that counts from now.
  absl::Status Settle() {
    // A run beside this one may have begun the next step since, and counts what this one has written after it.
    ASSIGN_OR_RETURN(const Bundle authority, store_.Read(kAuthorityBundle));
    if (authority.version != stored_.version) {
      return absl::AbortedError(store_.PlaceOf(kAuthorityBundle) + " has been changed meanwhile");
    }
    const absl::Time now = clock_.Now();
    if (authorities_.next.has_value() && !authorities_.distributed.has_value()) {
      authorities_.distributed = now;
      Changed(absl::StrCat("authority: all have the next one; a run after ", TimeText(now + options_.overlap), " lets it sign"));
    }
    if (dropping_) {
      authorities_.previous.clear();
      authorities_.replaced.reset();
      Changed("authority: the one before is trusted no more");
    } else if (!authorities_.previous.empty() && !authorities_.replaced.has_value()) {
      authorities_.replaced = now;
      Changed(absl::StrCat("authority: nobody has a certificate of the one before; a run after ", TimeText(now + options_.overlap),
                           " ends the trust in it"));
    }
    return SaveAuthorities();
  }

  BundleStore& store_;
  const RenewOptions& options_;
  const base::Clock& clock_;
  Authorities authorities_;
  Bundle stored_;           // as which they are kept
  bool dropping_ = false;   // the trust in the previous one ends with this run
  Certificates ours_;       // all authorities that are or were ours
  Certificates trusted_;    // those of them that are trusted after this run
  Certificates foreign_;    // of others, trusted by all
  Renewal renewal_;
};

}  // namespace

absl::StatusOr<Renewal> Renew(BundleStore& store, const RenewOptions& options, const base::Clock& clock) {
  absl::StatusOr<Renewal> renewal;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    renewal = Renewer(store, options, clock).Run();
    if (!absl::IsAborted(renewal.status())) break;
  }
  return renewal;
}

absl::StatusOr<std::string> ParseHostName(const std::string& name) {
  if (const auto address = net::IpAddress::Parse(name); address.ok()) return address->ToString();
  const bool good = !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '*';
  });
  if (good) return absl::AsciiStrToLower(name);
  return absl::InvalidArgumentError(absl::StrCat("not a host name in ASCII (use A-labels), and no address: \"", name, "\""));
}

bool IsRoleName(const std::string& name) {
  if (name.empty() || name == kPublicBundle || name == kTrustBundle || name == kAuthorityBundle) return false;
  return absl::ascii_islower(static_cast<unsigned char>(name.front())) && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
  });
}

}  // namespace mailmesh::pki
