#include "common/rpc/access_check.h"

#include <grpcpp/security/auth_context.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/access_table.h"
#include "common/rpc/tls.h"

namespace mailmesh::rpc::rpc_internal {
namespace {

class AccessCheck final : public grpc::AuthMetadataProcessor {
 public:
  // A look-up in a small table: quicker than handing it to another thread.
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    auto path = metadata.find(":path");
    if (path == metadata.end()) {
      return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no path");
    }
    std::string_view text(path->second.data(), path->second.size());
    std::vector<std::string> roles = context == nullptr ? std::vector<std::string>() : RolesOfPeer(*context);
    if (!roles.empty() && IsAllowed(text, roles)) {
      return grpc::Status::OK;
    }
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "this role may not call this method");
  }
};

}  // namespace

std::shared_ptr<grpc::AuthMetadataProcessor> MakeAccessCheck() { return std::make_shared<AccessCheck>(); }

}  // namespace mailmesh::rpc::rpc_internal
