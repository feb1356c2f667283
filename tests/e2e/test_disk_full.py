"""A full disk under each of the three databases in turn, on small file systems that are real: a temporary error for clients, reading
goes on, nothing acknowledged is lost, and all is well again by itself once there is room. Needs root."""
import collections
import imaplib
import pathlib
import smtplib
import tempfile
import unittest

from tests.support import messages
from tests.support.disk import Disk, Unavailable, own_mounts
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
SIZE = 160 << 20
FLOOR = 32 << 20
OWNERS = ("mailbox_store", "outbound_relay", "directory")
CONFIG = """
mailbox_store: {database: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
outbound_relay: {spool: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
directory: {database: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
"""


class FullDisk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            own_mounts()
        except Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.dir = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mailmesh-full-"))
        cls.disks = {role: Disk(pathlib.Path(cls.dir) / "data" / role, SIZE) for role in OWNERS}
        for disk in cls.disks.values():
            cls.addClassCleanup(disk.close)
        cls.mesh = cls.enterClassContext(Mesh(CONFIG, directory=cls.dir))
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.run("domain", "add", "r.test", "--relay")
        cls.mesh.run("route", "add", "r.test", "127.0.0.1:1")  # nobody is there: the queue keeps it
        for user in ("anna", "bert"):
            cls.mesh.add_account(f"{user}@a.test", PASSWORD)
        cls.acknowledged = collections.Counter()
        cls.number = 0

    def imap(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=60)
        client.login("anna@a.test", PASSWORD)
        return client

    def next_subject(self, kind):
        type(self).number += 1
        return f"{kind}-{self.number}"

    def append(self, client, size=2000):
        """The tagged reply's line; counted when it is OK."""
        subject = self.next_subject("append")
        status, text = client.append("INBOX", None, None, messages.simple(subject, size))
        if status == "OK":
            self.acknowledged[subject] += 1
        return f"{status} {text[0].decode()}"

    def send(self, recipient, port="mx"):
        """The final reply's code; counted when the mail is for anna and was taken."""
        subject = self.next_subject("smtp")
        try:
            with smtplib.SMTP("127.0.0.1", self.mesh.port(port), timeout=90) as smtp:
                smtp.ehlo("client.test")
                if port == "submission":
                    smtp.starttls(context=self.mesh.tls_context())
                    smtp.login("anna@a.test", PASSWORD)
                smtp.sendmail("anna@a.test" if port == "submission" else "x@elsewhere.test", [recipient],
                              messages.simple(subject, 2000))
        except smtplib.SMTPRecipientsRefused as error:
            return next(iter(error.recipients.values()))[0]
        except smtplib.SMTPResponseException as error:
            return error.smtp_code
        if recipient.endswith("@a.test"):
            self.acknowledged[subject] += 1
        return 250

    def full(self, role):
        """Fills the disk of a role; the test body runs; room again, and all is well without anybody's help."""
        disk = self.disks[role]
        process = self.mesh.process_id(role)
        disk.fill()
        self.addCleanup(disk.empty)
        wait_until(lambda: self.mesh.metric(role, "mailmesh_kv_disk_full") == 1, f"{role} notices", 10)
        return disk, process

    def recovered(self, role, disk, process):
        disk.empty()
        wait_until(lambda: self.mesh.metric(role, "mailmesh_kv_disk_full") == 0, f"{role} recovers", 10)
        self.assertEqual(self.mesh.process_id(role), process, f"{role} was started again")
        self.assertIn(f"{role}: free space is below the floor", self.mesh.log())
        # Both ways are tried twice: a database that only seems well fails at the next sync.
        for _ in range(2):
            with self.imap() as client:
                self.assertTrue(self.append(client).startswith("OK"))
            self.assertEqual(self.send("anna@a.test"), 250)
            self.assertEqual(self.send("x@r.test", "submission"), 250)

    def test_mailbox_store(self):
        with self.imap() as client:
            self.assertTrue(self.append(client).startswith("OK"))
            client.select("INBOX")
            disk, process = self.full("mailbox_store")
            refused = self.append(client)
            self.assertTrue(refused.startswith("NO [UNAVAILABLE]"), refused)
            large = self.append(client, 400_000)
            self.assertTrue(large.startswith("NO [UNAVAILABLE]"), large)
            by_lmtp = self.lmtp()
            self.assertIn(by_lmtp // 100, (4,), "LMTP has no queue to fall back on")
            by_mx = self.send("anna@a.test")
            self.assertIn(by_mx, (250, 451, 452))  # the relay's queue may take what the shard cannot
            # Reading and removing go on.
            self.assertEqual(client.fetch("1", "(BODY.PEEK[])")[0], "OK")
            client.store("1", "+FLAGS", "\\Seen")
            print(f"\n    mailbox_store: APPEND {refused!r}, LMTP {by_lmtp}, SMTP {by_mx}", end="")
        self.recovered("mailbox_store", disk, process)
        self.count()

    def lmtp(self):
        with smtplib.LMTP("127.0.0.1", self.mesh.port("lmtp"), timeout=90) as client:
            try:
                client.sendmail("x@elsewhere.test", ["bert@a.test"], messages.simple(self.next_subject("lmtp"), 2000))
            except smtplib.SMTPRecipientsRefused as error:
                return next(iter(error.recipients.values()))[0]
            except smtplib.SMTPResponseException as error:
                return error.smtp_code
        return 250

    def test_outbound_relay(self):
        self.assertEqual(self.send("x@r.test", "submission"), 250)
        queued = len(self.mesh.json("queue", "list"))
        disk, process = self.full("outbound_relay")
        by_submission = self.send("x@r.test", "submission")
        self.assertIn(by_submission, (451, 452))
        self.assertEqual(self.send("anna@a.test"), 250, "local mail needs no spool")
        print(f"\n    outbound_relay: submission {by_submission}, local mail 250", end="")
        self.assertEqual(len(self.mesh.json("queue", "list")), queued)
        self.recovered("outbound_relay", disk, process)
        self.assertGreater(len(self.mesh.json("queue", "list")), queued)
        self.count()

    def test_directory(self):
        disk, process = self.full("directory")
        refused = self.mesh.run("account", "create", "cleo@a.test", "--password-stdin", input=PASSWORD + "\n", check=False)
        self.assertNotEqual(refused.returncode, 0)
        # Log-in and mail need no new record.
        with self.imap() as client:
            self.assertTrue(self.append(client).startswith("OK"))
        self.assertEqual(self.send("anna@a.test"), 250)
        print(f"\n    directory: {refused.stderr.strip().splitlines()[-1]!r}, log-in and mail go on", end="")
        self.recovered("directory", disk, process)
        self.mesh.add_account("cleo@a.test", PASSWORD)
        self.count()

    def count(self):
        """What was acknowledged is there once; what waited in the queue has come."""
        self.mesh.run("queue", "flush")

        def found():
            with self.imap() as client:
                total = int(client.select("INBOX", readonly=True)[1][0])
                counter = collections.Counter()
                for item in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if total else []:
                    if isinstance(item, tuple):
                        counter[item[1].decode().split(":", 1)[1].strip()] += 1
                return counter

        wait_until(lambda: not set(self.acknowledged) - set(found()), "all that was acknowledged is there", 60)
        doubled = {subject: n for subject, n in found().items() if n > 1}
        self.assertEqual(doubled, {})
        print(f", {len(self.acknowledged)} acknowledged so far and there once", flush=True)


if __name__ == "__main__":
    unittest.main()
