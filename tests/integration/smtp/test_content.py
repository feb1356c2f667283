"""DATA, BDAT (RFC 3030), pipelining (RFC 2920), and what would smuggle mail or commands past us."""
import unittest

from tests.integration.smtp.fixture import Site, message
from tests.support.octets import split_trace
from tests.support.ports import wait_until


class Content(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def setUp(self):
        self.mx = self.connect()

    def connect(self, listener="mx", hello=True):
        client = self.site.client(listener, hello)
        self.addCleanup(client.close)
        return client

    def begin(self, client, to=("anna",)):
        client.expect("MAIL FROM:<s@b.test>", 250)
        for user in to:
            client.expect(f"RCPT TO:<{user}@a.test>", 250)

    # A session at every split point: nothing may hang on where the network cuts.

    def transcript(self, session, replies, splits):
        for at in splits:
            client = self.connect(hello=False)
            client.reply()
            client.raw(session[:at])
            client.raw(session[at:])
            self.assertEqual([client.reply()[0] for _ in replies], list(replies), f"split at {at}: {session[:at]!r}")
            self.assertTrue(client.ended())

    def test_a_session_with_data_at_every_split(self):
        sent = message("split", "..dots\r\n.x\r\n")
        stuffed = sent.replace(b"\r\n.", b"\r\n..")
        session = (b"EHLO c\r\nMAIL FROM:<s@b.test>\r\nRCPT TO:<anna@a.test>\r\nDATA\r\n" + stuffed + b".\r\nQUIT\r\n")
        splits = range(len(session))
        self.transcript(session, (250, 250, 250, 354, 250, 221), splits)
        found = self.site.inbox("anna")
        self.assertEqual(len(found), len(splits))
        for octets in found:
            self.assertIsNotNone(split_trace(octets, sent), octets)

    def test_a_session_with_chunks_at_every_split(self):
        sent = message("chunks", ".\r\nQUIT\r\n")
        half = len(sent) // 2
        session = (b"EHLO c\r\nMAIL FROM:<s@b.test>\r\nRCPT TO:<anna@a.test>\r\n" + b"BDAT %d\r\n" % half + sent[:half]
                   + b"BDAT %d LAST\r\n" % (len(sent) - half) + sent[half:] + b"QUIT\r\n")
        splits = range(len(session))
        self.transcript(session, (250, 250, 250, 250, 250, 221), splits)
        found = self.site.inbox("anna")
        self.assertEqual(len(found), len(splits))
        for octets in found:
            self.assertIsNotNone(split_trace(octets, sent), octets)

    def test_many_transactions_in_one_write(self):
        one = b"MAIL FROM:<s@b.test>\r\nRCPT TO:<anna@a.test>\r\nBDAT %d LAST\r\n"
        sent = [message(f"p{i}") for i in range(20)]
        self.mx.raw(b"".join(one % len(m) + m for m in sent))
        self.assertEqual([self.mx.reply()[0] for _ in range(60)], [250] * 60)
        found = self.site.inbox("anna")
        self.assertEqual([split_trace(f, s) is not None for f, s in zip(found, sent)], [True] * 20)

    # RFC 3030

    def test_chunks(self):
        sent = message("bdat")
        self.begin(self.mx)
        self.mx.expect("BDAT 0", 250)
        self.mx.raw(b"BDAT 10\r\n" + sent[:10])
        self.assertEqual(self.mx.reply()[0], 250)
        self.mx.expect("RCPT TO:<bert@a.test>", 503)
        self.mx.expect("DATA", 503, "5.5.1")
        self.mx.raw(b"BDAT %d\r\n" % (len(sent) - 10) + sent[10:])
        self.assertEqual(self.mx.reply()[0], 250)
        self.mx.expect("BDAT 0 LAST", 250, "2.0.0")
        self.assertIsNotNone(split_trace(self.site.inbox("anna")[0], sent))

    def test_refused_chunks_are_swallowed(self):
        content = b"MAIL FROM:<evil@b.test>\r\n"
        self.mx.raw(b"BDAT %d LAST\r\n" % len(content) + content)
        self.assertEqual(self.mx.reply()[0], 503)
        self.mx.expect("MAIL FROM:<s@b.test>", 250)
        self.mx.raw(b"BDAT %d\r\n" % len(content) + content + b"BDAT %d LAST\r\n" % len(content) + content)
        self.assertEqual(self.mx.reply()[0], 554)
        self.assertEqual(self.mx.reply()[0], 503)
        self.mx.expect("RSET", 250)
        self.begin(self.mx)
        self.mx.expect("RSET", 250)
        self.assertEqual(self.site.inbox("anna"), [])

    def test_a_chunk_of_unknown_size_ends_the_connection(self):
        self.begin(self.mx)
        self.mx.expect("BDAT x LAST", 501)
        self.assertEqual(self.mx.reply()[0], 421)
        self.assertTrue(self.mx.ended())

    def test_lmtp_chunks(self):
        lmtp = self.connect("lmtp")
        self.begin(lmtp, ("anna", "bert"))
        sent = message("lmtp")
        lmtp.raw(b"BDAT %d LAST\r\n" % len(sent) + sent)
        self.assertEqual([lmtp.reply()[0] for _ in range(2)], [250, 250])
        self.assertEqual([len(self.site.inbox(user)) for user in ("anna", "bert")], [1, 1])

    # RFC 5321, 2.3.8 and 4.1.1.4: only CRLF . CRLF ends a content (CVE-2023-51764 and its kin).

    def test_smuggling(self):
        inner = b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<bert@a.test>\r\nDATA\r\nsmuggled\r\n.\r\n"
        for end in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n"):
            with self.subTest(end=end):
                client = self.connect()
                self.begin(client)
                client.expect("DATA", 354)
                client.raw(message("outer") + b"x" + end + inner)
                self.assertIn(client.reply()[0], (250, 550))
                client.expect("NOOP", 250)
                client.expect("RSET", 250)
        self.assertEqual(self.site.inbox("bert"), [], "nothing got through as a message of its own")
        for octets in self.site.inbox("anna"):
            self.assertIn(b"smuggled", octets, "what stayed one message is whole")
            self.assertNotRegex(octets, rb"(?<!\r)\n|\r(?!\n)")

    def test_bare_endings_in_content(self):
        for bad in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n\r\n"):
            for how in ("data", "bdat"):
                client = self.connect()
                self.begin(client)
                content = message("bare") + bad
                if how == "data":
                    client.expect("DATA", 354)
                    client.raw(content + b".\r\n")
                else:
                    client.raw(b"BDAT %d LAST\r\n" % len(content) + content)
                self.assertEqual((client.reply()[0], how, bad), (550, how, bad))
                client.expect("NOOP", 250)

    def test_bare_endings_in_commands_end_the_connection(self):
        for bad in (b"NOOP\nMAIL FROM:<s@b.test>\r\n", b"NOOP\rNOOP\r\n", b"NOOP\r\r\n"):
            client = self.connect()
            client.raw(bad)
            self.assertEqual(client.reply()[0], 500)
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())

    def test_nul_and_8bit_in_commands(self):
        self.mx.expect(b"NOOP \0\xff", 250)
        self.mx.expect(b"MAIL FROM:<s\0@b.test>", 501)
        self.mx.expect(b"MAIL FROM:<s\xff@b.test>", 501)
        self.mx.expect(b"\xff\xfe\x00", 500)

    def test_content_behind_a_refused_data_ends_the_connection(self):
        self.mx.raw(b"DATA\r\nMAIL FROM:<s@b.test>\r\n")
        self.assertEqual(self.mx.reply()[0], 503)
        self.assertEqual(self.mx.reply()[0], 421)
        self.assertTrue(self.mx.ended())

    # RFC 3207, 4.2 and 6

    def test_starttls_forgets_what_came_before_and_behind(self):
        client = self.connect()
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.raw(b"STARTTLS\r\nNOOP injected\r\nRSET\r\n")
        self.assertEqual(client.reply()[0], 220)
        client.wrap(self.site.tls_context())
        client.expect("MAIL FROM:<s@b.test>", 503)
        client.hello()
        self.assertNotIn("STARTTLS", client.extensions)
        client.expect("STARTTLS", 503, "5.5.1")
        client.expect("RCPT TO:<anna@a.test>", 503)
        self.assertEqual(client.transaction(message("tls"))[0], 250)
        self.assertRegex(self.site.inbox("anna")[0], rb" with ESMTPS \(TLSv1\.3 TLS_\w+\)\r\n")
        wait_until(lambda: "octets behind STARTTLS" in self.site.log("smtp_ingress"), "a line of the log", 5)

    def test_starttls_takes_no_argument(self):
        self.mx.expect("STARTTLS now", 501, "5.5.4")
        self.mx.expect("NOOP", 250)


if __name__ == "__main__":
    unittest.main()
