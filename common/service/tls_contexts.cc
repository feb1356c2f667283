#include "common/service/tls_contexts.h"

#include <asio/io_context.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/io_pool.h"
#include "common/net/pki.h"
#include "common/net/spawn.h"
#include "common/net/tls_server_context.h"
#include "common/telemetry/log.h"
#include "mailmesh/config/v1/common.pb.h"

namespace mailmesh::service {
namespace {

constexpr std::chrono::seconds kWatchInterval{60};

double Seconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

}  // namespace

TlsContexts::TlsContexts(net::IoPool& io, telemetry::Registry& registry)
    : io_(io),
      expiry_(registry.AddGaugeFamily("mailmesh_tls_certificate_expiry_timestamp_seconds",
                                      "When the first certificate of this name ends, in seconds since 1970.",
                                      {{"name", {}}})),
      reloads_(registry.AddCounterFamily("mailmesh_tls_reloads_total",
                                         "Certificates that had changed and were read again.",
                                         {{"result", {"ok", "failed"}}})),
      hook_(registry.OnScrape([this] { UpdateExpiry(); })) {}

absl::StatusOr<std::shared_ptr<net::TlsServerContext>> TlsContexts::Load(std::string_view name,
                                                                         const config::v1::ServerTlsConfig& config) {
  if (config.certificates().empty()) return absl::FailedPreconditionError("no certificates are configured");
  net::TlsServerOptions options;
  for (const auto& pair : config.certificates()) options.key_pairs.push_back({pair.certificate(), pair.private_key()});
  if (config.minimum_version() == "1.3") options.min_version = net::TlsVersion::kTls13;
  options.ciphers = config.ciphers();
  options.cipher_suites = config.cipher_suites();
  auto context = net::TlsServerContext::Create(std::move(options));
  if (!context.ok()) return base::Annotate(context.status(), absl::StrCat("certificates of ", base::Av(name)));
  {
    absl::MutexLock lock(&mutex_);
    contexts_[std::string(name)] = *context;
  }
  auto report = [this, name = std::string(name)](const absl::Status& status) { Report(name, status); };
  net::Spawn(io_.Next().get_executor(), net::TlsServerContext::WatchFiles(*context, kWatchInterval, std::move(report)),
             "tls-watch");
  return context;
}

void TlsContexts::WatchMeshCertificate(const config::v1::MeshTlsConfig& config) {
  absl::MutexLock lock(&mutex_);
  mesh_certificate_ = config.certificate();
}

void TlsContexts::Reload() {
  std::map<std::string, std::shared_ptr<net::TlsServerContext>, std::less<>> contexts;
  {
    absl::MutexLock lock(&mutex_);
    contexts = contexts_;
  }
  for (const auto& [name, context] : contexts) {
    const absl::StatusOr<bool> changed = context->ReloadIfChanged();
    if (!changed.ok() || *changed) Report(name, changed.status());
  }
}

void TlsContexts::Report(std::string_view name, const absl::Status& status) {
  reloads_.At({status.ok() ? size_t{0} : size_t{1}}).Increment();
  if (status.ok()) {
    telemetry::Info("certificates reloaded", {{"name", name}});
  } else {
    telemetry::Error("certificates not reloaded; the old ones stay in use", {{"name", name}, {"error", status}});
  }
}

absl::Status TlsContexts::Check() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, context] : contexts_) {
    if (context->expiry() < absl::Now()) {
      return absl::FailedPreconditionError(absl::StrCat("a certificate of ", name, " has expired"));
    }
  }
  return absl::OkStatus();
}

void TlsContexts::UpdateExpiry() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, context] : contexts_) expiry_.With({name}).Set(Seconds(context->expiry()));
  if (mesh_certificate_.empty()) return;
  const absl::StatusOr<std::string> pem = base::ReadFile(mesh_certificate_, 1 << 20);
  if (!pem.ok()) return;
  const absl::StatusOr<net::CertificateInfo> info = net::DescribeCertificate(*pem);
  if (info.ok()) expiry_.With({"grpc"}).Set(Seconds(info->not_after));
}

}  // namespace mailmesh::service
