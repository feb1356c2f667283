#ifndef MAILMESH_TESTS_BENCH_CLIENT_LOADS_H_
#define MAILMESH_TESTS_BENCH_CLIENT_LOADS_H_

#include "tests/bench/client/latency.h"
#include "tests/bench/client/options.h"

// The loads, one for each MODE of the command line. tests/bench/README.md says what each does; every option is asked for where
// it is used.
namespace mailmesh::bench {

Figures ImapFill(const Options& options);     // messages into a mailbox, by MULTIAPPEND
Figures ImapCycle(const Options& options);    // N connections, each through a cycle of commands
Figures ImapCommand(const Options& options);  // one command again and again, timed alone
Figures ImapLogIn(const Options& options);    // connect, log in, log out
Figures ImapFanOut(const Options& options);   // one delivery told to many watchers
Figures ImapIdle(const Options& options);     // connections in IDLE between "ready" and the start
Figures Pop3Download(const Options& options);
Figures SendMail(const Options& options);  // SMTP, LMTP or submission

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_LOADS_H_
