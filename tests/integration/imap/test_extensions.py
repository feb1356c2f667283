"""Extensions against a real store: limits at N-1, N and N+1, and what a transcript in tests/conformance cannot compute."""
import re
import unittest

from tests.integration.imap.fixture import Site, message

LIMIT = 1048576


class Extensions(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(gateway_settings=f"max_append_bytes: {LIMIT}\n"))
        cls.count = 0

    def setUp(self):
        Extensions.count += 1
        self.user = f"c{Extensions.count}"
        self.site.add_account(self.user)
        self.one = self.login()

    def login(self, select=None):
        client = self.site.client(self.user, select=select)
        self.addCleanup(client.close)
        return client

    def fill(self, *subjects, mailbox="INBOX"):
        for subject in subjects:
            self.assertRegex(self.one.append(mailbox, message(subject))[1], "^OK")

    def refuse(self, command, start, client=None):
        tagged = (client or self.one).command(command)[1]
        self.assertTrue(tagged.startswith(start), f"{command}: {tagged}")

    def test_literals_that_are_too_large(self):
        # Too large for a command: skipped and answered, the session goes on (RFC 7888, 4).
        self.one.raw(b"a CREATE {70000+}\r\n" + b"x" * 70000 + b"\r\n")
        self.assertRegex(self.one.until("a")[1], r"^BAD \[TOOBIG\]")
        self.one.raw(b"b CREATE {70000}\r\n")
        self.assertRegex(self.one.until("b")[1], r"^BAD \[TOOBIG\]")
        self.one.ok("NOOP")

    def test_condstore(self):
        self.fill("a", "b", "c")
        lines = self.one.ok("SELECT INBOX")
        before = int(re.search(r"HIGHESTMODSEQ (\d+)", "\n".join(lines))[1])
        # 3.1: the first enabling command tells the HIGHESTMODSEQ, later ones do not.
        lines = self.one.ok("FETCH 1 (MODSEQ)")
        self.assertEqual(lines[0], f"* OK [HIGHESTMODSEQ {before}] Highest.")
        self.assertRegex(lines[1], r"^\* 1 FETCH \(MODSEQ \(\d+\)\)$")
        self.assertEqual(len(self.one.ok("FETCH 1 (MODSEQ)")), 1)
        # 3.1.3: told even with .SILENT, with the MODSEQ.
        told = self.one.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
        self.assertRegex(told[0], r"^\* 2 FETCH \(UID 2 MODSEQ \(\d+\) FLAGS \(\\Seen \\Recent\)\)$")
        after = int(re.search(r"MODSEQ \((\d+)\)", told[0])[1])
        self.assertGreater(after, before)
        lines, tagged = self.one.command(f"STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS (\\Flagged)")
        self.assertTrue(tagged.startswith("OK [MODIFIED 2]"), tagged)
        tag = self.one.send(f"SEARCH RETURN (MIN) MODSEQ {before}")
        found = self.one.until(tag)[0][0]
        first = int(re.search(r"MODSEQ \((\d+)\)", self.one.ok("FETCH 1 (MODSEQ)")[0])[1])
        # 3.1.10: of the message that is named.
        self.assertEqual(found, f'* ESEARCH (TAG "{tag}") MIN 1 MODSEQ {first}')
        # 3.1.11: what is so already changes nothing.
        self.assertEqual(self.one.ok("STORE 2 +FLAGS (\\Seen)"), [])
        # A FETCH that sets \Seen tells it too.
        self.assertRegex(self.one.ok("FETCH 3 BODY[TEXT]")[0], r"^\* 3 FETCH \(FLAGS \([^)]*\\Seen[^)]*\) MODSEQ \(\d+\) BODY")
        self.assertRegex(self.one.ok("STATUS INBOX (HIGHESTMODSEQ)")[0], r"HIGHESTMODSEQ \d+")
        self.assertRegex(self.one.ok(f"SORT (ARRIVAL) UTF-8 MODSEQ {before + 1}")[0], r"^\* SORT 1 2 3 \(MODSEQ \d+\)$")
        self.assertEqual(self.one.ok("SORT (ARRIVAL) UTF-8 MODSEQ 99999999"), ["* SORT"])

    def test_condstore_refused(self):
        self.fill("a")
        self.refuse("SELECT INBOX (QRESYNC (1 1))", "BAD")
        self.one.ok("SELECT INBOX (CONDSTORE)")
        self.refuse("FETCH 1 (FLAGS) (CHANGEDSINCE x)", "BAD")
        self.refuse("STORE 1 (UNCHANGEDSINCE) +FLAGS (x)", "BAD")
        self.refuse("UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)", "BAD")
        self.assertRegex(self.one.command("STORE 1 (UNCHANGEDSINCE 0) +FLAGS (x)")[1], r"^OK \[MODIFIED 1\]")

    def test_within_refused(self):
        self.one.ok("SELECT INBOX")
        for argument in ("0", "-1", "4294967296", "x", ""):
            self.refuse(f"SEARCH OLDER {argument}", "BAD")

    def test_multiappend_is_all_or_none(self):
        a = message("a").encode()
        # All or none: the second is too large.
        self.one.raw(b"m APPEND INBOX {%d+}\r\n" % len(a) + a + b" {%d}\r\n" % (LIMIT + 1))
        self.assertRegex(self.one.until("m")[1], r"^NO \[TOOBIG\]")
        self.assertEqual(self.one.ok("STATUS INBOX (MESSAGES)"), ["* STATUS INBOX (MESSAGES 0)"])

    def test_list_status_appendlimit(self):
        self.fill("a", "b")
        lines = self.one.ok('LIST "" INBOX RETURN (STATUS (MESSAGES UNSEEN APPENDLIMIT))')
        self.assertEqual(lines, ['* LIST (\\HasNoChildren) "/" INBOX',
                                 f"* STATUS INBOX (MESSAGES 2 UNSEEN 2 APPENDLIMIT {LIMIT})"])

    def test_status_size(self):
        self.fill("a", "b")
        size = len(message("a")) + len(message("b"))
        self.assertEqual(self.one.ok("STATUS INBOX (SIZE)"), [f"* STATUS INBOX (SIZE {size})"])
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("STATUS INBOX (SIZE MESSAGES)"), [f"* STATUS INBOX (MESSAGES 2 SIZE {size})"])

    def test_create_special_use(self):
        for use in ("Archive", "Drafts", "Junk", "Sent", "Trash"):
            self.one.command(f"DELETE {use}")
            self.one.ok(f"CREATE my-{use} (USE (\\{use.upper()}))")
            self.assertIn(f'* LIST (\\HasNoChildren \\{use}) "/" my-{use}', self.one.ok('LIST (SPECIAL-USE) "" *'))
        self.one.ok("CREATE none (USE ())")

    def test_create_special_use_refused(self):
        for use in ("\\All", "\\Flagged", "\\Nonsense", "\\Sent \\Trash"):
            self.refuse(f"CREATE never (USE ({use}))", "NO [USEATTR]")
        self.refuse("CREATE never (USE \\Sent)", "BAD")
        self.refuse("CREATE never (NONSENSE (\\Sent))", "BAD")
        self.assertEqual(self.one.ok('LIST "" never'), [])

    def test_appendlimit(self):
        self.assertIn(f"APPENDLIMIT={LIMIT}", self.one.ok("CAPABILITY")[0].split())
        self.assertEqual(self.one.ok("STATUS INBOX (APPENDLIMIT)"), [f"* STATUS INBOX (APPENDLIMIT {LIMIT})"])
        head = message("x", "")
        self.assertRegex(self.one.append("INBOX", head + "y" * (LIMIT - len(head)))[1], "^OK")
        self.assertRegex(self.one.append("INBOX", head + "y" * (LIMIT - len(head) - 1))[1], "^OK")

    def test_appendlimit_refused(self):
        self.refuse(f"APPEND INBOX {{{LIMIT + 1}}}", "NO [TOOBIG]")
        self.assertRegex(self.one.append("INBOX", "y" * (LIMIT + 1))[1], r"^NO \[TOOBIG\]")

    def mails(self, *headers):
        for header in headers:
            self.assertRegex(self.one.append("INBOX", header + "\r\n\r\ntext\r\n")[1], "^OK")
        self.one.ok("SELECT INBOX")

    def test_sort(self):
        self.mails("Subject: Re: b\r\nFrom: zoe@x\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100",
                   "Subject: =?utf-8?q?=C3=84?=\r\nFrom: Zz <anna@x>\r\nDate: Mon, 02 Mar 2026 08:00:00 +0000",
                   "Subject: [list] B\r\nFrom: bert@x\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000\r\nX: y")
        for program, order in (("(DATE)", "2 1 3"), ("(REVERSE DATE)", "3 1 2"), ("(FROM)", "2 3 1"), ("(SUBJECT)", "2 1 3"),
                               ("(SUBJECT REVERSE DATE)", "2 3 1"), ("(ARRIVAL)", "1 2 3"),
                               ("(REVERSE SIZE)", "2 3 1")):
            self.assertEqual(self.one.ok(f"SORT {program} UTF-8 ALL"), [f"* SORT {order}"], program)
        self.assertEqual(self.one.ok("SORT (DATE) US-ASCII SUBJECT b 2:3"), ["* SORT 3"])
        self.assertEqual(self.one.ok("SORT (DATE) UTF-8 SUBJECT nothing"), ["* SORT"])
        self.one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        self.one.ok("EXPUNGE")
        self.assertEqual(self.one.ok("UID SORT (REVERSE DATE) UTF-8 ALL"), ["* SORT 3 1"])
        self.assertEqual(self.one.ok("SORT (REVERSE DATE) UTF-8 ALL"), ["* SORT 2 1"])

    def test_sort_refused(self):
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("SORT (DATE) UTF-8 ALL"), ["* SORT"])
        self.refuse("SORT (DATE) X-NONE ALL", "NO [BADCHARSET")
        for arguments in ("(DATE) ALL", "() UTF-8 ALL", "(NONSENSE) UTF-8 ALL", "DATE UTF-8 ALL", "(REVERSE) UTF-8 ALL",
                          "(DATE) UTF-8", "RETURN (COUNT) (DATE) UTF-8 ALL"):
            self.refuse(f"SORT {arguments}", "BAD")

    def test_thread_references(self):
        self.mails("Message-ID: <1@x>\r\nSubject: one\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000",
                   "Message-ID: <2@x>\r\nSubject: Re: one\r\nReferences: <1@x>\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000",
                   "Message-ID: <3@x>\r\nSubject: x\r\nIn-Reply-To: <\"2\"@x>\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000",
                   "Message-ID: <4@x>\r\nSubject: x\r\nReferences: <1@x> <2@x>\r\nDate: Mon, 02 Mar 2026 13:00:00 +0000",
                   "Message-ID: <5@x>\r\nSubject: two\r\nReferences: <0@x>\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000",
                   "Message-ID: <6@x>\r\nSubject: two\r\nReferences: <0@x>\r\nDate: Mon, 02 Mar 2026 09:30:00 +0000")
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 ALL"), ["* THREAD ((5)(6))(1 2 (3)(4))"])
        self.assertEqual(self.one.ok("UID THREAD REFERENCES US-ASCII 1,4"), ["* THREAD (1 4)"])
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 SUBJECT nothing"), ["* THREAD"])

    def test_thread_references_refused(self):
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 ALL"), ["* THREAD"])
        self.refuse("THREAD REFERENCES X-NONE ALL", "NO [BADCHARSET")
        for arguments in ("REFS UTF-8 ALL", "REFERENCES ALL", "REFERENCES UTF-8"):
            self.refuse(f"THREAD {arguments}", "BAD")

    def test_thread_orderedsubject(self):
        self.mails("Subject: a\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000", "Subject: b\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000",
                   "Subject: Re: a\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000", "Subject: A\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000")
        self.assertEqual(self.one.ok("THREAD ORDEREDSUBJECT UTF-8 ALL"), ["* THREAD (2)(1 (4)(3))"])

    def test_thread_orderedsubject_refused(self):
        self.one.ok("SELECT INBOX")
        self.refuse("THREAD ORDEREDSUBJECT UTF-8 99", "BAD")


