"""The maildrop as a session sees it: its lock, what is removed when, a store that restarts, log-ins that come too fast."""
import signal
import time
import unittest

from tests.integration.pop3.fixture import PASSWORD, Site, message
from tests.support.ports import wait_until


class Maildrops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())
        cls.count = 0

    def setUp(self):
        Maildrops.count += 1
        self.user = f"u{Maildrops.count}"
        self.site.add_account(self.user)

    def connect(self, gateway="pop3_gateway"):
        client = self.site.client(gateway=gateway)
        self.addCleanup(client.close)
        return client

    def log_in(self, gateway="pop3_gateway"):
        """As soon as the maildrop is free."""
        client = self.connect(gateway)

        def attempt():
            client.ok(f"USER {self.user}@a.test")
            return client.command(f"PASS {PASSWORD}").startswith("+OK")

        wait_until(attempt, "the maildrop is free")
        return client

    # RFC 1939, 4 and RFC 2449, 8.1.1

    def test_one_session_at_a_time_over_all_gateways(self):
        first = self.log_in()
        for gateway in ("pop3_gateway", "pop3_gateway.1"):
            other = self.connect(gateway)
            other.ok(f"USER {self.user}@a.test")
            other.err(f"PASS {PASSWORD}", "IN-USE")
        first.ok("QUIT")
        self.log_in("pop3_gateway.1").ok("QUIT")

    def test_mail_that_comes_is_seen_by_the_next_session(self):
        self.site.deliver(self.user, message("one"))
        client = self.log_in()
        self.site.deliver(self.user, message("two"))
        self.assertTrue(client.ok("STAT").startswith("1 "))
        client.err("RETR 2")
        client.ok("DELE 1")
        client.ok("QUIT")
        client = self.log_in()
        self.assertTrue(client.ok("STAT").startswith("1 "))
        self.assertIn(b"Subject: two", client.multi("RETR 1"))

    # RFC 1939, 6

    def test_only_quit_removes(self):
        self.site.deliver(self.user, *[message(f"m{n}") for n in range(5)])
        client = self.log_in()
        for number in (1, 3, 5):
            client.ok(f"DELE {number}")
        client.close()
        client = self.log_in("pop3_gateway.1")
        self.assertTrue(client.ok("STAT").startswith("5 "), "a connection that is cut removes nothing")
        for number in (1, 3, 5):
            client.ok(f"DELE {number}")
        client.ok("QUIT")
        client = self.log_in()
        self.assertTrue(client.ok("STAT").startswith("2 "))
        self.assertEqual([b"Subject: m1" in client.multi("RETR 1"), b"Subject: m3" in client.multi("RETR 2")], [True, True])

    def test_cut_while_a_message_is_sent(self):
        self.site.deliver(self.user, message("large", ("x" * 76 + "\r\n") * 100000), message("small"))
        client = self.log_in()
        client.ok("DELE 2")
        client.raw(b"RETR 1\r\n")
        client.line()
        client.close()
        client = self.log_in()
        self.assertTrue(client.ok("STAT").startswith("2 "))

    def test_a_gateway_that_is_killed_frees_the_maildrop_in_time(self):
        self.site.deliver(self.user, message("one"))
        client = self.log_in("pop3_gateway.1")
        client.ok("DELE 1")
        self.site.end("pop3_gateway.1", signal.SIGTERM)
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.site.start("pop3_gateway.1")
        client = self.log_in()
        self.assertTrue(client.ok("STAT").startswith("1 "))

    def test_a_store_that_restarts(self):
        self.site.deliver(self.user, *[message(f"m{n}") for n in range(3)])
        client = self.log_in()
        self.assertIn(b"Subject: m1", client.multi("RETR 2"))
        self.site.end("mailbox_store")
        try:
            client.err("RETR 1", "SYS/TEMP")
            client.ok("DELE 3")
        finally:
            self.site.start("mailbox_store")
        lines = wait_until(lambda: client.rest() if client.command("RETR 1").startswith("+OK") else None, "the store is back")
        self.assertIn(b"Subject: m0", lines)
        client.ok("QUIT")
        client = self.log_in()
        self.assertTrue(client.ok("STAT").startswith("2 "))

    def test_a_directory_that_is_away(self):
        self.site.end("directory")
        try:
            client = self.connect()
            client.ok(f"USER {self.user}@a.test")
            client.err(f"PASS {PASSWORD}", "SYS/TEMP")
        finally:
            self.site.start("directory")


class LoginDelay(unittest.TestCase):
    """RFC 2449, 6.5 and 8.1.2."""

    def test_log_ins_that_come_too_fast(self):
        with Site(settings='login_delay: 3s\nimplementation: ""\n') as site:
            site.add_account("anna")
            site.add_account("bert")
            client = site.client("anna")
            listed = client.multi("CAPA")
            self.assertIn(b"LOGIN-DELAY 3", listed)
            self.assertFalse([line for line in listed if line.startswith(b"IMPLEMENTATION")])
            start = time.monotonic()
            client.ok("QUIT")
            again = site.client()
            again.ok("USER anna@a.test")
            again.err(f"PASS {PASSWORD}", "LOGIN-DELAY")
            again.ok("USER anna@a.test")
            again.err("PASS wrong", "AUTH")
            site.client("bert").ok("STAT")

            def attempt():
                again.ok("USER anna@a.test")
                return again.command(f"PASS {PASSWORD}").startswith("+OK")

            wait_until(attempt, "the delay is over", step=0.2)
            self.assertGreater(time.monotonic() - start, 2.5)


if __name__ == "__main__":
    unittest.main()
