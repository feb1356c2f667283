"""Each word of the capability lines: a test in which it does its work, and one in which it is refused as its RFC says.

The names of the tests are the words: works_SORT, refused_SORT. A word without both fails test_every_word_has_its_tests.
"""
import base64
import re
import unittest

from tests.integration.imap.fixture import PASSWORD, Client, Site, message

LIMIT = 1048576


def name_of(word):
    return re.sub(r"\W", "_", word.split("=")[0] if word.startswith("APPENDLIMIT=") else word)


class Capabilities(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(gateway_settings=f"max_append_bytes: {LIMIT}\n"))
        cls.count = 0

    def setUp(self):
        Capabilities.count += 1
        self.user = f"c{Capabilities.count}"
        self.site.add_account(self.user)
        self.one = self.login()

    def login(self, select=None):
        client = self.site.client(self.user, select=select)
        self.addCleanup(client.close)
        return client

    def plain(self):
        client = Client(self.site.ports["imap_gateway"])
        self.addCleanup(client.close)
        return client

    def fill(self, *subjects, mailbox="INBOX"):
        for subject in subjects:
            self.assertRegex(self.one.append(mailbox, message(subject))[1], "^OK")

    def refuse(self, command, start, client=None):
        tagged = (client or self.one).command(command)[1]
        self.assertTrue(tagged.startswith(start), f"{command}: {tagged}")

    def test_every_word_has_its_tests(self):
        words = set(self.plain().greeting.partition("[CAPABILITY ")[2].partition("]")[0].split())
        words |= set(self.one.ok("CAPABILITY")[0].split()[2:])
        # The mechanisms beside PLAIN have their tests where they are made.
        for word in sorted(word for word in words if not word.startswith("AUTH=") or word == "AUTH=PLAIN"):
            for way in ("works", "refused"):
                self.assertTrue(hasattr(self, f"test_{way}_{name_of(word)}"), f"{way} {word}")

    # RFC 3501

    def test_works_IMAP4rev1(self):
        self.fill("a")
        self.one.ok("SELECT INBOX")
        self.assertIn('ENVELOPE ("', self.one.ok("FETCH 1 ALL")[0])

    def test_refused_IMAP4rev1(self):
        self.refuse("SELECT", "BAD")
        self.refuse("FETCH 1 FLAGS", "BAD")
        self.refuse("SELECT nowhere", "NO [NONEXISTENT]")

    def test_works_STARTTLS(self):
        client = self.plain()
        client.starttls(self.site.tls_context())
        self.assertNotIn("STARTTLS", client.ok("CAPABILITY")[0])
        client.ok(f'LOGIN {self.user}@a.test "{PASSWORD}"')

    def test_refused_STARTTLS(self):
        client = self.plain()
        client.starttls(self.site.tls_context())
        self.refuse("STARTTLS", "BAD", client)
        self.refuse("STARTTLS", "BAD")

    def authenticate(self, user, password):
        client = self.plain()
        initial = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return client.command(f"AUTHENTICATE PLAIN {initial}")[1]

    def test_works_AUTH_PLAIN(self):
        self.assertRegex(self.authenticate(f"{self.user}@a.test", PASSWORD), "^OK")

    def test_refused_AUTH_PLAIN(self):
        self.assertRegex(self.authenticate(f"{self.user}@a.test", "wrong"), r"^NO \[AUTHENTICATIONFAILED\]")

    # RFC 4959
    test_works_SASL_IR = test_works_AUTH_PLAIN

    def test_refused_SASL_IR(self):
        self.refuse("AUTHENTICATE PLAIN ***", "BAD", self.plain())
        # RFC 4959, 3: an empty initial response is "=".
        self.refuse("AUTHENTICATE PLAIN =", "BAD", self.plain())

    # RFC 2971

    def test_works_ID(self):
        self.assertEqual(self.one.ok('ID ("name" "x" "version" NIL)'), ['* ID ("name" "Mailmesh")'])
        self.assertEqual(self.one.ok("ID NIL"), ['* ID ("name" "Mailmesh")'])
        self.assertEqual(self.plain().ok("ID ()"), ['* ID ("name" "Mailmesh")'])

    def test_refused_ID(self):
        self.refuse("ID", "BAD")
        self.refuse('ID ("name")', "BAD")
        fields = " ".join(f'"k{i}" "v"' for i in range(31))
        self.refuse(f"ID ({fields})", "BAD")  # RFC 2971, 3.3: more than 30 fields

    # RFC 5161

    def test_works_ENABLE(self):
        self.assertEqual(self.one.ok("ENABLE CONDSTORE X-NOTHING"), ["* ENABLED CONDSTORE"])
        self.assertEqual(self.one.ok("ENABLE X-NOTHING"), ["* ENABLED"])

    def test_refused_ENABLE(self):
        self.refuse("ENABLE", "BAD")
        self.refuse("ENABLE CONDSTORE", "BAD", self.plain())

    # RFC 2177

    def test_works_IDLE(self):
        idle = self.login("INBOX")
        tag = idle.send("IDLE")
        self.assertTrue(idle.line().startswith("+"))
        self.fill("a")
        self.assertEqual([idle.line(5), idle.line(5)], ["* 1 EXISTS", "* 1 RECENT"])
        idle.raw(b"done\r\n")
        self.assertEqual(idle.until(tag), ([], "OK Idle completed."))

    def test_refused_IDLE(self):
        self.refuse("IDLE", "BAD", self.plain())
        self.refuse("IDLE x", "BAD")
        tag = self.one.send("IDLE")
        self.one.line()
        self.one.raw(b"SELECT INBOX\r\n")
        self.assertTrue(self.one.until(tag)[1].startswith("BAD"))

    # RFC 7888

    def test_works_LITERAL_(self):
        self.assertIn("LITERAL+", self.plain().greeting)
        self.one.raw(b"a CREATE {4+}\r\nwork\r\n")
        self.assertTrue(self.one.until("a")[1].startswith("OK"))
        self.assertRegex(self.one.append("work", message("x", "y" * 500000))[1], "^OK")

    def test_refused_LITERAL_(self):
        # Too large for a command: skipped and answered, the session goes on (RFC 7888, 4).
        self.one.raw(b"a CREATE {70000+}\r\n" + b"x" * 70000 + b"\r\n")
        self.assertRegex(self.one.until("a")[1], r"^BAD \[TOOBIG\]")
        self.one.raw(b"b CREATE {70000}\r\n")
        self.assertRegex(self.one.until("b")[1], r"^BAD \[TOOBIG\]")
        self.one.ok("NOOP")

    # RFC 2342

    def test_works_NAMESPACE(self):
        self.assertEqual(self.one.ok("NAMESPACE"), ['* NAMESPACE (("" "/")) NIL NIL'])

    def test_refused_NAMESPACE(self):
        self.refuse("NAMESPACE x", "BAD")
        self.refuse("NAMESPACE", "BAD", self.plain())

    # RFC 4315

    def test_works_UIDPLUS(self):
        self.assertRegex(self.one.append("INBOX", message("a"))[1], r"^OK \[APPENDUID \d+ 1\]")
        self.fill("b")
        self.one.ok("CREATE other")
        self.one.ok("SELECT INBOX")
        self.assertRegex(self.one.command("UID COPY 1:2 other")[1], r"^OK \[COPYUID \d+ 1:2 1:2\]")
        self.one.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.one.ok("UID EXPUNGE 2"), ["* 2 EXPUNGE"])

    def test_refused_UIDPLUS(self):
        self.one.ok("EXAMINE INBOX")
        self.refuse("UID EXPUNGE 1", "NO [READ-ONLY]")
        self.refuse("UID EXPUNGE", "BAD")
        self.refuse("EXPUNGE 1", "BAD")

    # RFC 6851

    def test_works_MOVE(self):
        self.fill("a", "b")
        self.one.ok("CREATE other")
        self.one.ok("SELECT INBOX")
        lines = self.one.ok("MOVE 1 other")
        self.assertRegex(lines[0], r"^\* OK \[COPYUID \d+ 1 1\]")
        self.assertEqual(lines[1:], ["* 1 EXPUNGE"])
        self.assertIn("* 1 EXPUNGE", self.one.ok("UID MOVE 2 other"))

    def test_refused_MOVE(self):
        self.fill("a")
        self.one.ok("SELECT INBOX")
        self.refuse("MOVE 1 nowhere", "NO [TRYCREATE]")
        self.refuse("MOVE 2 INBOX", "BAD")
        self.one.ok("EXAMINE INBOX")
        self.refuse("MOVE 1 INBOX", "NO [READ-ONLY]")

    # RFC 3691

    def test_works_UNSELECT(self):
        self.fill("a")
        self.one.ok("SELECT INBOX")
        self.one.ok("STORE 1 +FLAGS (\\Deleted)")
        self.assertEqual(self.one.ok("UNSELECT"), [])
        self.assertIn("* 1 EXISTS", self.one.ok("SELECT INBOX"))

    def test_refused_UNSELECT(self):
        self.refuse("UNSELECT", "BAD")
        self.one.ok("SELECT INBOX")
        self.refuse("UNSELECT x", "BAD")

    # RFC 3348

    def test_works_CHILDREN(self):
        self.one.ok("CREATE a/b")
        lines = self.one.ok('LIST "" a*')
        self.assertEqual(lines, ['* LIST (\\HasChildren) "/" a', '* LIST (\\HasNoChildren) "/" a/b'])
        self.one.ok("DELETE a/b")
        self.assertIn('* LIST (\\HasNoChildren) "/" a', self.one.ok('LIST "" a'))

    def test_refused_CHILDREN(self):
        self.refuse('LIST "" * RETURN (NOCHILDREN)', "BAD")

    # RFC 4731

    def test_works_ESEARCH(self):
        self.fill("a", "b", "c", "d")
        self.one.ok("SELECT INBOX")
        self.one.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
        for returns, answer in (("(MIN)", "MIN 1"), ("(MAX)", "MAX 4"), ("(COUNT)", "COUNT 3"), ("()", "ALL 1:2,4"),
                                ("(MIN MAX COUNT ALL)", "MIN 1 MAX 4 COUNT 3 ALL 1:2,4")):
            tag = self.one.send(f"SEARCH RETURN {returns} UNSEEN")
            self.assertEqual(self.one.until(tag)[0], [f'* ESEARCH (TAG "{tag}") {answer}'])
        tag = self.one.send("UID SEARCH RETURN (MIN COUNT) SUBJECT none")
        self.assertEqual(self.one.until(tag)[0], [f'* ESEARCH (TAG "{tag}") UID COUNT 0'])

    def test_refused_ESEARCH(self):
        self.one.ok("SELECT INBOX")
        self.refuse("SEARCH RETURN (SOME) ALL", "BAD")
        self.refuse("SEARCH RETURN MIN ALL", "BAD")

    # RFC 7162

    def test_works_CONDSTORE(self):
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

    def test_refused_CONDSTORE(self):
        self.fill("a")
        self.refuse("SELECT INBOX (QRESYNC (1 1))", "BAD")
        self.one.ok("SELECT INBOX (CONDSTORE)")
        self.refuse("FETCH 1 (FLAGS) (CHANGEDSINCE x)", "BAD")
        self.refuse("STORE 1 (UNCHANGEDSINCE) +FLAGS (x)", "BAD")
        self.refuse("UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)", "BAD")
        self.assertRegex(self.one.command("STORE 1 (UNCHANGEDSINCE 0) +FLAGS (x)")[1], r"^OK \[MODIFIED 1\]")

    # RFC 5032

    def test_works_WITHIN(self):
        self.fill("new")
        self.one.append("INBOX", message("old"), '"01-Jan-2020 00:00:00 +0000" ')
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("SEARCH YOUNGER 3600"), ["* SEARCH 1"])
        self.assertEqual(self.one.ok("SEARCH OLDER 3600"), ["* SEARCH 2"])

    def test_refused_WITHIN(self):
        self.one.ok("SELECT INBOX")
        for argument in ("0", "-1", "4294967296", "x", ""):
            self.refuse(f"SEARCH OLDER {argument}", "BAD")

    # RFC 3502

    def test_works_MULTIAPPEND(self):
        a, b = message("a").encode(), message("b").encode()
        self.one.raw(b"m APPEND INBOX {%d+}\r\n" % len(a) + a + b" {%d+}\r\n" % len(b) + b + b"\r\n")
        self.assertRegex(self.one.until("m")[1], r"^OK \[APPENDUID \d+ 1:2\]")

    def test_refused_MULTIAPPEND(self):
        a = message("a").encode()
        # All or none: the second is too large.
        self.one.raw(b"m APPEND INBOX {%d+}\r\n" % len(a) + a + b" {%d}\r\n" % (LIMIT + 1))
        self.assertRegex(self.one.until("m")[1], r"^NO \[TOOBIG\]")
        self.assertEqual(self.one.ok("STATUS INBOX (MESSAGES)"), ["* STATUS INBOX (MESSAGES 0)"])

    # RFC 5258

    def test_works_LIST_EXTENDED(self):
        self.one.ok("CREATE a/b")
        self.one.ok("SUBSCRIBE a/b")
        self.one.ok("SUBSCRIBE gone")
        self.assertEqual(self.one.ok('LIST (SUBSCRIBED) "" (a* go*)'),
                         ['* LIST (\\HasNoChildren \\Subscribed) "/" a/b',
                          '* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" gone'])
        self.assertEqual(self.one.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" a'),
                         ['* LIST (\\HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))'])
        self.assertEqual(self.one.ok('LIST "" a/b RETURN (SUBSCRIBED CHILDREN)'),
                         ['* LIST (\\HasNoChildren \\Subscribed) "/" a/b'])

    def test_refused_LIST_EXTENDED(self):
        self.refuse('LIST (RECURSIVEMATCH) "" *', "BAD")
        self.refuse('LIST (RECURSIVEMATCH REMOTE) "" *', "BAD")
        self.refuse('LIST (NONSENSE) "" *', "BAD")
        self.refuse('LIST "" * RETURN (NONSENSE)', "BAD")

    # RFC 5819

    def test_works_LIST_STATUS(self):
        self.fill("a", "b")
        lines = self.one.ok('LIST "" INBOX RETURN (STATUS (MESSAGES UNSEEN APPENDLIMIT))')
        self.assertEqual(lines, ['* LIST (\\HasNoChildren) "/" INBOX',
                                 f"* STATUS INBOX (MESSAGES 2 UNSEEN 2 APPENDLIMIT {LIMIT})"])

    def test_refused_LIST_STATUS(self):
        self.refuse('LIST "" INBOX RETURN (STATUS)', "BAD")
        self.refuse('LIST "" INBOX RETURN (STATUS (NONSENSE))', "BAD")
        # 2: no STATUS for a name that cannot be selected.
        self.one.ok("SUBSCRIBE gone")
        self.assertEqual(len(self.one.ok('LIST (SUBSCRIBED) "" gone RETURN (STATUS (MESSAGES))')), 1)

    # RFC 8438

    def test_works_STATUS_SIZE(self):
        self.fill("a", "b")
        size = len(message("a")) + len(message("b"))
        self.assertEqual(self.one.ok("STATUS INBOX (SIZE)"), [f"* STATUS INBOX (SIZE {size})"])
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("STATUS INBOX (SIZE MESSAGES)"), [f"* STATUS INBOX (MESSAGES 2 SIZE {size})"])

    def test_refused_STATUS_SIZE(self):
        self.refuse("STATUS INBOX (SIZES)", "BAD")
        self.refuse("STATUS nowhere (SIZE)", "NO [NONEXISTENT]")

    # RFC 6154

    def test_works_SPECIAL_USE(self):
        self.one.command("DELETE Sent")
        self.one.ok("CREATE Gesendet (USE (\\Sent))")
        self.assertIn('* LIST (\\HasNoChildren \\Sent) "/" Gesendet', self.one.ok('LIST (SPECIAL-USE) "" *'))
        self.assertIn('* LIST (\\HasNoChildren \\Sent) "/" Gesendet', self.one.ok('LIST "" % RETURN (SPECIAL-USE)'))
        self.assertNotIn("INBOX", "".join(self.one.ok('LIST (SPECIAL-USE) "" *')))

    def test_refused_SPECIAL_USE(self):
        self.refuse('LIST (SPECIALUSE) "" *', "BAD")

    def test_works_CREATE_SPECIAL_USE(self):
        for use in ("Archive", "Drafts", "Junk", "Sent", "Trash"):
            self.one.command(f"DELETE {use}")
            self.one.ok(f"CREATE my-{use} (USE (\\{use.upper()}))")
            self.assertIn(f'* LIST (\\HasNoChildren \\{use}) "/" my-{use}', self.one.ok('LIST (SPECIAL-USE) "" *'))
        self.one.ok("CREATE none (USE ())")

    def test_refused_CREATE_SPECIAL_USE(self):
        for use in ("\\All", "\\Flagged", "\\Nonsense", "\\Sent \\Trash"):
            self.refuse(f"CREATE never (USE ({use}))", "NO [USEATTR]")
        self.refuse("CREATE never (USE \\Sent)", "BAD")
        self.refuse("CREATE never (NONSENSE (\\Sent))", "BAD")
        self.assertEqual(self.one.ok('LIST "" never'), [])

    # RFC 7889

    def test_works_APPENDLIMIT(self):
        self.assertIn(f"APPENDLIMIT={LIMIT}", self.one.ok("CAPABILITY")[0].split())
        self.assertEqual(self.one.ok("STATUS INBOX (APPENDLIMIT)"), [f"* STATUS INBOX (APPENDLIMIT {LIMIT})"])
        head = message("x", "")
        self.assertRegex(self.one.append("INBOX", head + "y" * (LIMIT - len(head)))[1], "^OK")
        self.assertRegex(self.one.append("INBOX", head + "y" * (LIMIT - len(head) - 1))[1], "^OK")

    def test_refused_APPENDLIMIT(self):
        self.refuse(f"APPEND INBOX {{{LIMIT + 1}}}", "NO [TOOBIG]")
        self.assertRegex(self.one.append("INBOX", "y" * (LIMIT + 1))[1], r"^NO \[TOOBIG\]")

    # RFC 5256

    def mails(self, *headers):
        for header in headers:
            self.assertRegex(self.one.append("INBOX", header + "\r\n\r\ntext\r\n")[1], "^OK")
        self.one.ok("SELECT INBOX")

    def test_works_SORT(self):
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

    def test_refused_SORT(self):
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("SORT (DATE) UTF-8 ALL"), ["* SORT"])
        self.refuse("SORT (DATE) X-NONE ALL", "NO [BADCHARSET")
        for arguments in ("(DATE) ALL", "() UTF-8 ALL", "(NONSENSE) UTF-8 ALL", "DATE UTF-8 ALL", "(REVERSE) UTF-8 ALL",
                          "(DATE) UTF-8", "RETURN (COUNT) (DATE) UTF-8 ALL"):
            self.refuse(f"SORT {arguments}", "BAD")

    def test_works_THREAD_REFERENCES(self):
        self.mails("Message-ID: <1@x>\r\nSubject: one\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000",
                   "Message-ID: <2@x>\r\nSubject: Re: one\r\nReferences: <1@x>\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000",
                   "Message-ID: <3@x>\r\nSubject: x\r\nIn-Reply-To: <\"2\"@x>\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000",
                   "Message-ID: <4@x>\r\nSubject: x\r\nReferences: <1@x> <2@x>\r\nDate: Mon, 02 Mar 2026 13:00:00 +0000",
                   "Message-ID: <5@x>\r\nSubject: two\r\nReferences: <0@x>\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000",
                   "Message-ID: <6@x>\r\nSubject: two\r\nReferences: <0@x>\r\nDate: Mon, 02 Mar 2026 09:30:00 +0000")
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 ALL"), ["* THREAD ((5)(6))(1 2 (3)(4))"])
        self.assertEqual(self.one.ok("UID THREAD REFERENCES US-ASCII 1,4"), ["* THREAD (1 4)"])
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 SUBJECT nothing"), ["* THREAD"])

    def test_refused_THREAD_REFERENCES(self):
        self.one.ok("SELECT INBOX")
        self.assertEqual(self.one.ok("THREAD REFERENCES UTF-8 ALL"), ["* THREAD"])
        self.refuse("THREAD REFERENCES X-NONE ALL", "NO [BADCHARSET")
        for arguments in ("REFS UTF-8 ALL", "REFERENCES ALL", "REFERENCES UTF-8"):
            self.refuse(f"THREAD {arguments}", "BAD")

    def test_works_THREAD_ORDEREDSUBJECT(self):
        self.mails("Subject: a\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000", "Subject: b\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000",
                   "Subject: Re: a\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000", "Subject: A\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000")
        self.assertEqual(self.one.ok("THREAD ORDEREDSUBJECT UTF-8 ALL"), ["* THREAD (2)(1 (4)(3))"])

    def test_refused_THREAD_ORDEREDSUBJECT(self):
        self.one.ok("SELECT INBOX")
        self.refuse("THREAD ORDEREDSUBJECT UTF-8 99", "BAD")


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
