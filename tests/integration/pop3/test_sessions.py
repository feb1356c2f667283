"""The maildrop as a session sees it: its lock, what is removed when, a store that restarts, log-ins that come too fast or never."""
import re
import signal
import socket
import time
import unittest
import urllib.request

from tests.integration.pop3.fixture import PASSWORD, Site, message
from tests.support.ports import wait_until
from tests.support.slow import drip


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

    # `mailmesh session kick`, and what takes the right to log in away.

    def test_kicked_between_commands_and_within_a_message(self):
        self.site.deliver(self.user, message("large", ("x" * 76 + "\r\n") * 100000))
        client = self.log_in()
        self.site.tool("session", "kick", "--account", f"{self.user}@a.test")
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(client.ended())
        client = self.log_in()
        client.raw(b"RETR 1\r\n")
        client.line()
        self.site.tool("session", "kick", "--account", f"{self.user}@a.test")
        self.assertEqual(client.rest()[-100000:], [b"x" * 76] * 100000)
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(client.ended())

    def test_kicked_while_commands_are_sent(self):
        """A client that writes before it looks: the end is no reset, which would break its writing off."""
        client = self.log_in()
        self.site.tool("session", "kick", "--account", f"{self.user}@a.test")
        for _ in range(5):
            client.raw(b"NOOP\r\n")
            time.sleep(0.02)
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(client.ended())
        self.log_in()  # the maildrop was free at once

    def test_a_drain_lets_a_client_at_work_come_to_its_quit(self):
        """And it alone: one that has not logged in is told at once, one that says nothing after a while."""
        self.site.deliver(self.user, *[message(f"m{n}") for n in range(3)])
        fresh = self.connect("pop3_gateway.1")
        client = self.log_in("pop3_gateway.1")
        client.ok("DELE 1")
        Maildrops.count += 1
        self.user = f"u{Maildrops.count}"
        self.site.add_account(self.user)
        silent = self.log_in("pop3_gateway.1")
        begin = time.monotonic()
        self.site.processes["pop3_gateway.1"].terminate()
        self.assertTrue(fresh.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertLess(time.monotonic() - begin, 2)
        time.sleep(1)
        self.assertIn(b"Subject: m1", client.multi("RETR 2"))
        client.ok("DELE 2")
        time.sleep(1)
        client.ok("QUIT")
        self.assertTrue(silent.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(2 < time.monotonic() - begin < 8)
        self.assertEqual(self.site.processes.pop("pop3_gateway.1").wait(15), 0)
        self.site.start("pop3_gateway.1")
        self.user = f"u{Maildrops.count - 1}"
        self.assertTrue(self.log_in().ok("STAT").startswith("1 "))

    def test_a_kick_does_not_wait_for_quit(self):
        self.site.deliver(self.user, message("one"))
        client = self.log_in()
        client.ok("DELE 1")
        begin = time.monotonic()
        self.site.tool("session", "kick", "--account", f"{self.user}@a.test")
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(client.ended())
        self.assertLess(time.monotonic() - begin, 3)
        self.assertTrue(self.log_in().ok("STAT").startswith("1 "))

    def test_disabling_ends_the_session(self):
        client = self.log_in()
        self.site.tool("account", "disable", f"{self.user}@a.test")
        self.assertTrue(client.line().startswith(b"-ERR [SYS/TEMP] "))
        self.assertTrue(client.ended())

    def test_a_directory_that_is_away(self):
        self.site.end("directory")
        try:
            client = self.connect()
            client.ok(f"USER {self.user}@a.test")
            client.err(f"PASS {PASSWORD}", "SYS/TEMP")
        finally:
            self.site.start("directory")


class SlowReader(unittest.TestCase):
    def test_the_lease_is_kept_while_nothing_is_read(self):
        with Site() as site:
            site.add_account("anna")
            site.deliver("anna", message("large", ("x" * 76 + "\r\n") * 200000), message("small"))
            client = site.client("anna")
            client.ok("DELE 2")
            client.raw(b"RETR 1\r\n")
            client.line()
            # Its octets fill all buffers on the way, and the session waits in the middle of its reply.
            wait_until(lambda: self.renewals(site) >= 2, "the lease was renewed twice", 60, 0.5)
            other = site.client(gateway="pop3_gateway.1")
            other.ok("USER anna@a.test")
            other.err(f"PASS {PASSWORD}", "IN-USE")
            self.assertEqual(client.rest()[-200000:], [b"x" * 76] * 200000)
            client.ok("QUIT")
            after = site.client("anna")
            self.assertTrue(after.ok("STAT").startswith("1 "))

    @staticmethod
    def renewals(site):
        renewed = re.compile(r'^grpc_server_handled_total\{grpc_code="OK",grpc_method="RenewMaildrop",[^}]*\} (\S+)$', re.M)
        found = renewed.search(site.store_metrics())
        return float(found.group(1)) if found else 0


class LoginTime(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(settings="login_timeout: 3s\n"))

    def test_a_command_that_never_ends(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["pop3_gateway"])) as connection:
            said, took = drip(connection, b"x")
        self.assertRegex(said, rb"-ERR Timeout[^\r]*\r\n$")
        self.assertTrue(2 < took < 6, took)

    def test_commands_without_log_in(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["pop3_gateway"])) as connection:
            said, took = drip(connection, b"CAPA\r\n", every=0.05)
        self.assertIn(b"-ERR Timeout", said)
        self.assertTrue(2 < took < 10, took)

    def test_a_handshake_that_never_ends(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["pop3s"])) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00")
            _, took = drip(connection, b"\x00")
        self.assertLess(took, 11)

    def test_who_has_logged_in_stays(self):
        self.site.add_account("anna")
        client = self.site.client("anna")
        begin = time.monotonic()
        while time.monotonic() - begin < 10:
            client.ok("NOOP")
            time.sleep(1)
        client.ok("QUIT")


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
            other = site.client(gateway="pop3_gateway.1")
            other.ok("USER anna@a.test")
            other.err(f"PASS {PASSWORD}", "LOGIN-DELAY")
            site.client("bert").ok("STAT")

            def attempt():
                again.ok("USER anna@a.test")
                return again.command(f"PASS {PASSWORD}").startswith("+OK")

            wait_until(attempt, "the delay is over", step=0.2)
            self.assertGreater(time.monotonic() - start, 2.5)


if __name__ == "__main__":
    unittest.main()
