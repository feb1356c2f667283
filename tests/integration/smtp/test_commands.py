"""RFC 5321 and the extensions that EHLO lists, each doing its work and refused as its RFC says."""
import time
import unittest

from tests.integration.smtp.fixture import Site, message, plain
from tests.support.octets import split_trace
from tests.support.ports import wait_until

LIMIT = 1024 * 1024


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(settings=f"max_message_bytes: {LIMIT}\nmax_recipients: 100\n",
                                              users=("anna", "bert", "cleo")))

    def setUp(self):
        self.mx = self.connect()

    def connect(self, listener="mx", hello=True):
        client = self.site.client(listener, hello)
        self.addCleanup(client.close)
        return client

    # RFC 5321, 4.1.1.1: what is offered, before and after TLS and log-in.

    BASE = {"PIPELINING": [], "SIZE": [str(LIMIT)], "ENHANCEDSTATUSCODES": [], "8BITMIME": [], "DSN": [], "SMTPUTF8": [],
            "CHUNKING": [], "VRFY": [], "HELP": []}

    def test_what_each_listener_offers(self):
        self.assertEqual(self.mx.greeting, (220, ["mail.test ESMTP Mailmesh"]))
        self.assertEqual(self.mx.extensions, {**self.BASE, "STARTTLS": []})
        lmtp = self.connect("lmtp")
        self.assertEqual(lmtp.greeting, (220, ["mail.test LMTP Mailmesh"]))
        self.assertEqual(lmtp.extensions, {**self.BASE, "STARTTLS": []})
        submission = self.connect("submission")
        self.assertIn("PLAIN", submission.extensions.pop("AUTH"))
        self.assertEqual(submission.extensions, {**self.BASE, "STARTTLS": []})
        submission.starttls(self.site.tls_context())
        submission.hello()
        self.assertIn("SCRAM-SHA-256", submission.extensions.pop("AUTH"))
        self.assertEqual(submission.extensions, self.BASE)
        submissions = self.connect("submissions", hello=False)
        submissions.wrap(self.site.tls_context())
        self.assertIn("PLAIN", submissions.hello().pop("AUTH"))

    def test_helo_offers_nothing(self):
        client = self.connect(hello=False)
        client.reply()
        self.assertEqual(client.command("HELO client.test"), (250, ["mail.test"]))
        self.assertEqual(client.transaction(message("helo"))[0], 250)
        self.assertIn(b" with SMTP\r\n", self.site.inbox("anna")[0])

    # RFC 5321, 4.1.4

    def test_order(self):
        client = self.connect(hello=False)
        client.greeting = client.reply()
        for command in ("MAIL FROM:<s@b.test>", "RCPT TO:<anna@a.test>", "DATA"):
            client.expect(command, 503, "5.5.1")
        client.expect("NOOP", 250)
        client.expect("RSET", 250)
        client.hello()
        client.expect("RCPT TO:<anna@a.test>", 503, "5.5.1")
        client.expect("DATA", 503, "5.5.1")
        client.expect("MAIL FROM:<s@b.test>", 250, "2.1.0")
        client.expect("MAIL FROM:<s@b.test>", 503, "5.5.1")
        client.expect("DATA", 554, "5.5.1")
        client.expect("RCPT TO:<anna@a.test>", 250, "2.1.5")
        client.expect("RSET", 250, "2.0.0")
        client.expect("RCPT TO:<anna@a.test>", 503)
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.hello()
        client.expect("RCPT TO:<anna@a.test>", 503)
        client.expect("NOOP whatever this is", 250)
        client.expect("RSET now", 501, "5.5.4")
        client.expect("QUIT", 221, "2.0.0")
        self.assertTrue(client.ended())

    # RFC 5321, 3.5 and 7.3; RFC 1985

    def test_vrfy_expn_help_etrn(self):
        for address in ("anna", "anna@a.test", "nobody@a.test", "<anna@a.test>"):
            self.mx.expect(f"VRFY {address}", 252, "2.5.2")
        self.mx.expect("VRFY", 501, "5.5.4")
        self.mx.expect("VRFY gr\u00fc\u00df SMTPUTF8", 252)
        self.mx.expect("VRFY gr\u00fc\u00df", 501)
        self.mx.expect("EXPN staff", 502, "5.5.1")
        self.mx.expect("ETRN a.test", 502, "5.5.1")
        self.mx.expect("HELP", 214, "MAIL RCPT DATA")
        self.mx.expect("HELP MAIL", 214)
        self.connect("lmtp").expect("HELP", 214, "LHLO")
        for obsolete in ("SEND FROM:<s@b.test>", "SOML FROM:<s@b.test>", "SAML FROM:<s@b.test>", "TURN"):
            self.mx.expect(obsolete, 502, "5.5.1")
        self.mx.expect("WHAT", 500, "5.5.2")

    # RFC 5321, 4.5.1, 4.1.3 and appendix C; 3.6.3 for the null path

    def test_recipients(self):
        self.mx.expect("MAIL FROM:<>", 250)
        self.mx.expect("RCPT TO:<nobody@a.test>", 550, "5.1.1")
        self.mx.expect("RCPT TO:<anna@b.test>", 550, "5.7.1")
        self.mx.expect("RCPT TO:<@x.test,@y.test:anna@a.test>", 250)
        self.mx.expect("RCPT TO:<ANNA@A.TEST>", 250)
        self.mx.expect('RCPT TO:<"anna"@a.test>', 250)
        self.mx.expect("RCPT TO: <anna@a.test>", 250)
        for bad in ("RCPT TO:anna@a.test", "RCPT TO:<anna@>", "RCPT TO:<@a.test>", "RCPT TO:<anna@[127.0.0.256]>", "RCPT TO:<>"):
            self.mx.expect(bad, 501)
        self.mx.expect("DATA", 354)
        self.mx.raw(message("null") + b".\r\n")
        self.assertEqual(self.mx.reply()[0], 250)
        found = self.site.inbox("anna")
        self.assertEqual(len(found), 1, "one copy, however many recipients lead there")
        self.assertTrue(found[0].startswith(b"Return-Path: <>\r\nReceived: from client.test ([127.0.0.1])\r\n\tby mail.test with ESMTP\r\n"),
                        found[0])

    def test_postmaster_and_our_own_literal(self):
        self.site.tool("alias", "add", "postmaster@a.test", "anna@a.test")
        client = self.connect()
        self.assertEqual(client.transaction(message("pm"), to=["pOSTMASTER"])[0], 250)
        self.assertEqual(client.transaction(message("lit"), to=["postmaster@[127.0.0.1]"])[0], 250)
        self.assertEqual(len(self.site.inbox("anna")), 2)
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.expect("RCPT TO:<anna@[192.0.2.1]>", 550, "5.7.1")

    # RFC 5321, 4.5.3.1; RFC 1870; RFC 6152; RFC 6531

    def test_limits(self):
        client = self.connect()
        client.expect(f"MAIL FROM:<{'x' * 64}@b.test>", 250)
        client.expect("RSET", 250)
        client.expect(f"MAIL FROM:<{'x' * 65}@b.test>", 501, "5.1.7")
        label = "x" * 60 + "."
        domain = label * 4 + "test"
        self.assertEqual(len(domain), 248)
        client.expect(f"MAIL FROM:<{'y' * 5}@{domain}>", 250)
        client.expect("RSET", 250)
        client.expect(f"MAIL FROM:<{'y' * 6}@{domain}>", 501)
        client.expect("MAIL FROM:<s@b.test>", 250)
        for _ in range(100):
            client.expect("RCPT TO:<anna@a.test>", 250)
        client.expect("RCPT TO:<anna@a.test>", 452, "4.5.3")
        client.expect("RSET", 250)
        limit = 512 + 26 + 17 + 10 + 540
        client.expect("NOOP " + "x" * (limit - 7), 250)
        client.expect("NOOP " + "x" * (limit - 6), 500, "5.5.2")
        client.expect("NOOP " + "x" * 100000, 500, "5.5.2")
        client.expect("NOOP", 250)

    def test_size(self):
        for size, code in ((LIMIT - 1, 250), (LIMIT, 250), (LIMIT + 1, 552)):
            self.mx.expect(f"MAIL FROM:<s@b.test> SIZE={size}", code, "" if code == 250 else "5.3.4")
            self.mx.expect("RSET", 250)
            body = "x" * 70 + "\r\n"
            content = message("size", body * ((size - 300) // 72))
            content += b"y" * (size - len(content) - 2) + b"\r\n"
            self.assertEqual(len(content), size)
            self.assertEqual(self.mx.transaction(content)[0], code)
        self.assertEqual(len(self.site.inbox("anna")), 2)
        self.mx.expect("MAIL FROM:<s@b.test> SIZE=x", 501, "5.5.4")
        self.mx.expect("MAIL FROM:<s@b.test> SIZE=99999999999999999999", 552, "5.3.4")

    def test_parameters(self):
        self.mx.expect("MAIL FROM:<s@b.test> BODY=7BIT", 250)
        self.mx.expect("RSET", 250)
        self.mx.expect("MAIL FROM:<s@b.test> BODY=BINARYMIME", 501)
        self.mx.expect("MAIL FROM:<s@b.test> FOO=BAR", 555, "5.5.4")
        self.mx.expect("MAIL FROM:<s@b.test> AUTH=<>", 555)
        self.mx.expect("MAIL FROM:<gr\u00fc\u00df@b.test>", 550, "5.6.7")
        sent = message("8bit", "gr\u00fc\u00df\r\n")
        self.assertEqual(self.mx.transaction(sent, "gr\u00fc\u00df@b.test", mail=" SMTPUTF8 BODY=8BITMIME")[0], 250)
        found = self.site.inbox("anna")[0]
        self.assertIn(b" with UTF8SMTP\r\n", found)
        self.assertIsNotNone(split_trace(found, sent))

    # RFC 3461

    def test_dsn_parameters(self):
        self.mx.expect("MAIL FROM:<s@b.test> RET=HDRS ENVID=QQ+2B1", 250)
        for good in ("NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Anna+40elsewhere.test", "NOTIFY=failure"):
            self.mx.expect(f"RCPT TO:<anna@a.test> {good}", 250)
        for bad in ("NOTIFY=NEVER,SUCCESS", "NOTIFY=", "NOTIFY=SOMETIMES", "NOTIFY=FAILURE NOTIFY=FAILURE", "ORCPT=anna@a.test",
                    "ORCPT=rfc822;a+4", "ORCPT=rfc822;" + "x" * 500):
            self.mx.expect(f"RCPT TO:<anna@a.test> {bad}", 501, "5.5.4")
        self.mx.expect("RSET", 250)
        for bad in ("RET=SOME", "RET=FULL RET=FULL", "ENVID=", "ENVID=a+4", "ENVID=" + "x" * 101):
            self.mx.expect(f"MAIL FROM:<s@b.test> {bad}", 501, "5.5.4")
        self.mx.expect("MAIL FROM:<s@b.test> ENVID=" + "x" * 100, 250)

    def test_dsn_success_stores_one_copy(self):
        for sent in (message("notify"), message("notify-large", ("x" * 76 + "\r\n") * 5000)):
            answer = self.mx.transaction(sent, to=["anna@a.test", "bert@a.test"], rcpt=" NOTIFY=SUCCESS")
            self.assertEqual(answer[0], 250)
        for user in ("anna", "bert"):
            self.assertEqual(len(self.site.inbox(user)), 2, user)
        lmtp = self.connect("lmtp")
        self.assertEqual(lmtp.transaction(message("lmtp"), rcpt=" NOTIFY=SUCCESS")[0], 250)
        self.assertEqual(len(self.site.inbox("anna")), 1)

    def test_dsn_success_is_reported(self):
        self.mx.expect("MAIL FROM:<bert@a.test> ENVID=QQ+2B1", 250)
        self.mx.expect("RCPT TO:<anna@a.test> NOTIFY=SUCCESS ORCPT=rfc822;Anna+40elsewhere.test", 250)
        self.mx.expect("RCPT TO:<cleo@a.test> NOTIFY=FAILURE", 250)
        self.mx.expect("DATA", 354)
        self.mx.raw(message("report") + b".\r\n")
        self.assertEqual(self.mx.reply()[0], 250)
        report = wait_until(lambda: self.site.inbox("bert"), "the report")
        self.assertEqual(len(report), 1)
        for text in (b"Return-Path: <>\r\n", b"Original-Envelope-Id: QQ+1\r\n", b"Action: delivered\r\n",
                     b"Original-Recipient: rfc822;Anna@elsewhere.test\r\n", b"Final-Recipient: rfc822; anna@a.test\r\n"):
            self.assertIn(text, report[0])
        self.assertNotIn(b"cleo", report[0].split(b"Subject: report")[0], "who did not ask is not told")
        self.assertEqual([len(self.site.inbox(user)) for user in ("anna", "cleo")], [1, 1])

    # RFC 4954

    def test_auth(self):
        client = self.connect("submission")
        client.expect("MAIL FROM:<anna@a.test>", 530, "5.7.0")
        client.expect("AUTH NONSENSE", 504, "5.5.4")
        client.expect("AUTH PLAIN not!base64", 501, "5.5.2")
        client.expect(f"AUTH PLAIN {plain('anna', 'wrong')}", 535, "5.7.8")
        self.assertEqual(client.command("AUTH PLAIN"), (334, [""]))
        client.expect("*", 501, "5.7.0")
        self.assertEqual(client.command("AUTH PLAIN"), (334, [""]))
        client.expect(plain("anna"), 235, "2.7.0")
        client.expect(f"AUTH PLAIN {plain('anna')}", 503, "5.5.1")
        client.expect("MAIL FROM:<bert@a.test>", 550, "5.7.1")
        client.expect("MAIL FROM:<anna@a.test> AUTH=<>", 250)
        client.expect("RSET", 250)
        client.expect("MAIL FROM:<>", 250)
        self.mx.expect(f"AUTH PLAIN {plain('anna')}", 530, "5.7.0")

    def test_failed_log_ins_end_the_session(self):
        client = self.connect("submission")
        for _ in range(2):
            client.expect(f"AUTH PLAIN {plain('bert', 'wrong')}", 535)
        client.expect(f"AUTH PLAIN {plain('bert', 'wrong')}", 421, "4.7.0")
        self.assertTrue(client.ended())

    # RFC 2033

    def test_lmtp_answers_for_each_recipient(self):
        lmtp = self.connect("lmtp")
        lmtp.expect("EHLO client.test", 500)
        lmtp.expect("MAIL FROM:<s@b.test>", 250)
        lmtp.expect("DATA", 503, "5.5.1")
        for user, code in (("anna", 250), ("nobody", 550), ("bert", 250)):
            lmtp.expect(f"RCPT TO:<{user}@a.test>", code)
        lmtp.expect("DATA", 354)
        lmtp.raw(message("lmtp") + b".\r\n")
        self.assertEqual([lmtp.reply()[0] for _ in range(2)], [250, 250])
        lmtp.expect("NOOP", 250)
        self.assertIn(b" with LMTP\r\n", self.site.inbox("bert")[0])
        self.assertEqual(len(self.site.inbox("anna")), 1)

    # RFC 5321, 6.3

    def test_loops(self):
        hop = "Received: from x by y; Mon, 02 Mar 2026 10:00:00 +0100\r\n"
        for hops, code in ((99, 250), (100, 250), (101, 554)):
            self.assertEqual(self.mx.transaction(message("hops", extra=hop * hops))[0], code, hops)
        self.assertEqual(len(self.site.inbox("anna")), 2)

    # RFC 5321, 4.3.2 and the limit on nonsense

    def test_too_much_nonsense(self):
        client = self.connect()
        for _ in range(20):
            client.expect("NONSENSE", 500)
        client.expect("NONSENSE", 500)
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())

    def test_a_message_that_is_cut_off_is_nowhere(self):
        before = self.site.metric("mailmesh_smtp_transactions_total", '{listener="mx",result="aborted"}')
        client = self.site.client()
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.expect("RCPT TO:<bert@a.test>", 250)
        client.expect("DATA", 354)
        client.raw(message("cut"))
        client.close()
        wait_until(lambda: self.site.metric("mailmesh_smtp_transactions_total", '{listener="mx",result="aborted"}') > before,
                   "the abort is counted")
        self.assertEqual(self.site.inbox("bert"), [])


class Timeouts(unittest.TestCase):
    """RFC 5321, 4.5.3.2: a client that is silent hears 421; the configured times are short here."""

    def test_silence_is_ended(self):
        with Site(settings="command_timeout: 1s\ndata_timeout: 2s\nsession_timeout: 4s\n") as site:
            client = site.client()
            start = time.monotonic()
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())
            self.assertGreater(time.monotonic() - start, 0.9)
            client = site.client()
            client.expect("MAIL FROM:<s@b.test>", 250)
            client.expect("RCPT TO:<anna@a.test>", 250)
            client.expect("DATA", 354)
            client.raw(b"Subject: never ends\r\n")
            start = time.monotonic()
            self.assertTrue(client.ended())
            self.assertGreater(time.monotonic() - start, 1.9)
            # However busy it is, a session ends.
            client = site.client()
            start = time.monotonic()
            while (code := client.command("NOOP")[0]) == 250:
                self.assertLess(time.monotonic() - start, 30)
            self.assertEqual(code, 421)
            self.assertGreater(time.monotonic() - start, 3.5)
            self.assertEqual(site.inbox("anna"), [])


if __name__ == "__main__":
    unittest.main()
