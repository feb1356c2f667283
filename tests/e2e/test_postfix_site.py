"""One site beside Postfix: mail in from it, out to it, and one mailbox read by IMAP and POP3 at once by different programs."""
import imaplib
import poplib
import shutil
import smtplib
import subprocess
import unittest

from tests.support import messages, peers
from tests.support.mesh import Mesh
from tests.support.octets import split_trace
from tests.support.ports import port_base, wait_until

PASSWORD = "correct horse"


class BesidePostfix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        try:
            cls.postfix = cls.enterClassContext(
                peers.Site(["b.test"], routes={"a.test": ("127.0.0.1", cls.mesh.port("mx"))}))
        except peers.Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.run("route", "add", "b.test", f"127.0.0.1:{cls.postfix.smtp_port}")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def submit(self, to, message):
        with smtplib.SMTP("127.0.0.1", self.mesh.port("submission"), timeout=30) as smtp:
            smtp.starttls(context=self.mesh.tls_context())
            smtp.login("anna@a.test", PASSWORD)
            smtp.sendmail("anna@a.test", [to], message)

    def imap(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context())
        client.login("anna@a.test", PASSWORD)
        client.select("INBOX")
        return client

    def wait_for_subject(self, text):
        client = self.imap()
        number = wait_until(lambda: (client.noop(), client.search(None, "SUBJECT", f'"{text}"')[1][0])[1], f"{text} at anna", 30)
        octets = client.fetch(number.split()[-1].decode(), "(BODY.PEEK[])")[1][0][1]
        client.logout()
        return octets

    def test_mail_in_from_postfix_read_by_both_gateways(self):
        sent = messages.simple("from-postfix", 5000, "bert@b.test", "anna@a.test")
        with smtplib.SMTP("127.0.0.1", self.postfix.smtp_port) as smtp:
            smtp.sendmail("bert@b.test", ["anna@a.test"], sent)
        by_imap = self.wait_for_subject("from-postfix")
        self.assertIsNotNone(split_trace(by_imap, sent))
        client = self.imap()
        pop = poplib.POP3_SSL("127.0.0.1", self.mesh.port("pop3s"), context=self.mesh.tls_context())
        pop.user("anna@a.test")
        pop.pass_(PASSWORD)
        found = [b"\r\n".join(pop.retr(n + 1)[1]) + b"\r\n" for n in range(pop.stat()[0])]
        self.assertIn(by_imap, found)
        if shutil.which("curl"):
            out = subprocess.run(["curl", "-sS", "--cacert", self.mesh.ca, "--user", f"anna@a.test:{PASSWORD}",
                                  f"imaps://127.0.0.1:{self.mesh.port('imaps')}/INBOX;MAILINDEX=1"], capture_output=True, timeout=30)
            self.assertIn(out.stdout, found)
        pop.quit()
        client.logout()

    def test_mail_out_to_postfix(self):
        sent = messages.simple("to-postfix", 3000, "anna@a.test", "bert@b.test")
        self.submit("bert@b.test", sent)

        def arrived():
            pop = poplib.POP3("127.0.0.1", self.postfix.pop3_port)
            pop.user("bert@b.test")
            pop.pass_(self.postfix.password)
            found = [b"\r\n".join(pop.retr(n + 1)[1]) + b"\r\n" for n in range(pop.stat()[0])]
            pop.quit()
            return any(split_trace(octets, sent) is not None for octets in found)

        wait_until(arrived, "the message at Postfix", 30, 0.3)

    def test_refused_by_postfix_comes_back_as_a_notification(self):
        self.submit("nobody@b.test", messages.simple("to-nobody", 500, "anna@a.test", "nobody@b.test"))
        notification = self.wait_for_subject("Undelivered mail returned to sender")
        for text in (b"Return-Path: <>", b"multipart/report", b"Final-Recipient: rfc822; nobody@b.test", b"Action: failed",
                     b"Status: 5.1.1", b"Subject: to-nobody"):
            self.assertIn(text, notification)
        self.assertEqual(self.mesh.json("queue", "list"), [])


class DestinationDown(unittest.TestCase):
    """Mail for a destination that is down waits, and goes out when it is back; mail for others does not wait for it."""

    def test_it_waits_and_goes_out(self):
        with Mesh("outbound_relay: {min_retry: 1s, max_retry: 2s}\n") as a, Mesh(port_base=port_base()) as b:
            b.run("domain", "add", "b.test")
            b.add_account("bert@b.test", PASSWORD)
            a.run("domain", "add", "a.test")
            a.add_account("anna@a.test", PASSWORD)
            for domain in ("b.test", "up.test"):
                a.run("domain", "add", domain, "--relay")
            b_port = b.port("mx")
            a.run("route", "add", "b.test", f"127.0.0.1:{b_port}")
            b.stop()
            with smtplib.SMTP(*a.address("mx")) as smtp:
                smtp.sendmail("x@elsewhere.test", ["bert@b.test"], messages.simple("waits"))
            item = wait_until(lambda: [q for q in a.json("queue", "list") if int(q["attempts"]) > 0], "a first attempt", 30)[0]
            shown = a.run("queue", "show", item["queue_id"]).stdout
            self.assertIn("Cannot connect to", shown)
            b.start()
            a.run("queue", "flush")
            wait_until(lambda: not a.json("queue", "list"), "the queue is empty", 30)
            self.assertEqual(b.messages_in("bert@b.test"), 1)


if __name__ == "__main__":
    unittest.main()
