"""Any gateway of any account: two replicas, one client on each, the same mailbox; and a store that goes away under them."""
import re
import time
import unittest

from tests.e2e.test_two_clients import PASSWORD, Raw
from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

REPLICAS = ("imap_gateway", "imap_gateway.1")


class Replicas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh("replicas: {imap_gateway: 2}\n"))
        cls.mesh.run("domain", "add", "a.test")
        cls.count = 0

    def setUp(self):
        Replicas.count += 1
        self.user = f"user{Replicas.count}@a.test"
        self.mesh.add_account(self.user, PASSWORD)
        # The replicas share the port: connections come until each has one.
        self.clients = {}
        for _ in range(200):
            before = {replica: self.mesh.metric(replica, "mailmesh_imap_sessions") for replica in REPLICAS}
            client = Raw(self.mesh, self.user)
            self.addCleanup(client.close)
            replica = next(r for r in REPLICAS if self.mesh.metric(r, "mailmesh_imap_sessions") > before[r])
            self.clients.setdefault(replica, client)
            if len(self.clients) == len(REPLICAS):
                break
        self.one, self.two = (self.clients[replica] for replica in REPLICAS)
        for client in (self.one, self.two):
            self.assertTrue(client.command("SELECT INBOX")[1].startswith("OK"))

    def told(self, client, text, seconds=20):
        """NOOPs until a line with this text comes."""
        seen = []

        def noop():
            seen.extend(client.command("NOOP")[0])
            return any(text in line for line in seen)

        wait_until(noop, f"told {text}", seconds)
        return seen

    def again(self, client, command, seconds=30):
        """Repeats a command for as long as the answer is that it may be repeated (RFC 5530: UNAVAILABLE)."""
        end = time.monotonic() + seconds
        while True:
            lines, tagged = client.command(command)
            if not tagged.startswith("NO [UNAVAILABLE]") or time.monotonic() > end:
                return lines, tagged
            time.sleep(0.1)

    def test_each_sees_what_the_other_does(self):
        for number in range(3):
            self.assertTrue(self.one.append("INBOX", messages.simple(f"m{number}"))[1].startswith("OK"))
        self.told(self.two, "* 3 EXISTS")
        lines, _ = self.two.command("STORE 2 +FLAGS (\\Flagged word)")
        self.assertTrue(any("\\Flagged" in line for line in lines), lines)
        seen = self.told(self.one, "* 2 FETCH (")
        self.assertTrue(any("\\Flagged" in line and "word" in line for line in seen), seen)
        self.one.command("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.one.command("EXPUNGE")
        self.told(self.two, "* 1 EXPUNGE")
        for command in ("UID SEARCH ALL", "UID SORT (REVERSE ARRIVAL) UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL",
                        "UID FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])", "STATUS INBOX (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ)"):
            answers = [re.sub(r"\\Recent ?", "", "\n".join(client.command(command)[0])) for client in (self.one, self.two)]
            self.assertEqual(answers[0], answers[1])
            self.assertTrue(answers[0], command)

    def test_mailboxes_are_the_same_on_each(self):
        self.assertTrue(self.one.command("CREATE a/b")[1].startswith("OK"))
        self.assertTrue(self.two.command("SELECT a/b")[1].startswith("OK"))
        self.assertTrue(self.one.command("RENAME a/b a/c")[1].startswith("OK"))
        lines, tagged = self.two.append("a/c", messages.simple("x"))
        self.assertTrue(tagged.startswith("OK"), tagged)
        self.assertIn("* 1 EXISTS", lines)
        self.two.send("i IDLE")
        self.assertTrue(self.two.line().startswith("+"))
        self.assertTrue(self.one.command("DELETE a/c")[1].startswith("OK"))
        self.assertTrue(self.two.line(20).startswith("* BYE"))

    def test_a_store_that_restarts_keeps_the_sessions(self):
        self.assertTrue(self.one.append("INBOX", messages.simple("before"))[1].startswith("OK"))
        self.told(self.two, "* 1 EXISTS")
        uid_validity = re.search(r"UIDVALIDITY (\d+)", self.one.command("STATUS INBOX (UIDVALIDITY)")[0][0])[1]
        self.two.send("i IDLE")
        self.assertTrue(self.two.line().startswith("+"))
        for round_number in range(3):
            self.mesh.kill_role("mailbox_store")
            # At once, while it is away: it is waited for, or the client is told to come again. Never BYE.
            messages_before = 1 + round_number
            lines, tagged = self.again(self.one, f"STORE {messages_before} +FLAGS (\\Flagged round{round_number})")
            self.assertTrue(tagged.startswith("OK"), tagged)
            line = self.two.line(30)
            while f"round{round_number}" not in line or "FETCH" not in line:
                self.assertTrue(line.startswith("*") and not line.startswith("* BYE"), line)
                line = self.two.line(30)
            lines, tagged = self.one.append("INBOX", messages.simple(f"after {round_number}"))
            while tagged.startswith("NO [UNAVAILABLE]"):
                lines, tagged = self.one.append("INBOX", messages.simple(f"after {round_number}"))
            self.assertTrue(tagged.startswith("OK"), tagged)
            while self.two.line(30) != f"* {messages_before + 1} EXISTS":
                pass
        self.two.send("DONE")
        while not (line := self.two.line()).startswith("i "):
            pass
        self.assertTrue(line.startswith("i OK"), line)
        for client in (self.one, self.two):
            lines, tagged = self.again(client, "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            self.assertTrue(tagged.startswith("OK"), tagged)
            self.assertEqual([re.search(r"UID (\d+)", line)[1] for line in lines if "FETCH" in line], ["1", "2", "3", "4"])
            self.assertIn(f"UIDVALIDITY {uid_validity}", self.again(client, "STATUS INBOX (UIDVALIDITY)")[0][0])

    def test_a_long_answer_goes_on_after_the_store_has_restarted(self):
        large = messages.simple("large") + b"0123456789abcdef" * (1 << 18) + b"\r\n"
        self.assertTrue(self.one.append("INBOX", large)[1].startswith("OK"))
        self.told(self.two, "* 1 EXISTS")
        self.two.send("f FETCH 1 BODY.PEEK[]")
        self.assertIn("{", self.two.line())
        self.mesh.kill_role("mailbox_store")
        octets = b""
        self.two.socket.settimeout(60)
        while len(octets) < len(large):
            piece = self.two.file.read(min(65536, len(large) - len(octets)))
            self.assertTrue(piece, "cut off")
            octets += piece
        self.assertEqual(octets, large)
        self.assertEqual(self.two.line(), ")")
        self.assertTrue(self.two.line().startswith("f OK"))


if __name__ == "__main__":
    unittest.main()
