// Bundles as Secrets of a Kubernetes namespace: RELEASE-pki-NAME, with '-' for '_' in the name; those with a certificate are of type
// kubernetes.io/tls. A change is a merge patch with the resourceVersion that was read, so that two jobs at once do not write
// over each other, and labels and what else is in the Secret stay. An answer that was lost shows as a conflict when the patch is sent
// again: then what is there is read, and where it is what was meant, all is well.
//
// Verbs needed on secrets: create; get and patch on these names.
//
// Not thread-safe.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_SECRET_STORE_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_SECRET_STORE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "services/mailmesh/pki/bundle_store.h"
#include "services/mailmesh/pki/kubernetes_api.h"

namespace mailmesh::pki {

class SecretStore final : public BundleStore {
 public:
  struct Options {
    std::string release;
    std::string name_space;                     // the service account's, if empty
    std::map<std::string, std::string> labels;  // of Secrets that it makes
  };
  SecretStore(std::unique_ptr<KubernetesApi> api, Options options);

  absl::StatusOr<Bundle> Read(const std::string& name) override;
  absl::StatusOr<std::string> Write(const std::string& name, const Files& files, const std::string& version) override;
  // "secret NAMESPACE/RELEASE-pki-NAME"
  std::string PlaceOf(const std::string& name) const override;

 private:
  std::string SecretName(const std::string& name) const;

  const std::unique_ptr<KubernetesApi> api_;
  const Options options_;
  // Of each Secret as it was read last: what a patch must take away.
  std::map<std::string, Files> known_;
};

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_SECRET_STORE_H_
