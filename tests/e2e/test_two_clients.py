"""Two IMAP clients in one mailbox: what each is told, and when (RFC 3501, 5.2 and 7.4.1)."""
import socket
import time
import unittest

from tests.support import messages
from tests.support.mesh import Mesh

PASSWORD = "correct horse"


class Raw:
    """An IMAP connection that shows every line as it comes."""

    def __init__(self, mesh, user):
        plain = socket.create_connection(mesh.address("imaps"), 30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = mesh.tls_context().wrap_socket(plain, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.line()
        self.command(f'LOGIN {user} "{PASSWORD}"')

    def line(self, seconds=30):
        self.socket.settimeout(seconds)
        line = self.file.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n").decode()

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def command(self, text):
        """Untagged lines and the tagged one, without the tag."""
        self.number += 1
        tag = f"t{self.number}"
        self.send(f"{tag} {text}")
        lines = []
        while True:
            line = self.line()
            if line.startswith(tag + " "):
                return lines, line[len(tag) + 1:]
            lines.append(line)

    def append(self, mailbox, message):
        self.number += 1
        tag = f"t{self.number}"
        self.send(f"{tag} APPEND {mailbox} {{{len(message)}+}}")
        self.socket.sendall(message + b"\r\n")
        lines = []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        return lines, line[len(tag) + 1:]

    def close(self):
        self.socket.close()


class TwoClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def setUp(self):
        self.one = Raw(self.mesh, "anna@a.test")
        self.addCleanup(self.one.close)
        self.two = Raw(self.mesh, "anna@a.test")
        self.addCleanup(self.two.close)
        self.box = "box" + self.id().rsplit("_", 1)[1]
        self.one.command(f"CREATE {self.box}")
        for number in range(5):
            self.assertTrue(self.one.append(self.box, messages.simple(f"m{number}"))[1].startswith("OK [APPENDUID"))
        self.one.command(f"SELECT {self.box}")
        self.two.command(f"SELECT {self.box}")

    def wait_told(self, client, text):
        """NOOPs until a line with this text comes; the changes of another session need not be there at once."""
        end = time.monotonic() + 10
        seen = []
        while time.monotonic() < end:
            lines, _ = client.command("NOOP")
            seen += lines
            if any(text in line for line in seen):
                return seen
        raise AssertionError(f"never told {text!r}: {seen}")

    def test_flags_are_told_1flags(self):
        lines, _ = self.one.command("STORE 2 +FLAGS (\\Flagged word)")
        self.assertTrue(any(line.startswith("* 2 FETCH (") and "\\Flagged" in line and "word" in line for line in lines), lines)
        told = self.wait_told(self.two, "* 2 FETCH (")
        self.assertTrue(any("\\Flagged" in line and "word" in line for line in told), told)

    def test_expunge_is_not_told_during_fetch_2expunge(self):
        self.one.command("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
        lines, _ = self.one.command("EXPUNGE")
        self.assertEqual([line for line in lines if line.endswith("EXPUNGE")], ["* 2 EXPUNGE", "* 3 EXPUNGE"])
        # Sequence numbers of the other client stay until it may be told: not in FETCH, STORE or SEARCH.
        lines, tagged = self.two.command("FETCH 5 (UID)")
        self.assertFalse([line for line in lines if "EXPUNGE" in line], lines)
        self.assertTrue(tagged.startswith("OK"), tagged)
        self.assertTrue([line for line in lines if line.startswith("* 5 FETCH (UID 5")], lines)
        told = self.wait_told(self.two, "EXPUNGE")
        self.assertEqual([line for line in told if line.endswith("EXPUNGE")], ["* 2 EXPUNGE", "* 3 EXPUNGE"])
        lines, _ = self.two.command("UID SEARCH ALL")
        self.assertEqual(lines, ["* SEARCH 1 3 5"])

    def test_idle_is_told_at_once_3idle(self):
        self.two.send("i1 IDLE")
        self.assertTrue(self.two.line().startswith("+"))
        start = time.monotonic()
        self.one.append(self.box, messages.simple("new"))
        line = self.two.line(5)
        self.assertEqual(line, "* 6 EXISTS")
        print(f"\n    IDLE was told of an APPEND by another session after {1000 * (time.monotonic() - start):.1f} ms", flush=True)
        self.two.send("DONE")
        while not (line := self.two.line()).startswith("i1 "):
            self.assertTrue(line.startswith("*"), line)
        self.assertTrue(line.startswith("i1 OK"), line)

    def test_recent_is_for_one_4recent(self):
        lines, _ = self.one.append(self.box, messages.simple("fresh"))
        self.assertIn("* 6 EXISTS", lines)  # RFC 3501, 6.3.11: told at once where the mailbox is selected
        self.wait_told(self.two, "EXISTS")
        recent = sum(any("\\Recent" in line for line in client.command("FETCH 6 (FLAGS)")[0]) for client in (self.one, self.two))
        self.assertEqual(recent, 1)


if __name__ == "__main__":
    unittest.main()
