"""How a message that goes to mailboxes and to other sites is shared out between the store and the relay."""
import unittest

from tests.integration.smtp.fixture import Site, message
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer

LARGE = ("x" * 76 + "\r\n") * 5000


class Handover(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.far = cls.enterClassContext(SmtpServer())
        cls.site = cls.enterClassContext(Site(settings="max_recipients: 3000\n"))
        cls.site.tool("domain", "add", "far.test", "--relay")
        cls.site.tool("route", "add", "far.test", cls.far.address)

    def connect(self):
        client = self.site.client()
        self.addCleanup(client.close)
        return client

    def wait_received(self, subject, times=1):
        wait_until(lambda: self.far.received(subject) >= times, f"{subject} arrives", 30)
        self.assertEqual(self.far.received(subject), times)

    # RFC 1047: what is not answered for is sent again; nothing of it may have been stored.
    def test_a_relay_that_is_away_leaves_no_local_copy_behind(self):
        for name, body in (("away", "text\r\n"), ("away-large", LARGE)):
            with self.subTest(name):
                self.site.end("outbound_relay")
                self.addCleanup(lambda: "outbound_relay" in self.site.processes or self.site.start("outbound_relay"))
                client = self.connect()
                client.socket.settimeout(120)
                code, lines = client.transaction(message(name, body), to=["anna@a.test", "bert@far.test"])
                self.assertEqual(code // 100, 4, lines)
                self.assertEqual(self.site.inbox("anna"), [])
                self.site.start("outbound_relay")
                wait_until(lambda: self.connect().transaction(message(name, body), to=["anna@a.test", "bert@far.test"])[0] == 250,
                           "the relay takes it", 60)
                self.wait_received(name)
                self.assertEqual(len(wait_until(lambda: self.site.inbox("anna"), "the copy", 30)), 1)

    def test_a_large_message_arrives_here_and_there_once(self):
        answer = self.connect().transaction(message("both", LARGE), to=["anna@a.test", "bert@far.test"])
        self.assertEqual(answer[0], 250, answer)
        self.wait_received("both")
        found = wait_until(lambda: self.site.inbox("anna"), "the copy", 30)
        self.assertEqual(len(found), 1)
        self.assertIn(LARGE.encode(), found[0])
        self.assertEqual(self.site.inbox("anna"), [])

    def test_more_recipients_than_the_relay_takes_in_one_call(self):
        for name, body, users in (("many", "text\r\n", 2100), ("many-large", LARGE, 1100)):
            with self.subTest(name):
                to = [f"u{i}@far.test" for i in range(users)]
                answer = self.connect().transaction(message(name, body), to=to)
                self.assertEqual(answer[0], 250, answer)
                wait_until(lambda: len(self.reached(name)) >= len(to), "all recipients are reached", 60)
                self.assertEqual(sorted(self.reached(name)), sorted(to))

    def reached(self, subject):
        return [one for m in list(self.far.messages) if f"\r\nSubject: {subject}\r\n".encode() in m[2] for one in m[1]]

    # RFC 6152, 3.
    def test_content_of_8_bits_is_declared_though_the_client_did_not(self):
        for name, body, declared in (("seven", "text\r\n", False), ("eight", "gr\xfc\xdf\r\n", True)):
            self.assertEqual(self.connect().transaction(message(name, body), to=["bert@far.test"])[0], 250)
            self.wait_received(name)
            mail = next(m[3][0] for m in self.far.messages if f"Subject: {name}\r\n".encode() in m[2])
            self.assertEqual("BODY=8BITMIME" in mail, declared, mail)

    # RFC 3461, 6.3 (d).
    def test_no_original_recipient_is_made_up(self):
        self.connect().transaction(message("plain"), sender="bert@a.test", rcpt=" NOTIFY=SUCCESS")
        report = wait_until(lambda: self.site.inbox("bert"), "the report")
        self.assertIn(b"Final-Recipient: rfc822; anna@a.test\r\n", report[0])
        for text in (b"Original-Recipient", b"Remote-MTA", b"Diagnostic-Code", b"shard"):
            self.assertNotIn(text, report[0])
        self.site.inbox("anna")

    def test_a_report_reaches_all_whom_an_alias_leads_to(self):
        self.site.tool("alias", "add", "team@a.test", "anna@a.test", "bert@a.test")
        self.connect().transaction(message("alias"), sender="team@a.test", to=["anna@a.test"], rcpt=" NOTIFY=SUCCESS")
        self.assertEqual(len(wait_until(lambda: self.site.inbox("bert"), "the report")), 1)
        found = []
        wait_until(lambda: found.extend(self.site.inbox("anna")) or len(found) >= 2, "the message and the report")
        self.assertEqual(sum(b"Action: delivered" in one for one in found), 1)


if __name__ == "__main__":
    unittest.main()
