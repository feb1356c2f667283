// Mail sent over kept sessions: --protocol smtp, lmtp (RFC 2033) or submission (STARTTLS and AUTH PLAIN). A message's time runs
// from MAIL to the reply to its last dot; it has one recipient, the next of --users in turn.
#include <algorithm>
#include <string>

#include "tests/bench/client/connection.h"
#include "tests/bench/client/imap.h"
#include "tests/bench/client/loads.h"
#include "tests/bench/client/message.h"

namespace mailmesh::bench {
namespace {

// Reads a whole reply; Die() unless it begins with `code`.
void Expect(Connection& connection, const char* code, const char* what) {
  while (true) {
    const std::string_view line = connection.ReadLine();
    if (line.substr(0, 3) != code) Die(std::string(what) + ": " + std::string(line));
    if (line.size() < 4 || line[3] != '-') return;
  }
}

void Say(Connection& connection, const std::string& command, const char* code) {
  connection.Write(command + "\r\n");
  Expect(connection, code, command.c_str());
}

void Begin(Connection& connection, const Options& options, int account) {
  const std::string& protocol = options.Text("protocol");
  Expect(connection, "220", "greeting");
  Say(connection, (protocol == "lmtp" ? "LHLO" : "EHLO") + std::string(" client.example"), "250");
  if (protocol != "submission") return;
  Say(connection, "STARTTLS", "220");
  connection.StartTls(options);
  Say(connection, "EHLO client.example", "250");
  Say(connection, "AUTH PLAIN " + PlainResponse(AccountName(options.Text("user"), account), options.Text("password")), "235");
}

void SendOne(Connection& connection, const std::string& sender, const std::string& recipient, const std::string& message) {
  Say(connection, "MAIL FROM:<" + sender + ">", "250");
  Say(connection, "RCPT TO:<" + recipient + ">", "250");
  Say(connection, "DATA", "354");
  connection.Write(message + ".\r\n");
  Expect(connection, "250", "message");
}

}  // namespace

Figures SendMail(const Options& options) {
  const int sessions = options.Number("sessions");
  const int users = options.Number("users");
  const int each = options.Number("count") / sessions;
  const bool own_sender = options.Text("protocol") == "submission";
  return InThreads(sessions, [&](int i, const std::function<void()>& ready) {
    const std::string sender = own_sender ? AccountName(options.Text("user"), i % users) : "sender@elsewhere.example";
    // One content for all, as smtp-source does: making it is no part of the load.
    const std::string message = MakeMessage(i, static_cast<size_t>(options.Number("size")));
    Connection connection(options);
    Begin(connection, options, i % users);
    Figures figures;
    ready();
    for (int n = 0; n < each; ++n) {
      const Clock::time_point start = Clock::now();
      SendOne(connection, sender, AccountName(options.Text("user"), (i * each + n) % users), message);
      figures.latencies.push_back(SecondsSince(start));
      ++figures.count;
    }
    Say(connection, "QUIT", "221");
    return figures;
  });
}

}  // namespace mailmesh::bench
