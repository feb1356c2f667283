"""Limits of sessions, rates and recipients, by address and by account.

Loopback is exempt from the limits by address, so this runs in a network namespace whose loopback device has addresses that are
not loopback ones."""
import os
import shutil
import sys
import unittest

from tests.integration.smtp.fixture import Site, message, plain
from tests.support.ports import wait_until

HERE, OTHER = "192.0.2.1", "192.0.2.2"
ADD = f"ip link set lo up && ip addr add {HERE}/32 dev lo && ip addr add {OTHER}/32 dev lo"


def setUpModule():
    if os.environ.get("MAILMESH_TEST_NAMESPACE"):
        return
    if not shutil.which("unshare") or os.system(f"unshare -rn sh -c '{ADD}' >/dev/null 2>&1") != 0:
        raise unittest.SkipTest("no network namespace can be made here")
    os.environ["MAILMESH_TEST_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "-rn", "sh", "-c", f'{ADD} && exec "$@"', "sh", *sys.orig_argv])


class Limits(unittest.TestCase):
    settings = ""

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(settings=cls.settings, listen="0.0.0.0"))

    def connect(self, listener="mx", host=HERE, source=None, hello=True):
        client = self.site.client(listener, hello, host=host, source=(source, 0) if source else None)
        self.addCleanup(client.close)
        return client

    def limited(self, limit):
        return self.site.metric("mailmesh_smtp_limited_total", f'{{limit="{limit}"}}')


class ByAddress(Limits):
    settings = """limits: {address: {connections_per_minute: 1000, messages_per_minute: 3, recipients_per_minute: 5,
  unknown_recipients_per_minute: 2}}
"""

    def test_messages_then_recipients_then_guesses(self):
        client = self.connect()
        for _ in range(3):
            client.expect("MAIL FROM:<s@b.test>", 250)
            client.expect("RSET", 250)
        client.expect("MAIL FROM:<s@b.test>", 450, "4.7.1")
        self.connect().expect("MAIL FROM:<s@b.test>", 450, "4.7.1")
        self.assertEqual(self.limited("messages"), 2)
        # Another address has buckets of its own, loopback none.
        other = self.connect(source=OTHER)
        other.expect("MAIL FROM:<s@b.test>", 250)
        for _ in range(5):
            other.expect("RCPT TO:<anna@a.test>", 250)
        other.expect("RCPT TO:<anna@a.test>", 452, "4.5.3")
        other.expect("DATA", 354)
        other.raw(message("limited") + b".\r\n")
        self.assertEqual(other.reply()[0], 250)
        local = self.connect(host="127.0.0.1")
        for number in range(10):
            self.assertEqual(local.transaction(message(f"m{number}"))[0], 250)
        # Who has logged in is not counted by address.
        user = self.connect("submission")
        user.starttls(self.site.tls_context())
        user.hello()
        user.expect(f"AUTH PLAIN {plain('anna')}", 235)
        user.expect("MAIL FROM:<anna@a.test>", 250)


class Guesses(Limits):
    settings = "limits: {address: {unknown_recipients_per_minute: 2}}\n"

    def test_who_guesses_addresses_is_sent_away(self):
        client = self.connect()
        client.expect("MAIL FROM:<s@b.test>", 250)
        for _ in range(2):
            client.expect("RCPT TO:<nobody@a.test>", 550)
        client.expect("RCPT TO:<nobody@a.test>", 421, "4.7.0")
        self.assertTrue(client.ended())
        again = self.connect()
        again.expect("MAIL FROM:<s@b.test>", 250)
        again.expect("RCPT TO:<anna@a.test>", 250)
        again.expect("RCPT TO:<nobody@a.test>", 421)
        self.assertEqual(self.limited("unknown_recipients"), 2)


class Connections(Limits):
    settings = "limits: {address: {connections_per_minute: 2}}\n"

    def test_connections(self):
        for _ in range(2):
            self.connect()
        client = self.connect(hello=False)
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())
        self.assertTrue(self.connect("submissions", hello=False).ended(), "before TLS there are no words")
        self.connect(source=OTHER)
        self.connect(host="127.0.0.1")
        self.assertEqual(self.limited("connections"), 2)


class ByAccount(Limits):
    settings = "limits: {account: {messages_per_hour: 2, recipients_per_hour: 3, max_sessions: 2}}\n"

    def test_messages_and_recipients(self):
        client = self.site.submitter("anna")
        self.addCleanup(client.close)
        client.expect("MAIL FROM:<anna@a.test>", 250)
        for _ in range(3):
            client.expect("RCPT TO:<bert@a.test>", 250)
        client.expect("RCPT TO:<bert@a.test>", 452, "4.5.3")
        client.expect("RSET", 250)
        client.expect("MAIL FROM:<anna@a.test>", 250)
        client.expect("RSET", 250)
        client.expect("MAIL FROM:<anna@a.test>", 450, "4.7.1")
        self.assertEqual((self.limited("account_messages"), self.limited("account_recipients")), (1, 1))

    def test_sessions(self):
        clients = [self.site.submitter("bert") for _ in range(2)]
        third = self.connect("submission", host="127.0.0.1")
        third.expect(f"AUTH PLAIN {plain('bert')}", 454, "4.7.0")
        clients[0].expect("QUIT", 221)
        self.assertTrue(clients[0].ended())
        # The place is free once the server has ended that session.
        wait_until(lambda: third.command(f"AUTH PLAIN {plain('bert')}")[0] == 235, "a place is free")
        clients[1].close()
        self.assertGreaterEqual(self.limited("account_sessions"), 1)


class AtOnce(unittest.TestCase):
    def test_sessions_of_a_listener_and_of_an_address(self):
        with Site(listen="0.0.0.0") as site:
            site.end("smtp_ingress")
            config = site.dir / "smtp_ingress.yaml"
            config.write_text(config.read_text().replace(
                f'mx: {{listen: "0.0.0.0:{site.ports["mx"]}"}}',
                f'mx: {{listen: "0.0.0.0:{site.ports["mx"]}", max_sessions: 4, max_sessions_per_address: 2}}'))
            site.start("smtp_ingress")
            kept = [site.client(host=HERE) for _ in range(2)]
            third = site.client(host=HERE, hello=False)
            self.assertEqual(third.reply()[0], 421)
            self.assertTrue(third.ended())
            kept += [site.client(host="127.0.0.1") for _ in range(2)]
            self.assertEqual(site.client(host="127.0.0.1", hello=False).reply()[0], 421)
            for client in kept:
                client.expect("NOOP", 250)


if __name__ == "__main__":
    unittest.main()
