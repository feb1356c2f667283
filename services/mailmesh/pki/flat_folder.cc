#include "services/mailmesh/pki/flat_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/pki.h"
#include "services/mailmesh/pki/authorities.h"
#include "services/mailmesh/pki/renew.h"

namespace mailmesh::pki {
namespace {

namespace fs = std::filesystem;

using Certificates = std::vector<std::string>;

constexpr char kAuthorityKey[] = "ca.key";  // in its old place and in its new one

// Lets `path` lead to a bundle's file.
absl::Status LinkTo(const FolderStore& store, const std::string& bundle, const std::string& file, const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const std::string target = absl::StrCat(fs::path(store.PlaceOf(bundle)).lexically_proximate(folder).string(), "/", file);
  std::error_code error;
  if (fs::read_symlink(path, error) == target) return absl::OkStatus();
  const std::string draft = path + ".new";
  unlink(draft.c_str());
  if (symlink(target.c_str(), draft.c_str()) != 0) return base::ErrnoStatus(errno, draft);
  if (rename(draft.c_str(), path.c_str()) != 0) return base::ErrnoStatus(errno, path);
  return base::SyncFolder(folder.string());
}

class TakeOver {
 public:
  TakeOver(FolderStore& store, const std::string& trust_file) : store_(store), trust_file_(trust_file) {}

  absl::StatusOr<std::vector<std::string>> Run(const std::set<std::string>& names) {
    std::error_code error;
    if (fs::is_regular_file(fs::symlink_status(trust_file_, error))) {
      ASSIGN_OR_RETURN(const std::string text, base::ReadFile(trust_file_));
      auto trusted = net::SplitCertificates(text);
      if (!trusted.ok()) return base::Annotate(trusted.status(), trust_file_);
      trusted_ = *std::move(trusted);
    }
    RETURN_IF_ERROR(TakeAuthority());
    RETURN_IF_ERROR(TakeTrusted());
    for (const std::string& name : names) RETURN_IF_ERROR(TakePair(name));
    // All is in its new place, and synced.
    if (authority_taken_) RETURN_IF_ERROR(LinkTo(store_, kAuthorityBundle, kAuthorityKey, Old(kAuthorityKey)));
    for (const std::string& path : done_) {
      if (unlink(path.c_str()) != 0 && errno != ENOENT) return base::ErrnoStatus(errno, "remove " + path);
    }
    if (!done_.empty()) RETURN_IF_ERROR(base::SyncFolder(store_.root()));
    return std::move(said_);
  }

 private:
  std::string Old(const std::string& file) const { return absl::StrCat(store_.root(), "/", file); }

