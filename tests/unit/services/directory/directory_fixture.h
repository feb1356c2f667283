// A directory with its database in a temporary folder, served over a Unix socket; stopped and opened again at will.
#ifndef MAILMESH_TESTS_UNIT_SERVICES_DIRECTORY_DIRECTORY_FIXTURE_H_
#define MAILMESH_TESTS_UNIT_SERVICES_DIRECTORY_DIRECTORY_FIXTURE_H_

#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "common/base/worker_pool.h"
#include "common/net/io_pool.h"
#include "common/rpc/blocking_call.h"
#include "common/rpc/server.h"
#include "common/telemetry/metrics.h"
#include "mailmesh/directory/v1/auth_service.grpc.pb.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"
#include "services/directory/core.h"

namespace mailmesh::directory {

class DirectoryFixture : public ::testing::Test {
 protected:
  DirectoryFixture();
  ~DirectoryFixture() override;

  // Opens what is in the folder and serves it.
  void StartDirectory();
  void StopDirectory();

  // Calls of the three services, by method pointer and request.
  template <class Methods, class Request, class Response>
  absl::StatusOr<Response> Admin(grpc::Status (Methods::*method)(grpc::ClientContext*, const Request&, Response*),
                                 const Request& request) {
    return rpc::BlockingCall(admin_.get(), method, request, rpc::CallContext::Within(absl::Seconds(20)));
  }
  template <class Methods, class Request, class Response>
  absl::StatusOr<Response> Lookup(grpc::Status (Methods::*method)(grpc::ClientContext*, const Request&, Response*),
                                  const Request& request) {
    return rpc::BlockingCall(lookup_.get(), method, request, rpc::CallContext::Within(absl::Seconds(20)));
  }

  // Short forms; each with a fresh request id.
  absl::Status AddDomain(const std::string& name, v1::DomainKind kind = v1::DOMAIN_KIND_LOCAL);
  absl::StatusOr<v1::Account> AddAccount(const std::string& address, const std::string& password = "");
  absl::Status AddAlias(const std::string& address, const std::vector<std::string>& targets);
  absl::Status SetPassword(const std::string& address, const std::string& password);
  absl::StatusOr<v1::RecipientResolution> Resolve(const std::string& address);
  bool Owns(const std::string& account_id, const std::string& address);

  // Runs a coroutine on an I/O thread to its end.
  template <class T>
  T Run(asio::awaitable<T> task) {
    return asio::co_spawn(io_.Next(), std::move(task), asio::use_future).get();
  }

  std::string folder_;
  config::v1::DirectoryConfig config_;
  net::IoPool io_{2};
  std::unique_ptr<telemetry::Registry> registry_;
  std::unique_ptr<base::WorkerPool> database_pool_;
  std::unique_ptr<base::WorkerPool> edit_pool_;
  std::unique_ptr<base::WorkerPool> hash_pool_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DirectoryAdminService::Stub> admin_;
  std::unique_ptr<v1::DirectoryService::Stub> lookup_;
};

std::string FreshId();

}  // namespace mailmesh::directory

#endif  // MAILMESH_TESTS_UNIT_SERVICES_DIRECTORY_DIRECTORY_FIXTURE_H_
