// mailmesh-pop3_gateway: serves maildrops over POP3 on ports 110 (STLS) and 995 (TLS). Keeps nothing: mailboxes are the
// mailbox_store's, log-in is the directory's.
//
// Standards: RFC 1939 (POP3), RFC 2449 (CAPA, PIPELINING, RESP-CODES), RFC 2595 (STLS), RFC 3206 (AUTH-RESP-CODE), RFC 5034 (SASL),
// RFC 8314 (TLS from the first octet).
#include "common/service/run.h"
#include "services/pop3_gateway/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::pop3_gateway::App>(argc, argv); }
