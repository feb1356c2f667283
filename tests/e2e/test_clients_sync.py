"""Programs that keep a copy of the mailboxes: mbsync and OfflineIMAP, both ways, with conflicts. With TLS, verified."""
import unittest

from tests.support import messages
from tests.support.clients import PASSWORD, ClientTest, needs_localhost, program


class Maildir:
    """One folder of a local copy, as a mail program sees it."""

    def __init__(self, path):
        self.path = path

    def files(self):
        return [f for name in ("new", "cur") for f in sorted((self.path / name).iterdir())]

    def subjects(self):
        return sorted(line[9:].decode() for f in self.files() for line in f.read_bytes().splitlines() if line.startswith(b"Subject: "))

    def file(self, subject):
        return next(f for f in self.files() if f"Subject: {subject}".encode() in f.read_bytes().splitlines())

    def flags(self, subject):
        return self.file(subject).name.partition(":2,")[2]

    def set_flags(self, subject, flags):
        old = self.file(subject)
        old.rename(self.path / "cur" / f"{old.name.partition(':')[0]}:2,{flags}")

    def add(self, subject, flags=""):
        (self.path / "cur" / f"{subject}.1.test:2,{flags}").write_bytes(messages.simple(subject).replace(b"\r\n", b"\n"))


class Sync(ClientTest):
    USERS = ("mbsync", "offline")

    def both_ways(self, user, inbox, sync):
        """What both programs must do; `sync` runs the program on this account and the local copy `inbox`."""
        for subject in ("one", "two", "three", "four"):
            self.deliver(f"{user}@a.test", messages.simple(subject))
        sync()
        self.assertEqual(inbox.subjects(), ["four", "one", "three", "two"])
        # Changes on both sides at once.
        inbox.add("made-here", "S")
        inbox.set_flags("one", "S")
        inbox.file("two").unlink()
        client = self.imap(user)
        client.store("3", "+FLAGS.SILENT", r"(\Flagged)")
        client.append("INBOX", r"(\Answered)", None, messages.simple("made-there"))
        sync()
        self.assertEqual(inbox.subjects(), ["four", "made-here", "made-there", "one", "three"])
        self.assertEqual(self.subjects(user), inbox.subjects())
        self.assertIn("F", inbox.flags("three"))
        self.assertIn("R", inbox.flags("made-there"))
        client = self.imap(user)
        self.assertIn(b"\\Seen", client.fetch("1", "(FLAGS)")[1][0])
        # Conflicts: flags of the same message changed on both sides; deleted there, flagged here.
        inbox.set_flags("three", "FS")
        inbox.set_flags("four", "F")
        numbers = {s: client.search(None, "SUBJECT", s)[1][0] for s in ("three", "four")}
        client.store(numbers["three"], "+FLAGS.SILENT", r"(\Answered)")
        client.store(numbers["four"], "+FLAGS.SILENT", r"(\Deleted)")
        client.expunge()
        sync()
        sync()
        self.assertEqual(self.subjects(user), inbox.subjects())
        self.assertLessEqual({"F", "S", "R"}, set(inbox.flags("three")))
        # A restart of the roles in between changes nothing: UIDVALIDITY and UIDs stay.
        before = inbox.subjects()
        for role in ("mailbox_store", "imap_gateway"):
            self.mesh.kill_role(role)
        self.mesh.wait_all_serving()
        sync()
        self.assertEqual(inbox.subjects(), before)
        self.assertEqual(self.subjects(user), before)

    # mbsync and OfflineIMAP compare host names only, so they cannot be told 127.0.0.1.
    @needs_localhost
    @program("mbsync")
    def test_mbsync_both_ways_with_conflicts(self):
        near = self.scratch / "near"
        near.mkdir()
        config = self.file("mbsyncrc", f"""IMAPAccount a
Host localhost
Port {self.mesh.port("imaps")}
User mbsync@a.test
Pass "{PASSWORD}"
SSLType IMAPS
SystemCertificates no
CertificateFile {self.mesh.ca}

IMAPStore far
Account a

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
        self.both_ways("mbsync", Maildir(near / "INBOX"), lambda: self.sh("mbsync", "-c", config, "-a"))
        client = self.imap("mbsync")
        client.create("Work/2026")
        client.append("Work/2026", None, None, messages.simple("deep"))
        self.sh("mbsync", "-c", config, "-a")
        self.assertEqual(Maildir(near / "Work/2026").subjects(), ["deep"])

    @needs_localhost
    @program("offlineimap")
    def test_offlineimap_both_ways_with_conflicts(self):
        near = self.scratch / "near"
        config = self.file("offlineimaprc", f"""[general]
accounts = a
metadata = {self.scratch}/metadata
ui = basic

[Account a]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {near}

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {self.mesh.port("imaps")}
remoteuser = offline@a.test
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {self.mesh.ca}
maxconnections = 2
""")
        self.both_ways("offline", Maildir(near / "INBOX"), lambda: self.sh("offlineimap", "-o", "-c", config, show=5))


if __name__ == "__main__":
    unittest.main()
