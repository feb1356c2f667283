"""A database whose file a disk has damaged: what cannot be read is refused by name, all else is served, the process stays up and says
what is wrong; `store verify` finds it; when the octets are back, all is there again."""
import imaplib
import poplib
import random
import re
import smtplib
import tempfile
import unittest

from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
COUNT = 40


def incompressible(number):
    """A message of some 40 KiB; each is different, so that none shares its content with another."""
    lines = random.Random(number).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40000)
    text = "".join(lines)
    return f"Subject: m{number}\r\n\r\n" + "".join(text[i:i + 70] + "\r\n" for i in range(0, len(text), 70))


class Damage(unittest.TestCase):
    def setUp(self):
        backups = self.enterContext(tempfile.TemporaryDirectory(prefix="mailmesh-backups-"))
        self.mesh = self.enterContext(Mesh(f"mailbox_store: {{backup: {{path: {backups}}}}}\n"))
        self.mesh.run("domain", "add", "a.test")
        self.mesh.add_account("anna@a.test", PASSWORD)
        with smtplib.LMTP("127.0.0.1", self.mesh.port("lmtp")) as client:
            for number in range(COUNT):
                client.sendmail("x@elsewhere.test", ["anna@a.test"], incompressible(number))

    def restart_store(self):
        """Nothing that was read before stays in memory."""
        before = self.mesh.process_id("mailbox_store")
        self.mesh.kill_role("mailbox_store")
        wait_until(lambda: self.mesh.run("status", check=False).returncode == 0 and self.mesh.process_id("mailbox_store") != before,
                   "the store is back", 30)

    def imap(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=60)
        client.login("anna@a.test", PASSWORD)
        return client

    def read_all(self):
        """{number: the message, or the words of the refusal}, all over one session."""
        read = {}
        client = self.imap()
        self.assertGreaterEqual(int(client.select("INBOX")[1][0]), COUNT)
        for number in range(COUNT):
            kind, data = client.fetch(str(number + 1), "(BODY.PEEK[])")
            read[number] = data[0][1].decode() if kind == "OK" and isinstance(data[0], tuple) else f"{kind} {data[0]}"
        client.logout()
        return read

    def test_a_damaged_file(self):
        self.mesh.run("backup", "create", "first")  # which writes what is in memory into a table
        table = max((self.mesh.dir / "data/mailbox_store/db").glob("[0-9]*.*"), key=lambda path: path.stat().st_size)
        self.assertIn(table.suffix, (".sst", ".blob"))
        self.assertGreater(table.stat().st_size, COUNT * 20000)
        middle = table.stat().st_size // 2
        with open(table, "r+b") as file:
            file.seek(middle)
            good = file.read(4096)
            file.seek(middle)
            file.write(bytes(octet ^ 0x55 for octet in good))
        self.restart_store()
        store = self.mesh.process_id("mailbox_store")

        read = self.read_all()
        refused = {number: text for number, text in read.items() if not text.endswith(incompressible(number))}
        self.assertIn(len(refused), range(1, 4), refused.keys())
        for text in refused.values():
            self.assertRegex(text, r"^NO .*\[CORRUPTION\]")  # RFC 5530
        with smtplib.LMTP("127.0.0.1", self.mesh.port("lmtp")) as client:
            client.sendmail("x@elsewhere.test", ["anna@a.test"], "Subject: after\r\n\r\nstill taken\r\n")
        pop = poplib.POP3_SSL("127.0.0.1", self.mesh.port("pop3s"), context=self.mesh.tls_context(), timeout=60)
        pop.user("anna@a.test")
        pop.pass_(PASSWORD)
        with self.assertRaisesRegex(poplib.error_proto, r"-ERR \[SYS/") as answer:
            pop.retr(next(iter(refused)) + 1)
        untouched = next(number for number in range(COUNT) if number not in refused)
        self.assertIn(b"Subject: m%d" % untouched, pop.retr(untouched + 1)[1])
        pop.quit()
        self.assertEqual(self.mesh.process_id("mailbox_store"), store, "the process stays up")
        verified = self.mesh.run("store", "verify", "--contents", check=False)
        self.assertNotEqual(verified.returncode, 0, verified.stdout)
        self.assertEqual(len(re.findall("cannot be read", verified.stdout)), len(refused), verified.stdout + verified.stderr)
        log = (self.mesh.dir / "log/mailbox_store.log").read_text()
        said = re.search(r".*the database cannot be read in places.*", log)
        self.assertIsNotNone(said, "the log says what is wrong")
        self.assertGreater(self.mesh.metric("mailbox_store", "mailmesh_kv_read_errors_total"), 0)

        with open(table, "r+b") as file:
            file.seek(middle)
            file.write(good)
        healed = self.read_all()
        self.assertEqual({n for n, text in healed.items() if not text.endswith(incompressible(n))}, set(), "all are there again")
        print(f"\n    {len(refused)} of {COUNT} refused: {sorted(set(refused.values()))}; POP3: {answer.exception}; verify: "
              f"{(verified.stdout + verified.stderr).strip()[:300]!r}; log: {said.group(0)[:200]!r}", flush=True)


if __name__ == "__main__":
    unittest.main()
