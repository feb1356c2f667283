// A maildrop downloaded whole over one connection (RFC 1939): --window commands on the way at once (RFC 2449, 6.6), 1 for one
// at a time.
#include <string>
#include <string_view>

#include "tests/bench/client/connection.h"
#include "tests/bench/client/imap.h"
#include "tests/bench/client/loads.h"

namespace mailmesh::bench {
namespace {

std::string Ok(Connection& connection, const char* what) {
  const std::string line(connection.ReadLine());
  if (line.rfind("+OK", 0) != 0) Die(std::string(what) + ": " + line);
  return line;
}

void ReadMessage(Connection& connection) {
  Ok(connection, "RETR");
  while (connection.ReadLine() != ".") {
  }
}

}  // namespace

Figures Pop3Download(const Options& options) {
  Connection connection(options);
  Ok(connection, "greeting");
  connection.Write("USER " + AccountName(options.Text("user"), options.Number("account", 0)) + "\r\n");
  Ok(connection, "USER");
  connection.Write("PASS " + options.Text("password") + "\r\n");
  Ok(connection, "PASS");
  connection.Write("STAT\r\n");
  const std::string stat = Ok(connection, "STAT");
  const int count = options.Number("count");
  if (std::stoi(stat.substr(4)) < count) Die("the maildrop has fewer messages: " + stat);
  const int window = options.Number("window");
  Figures figures;
  AwaitStart();
  const Clock::time_point start = Clock::now();
  int asked = 0;
  for (int read = 0; read < count; ++read) {
    const Clock::time_point began = Clock::now();
    // Filled again when half of it is used up, so that the server never waits for us.
    if (asked - read <= window / 2) {
      std::string commands;
      while (asked < count && asked - read < window) commands += "RETR " + std::to_string(++asked) + "\r\n";
      if (!commands.empty()) connection.Write(commands);
    }
    ReadMessage(connection);
    figures.latencies.push_back(SecondsSince(began));
    ++figures.count;
  }
  figures.seconds = SecondsSince(start);
  connection.Write("QUIT\r\n");
  Ok(connection, "QUIT");
  return figures;
}

}  // namespace mailmesh::bench
