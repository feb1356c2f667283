// Requests to the API server of the cluster that this process runs in, as its service account: HTTPS by libcurl. Knows no resource.
//
// The token is read for each request, as the kubelet renews it. A request that came to nothing (no connection, a connection lost, 429,
// 5xx) is sent again, with pauses, for up to half a minute: whether the first one was carried out is then unknown, so a change must be
// one that cannot be made twice (it carries a resourceVersion, or creates a name).
//
// Not thread-safe. Blocks.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_KUBERNETES_API_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_KUBERNETES_API_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

namespace mailmesh::pki {

// Where the kubelet puts token, ca.crt and namespace.
inline constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

struct HttpAnswer {
  long code = 0;
  std::string body;
};

class KubernetesApi {
 public:
  // FailedPrecondition outside of a pod, or where the pod has no token.
  static absl::StatusOr<std::unique_ptr<KubernetesApi>> InCluster(const std::string& service_account);
  ~KubernetesApi();

  // The service account's.
  const std::string& name_space() const { return namespace_; }
  // `path` begins with "/api"; `body` is JSON, none where it is empty. Unavailable: no answer in time.
  absl::StatusOr<HttpAnswer> Request(const std::string& method, const std::string& path, const std::string& content_type,
                                     const std::string& body);

 private:
  struct Curl;
  KubernetesApi(std::string folder, std::string url, std::string name_space);
  absl::StatusOr<HttpAnswer> Try(const std::string& method, const std::string& path, const std::string& content_type,
                                 const std::string& body);

  const std::string folder_;
  const std::string url_;
  const std::string namespace_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_KUBERNETES_API_H_
