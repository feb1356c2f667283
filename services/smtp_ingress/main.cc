// mailmesh-smtp_ingress: takes mail by SMTP (25), submission (587, 465) and LMTP (24), and hands it to the mailbox_store and the
// outbound_relay. Keeps nothing: the final reply is sent when every copy is durable there.
//
// Standards: RFC 5321 (SMTP), RFC 2033 (LMTP), RFC 6409 and RFC 8314 (submission), RFC 1870 (SIZE), RFC 2920 (PIPELINING), RFC 6152
// (8BITMIME), RFC 6531 (SMTPUTF8), RFC 3030 (CHUNKING), RFC 2034 and 3463 (enhanced codes), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
#include "common/service/run.h"
#include "services/smtp_ingress/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::smtp_ingress::App>(argc, argv); }
