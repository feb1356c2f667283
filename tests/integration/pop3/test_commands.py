"""Every command of POP3 (RFC 1939) and of its extensions, in each state, in each form."""
import socket
import unittest

from tests.integration.pop3.fixture import PASSWORD, Client, Site, message, plain
from tests.support.octets import split_trace

TRANSACTION_ONLY = ("STAT", "LIST", "LIST 1", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL", "UIDL 1")
AUTHORIZATION_ONLY = ("USER a", "PASS b", "AUTH PLAIN", "AUTH", "STLS", "UTF8")


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())
        cls.count = 0

    def setUp(self):
        Commands.count += 1
        self.user = f"u{Commands.count}"
        self.site.add_account(self.user)

    def connect(self, log_in=False):
        client = self.site.client(self.user if log_in else None)
        self.addCleanup(client.close)
        return client

    def filled(self, *messages):
        self.site.deliver(self.user, *(messages or [message(f"m{i}", "x\r\n" * i) for i in range(1, 4)]))
        return self.connect(log_in=True)

    # RFC 2449: what is offered, before and after TLS and log-in.

    BASE = {"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "UTF8 USER", "LANG", "EXPIRE NEVER", "USER",
            "IMPLEMENTATION Mailmesh"}

    def capabilities(self, client):
        listed = {line.decode() for line in client.multi("CAPA")}
        sasl = {line for line in listed if line.startswith("SASL ")}
        self.assertEqual(len(sasl), 1, listed)
        return listed - sasl, sasl.pop().split()[1:]

    def test_capabilities_in_each_state(self):
        client = self.connect()
        self.assertTrue(client.greeting.startswith(b"+OK "))
        listed, sasl = self.capabilities(client)
        self.assertEqual(listed, self.BASE | {"STLS"})
        self.assertIn("PLAIN", sasl)
        client.ok("STLS")
        client.wrap(self.site.tls_context())
        listed, sasl = self.capabilities(client)
        self.assertEqual(listed, self.BASE)
        self.assertIn("SCRAM-SHA-256", sasl)
        client.log_in(self.user)
        self.assertEqual(self.capabilities(client), (self.BASE, sasl), "RFC 2449, 6: the same after log-in")
        implicit = Client.__new__(Client)
        implicit.socket = socket.create_connection(("127.0.0.1", self.site.ports["pop3s"]), 30)
        self.addCleanup(implicit.close)
        implicit.wrap(self.site.tls_context())
        self.assertTrue(implicit.line().startswith(b"+OK "))
        self.assertEqual(self.capabilities(implicit)[0], self.BASE)

    def test_wrong_state(self):
        client = self.connect()
        for command in TRANSACTION_ONLY:
            client.err(command)
        client.err("PASS without user")
        client.log_in(self.user)
        for command in AUTHORIZATION_ONLY:
            client.err(command)
        client.ok("NOOP")

    def test_unknown_and_malformed(self):
        client = self.filled()
        for command in ("NONSENSE", "", " ", "STAT 1", "NOOP x", "RSET 1", "QUIT now", "RETR", "RETR x", "RETR -1", "RETR 1 2", "RETR +1",
                        "DELE", "TOP 1", "TOP 1 x", "TOP x 1", "TOP 1 -1", "LIST x", "UIDL x", "LIST 1 2", "RETR 1x", "APOP"):
            client.err(command)
            client.ok("NOOP")
        for command in ("RETR 0", "RETR 4", "RETR 4294967295", "RETR 99999999999999999999", "DELE 0", "LIST 4", "UIDL 4", "TOP 4 0"):
            client.err(command)
        client.ok("nOoP")

    # RFC 1939, 5 and 7

    def test_stat_list_uidl(self):
        sent = [message(f"m{i}", "x\r\n" * i) for i in range(1, 4)]
        client = self.filled(*sent)
        contents = [b"\r\n".join(client.multi(f"RETR {n}")) + b"\r\n" for n in (1, 2, 3)]
        for octets, was in zip(contents, sent):
            self.assertIsNotNone(split_trace(octets, was))
        sizes = [len(octets) for octets in contents]
        self.assertEqual(client.ok("STAT"), f"3 {sum(sizes)}")
        self.assertEqual(client.multi("LIST"), [f"{n} {size}".encode() for n, size in enumerate(sizes, 1)])
        self.assertEqual(client.ok("LIST 2"), f"2 {sizes[1]}")
        ids = [line.split() for line in client.multi("UIDL")]
        self.assertEqual([int(n) for n, _ in ids], [1, 2, 3])
        self.assertEqual(len({unique for _, unique in ids}), 3)
        for _, unique in ids:
            self.assertRegex(unique, rb"\A[!-~]{1,70}\Z")
        self.assertEqual(client.ok("UIDL 2"), ids[1][1].decode().join(["2 ", ""]))
        client.ok("DELE 2")
        client.err("DELE 2")
        for command in ("RETR 2", "LIST 2", "UIDL 2", "TOP 2 1"):
            client.err(command)
        self.assertEqual(client.ok("STAT"), f"2 {sizes[0] + sizes[2]}")
        self.assertEqual(client.multi("LIST"), [f"1 {sizes[0]}".encode(), f"3 {sizes[2]}".encode()])
        self.assertEqual([line.split()[0] for line in client.multi("UIDL")], [b"1", b"3"])
        client.ok("RSET")
        self.assertEqual(client.ok("STAT"), f"3 {sum(sizes)}")
        client.ok("QUIT")
        self.assertTrue(client.ended())
        again = self.connect(log_in=True)
        self.assertEqual([line.split() for line in again.multi("UIDL")], ids, "unique ids last over sessions")

    def test_an_empty_maildrop(self):
        client = self.connect(log_in=True)
        self.assertEqual(client.ok("STAT"), "0 0")
        self.assertEqual(client.multi("LIST"), [])
        self.assertEqual(client.multi("UIDL"), [])
        client.err("RETR 1")
        client.ok("QUIT")

    def test_top(self):
        body = "".join(f"line {n}\r\n" for n in range(5))
        client = self.filled(message("top", body), message("none", ""))
        whole = client.multi("RETR 1")
        header = whole[:whole.index(b"") + 1]
        for lines in (0, 1, 4, 5, 6, 4000000000):
            self.assertEqual(client.multi(f"TOP 1 {lines}"), header + whole[len(header):][:lines], lines)
        self.assertEqual(client.multi("TOP 2 10"), client.multi("RETR 2"))

    def test_dots_and_large_bodies(self):
        sent = message("dots", ".\r\n..\r\n...x\r\n" + ("." + "y" * 70 + "\r\n") * 20000)
        client = self.filled(sent, message("after"))
        octets = b"\r\n".join(client.multi("RETR 1")) + b"\r\n"
        self.assertIsNotNone(split_trace(octets, sent))
        self.assertEqual(client.ok("LIST 1"), f"1 {len(octets)}")
        self.assertIn(b"Subject: after", client.multi("RETR 2"))

    def test_messages_in_any_order(self):
        client = self.filled(*[message(f"m{n}") for n in range(1, 11)])
        for number in (1, 2, 3, 3, 2, 10, 9, 1, 2, 4, 5, 6, 7, 8, 9, 10):
            self.assertIn(f"Subject: m{number}".encode(), client.multi(f"RETR {number}"))
        client.ok("DELE 5")
        for number in (4, 6, 7):
            self.assertIn(f"Subject: m{number}".encode(), client.multi(f"RETR {number}"))

    # RFC 2449, 6.6 PIPELINING; split octets

    def test_pipelined_and_split(self):
        self.site.deliver(self.user, message("split"))
        session = (f"CAPA\r\nUSER {self.user}@a.test\r\nPASS {PASSWORD}\r\nSTAT\r\nUIDL\r\nRETR 1\r\nTOP 1 0\r\nNOOP\r\nQUIT\r\n").encode()
        answers = set()
        for at in range(0, len(session), 3):
            client = Client(self.site.ports["pop3_gateway"])
            client.raw(session[:at])
            client.raw(session[at:])
            answers.add(client.file.read())
            client.close()
        self.assertEqual(len(answers), 1)
        self.assertTrue(answers.pop().endswith(b"+OK Bye\r\n"))

    def test_line_limits(self):
        client = self.connect()
        # RFC 2449, 4: 255 octets with CRLF.
        self.assertTrue(client.command("USER " + "x" * 248).startswith("+OK"))
        client.err("USER " + "x" * 100000)
        client.err("NOOP")
        client.ok("CAPA")
        client.rest()
        client.raw(b"NOOP\nNOOP\r\n")
        self.assertTrue(client.line().startswith(b"-ERR "))

    def test_a_line_without_end_ends_the_session(self):
        client = self.connect()
        client.raw(b"x" * (1 << 20))
        self.assertTrue(client.line().startswith(b"-ERR Line too long"))
        client.raw(b"\r\n")
        client.ok("CAPA")
        client.rest()
        client.raw(b"x" * ((1 << 20) + 512))
        self.assertTrue(client.line().startswith(b"-ERR Line too long"))
        self.assertTrue(client.line().startswith(b"-ERR Too many errors"))
        self.assertTrue(client.ended())

    def test_too_many_errors_end_the_session(self):
        client = self.connect()
        for _ in range(19):
            client.err("NONSENSE")
        client.err("NONSENSE")
        self.assertTrue(client.line().startswith(b"-ERR "))
        self.assertTrue(client.ended())

    # RFC 1939, 7; RFC 3206; RFC 5034

    def test_log_in(self):
        client = self.connect()
        client.err("APOP u 00000000000000000000000000000000")
        client.ok("USER nobody@a.test")
        client.err("PASS wrong", "AUTH")
        client.ok(f"USER {self.user}@a.test")
        client.err("PASS wrong", "AUTH")
        client.ok(f"AUTH PLAIN {plain(self.user)}")
        client.ok("STAT")

    def test_sasl(self):
        client = self.connect()
        self.assertIn(b"PLAIN", client.multi("AUTH"))
        client.err("AUTH NONSENSE")
        client.err("AUTH PLAIN not!base64")
        client.raw(b"AUTH PLAIN\r\n")
        self.assertEqual(client.line(), b"+ ")
        client.err("*")
        client.raw(b"AUTH PLAIN\r\n")
        self.assertEqual(client.line(), b"+ ")
        client.ok(plain(self.user))

    def test_failures_end_the_session(self):
        client = self.connect()
        for _ in range(3):
            client.err(f"AUTH PLAIN {plain(self.user, 'wrong')}", "AUTH")
        self.assertTrue(client.ended())

    # RFC 2595, 4

    def test_stls_forgets_what_came_behind(self):
        client = self.connect()
        client.ok("USER somebody")
        client.raw(b"STLS\r\nUSER injected\r\nNOOP\r\n")
        self.assertTrue(client.line().startswith(b"+OK"))
        client.wrap(self.site.tls_context())
        client.err("PASS x")
        client.err("STLS")
        client.log_in(self.user)

    # RFC 6856

    def test_utf8(self):
        utf8 = ("From: J\u00fcrgen <j\u00fcrgen@b.test>\r\nTo: anna@a.test\r\nSubject: gr\u00fc\u00df\r\nX-Plain: as it is\r\n"
                "\r\ngr\u00fc\u00df\r\n").encode()
        self.site.deliver(self.user, utf8, utf8=True)
        client = self.connect()
        client.ok("UTF8")
        client.err("STLS")
        client.err("UTF8 now")
        client.log_in(self.user)
        octets = b"\r\n".join(client.multi("RETR 1")) + b"\r\n"
        self.assertIsNotNone(split_trace(octets, utf8))
        self.assertEqual(client.ok("LIST 1"), f"1 {len(octets)}")
        client.ok("QUIT")
        old = self.connect(log_in=True)
        for command in ("RETR 1", "TOP 1 5"):
            lines = old.multi(command)
            head, body = lines[:lines.index(b"")], lines[lines.index(b"") + 1:]
            self.assertEqual(max(max(line, default=0) for line in head) < 128, True, head)
            self.assertIn(b"X-Plain: as it is", head)
            self.assertIn(b"Subject: =?utf-8?B?Z3LDvMOf?=", head)
            self.assertEqual(body, ["gr\u00fc\u00df".encode()])

    def test_old_8bit_headers_stay_as_they_are(self):
        sent = message("latin").replace(b"Subject: latin", b"Subject: gr\xfc\xdf")
        client = self.filled(sent)
        self.assertIsNotNone(split_trace(b"\r\n".join(client.multi("RETR 1")) + b"\r\n", sent))

    def test_utf8_names(self):
        client = self.connect()
        client.ok("USER j\u00fcrgen@a.test")
        client.err("PASS gr\u00fc\u00df", "AUTH")
        client.err(b"USER \xff@a.test")

    def test_lang(self):
        client = self.connect()
        self.assertEqual(client.multi("LANG"), [b"en English"])
        for tag in ("en", "EN", "*"):
            self.assertTrue(client.ok(f"LANG {tag}").startswith("en "))
        client.err("LANG uga")
        client.err("LANG en_US")
        client.log_in(self.user)
        self.assertTrue(client.ok("LANG en").startswith("en "))


if __name__ == "__main__":
    unittest.main()
