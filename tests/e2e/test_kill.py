"""kill -9 of each role, once, under a small load on SMTP and IMAP: what was acknowledged is there exactly once."""
import collections
import imaplib
import smtplib
import threading
import time
import unittest

from tests.support import messages
from tests.support.mesh import ROLES, Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
SMTP_WRITERS = 3
IMAP_WRITERS = 2


class Ledger:
    """What each writer tried and what it saw acknowledged. Outside the mesh and its libraries."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = collections.Counter()
        self.refused = set()

    def acknowledge(self, subject):
        with self.lock:
            self.acknowledged[subject] += 1

    def refuse(self, subject):
        with self.lock:
            self.refused.add(subject)


class Writer(threading.Thread):
    """Sends numbered messages until told to stop; reconnects when its connection breaks, and never sends one again."""

    def __init__(self, mesh, ledger, name):
        super().__init__(daemon=True)
        self.mesh, self.ledger, self.name_, self.stop = mesh, ledger, name, threading.Event()
        self.trouble = collections.Counter()

    def run(self):
        client, number = None, 0
        while not self.stop.is_set():
            number += 1
            subject = f"{self.name_}-{number}"
            try:
                client = client or self.connect()
            except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, EOFError) as error:
                self.trouble[type(error).__name__] += 1
                time.sleep(0.05)
                continue
            try:
                if self.send(client, subject):
                    self.ledger.acknowledge(subject)
                else:
                    self.ledger.refuse(subject)
            except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, EOFError) as error:
                # No reply, or a temporary one: at most one copy may be there.
                self.trouble[type(error).__name__] += 1
                client = None
            time.sleep(0.002)


class SmtpWriter(Writer):
    def connect(self):
        return smtplib.SMTP(*self.mesh.address("mx"), timeout=30)

    def send(self, client, subject):
        client.sendmail("someone@elsewhere.test", ["anna@a.test", "bert@a.test"], messages.simple(subject, 2000))
        return True


class ImapWriter(Writer):
    def connect(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=30)
        client.login("cleo@a.test", PASSWORD)
        return client

    def send(self, client, subject):
        status, text = client.append("INBOX", None, None, messages.simple(subject, 2000))
        if status != "OK":
            raise imaplib.IMAP4.error(text)
        return True


def subjects(mesh, user):
    """How often each subject is in the user's INBOX."""
    client = imaplib.IMAP4_SSL("127.0.0.1", mesh.port("imaps"), ssl_context=mesh.tls_context(), timeout=60)
    client.login(f"{user}@a.test", PASSWORD)
    count = int(client.select("INBOX", readonly=True)[1][0])
    found = collections.Counter()
    if count:
        for item in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(item, tuple):
                found[item[1].decode().split(":", 1)[1].strip()] += 1
    client.logout()
    return found


class KillEachRole(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_or_doubled(self):
        with Mesh() as mesh:
            mesh.run("domain", "add", "a.test")
            for user in ("anna", "bert", "cleo"):
                mesh.add_account(f"{user}@a.test", PASSWORD)
            ledger = Ledger()
            writers = [SmtpWriter(mesh, ledger, f"smtp{i}") for i in range(SMTP_WRITERS)]
            writers += [ImapWriter(mesh, ledger, f"imap{i}") for i in range(IMAP_WRITERS)]
            for writer in writers:
                writer.start()
            table = []
            for role in ROLES:
                before = sum(ledger.acknowledged.values())
                wait_until(lambda: sum(ledger.acknowledged.values()) > before + 20, f"load before the kill of {role}", 60)
                old = mesh.process_id(role)
                mesh.kill_role(role)
                wait_until(lambda: self.is_back(mesh, role, old), f"{role} is back", 30)
                mesh.wait_all_serving()
                at_kill = sum(ledger.acknowledged.values())
                wait_until(lambda: sum(ledger.acknowledged.values()) > at_kill + 20, f"load after the kill of {role}", 60)
                table.append((role, sum(ledger.acknowledged.values()) - before))
            for writer in writers:
                writer.stop.set()
            for writer in writers:
                writer.join(60)
            # A copy that had to wait for its shard lies in the relay until then.
            mesh.run("queue", "flush")
            wait_until(lambda: not mesh.json("queue", "list"), "the queue is empty", 60)
            self.compare(mesh, ledger)
            for role, count in table:
                print(f"\n    kill -9 {role}: {count} acknowledged around it", end="")
            print(f"\n    in all {sum(ledger.acknowledged.values())} acknowledged, none missing, none doubled", flush=True)

    @staticmethod
    def is_back(mesh, role, old):
        try:
            return mesh.process_id(role) != old
        except (ValueError, KeyError):
            return False

    def compare(self, mesh, ledger):
        found = {user: subjects(mesh, user) for user in ("anna", "bert", "cleo")}
        for subject in ledger.acknowledged:
            for user in ("anna", "bert") if subject.startswith("smtp") else ("cleo",):
                self.assertEqual(found[user][subject], 1, f"{subject} for {user}")
        for user, counts in found.items():
            doubled = {s: n for s, n in counts.items() if n > 1}
            self.assertEqual(doubled, {}, user)


if __name__ == "__main__":
    unittest.main()
