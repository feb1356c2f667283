"""What submission changes in a message (RFC 6409, 8), and that nothing else does."""
import unittest

from tests.integration.smtp.fixture import Site, message, plain
from tests.support.octets import split_submitted, split_trace

BARE = b"From: anna@a.test\r\nTo: bert@a.test\r\nBcc: cleo@a.test,\r\n dora@a.test\r\nSubject: bare\r\n\r\nBcc: stays\r\n"


class Submission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def submit(self, content, listener="submission"):
        client = self.site.client(listener, hello=listener == "submission")
        self.addCleanup(client.close)
        if listener == "submissions":
            client.wrap(self.site.tls_context())
            client.hello()
        client.expect(f"AUTH PLAIN {plain('anna')}", 235)
        self.assertEqual(client.transaction(content, "anna@a.test", ["bert@a.test"])[0], 250)
        return self.site.inbox("bert")[0]

    # RFC 4954, 4: once in a session. RFC 3207, 4.2: no STARTTLS after TLS.
    def test_what_is_used_up_is_not_listed(self):
        client = self.site.client("submission")
        self.addCleanup(client.close)
        self.assertTrue({"AUTH", "STARTTLS"} <= client.extensions.keys())
        client.expect(f"AUTH PLAIN {plain('anna')}", 235)
        self.assertNotIn("AUTH", client.hello())
        client.expect(f"AUTH PLAIN {plain('anna')}", 503)
        client.expect("MAIL FROM:<anna@a.test> AUTH=<>", 250)
        client.expect("RSET", 250)
        client.starttls(self.site.tls_context())
        # Whoever had logged in before has not any more.
        self.assertIn("AUTH", client.hello())
        self.assertNotIn("STARTTLS", client.extensions)
        client.expect("STARTTLS", 503)
        client.expect(f"AUTH PLAIN {plain('bert')}", 235)
        self.assertNotIn("AUTH", client.hello())

    def test_a_message_is_completed(self):
        for listener in ("submission", "submissions"):
            found = self.submit(BARE, listener)
            trace, changes = split_submitted(found, BARE)
            self.assertEqual(changes, ["without Bcc", "Date added", "Message-ID added"])
            self.assertNotIn(b"cleo", found)
            self.assertIn(b"Bcc: stays", found)
            self.assertRegex(trace, rb"\AReturn-Path: <anna@a.test>\r\nReceived: from client.test \(\[127.0.0.1\]\)\r\n")
            self.assertIn(b" with ESMTPSA (" if listener == "submissions" else b" with ESMTPA\r\n", trace)

    def test_a_whole_message_stays_as_it_is(self):
        sent = message("whole", "x" * 70 + "\r\n")
        self.assertIsNotNone(split_trace(self.submit(sent), sent))

    def test_a_large_message_is_completed_while_it_streams(self):
        sent = BARE + (b"y" * 76 + b"\r\n") * 10000
        _, changes = split_submitted(self.submit(sent), sent)
        self.assertEqual(changes, ["without Bcc", "Date added", "Message-ID added"])

    def test_only_submission_changes_anything(self):
        for listener in ("mx", "lmtp"):
            client = self.site.client(listener)
            self.assertEqual(client.transaction(BARE, to=["bert@a.test"])[0], 250)
            self.assertIsNotNone(split_trace(self.site.inbox("bert")[0], BARE), listener)

    def test_it_is_counted(self):
        before = self.site.metric("mailmesh_smtp_completed_total", '{change="bcc"}')
        self.submit(BARE)
        self.assertEqual(self.site.metric("mailmesh_smtp_completed_total", '{change="bcc"}'), before + 1)


class SwitchedOff(unittest.TestCase):
    def test_octets_stay(self):
        with Site(settings="completion: {add_missing_fields: false, drop_bcc: false}\n") as site:
            client = site.submitter()
            self.assertEqual(client.transaction(BARE, "anna@a.test", ["bert@a.test"])[0], 250)
            self.assertIsNotNone(split_trace(site.inbox("bert")[0], BARE))


if __name__ == "__main__":
    unittest.main()
