#include "common/service/admin_server.h"

#include <CivetServer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "common/net/listen_socket.h"
#include "common/telemetry/log.h"

namespace mailmesh::service {
namespace {

struct Reply {
  int code = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

std::string_view Phrase(int code) { return code == 200 ? "OK" : code == 503 ? "Service Unavailable" : "Not Found"; }

void Send(mg_connection* connection, const Reply& reply, bool with_body) {
  const std::string head =
      absl::StrCat("HTTP/1.1 ", reply.code, " ", base::Av(Phrase(reply.code)), "\r\nContent-Type: ", reply.type,
                   "\r\nContent-Length: ", reply.body.size(),
                   "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  if (with_body) mg_write(connection, reply.body.data(), reply.body.size());
}

// One path.
class Handler final : public CivetHandler {
 public:
  explicit Handler(std::function<Reply()> make) : make_(std::move(make)) {}
  bool handleGet(CivetServer*, mg_connection* connection) override {
    Send(connection, make_(), true);
    return true;
  }
  bool handleHead(CivetServer*, mg_connection* connection) override {
    Send(connection, make_(), false);
    return true;
  }

 private:
  std::function<Reply()> make_;
};

Reply FromProblems(const std::vector<std::string>& problems) {
  if (problems.empty()) return {.body = "ok\n"};
  return {.code = 503, .body = absl::StrJoin(problems, "\n") + "\n"};
}

// Civetweb says on its log alone why it does not start.
int KeepLogMessage(const mg_connection* connection, const char* message) {
  const mg_request_info* info = connection == nullptr ? nullptr : mg_get_request_info(connection);
  telemetry::Debug("admin server", {{"text", message}, {"peer", info == nullptr ? "" : info->remote_addr}});
  return 1;
}

class CivetAdminServer final : public AdminServer {
 public:
  explicit CivetAdminServer(Sources sources)
      : metrics_([text = std::move(sources.metrics)] {
          return Reply{.type = "text/plain; version=0.0.4; charset=utf-8", .body = text()};
        }),
        live_([problems = std::move(sources.liveness)] { return FromProblems(problems()); }),
        ready_([problems = std::move(sources.readiness)] { return FromProblems(problems()); }),
        none_([] { return Reply{.code = 404, .body = "There are /metrics, /livez and /readyz.\n"}; }) {}

  // Civetweb's accept loop looks at its end only every two seconds, or when somebody connects: too long for a restart.
  ~CivetAdminServer() override {
    if (server_ == nullptr) return;
    std::atomic<bool> closed = false;
    std::thread closer([this, &closed] {
      server_->close();
      closed = true;
    });
    while (!closed) {
      Connect();
      absl::SleepFor(absl::Milliseconds(5));
    }
    closer.join();
  }

  absl::Status Listen(const std::string& host, uint16_t port) {
    const std::vector<std::string> options = {
        "listening_ports",    absl::StrCat(host, ":", port),
        "num_threads",        "3",
        "request_timeout_ms", "10000",
        "max_request_size",   "8192",
        "enable_keep_alive",  "no",
    };
    CivetCallbacks callbacks;
    callbacks.log_message = &KeepLogMessage;
    try {
      server_ = std::make_unique<CivetServer>(options, &callbacks);
    } catch (const CivetException&) {
      return absl::UnavailableError("the server did not start");
    }
    server_->addHandler("/metrics$", metrics_);
    server_->addHandler("/livez$", live_);
    server_->addHandler("/readyz$", ready_);
    server_->addHandler("/", none_);
    const std::vector<int> ports = server_->getListeningPorts();
    if (ports.empty()) return absl::InternalError("the server has no port");
    address_ = absl::StrCat(host, ":", ports.front());
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  // Connects to the own port and goes away.
  void Connect() const {
    const absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::Parse(address_);
    if (!endpoint.ok() || !endpoint->ip()) return;
    // Linux takes the unspecified address for this machine.
    sockaddr_storage address;
    const socklen_t size = net::SocketAddress(*endpoint->ip(), endpoint->port()).ToNative(&address);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    (void)connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
    close(fd);
  }

  Handler metrics_, live_, ready_, none_;
  std::string address_;
  // Last: its threads use the handlers.
  std::unique_ptr<CivetServer> server_;
};

// The reason that civetweb keeps for itself.
absl::Status WhyNot(const net::Endpoint& endpoint, const absl::Status& status) {
  const absl::StatusOr<net::ListenSocket> attempt = net::ListenSocket::Bind(endpoint);
  return attempt.ok() ? status : attempt.status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(std::string_view listen, Sources sources) {
  const std::string context = absl::StrCat("admin HTTP on ", base::Av(listen));
  absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::Parse(listen);
  if (!endpoint.ok()) return base::Annotate(endpoint.status(), context);
  if (endpoint->is_unix()) return absl::InvalidArgumentError(absl::StrCat(context, ": must be host:port"));
  std::string host = endpoint->host() == "localhost" ? "127.0.0.1" : endpoint->host();
  if (host.find(':') != std::string::npos) host = absl::StrCat("[", host, "]");
  auto server = std::make_unique<CivetAdminServer>(std::move(sources));
  const absl::Status status = server->Listen(host, endpoint->port());
  if (!status.ok()) return base::Annotate(WhyNot(*endpoint, status), context);
  return server;
}

}  // namespace mailmesh::service
