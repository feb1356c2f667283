// Started by listener_test as a supervisor starts a role: serves the sockets named "mx" that it inherits, greeting each
// connection with its process id, until its standard input ends.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "common/net/io_pool.h"
#include "common/net/listener.h"

namespace {

mailmesh::net::Awaitable<void> Greet(mailmesh::net::Stream stream) {
  const std::string greeting = std::to_string(getpid()) + "\n";
  (void)co_await stream.Write(greeting);
}

}  // namespace

int main() {
  using namespace mailmesh::net;
  absl::StatusOr<InheritedSockets> inherited = InheritedSockets::FromEnvironment();
  if (!inherited.ok()) {
    std::fprintf(stderr, "%s\n", inherited.status().ToString().c_str());
    return 2;
  }
  if (getenv("LISTEN_FDS") != nullptr) return 3;
  std::vector<ListenSocket> sockets = inherited->Take("mx");
  if (sockets.empty() || inherited->names() != std::vector<std::string>{"other"}) return 4;
  IoPool pool(1);
  pool.Start();
  std::vector<std::unique_ptr<Listener>> listeners;
  for (ListenSocket& socket : sockets) listeners.push_back(Listener::Start(std::move(socket), {}, pool, Greet));
  char octet;
  while (read(0, &octet, 1) > 0) {
  }
  for (auto& listener : listeners) listener->Stop();
  return 0;
}
