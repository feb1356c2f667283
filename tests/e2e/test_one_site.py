"""One mesh, mail in, read by both gateways; TLS with the certificate verified against the mesh's own authority."""
import imaplib
import poplib
import smtplib
import unittest

from tests.support import messages
from tests.support.clients import PASSWORD, ClientTest
from tests.support.octets import split_trace
from tests.support.ports import wait_until


class OneSite(ClientTest):
    def test_mail_in_and_read_by_imap_and_pop3(self):
        sent = messages.nested_multiparts()
        self.deliver("anna@a.test", sent)
        client = self.imap("anna")
        stored = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
        trace = split_trace(stored, sent)
        self.assertIsNotNone(trace, stored)
        self.assertTrue(trace.startswith(b"Return-Path: <someone@elsewhere.test>\r\nReceived: from "), trace)
        pop = poplib.POP3_SSL("127.0.0.1", self.mesh.port("pop3s"), context=self.mesh.tls_context())
        pop.user("anna@a.test")
        pop.pass_(PASSWORD)
        _, lines, _ = pop.retr(1)
        self.assertEqual(b"\r\n".join(lines) + b"\r\n", stored)
        pop.quit()

    def test_python_libraries_starttls(self):
        with smtplib.SMTP("127.0.0.1", self.mesh.port("submission")) as smtp:
            smtp.starttls(context=self.mesh.tls_context())
            smtp.login("anna@a.test", PASSWORD)
            smtp.sendmail("anna@a.test", ["anna@a.test", "bert@a.test"], messages.simple("both"))
        client = imaplib.IMAP4("127.0.0.1", self.mesh.port("imap"))
        client.starttls(self.mesh.tls_context())
        client.login("anna@a.test", PASSWORD)
        client.select("INBOX")
        wait_until(lambda: client.search(None, "SUBJECT", "both")[1][0], "the message in anna's INBOX")
        client.logout()


if __name__ == "__main__":
    unittest.main()
