// mailmesh-imap_gateway: serves mailboxes over IMAP on ports 143 (STARTTLS) and 993 (TLS). Keeps nothing: mailboxes are
// the mailbox_store's, log-in is the directory's.
//
// Standards: RFC 3501 (IMAP4rev1), RFC 2177 (IDLE), RFC 2342 (NAMESPACE), RFC 2971 (ID), RFC 3348 and RFC 5258 (LIST),
// RFC 3691 (UNSELECT), RFC 4315 (UIDPLUS), RFC 4731 (ESEARCH), RFC 4959 (SASL-IR), RFC 5161 (ENABLE), RFC 5530 (codes),
// RFC 6851 (MOVE), RFC 7162 (CONDSTORE), RFC 7888 (LITERAL+), RFC 8314 (TLS from the first octet).
#include "common/service/run.h"
#include "services/imap_gateway/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::imap_gateway::App>(argc, argv); }