  absl::Status TakeAuthority() {
    const std::string path = Old(kAuthorityKey);
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(path, error))) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string key, base::ReadFile(path));
    ASSIGN_OR_RETURN(const Bundle bundle, store_.Read(kAuthorityBundle));
    if (!bundle.files.empty()) {
      ASSIGN_OR_RETURN(const Authorities authorities, ReadAuthorities(bundle.files));
      if (net::IsKeyOf(key, authorities.signer.certificate)) {
        authority_taken_ = true;
      } else {
        said_.push_back(absl::StrCat(path, " is the key of another authority than ", store_.PlaceOf(kAuthorityBundle), "; it is not used"));
      }
      return absl::OkStatus();
    }
    const auto certificate = std::find_if(trusted_.begin(), trusted_.end(), [&](const std::string& one) { return net::IsKeyOf(key, one); });
    if (certificate == trusted_.end()) {
      return absl::FailedPreconditionError(absl::StrCat(path, " is there, and its certificate is not in ", trust_file_,
                                                        ": put it back, or move the key away for a new authority"));
    }
    Authorities authorities;
    authorities.signer = {*certificate, key};
    RETURN_IF_ERROR(store_.Write(kAuthorityBundle, WriteAuthorities(authorities), bundle.version).status());
    said_.push_back(absl::StrCat("authority: moved from ", path, " to ", store_.PlaceOf(kAuthorityBundle)));
    authority_taken_ = true;
    return absl::OkStatus();
  }

  absl::Status TakeTrusted() {
    if (trusted_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(Bundle bundle, store_.Read(kTrustBundle));
    ASSIGN_OR_RETURN(Certificates all, net::SplitCertificates(bundle.files[kTrustFile]));
    for (const std::string& one : trusted_) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }
    const std::string text = absl::StrJoin(all, "");
    if (text == bundle.files[kTrustFile]) return absl::OkStatus();
    bundle.files[kTrustFile] = text;
    return store_.Write(kTrustBundle, bundle.files, bundle.version).status();
  }

  absl::Status TakePair(const std::string& name) {
    const std::string certificate_file = Old(name + ".pem");
    const std::string key_file = Old(name + ".key");
    if (!base::FileExists(certificate_file) && !base::FileExists(key_file)) return absl::OkStatus();
    const absl::StatusOr<std::string> certificate = base::ReadFile(certificate_file);
    const absl::StatusOr<std::string> key = base::ReadFile(key_file);
    ASSIGN_OR_RETURN(Bundle bundle, store_.Read(name));
    const auto same = [&bundle](const absl::StatusOr<std::string>& old, const char* file) {
      return !old.ok() || bundle.files[file] == *old;
    };
    // One of the two alone is what a removal left that was cut off.
    if (same(certificate, kCertificate) && same(key, kKey)) {
      done_.insert(done_.end(), {certificate_file, key_file});
      return absl::OkStatus();
    }
    if (!certificate.ok() || !key.ok() || !net::IsKeyOf(*key, *certificate)) {
      said_.push_back(absl::StrCat(name, ": ", certificate_file, " and ", key_file, " do not belong together and are not used"));
      return absl::OkStatus();
    }
    if (name == kPublicBundle) {
      ASSIGN_OR_RETURN(const bool displaces, Displaces(*certificate, bundle.files[kCertificate]));
      if (displaces) {
        said_.push_back(absl::StrCat(name, ": ", certificate_file, " is left behind: ", store_.PlaceOf(name), " has an operator's"));
        done_.insert(done_.end(), {certificate_file, key_file});
        return absl::OkStatus();
      }
    }
    bundle.files[kCertificate] = *certificate;
    bundle.files[kKey] = *key;
    RETURN_IF_ERROR(store_.Write(name, bundle.files, bundle.version).status());
    said_.push_back(absl::StrCat(name, ": moved from ", certificate_file, " to ", store_.PlaceOf(name)));
    done_.insert(done_.end(), {certificate_file, key_file});
    return absl::OkStatus();
  }

  // Whether one that this authority signed would take the place of one that it did not. The version before, put back for a while, makes
  // one of its own, as it does not see the operator's.
  absl::StatusOr<bool> Displaces(const std::string& old, const std::string& present) {
    ASSIGN_OR_RETURN(const Bundle bundle, store_.Read(kAuthorityBundle));
    if (present.empty() || bundle.files.empty()) return false;
    ASSIGN_OR_RETURN(const Authorities authorities, ReadAuthorities(bundle.files));
    const Certificates ours = authorities.All();
    return IsSignedByOneOf(old, ours) && !IsSignedByOneOf(present, ours);
  }

  FolderStore& store_;
  const std::string& trust_file_;
  bool authority_taken_ = false;    // its key is in the new place
  Certificates trusted_;            // of the trust file, where that is no link yet
  std::vector<std::string> done_;   // old files that are not needed any more
  std::vector<std::string> said_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> TakeOverFlatFolder(FolderStore& store, const std::string& trust_file,
                                                            const std::set<std::string>& names) {
  return TakeOver(store, trust_file).Run(names);
}

absl::Status LinkTrustFile(const FolderStore& store, const std::string& trust_file) {
  return LinkTo(store, kTrustBundle, kTrustFile, trust_file);
}

}  // namespace mailmesh::pki
