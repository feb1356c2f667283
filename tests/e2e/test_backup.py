"""A backup taken under load and restored, with a client that was connected before: nothing that was given after the backup is given
again, what was acknowledged before it is there, and a verification is clean."""
import imaplib
import os
import pathlib
import re
import signal
import smtplib
import subprocess
import tempfile
import threading
import unittest

from tests.support import messages
from tests.support.mesh import BIN, Mesh
from tests.support.operator_call import CallFailed, call, field, fields
from tests.support.ports import wait_until

PASSWORD = "correct horse"
ADMIN = "mailmesh.mailbox.v1.StoreAdminService"
NAME = "under-load"


class Sender(threading.Thread):
    """Delivers numbered messages over LMTP until told to stop; keeps what was acknowledged, in order."""

    def __init__(self, mesh):
        super().__init__(daemon=True)
        self.mesh, self.acknowledged, self.stop = mesh, [], threading.Event()

    def run(self):
        with smtplib.LMTP("127.0.0.1", self.mesh.port("lmtp"), timeout=60) as client:
            while not self.stop.is_set():
                subject = f"load-{len(self.acknowledged) + 1}"
                client.sendmail("x@elsewhere.test", ["anna@a.test"], messages.simple(subject, 3000))
                self.acknowledged.append(subject)


class Backup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backups = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mailmesh-backups-")))
        cls.mesh = cls.enterClassContext(Mesh(f"mailbox_store: {{backup: {{path: {cls.backups}}}}}\n"))
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def admin(self, method, message=b""):
        return call(self.mesh.endpoints["mailbox_store.grpc"], f"{ADMIN}/{method}", message)

    def imap(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=60)
        client.login("anna@a.test", PASSWORD)
        return client

    def verify(self):
        """(messages, contents) read, where nothing was found."""
        responses = self.admin("VerifyStore", field(2, True))
        findings = [r for r in responses if 2 in fields(r)]
        self.assertEqual(findings, [])
        summary = fields(fields(responses[-1])[3][0])
        return summary.get(3, [0])[0], summary.get(4, [0])[0]

    @staticmethod
    def state(client):
        """(UIDVALIDITY, UIDNEXT, {UID: subject})"""
        status = client.status("INBOX", "(UIDVALIDITY UIDNEXT)")[1][0].decode()
        subjects = {}
        if int(client.select("INBOX")[1][0]):
            for item in client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if isinstance(item, tuple):
                    uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
                    subjects[uid] = item[1].decode().split(":", 1)[1].strip()
        return int(re.search(r"UIDVALIDITY (\d+)", status).group(1)), int(re.search(r"UIDNEXT (\d+)", status).group(1)), subjects

    def restore(self):
        """Puts the backup in the store's place while the supervisor looks away."""
        supervisor, store = self.mesh.process.pid, self.mesh.process_id("mailbox_store")
        running = self.run_restore()
        self.assertEqual(running.returncode, 1, "the store was running")
        self.assertIn("stop it first", running.stderr)
        os.kill(supervisor, signal.SIGSTOP)
        try:
            os.kill(store, signal.SIGKILL)
            restored = wait_until(self.run_when_free, "the database is free", 20)
        finally:
            os.kill(supervisor, signal.SIGCONT)
        self.assertIn("restored", restored.stdout)
        wait_until(lambda: self.answers() and self.mesh.process_id("mailbox_store") != store, "the store is back", 30)

    def run_restore(self):
        return subprocess.run([BIN / "mailmesh-mailbox_store", "--restore", self.backups / NAME, self.mesh.dir / "data/mailbox_store"],
                              capture_output=True, text=True, check=False)

    def run_when_free(self):
        done = self.run_restore()
        return done if done.returncode == 0 else None

    def answers(self):
        try:
            return self.admin("ListBackups")
        except CallFailed:
            return None

    def test_backup_and_restore(self):
        sender = Sender(self.mesh)
        sender.start()
        wait_until(lambda: len(sender.acknowledged) > 50, "load", 60)
        before = list(sender.acknowledged)
        responses = self.admin("CreateBackup", field(1, NAME))
        self.assertEqual(fields(responses[-1])[5], [1], "done")
        wait_until(lambda: len(sender.acknowledged) > len(before) + 50, "load after the backup", 60)
        sender.stop.set()
        sender.join(60)
        with self.assertRaises(CallFailed) as taken:
            self.admin("CreateBackup", field(1, NAME))
        self.assertEqual(taken.exception.code, 6)  # ALREADY_EXISTS

        watcher = self.imap()  # stays connected over the restore
        watcher.select("INBOX")
        reader = self.imap()
        validity, uid_next, lost = self.state(reader)
        reader.logout()
        self.restore()

        seen = self.what_the_watcher_sees(watcher)
        reader = self.imap()
        validity_now, uid_next_now, found = self.state(reader)
        self.assertEqual(validity_now, validity)
        self.assertGreater(uid_next_now, uid_next)
        self.assertEqual(set(before) - set(found.values()), set(), "acknowledged before the backup")
        self.assertEqual({uid: s for uid, s in lost.items() if uid in found}, found, "the same messages under the same UIDs")
        reader.append("INBOX", None, None, messages.simple("after", 2000))
        _, _, after = self.state(reader)
        fresh = [uid for uid, subject in after.items() if subject == "after"]
        self.assertEqual(len(fresh), 1)
        self.assertGreater(fresh[0], max(lost), "no UID is given twice")
        read = self.verify()
        self.assertEqual(read[0], len(after))
        print(f"\n    {len(before)} acknowledged before the backup, {len(lost)} before the loss, {len(found)} after the restore; UIDNEXT "
              f"{uid_next} -> {uid_next_now}; the client connected before: {seen}; verified {read[0]} messages", flush=True)

    def what_the_watcher_sees(self, client):
        """What its commands are answered, until one is OK again or its session is closed."""
        answers = []

        def asked():
            try:
                status, text = client.noop()
            except (imaplib.IMAP4.abort, OSError) as error:
                answers.append(f"closed ({type(error).__name__})")
                return True
            answers.append(f"{status} {text[0].decode()}")
            return status == "OK"

        wait_until(asked, "the client goes on, or is told to connect again", 60, step=0.2)
        return sorted(set(answers))


if __name__ == "__main__":
    unittest.main()
