"""Thunderbird, driven without a screen: what its users do, seen in its own view and from outside by imaplib. With TLS, verified.

Account set-up goes through Thunderbird's own trial log-in; commands are those behind its menus, and dialogs and compose windows are
the real ones. Not driven: the pages on which set-up is typed (the functions below them are called with what would be typed), drag
and drop, filters, OAuth2.
"""
import email
import email.policy
import os
import pathlib
import random
import unittest

from tests.support import messages
from tests.support.clients import PASSWORD, ClientTest
from tests.support.peers import Unavailable
from tests.support.ports import wait_until
from tests.support.thunderbird import Thunderbird

STEPS = pathlib.Path(__file__).parent / "thunderbird/steps.js"
STARTTLS = 2  # nsMsgSocketType.alwaysSTARTTLS


def start(ca):
    try:
        return Thunderbird(ca, STEPS).start()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason)) from None


@unittest.skipUnless(os.environ.get("MAILMESH_THUNDERBIRD"),
                     "makes a root of 900 MiB for it first; run it with: MAILMESH_THUNDERBIRD=1 tests/e2e/run thunderbird")
class ThunderbirdUsers(ClientTest):
    USERS = ("reads", "marks", "moves", "writes", "answers", "drafts", "searches", "restarts", "waits", "pops", "doubts",
             "other")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.thunderbird = start(cls.mesh.ca)
        cls.addClassCleanup(cls.thunderbird.stop)

    def account(self, user, incoming=None, outgoing=None):
        """Sets the account of this user up; by IMAP unless told otherwise."""
        self.thunderbird.addAccount(f"{user}@a.test", PASSWORD, incoming or {"type": "imap", "port": self.mesh.port("imaps")},
                                    outgoing or {"port": self.mesh.port("submissions")})
        return f"{user}@a.test"

    def shown(self):
        return sorted(row["subject"] for row in self.thunderbird.list())

    def row(self, subject):
        return next((row for row in self.thunderbird.list() if row["subject"] == subject), None)

    def until_shown(self, *subjects):
        wait_until(lambda: self.shown() == sorted(subjects), f"{subjects} in Thunderbird's list")

    def until_stored(self, user, mailbox, *subjects):
        client = self.imap(user)
        wait_until(lambda: client.list('""', f'"{mailbox}"')[1] != [None], f"{mailbox} of {user}")
        wait_until(lambda: self.subjects(user, mailbox) == sorted(subjects), f"{subjects} in {mailbox} of {user}")

    def flags(self, user, subject, mailbox="INBOX"):
        """Flags and keywords of a message, as the server has them."""
        client = self.imap(user, mailbox)
        number = client.search(None, "SUBJECT", f'"{subject}"')[1][0]
        answer = client.fetch(number, "(FLAGS)")[1][0].decode()
        return set(answer[answer.index("FLAGS (") + 7:answer.index("))")].split()) - {"\\Recent"}

    def stored(self, user, subject, mailbox="INBOX"):
        """The octets of a message, as the server has them."""
        client = self.imap(user, mailbox)
        return client.fetch(client.search(None, "SUBJECT", f'"{subject}"')[1][0], "(BODY.PEEK[])")[1][0][1]

    def settle(self, user):
        """Waits until Thunderbird has nothing to do for this user but to listen. While it still fetches messages, to keep them for
        reading without a net, it does not heed what it is told beside them."""
        wait_until(self.thunderbird.allKept, "all messages are kept")
        states = lambda: {row["state"] for row in self.mesh.json("session", "list", "--account", f"{user}@a.test")}
        wait_until(lambda: "idle" in (now := states()) and "selected" not in now, "IDLE")

    def assert_kept(self, subject, octets):
        """That the message which is shown is this one, octet for octet."""
        kept = self.thunderbird.source().encode("latin-1")
        # What it keeps for reading without a net has fields of its own above those that came, with their own line ends.
        while kept.startswith((b"X-Mozilla-", b"X-Account-Key:", b"X-UIDL:", b"From - ")):
            kept = kept.partition(b"\n")[2]
        self.assertEqual(kept, octets, subject)

    def test_reads(self):
        for text in (messages.simple("plain"), messages.nested_multiparts(), messages.attachment(1), messages.utf8_header()):
            self.deliver("reads@a.test", text)
        address = self.account("reads")
        self.thunderbird.open(address, "INBOX")
        self.until_shown("plain", "nested", "attachment", "Grüße aus Köln \N{PILE OF POO}")
        self.assertFalse(any(row["read"] for row in self.thunderbird.list()))
        plain = self.thunderbird.read("plain")
        self.assertEqual(plain["subject"], "plain")
        self.assertEqual(plain["text"].split(), messages.simple("plain").decode().partition("\r\n\r\n")[2].split())
        wait_until(lambda: "\\Seen" in self.flags("reads", "plain"), "that the message read is \\Seen")
        self.assertEqual(self.flags("reads", "nested"), set())
        nested = self.thunderbird.read("nested")
        self.assertIn("café", nested["text"])
        self.assertIn("hello", nested["text"])  # of the message that is forwarded in it
        self.assertEqual(self.thunderbird.read("attachment")["attachments"], ["big.bin"])
        self.assertIn("Zeile mit Umlaut: ü", self.thunderbird.read("Grüße aus Köln \N{PILE OF POO}")["text"])
        for subject in ("plain", "nested", "attachment"):
            self.thunderbird.read(subject)
            self.assert_kept(subject, self.stored("reads", subject))
        print("\n    read 4 messages by IMAP: texts, parts and octets as they are stored")

    def test_marks(self):
        for subject in ("one", "two", "three"):
            self.deliver("marks@a.test", messages.simple(subject))
        self.thunderbird.open(self.account("marks"), "INBOX")
        self.until_shown("one", "two", "three")
        self.thunderbird.read("one")
        wait_until(lambda: self.flags("marks", "one") == {"\\Seen"}, "\\Seen")
        for step, flags in ((self.thunderbird.markUnread, set()), (self.thunderbird.markRead, {"\\Seen"}),
                            (self.thunderbird.toggleStar, {"\\Seen", "\\Flagged"}),
                            (lambda: self.thunderbird.toggleTag(1), {"\\Seen", "\\Flagged", "$label1"}),
                            (lambda: self.thunderbird.toggleTag(4), {"\\Seen", "\\Flagged", "$label1", "$label4"}),
                            (lambda: self.thunderbird.toggleTag(1), {"\\Seen", "\\Flagged", "$label4"}),
                            (self.thunderbird.toggleStar, {"\\Seen", "$label4"})):
            step()
            wait_until(lambda: {f.lower() for f in self.flags("marks", "one")} == {f.lower() for f in flags}, f"{flags} at the server")
            row = self.row("one")
            self.assertEqual((row["read"], row["flagged"], set(row["tags"])),
                             ("\\Seen" in flags, "\\Flagged" in flags, {f for f in flags if f.startswith("$")}))
        self.assertEqual(self.flags("marks", "two") | self.flags("marks", "three"), set())
        print("\n    marked read, unread, starred and tagged: $label1, $label4 as keywords, \\Flagged, \\Seen")

    def test_moves(self):
        for subject in ("one", "two", "three", "four"):
            self.deliver("moves@a.test", messages.simple(subject))
        address = self.account("moves")
        self.thunderbird.open(address, "INBOX")
        self.until_shown("one", "two", "three", "four")
        # The special uses that the server tells are the ones that Thunderbird takes.
        uses = {"Trash": "Trash", "SentMail": "Sent", "Drafts": "Drafts", "Junk": "Junk", "Archive": "Archive"}
        wait_until(lambda: {use: self.thunderbird.special(address, use) for use in uses} == uses, "the special uses")
        self.thunderbird.newFolder(address, "", "Work")
        wait_until(lambda: "Work" in self.thunderbird.folders(address), "the new folder in Thunderbird")
        self.thunderbird.newFolder(address, "Work", "2026")
        wait_until(lambda: "Work/2026" in self.thunderbird.folders(address), "the folder in it")
        self.assertEqual(self.subjects("moves", "Work/2026"), [])
        self.thunderbird.read("one")
        self.thunderbird.moveTo(address, "Work/2026")
        self.until_shown("two", "three", "four")
        self.until_stored("moves", "Work/2026", "one")
        self.thunderbird.read("two")
        self.thunderbird.copyTo(address, "Work")
        self.until_stored("moves", "Work", "two")
        self.assertEqual(self.subjects("moves"), ["four", "three", "two"])
        self.assertEqual(self.stored("moves", "two"), self.stored("moves", "two", "Work"))
        self.thunderbird.renameFolder(address, "Work", "Grüße")
        wait_until(lambda: "2026" in " ".join(self.thunderbird.folders(address)) and "Work" not in self.thunderbird.folders(address),
                   "the folder by its new name")
        self.assertEqual(self.subjects("moves", "Gr&APwA3w-e"), ["two"])
        self.assertEqual(self.subjects("moves", "Gr&APwA3w-e/2026"), ["one"])
        self.thunderbird.open(address, "Grüße/2026")
        self.until_shown("one")
        self.thunderbird.open(address, "INBOX")
        self.thunderbird.read("three")
        self.thunderbird.deleteMessage()
        self.until_shown("two", "four")
        self.until_stored("moves", "Trash", "three")
        self.assertEqual(self.subjects("moves"), ["four", "two"])
        self.thunderbird.open(address, "Trash")
        self.until_shown("three")
        self.thunderbird.read("three")
        self.thunderbird.deleteForGood()
        self.thunderbird.confirm()
        self.until_shown()
        wait_until(lambda: "\\Deleted" in self.flags("moves", "three", "Trash"), "\\Deleted")
        self.thunderbird.compact()
        self.until_stored("moves", "Trash")
        self.thunderbird.deleteFolder(address, "Grüße/2026")
        self.thunderbird.confirm()
        self.until_stored("moves", "Trash/2026", "one")
        print("\n    made, renamed and nested folders; moved, copied and deleted messages")

    def test_writes_and_answers(self):
        writer = self.account("writes")
        answerer = self.account("answers", {"type": "imap", "port": self.mesh.port("imap"), "socketType": STARTTLS},
                                {"port": self.mesh.port("submission"), "socketType": STARTTLS})
        content = random.Random(7).randbytes(100_000)
        (self.thunderbird.dir / "numbers.bin").write_bytes(content)
        text = "Grüße aus Köln\n.\n..a line that begins with dots\nFrom here on\n" + "x" * 60 + "\n"
        self.thunderbird.write(writer, "answers@a.test, other@a.test", "written in Thunderbird", text, "/tmp/numbers.bin")
        self.thunderbird.send()
        for user in ("answers", "other"):
            wait_until(lambda: "written in Thunderbird" in self.subjects(user), f"the message at {user}")
        arrived = email.message_from_bytes(self.stored("answers", "written in Thunderbird"), policy=email.policy.default)
        self.assertEqual(arrived["From"].addresses[0].addr_spec, "writes@a.test")
        body, file = arrived.get_body(("plain",)), next(arrived.iter_attachments())
        # As format=flowed has it, a line that begins with "From " has a space in front.
        self.assertEqual([line.removeprefix(" ") for line in body.get_content().rstrip().splitlines()], text.rstrip().splitlines())
        self.assertEqual((file.get_filename(), file.get_content()), ("numbers.bin", content))
        # The copy, filed by APPEND: once, in the mailbox of that use, and the same message.
        self.assertEqual(self.subjects("writes", "Sent"), ["written in Thunderbird"])
        copy = email.message_from_bytes(self.stored("writes", "written in Thunderbird", "Sent"), policy=email.policy.default)
        self.assertEqual(copy["Message-ID"], arrived["Message-ID"])
        self.assertEqual(copy.get_payload(1).get_payload(), arrived.get_payload(1).get_payload())
        self.assertIn("\\Seen", self.flags("writes", "written", "Sent"))

        self.thunderbird.open(answerer, "INBOX")
        self.until_shown("written in Thunderbird")
        self.assertEqual(self.thunderbird.read("written in Thunderbird")["attachments"], ["numbers.bin"])
        self.thunderbird.reply()
        self.thunderbird.send()
        wait_until(lambda: self.row("written in Thunderbird")["replied"], "the arrow of an answered message")
        wait_until(lambda: "\\Answered" in self.flags("answers", "written in Thunderbird"), "\\Answered")
        self.until_stored("writes", "INBOX", "Re: written in Thunderbird")
        answer = email.message_from_bytes(self.stored("writes", "Re: written"), policy=email.policy.default)
        self.assertEqual(answer["In-Reply-To"], arrived["Message-ID"])
        self.assertIn("Grüße aus Köln", answer.get_body(("plain", "html")).get_content())
        self.assertEqual(self.subjects("answers", "Sent"), ["Re: written in Thunderbird"])
        self.thunderbird.open(writer, "Sent")
        self.until_shown("written in Thunderbird")
        print("\n    wrote (submissions) and answered (submission, STARTTLS): arrived whole, copies in Sent")

    def test_drafts(self):
        address = self.account("drafts")
        self.thunderbird.write(address, "other@a.test", "first thought", "The text of a draft.\n", None)
        self.thunderbird.saveDraft()
        self.until_stored("drafts", "Drafts", "first thought")
        self.assertIn("\\Draft", self.flags("drafts", "first thought", "Drafts"))
        self.thunderbird.changeSubject("second thought")
        self.thunderbird.saveDraft()
        self.until_stored("drafts", "Drafts", "second thought")  # in the place of the first
        self.thunderbird.closeCompose()
        self.thunderbird.open(address, "Drafts")
        self.until_shown("second thought")
        self.thunderbird.read("second thought")
        self.thunderbird.editDraft()
        self.thunderbird.send()
        self.until_stored("drafts", "Drafts")
        self.until_stored("drafts", "Sent", "second thought")
        wait_until(lambda: "second thought" in self.subjects("other"), "the message")
        print("\n    saved a draft twice, opened it again and sent it")

    def test_searches_and_sees_its_quota(self):
        for text in (messages.simple("fox"), messages.utf8_header(), messages.nested_multiparts()):
            self.deliver("searches@a.test", text)
        self.mesh.run("account", "quota", "searches@a.test", "--octets", "5MiB", "--messages", "1000")
        address = self.account("searches")
        self.thunderbird.open(address, "INBOX")
        self.until_shown("fox", "nested", "Grüße aus Köln \N{PILE OF POO}")
        for words, found in (("quick brown", ["fox"]), ("mit Umlaut: ü", ["Grüße aus Köln \N{PILE OF POO}"]), ("CAFÉ", ["nested"]),
                             ("nowhere", [])):
            self.assertEqual(self.thunderbird.search(address, "INBOX", words), found, words)
        wait_until(lambda: self.thunderbird.quota(address, "INBOX"), "the quota")
        limits = {quota["name"].split()[-1]: (quota["usage"], quota["limit"]) for quota in self.thunderbird.quota(address, "INBOX")}
        print(f"\n    searched bodies at the server; quota as shown: {limits}")
        self.assertEqual(limits["MESSAGE"], (3, 1000))
        self.assertEqual(limits["STORAGE"][1], 5 * 1024)

    def test_goes_on_when_roles_restart(self):
        self.deliver("restarts@a.test", messages.simple("before"))
        address = self.account("restarts")
        self.thunderbird.open(address, "INBOX")
        self.until_shown("before")
        for role in ("mailbox_store", "imap_gateway", "directory"):
            self.mesh.kill_role(role)
            self.mesh.wait_all_serving()
            subject = f"after {role}"
            self.deliver("restarts@a.test", messages.simple(subject))
            self.until_stored("restarts", "INBOX", *self.shown(), subject)
            self.thunderbird.getMessages(address, "INBOX")
            wait_until(lambda: subject in self.shown(), f"{subject} in Thunderbird's list")
            self.thunderbird.read(subject)
            wait_until(lambda: "\\Seen" in self.flags("restarts", subject), f"\\Seen of {subject}")
        print("\n    went on after the restart of the store, the gateway and the directory")

    def test_waits(self):
        self.deliver("waits@a.test", messages.simple("first"))
        self.thunderbird.open(self.account("waits"), "INBOX")
        self.until_shown("first")
        # From here on nobody asks Thunderbird to look; it would do so by itself after 10 minutes.
        self.settle("waits")
        self.deliver("waits@a.test", messages.simple("second"))
        self.until_shown("first", "second")
        self.settle("waits")
        client = self.imap("waits")
        client.store("1", "+FLAGS", r"(\Flagged)")
        wait_until(lambda: self.row("first")["flagged"], "the star that another client set")
        client.unselect()
        self.settle("waits")
        client.select("INBOX")
        self.assertEqual(client.uid("MOVE", "1", "Archive")[0], "OK")
        self.until_shown("second")
        print("\n    told in IDLE: a new message, a flag, a message that is gone")

    def test_pops(self):
        for subject in ("one", "two", "three"):
            self.deliver("pops@a.test", messages.simple(subject))
        stored = {subject: self.stored("pops", subject) for subject in ("one", "two", "three")}
        address = self.account("pops", {"type": "pop3", "port": self.mesh.port("pop3s")})
        self.thunderbird.open(address, "Inbox")
        self.thunderbird.getMessages(address, "Inbox")
        self.until_shown("one", "two", "three")
        for subject, octets in stored.items():
            self.thunderbird.read(subject)
            self.assert_kept(subject, octets.replace(b"\r\n", b"\n"))  # in a mailbox file of its own
        # It leaves them there, knows by UIDL what it has, and deletes at the server what is deleted here.
        self.assertEqual(self.subjects("pops"), ["one", "three", "two"])
        self.thunderbird.read("two")
        self.thunderbird.deleteMessage()
        self.deliver("pops@a.test", messages.simple("four"))
        self.thunderbird.getMessages(address, "Inbox")
        self.until_shown("one", "three", "four")
        self.until_stored("pops", "INBOX", "one", "three", "four")
        print("\n    fetched by POP3, left there, deleted there")

    def test_does_not_trust_an_unknown_authority(self):
        before = self.mesh.metric("imap_gateway", "mailmesh_auth_attempts_total")
        other = start(None)
        self.addCleanup(other.stop)
        result = other.addAccountNotTrusted("doubts@a.test", PASSWORD, {"type": "imap", "port": self.mesh.port("imaps")},
                                            {"port": self.mesh.port("submissions")})
        self.assertEqual(result["accounts"], 0, result)
        self.assertEqual(self.mesh.metric("imap_gateway", "mailmesh_auth_attempts_total"), before)
        print(f"\n    without the authority's certificate: {result['failed']}")


if __name__ == "__main__":
    unittest.main()
