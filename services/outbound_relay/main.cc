// mailmesh-outbound_relay: the queue of mail that goes elsewhere, and its delivery by SMTP and LMTP. Owns its spool (RocksDB).
//
// Standards: RFC 5321 (SMTP client, MX, retries), RFC 2033 (LMTP), RFC 7505 (null MX), RFC 3207 and 7435 (STARTTLS), RFC 1870, 2920,
// 6152, 6531 (SIZE, PIPELINING, 8BITMIME, SMTPUTF8), RFC 3461, 3464, 6522, 6533, 3834 (notifications).
#include "common/service/run.h"
#include "services/outbound_relay/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::outbound_relay::App>(argc, argv); }
