"""What a server offers is used, and what it does not offer is done without or sent back."""
import email
import email.policy
import re

from tests.integration.relay.fixture import SENDER, RelayTest
from tests.support import messages
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer


class Extensions(RelayTest):
    settings = "max_age: 1h"

    def server(self, domain, *extensions, **more):
        server = SmtpServer(extensions=extensions, **more)
        self.addCleanup(server.close)
        self.relay_for(domain, server.address)
        return server

    def received(self, server):
        wait_until(lambda: server.messages, "the message arrives", 30)
        return server.messages[0]

    def test_everything_that_is_offered_is_used(self):
        server = self.server("all.test", "PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "SIZE 1000000", "DSN", "ENHANCEDSTATUSCODES")
        octets = messages.simple("all", 300_000)
        self.send("all", "bert@all.test", octets=octets, mail_options=["BODY=8BITMIME", "RET=HDRS", "ENVID=e+2B1"],
                  rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;bert@all.test"])
        _, _, got, commands = self.received(server)
        self.assertTrue(got.endswith(octets))
        self.assertIn(" BODY=8BITMIME", commands[0])
        self.assertIn(f" SIZE={len(got)}", commands[0])
        self.assertIn(" RET=HDRS ENVID=e+2B1", commands[0])
        self.assertIn(" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bert@all.test", commands[1])
        self.assertRegex(commands[-1], r"^BDAT \d+ LAST$")
        self.assertFalse(any(c == "DATA" for c in server.sessions[0].log))
        # The server tells of success: we do not.
        self.wait_gone("all.test")
        self.assertEqual([m for m in self.origin.messages if b"bert@all.test" in m[2]], [])

    def test_nothing_is_offered(self):
        server = self.server("bare.test")
        octets = messages.simple("bare", 300_000)
        self.send("bare", "bert@bare.test", "anna@bare.test", octets=octets, mail_options=["RET=FULL", "ENVID=x"],
                  rcpt_options=["NOTIFY=SUCCESS"])
        _, _, got, commands = self.received(server)
        self.assertTrue(got.endswith(octets))
        self.assertEqual(commands[0], f"MAIL FROM:<{SENDER}>")
        self.assertEqual(sorted(commands[1:]), ["RCPT TO:<anna@bare.test>", "RCPT TO:<bert@bare.test>"])
        # RFC 3461, 5.2.2: it was asked for, and nobody else will tell.
        report = email.message_from_string(self.notification("bert@bare.test"))
        status = report.get_payload(1).as_string()
        self.assertEqual(len(re.findall("Action: relayed", status)), 2)
        self.assertIn("Original-Envelope-Id: x", status)
        self.assertEqual(report.get_payload(2).get_content_type(), "text/rfc822-headers")

    def test_a_server_that_knows_helo_only(self):
        server = self.server("helo.test", script=lambda stage, a, s: "502 5.5.1 what?" if stage == "ehlo" else None)
        self.send("helo", "bert@helo.test")
        self.received(server)
        self.assertTrue(server.sessions[0].log[1].startswith("HELO "))

    def test_eight_bit_content_to_a_seven_bit_server(self):
        server = self.server("seven.test", "PIPELINING")
        octets = messages.with_crlf(
            "From: <anna@a.test>\nSubject: seven\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
            "Content-Transfer-Encoding: 8bit\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            "Grüße aus Köln\n--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: 8bit\n\nÄÖÜ\n--b--\n".encode())
        self.send("seven", "bert@seven.test", octets=octets, mail_options=["BODY=8BITMIME"])
        _, _, got, commands = self.received(server)
        self.assertNotIn("BODY", commands[0])
        self.assertTrue(got.isascii())
        before = email.message_from_bytes(octets, policy=email.policy.default)
        after = email.message_from_bytes(got, policy=email.policy.default)
        for a, b in zip(before.iter_parts(), after.iter_parts(), strict=True):
            self.assertEqual(a.get_content_type(), b.get_content_type())
            self.assertEqual(a.get_payload(decode=True).rstrip(), b.get_payload(decode=True).rstrip())
        self.assertEqual([p["content-transfer-encoding"] for p in after.iter_parts()], ["quoted-printable", "base64"])
        self.assertEqual(after["content-transfer-encoding"], "7bit")

    def test_signed_eight_bit_content_goes_back(self):
        server = self.server("signed.test", "PIPELINING")
        octets = messages.with_crlf(
            "Subject: signed\nMIME-Version: 1.0\nContent-Type: multipart/signed; boundary=s; protocol=x; micalg=y\n\n"
            "--s\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\nGrüße\n--s\n\nsignature\n--s--\n".encode())
        self.send("signed", "bert@signed.test", octets=octets, mail_options=["BODY=8BITMIME"])
        self.assertIn("Status: 5.6.3", self.notification("bert@signed.test"))
        self.assertEqual(len(server.messages), 0)

    def test_utf8_where_it_is_not_offered(self):
        server = self.server("ascii.test", "PIPELINING", "8BITMIME")
        # The header needs it: back.
        self.send("utf8", "bert@ascii.test", octets=messages.utf8_header(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        self.assertIn("Status: 5.6.7", self.notification("bert@ascii.test"))
        # Only the parameter was given: it is left out.
        self.send("needless", "cleo@ascii.test", mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        _, to, _, commands = self.received(server)
        self.assertEqual(to, ["cleo@ascii.test"])
        self.assertNotIn("SMTPUTF8", commands[0])

    def test_larger_than_the_server_takes(self):
        server = self.server("small.test", "SIZE 10000")
        self.send("large", "bert@small.test", octets=messages.simple("large", 50_000))
        self.assertIn("Status: 5.3.4", self.notification("bert@small.test"))
        self.assertEqual([line for line in server.sessions[0].log if line.startswith("MAIL")], [])

    def test_a_chunk_that_is_refused(self):
        server = self.server("chunk.test", "PIPELINING", "CHUNKING",
                             script=lambda stage, a, s: "552 5.3.4 enough" if stage == "bdat" else None)
        self.send("chunk", "bert@chunk.test", octets=messages.simple("chunk", 2_000_000))
        self.assertIn("Status: 5.3.4", self.notification("bert@chunk.test"))
        self.assertEqual(len(server.messages), 0)
