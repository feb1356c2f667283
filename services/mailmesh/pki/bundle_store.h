// Where certificates are kept: files that belong together and are replaced together, by name. A folder on a disk
// (folder_store.h) and the Secrets of a Kubernetes namespace (secret_store.h) are the two places.
//
// Not thread-safe.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_BUNDLE_STORE_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_BUNDLE_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <set>
#include <string>

namespace mailmesh::pki {

// File name -> content. A role's names are those of a Kubernetes TLS Secret.
using Files = std::map<std::string, std::string>;

inline constexpr char kCertificate[] = "tls.crt";
inline constexpr char kKey[] = "tls.key";
inline constexpr char kTrusted[] = "ca.crt";

struct Bundle {
  Files files;
  // What the store knows this state of it by; empty: it is not there yet.
  std::string version;
  // Names in it that are links to somewhere else, which were not followed.
  std::set<std::string> elsewhere;
};

class BundleStore {
 public:
  virtual ~BundleStore() = default;

  // One without files where there is none of this name. One that may not be read is an error.
  virtual absl::StatusOr<Bundle> Read(const std::string& name) = 0;
  // Puts all of `files` in the place of what `version` was: readers, and a machine that loses power, find the old files or the
  // new ones, never some of both. When it returns they last. Gives the new version. Aborted: somebody else has changed it
  // since, read it again.
  virtual absl::StatusOr<std::string> Write(const std::string& name, const Files& files, const std::string& version) = 0;
  // Where this bundle is, for people.
  virtual std::string PlaceOf(const std::string& name) const = 0;
};

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_BUNDLE_STORE_H_