class Large(unittest.TestCase):
    """Answers of several responses of the store, and searches of several calls: how many, what each takes decides."""

    COUNT = 52_000  # two slices of 50,000, two responses of 32,768

    def test_a_large_mailbox(self):
        with Site() as site:
            one = site.client()
            self.addCleanup(one.close)
            for first in range(0, self.COUNT, 1000):
                mails = [b"Subject: %05d\r\n\r\n" % ((i * 7919) % self.COUNT) for i in range(first, first + 1000)]
                one.raw(b"a APPEND INBOX" + b"".join(b" {%d+}\r\n" % len(mail) + mail for mail in mails) + b"\r\n")
                self.assertRegex(one.until("a")[1], "^OK")
            one.ok("SELECT INBOX")
            one.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
            one.ok("EXPUNGE")
            subjects = [(i * 7919) % self.COUNT for i in range(self.COUNT) if i != 1]  # by sequence number
            found = [int(n) for n in one.ok("SEARCH SUBJECT 7")[0].split()[2:]]
            self.assertEqual(found, [n for n, subject in enumerate(subjects, 1) if "7" in f"{subject:05}"])
            self.assertEqual([int(n) for n in one.ok("SEARCH TEXT 7")[0].split()[2:]], found)
            by_subject = sorted(range(1, self.COUNT), key=lambda n: subjects[n - 1])
            self.assertEqual([int(n) for n in one.ok("SORT (SUBJECT) UTF-8 ALL")[0].split()[2:]], by_subject)
            self.assertEqual([int(n) for n in one.ok("SORT (REVERSE SUBJECT) UTF-8 SUBJECT 77")[0].split()[2:]],
                             [n for n in reversed(by_subject) if "77" in f"{subjects[n - 1]:05}"])
            uids = one.ok("UID THREAD REFERENCES UTF-8 ALL")[0].removeprefix("* THREAD (").removesuffix(")").split(")(")
            self.assertEqual([int(uid) for uid in uids], [1, *range(3, self.COUNT + 1)])


class LiteralMinus(unittest.TestCase):
    """RFC 7888, 5."""

    def test_literal_minus(self):
        with Site(gateway_settings="literal_minus: true\n") as site:
            client = site.client()
            self.addCleanup(client.close)
            words = client.ok("CAPABILITY")[0].split()
            self.assertIn("LITERAL-", words)
            self.assertNotIn("LITERAL+", words)
            head = message("x", "")
            for size, start in ((4095, "OK"), (4096, "OK"), (4097, "BAD [TOOBIG]")):
                tagged = client.append("INBOX", head + "y" * (size - len(head)))[1]
                self.assertTrue(tagged.startswith(start), f"{size}: {tagged}")
            tag = client.send("APPEND INBOX {5000}")
            self.assertTrue(client.line().startswith("+"))
            client.raw(head.encode() + b"y" * (5000 - len(head)) + b"\r\n")
            self.assertTrue(client.until(tag)[1].startswith("OK"))


if __name__ == "__main__":
    unittest.main()
