"""How long a client may take to log in, and how sessions end that an operator ends."""
import socket
import time
import unittest

from tests.integration.imap.fixture import PASSWORD, Client, Site, message
from tests.support.slow import drip


class LoginTime(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(gateway_settings="login_timeout: 3s\n"))

    # RFC 3501, 5.4 lets a server choose before log-in.

    def test_a_command_that_never_ends(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["imap_gateway"])) as connection:
            said, took = drip(connection, b"x")
        self.assertIn(b"* BYE Disconnected for inactivity.\r\n", said)
        self.assertTrue(2 < took < 6, took)

    def test_commands_without_log_in(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["imap_gateway"])) as connection:
            said, took = drip(connection, b"a NOOP\r\n", every=0.02)
        self.assertIn(b"* BYE ", said)
        self.assertTrue(2 < took < 10, took)

    def test_a_handshake_that_never_ends(self):
        with socket.create_connection(("127.0.0.1", self.site.ports["imap_gateway.tls"])) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00")
            _, took = drip(connection, b"\x00")
        self.assertLess(took, 11)

    def test_who_has_logged_in_stays(self):
        client = self.site.client()
        self.addCleanup(client.close)
        begin = time.monotonic()
        while time.monotonic() - begin < 10:
            client.ok("NOOP")
            time.sleep(1)
        client.ok("SELECT INBOX")


class Kicks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def client(self, user="anna"):
        client = self.site.client(user)
        self.addCleanup(client.close)
        return client

    def ended(self, client):
        self.assertTrue(client.line().startswith("* BYE [UNAVAILABLE]"))
        self.assertEqual(client.file.read(1), b"")

    def test_between_commands_and_in_idle(self):
        idle, waiting = self.client(), self.client()
        idle.ok("SELECT INBOX")
        idle.send("IDLE")
        self.assertTrue(idle.line().startswith("+ "))
        self.site.tool("session", "kick", "--account", "anna@a.test")
        self.ended(idle)
        self.ended(waiting)

    def test_while_a_command_is_sent(self):
        """A client that writes before it looks: the end is no reset, which would break its writing off and take the BYE along."""
        client = self.client()
        self.site.tool("session", "kick", "--account", "anna@a.test")
        for _ in range(5):
            client.send("NOOP")
            time.sleep(0.02)
        self.ended(client)

    def test_while_a_large_message_is_read(self):
        self.site.add_account("bert")
        client = self.client("bert")
        body = ("x" * 76 + "\r\n") * 200000
        self.assertTrue(client.append("INBOX", message("large", body))[1].startswith("OK"))
        client.ok("SELECT INBOX")
        tag = client.send("FETCH 1 BODY.PEEK[]")
        client.file.read(1000)
        self.site.tool("session", "kick", "--account", "bert@a.test")
        rest = client.file.read()
        self.assertIn(f"\r\n{tag} OK ".encode(), rest[-300:], "the command is answered first")
        self.assertIn(b"* BYE [UNAVAILABLE]", rest[-100:])

    def test_password_disabling_and_deleting_end_sessions(self):
        self.site.add_account("cleo")
        kept = self.client("cleo")
        self.site.tool("account", "password", "cleo@a.test", "--password-stdin", "--keep-sessions", input=PASSWORD + "\n")
        kept.ok("NOOP")
        for command in (("password", "--password-stdin"), ("disable",)):
            client = kept or self.client("cleo")
            kept = None
            said = self.site.tool("account", command[0], "Cleo@A.test", *command[1:], "-o", "json", input=PASSWORD + "\n")
            self.assertIn('"sessions_ended":"1"', said.replace(" ", ""))
            self.ended(client)
        late = Client(self.site.ports["imap_gateway"])
        self.addCleanup(late.close)
        self.assertTrue(late.command(f'LOGIN cleo@a.test "{PASSWORD}"')[1].startswith("NO"))
        self.site.tool("account", "enable", "cleo@a.test")
        client = self.client("cleo")
        self.site.tool("account", "delete", "cleo@a.test")
        self.ended(client)


if __name__ == "__main__":
    unittest.main()
