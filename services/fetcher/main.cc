// mailmesh-fetcher: downloads remote maildrops (POP3) into mailboxes of the mesh. Keeps nothing but the key ring that opens the
// credentials: jobs, leases and what was seen live in the mailbox_store.
//
// Standards: RFC 1939 (POP3), RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (SASL), RFC 8314 (TLS from the first octet).
#include "common/service/run.h"
#include "services/fetcher/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::fetcher::App>(argc, argv); }
