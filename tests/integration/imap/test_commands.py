"""Every command of IMAP4rev1 and of what is advertised, doing its work against a real store."""
import re
import socket
import time
import unittest

from tests.integration.imap.fixture import PASSWORD, Client, Site, message
from tests.support.messages import nested_multiparts


class Commands(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(gateways=2, gateway_settings="max_append_bytes: 1MiB\n"))
        cls.count = 0

    def setUp(self):
        Commands.count += 1
        self.user = f"u{Commands.count}"
        self.site.add_account(self.user)
        self.one = self.login()

    def login(self, select=None, gateway="imap_gateway"):
        client = self.site.client(self.user, gateway, select)
        self.addCleanup(client.close)
        return client

    def fill(self, mailbox="INBOX", count=5):
        for number in range(1, count + 1):
            tagged = self.one.append(mailbox, message(f"m{number}"))[1]
            self.assertRegex(tagged, r"^OK \[APPENDUID \d+ \d+\]")

    # RFC 3501, 6.1 and 6.2

    def test_greeting_and_capabilities(self):
        client = Client(self.site.ports["imap_gateway"])
        self.addCleanup(client.close)
        self.assertRegex(client.greeting, r"^\* OK \[CAPABILITY IMAP4rev1 .*STARTTLS.*AUTH=PLAIN.*\] ")
        self.assertNotIn("LOGINDISABLED", client.greeting)
        lines = client.ok("CAPABILITY")
        self.assertIn("SASL-IR", lines[0].split())
        _, tagged = client.command(f'LOGIN {self.user}@a.test "{PASSWORD}"')
        self.assertRegex(tagged, r"^OK \[CAPABILITY IMAP4rev1 .*UIDPLUS.*MOVE.*\] ")
        self.assertNotIn("AUTH=", tagged)

    def test_states(self):
        client = Client(self.site.ports["imap_gateway"])
        self.addCleanup(client.close)
        for command in ("SELECT INBOX", "LIST \"\" *", "FETCH 1 FLAGS", "IDLE", "NAMESPACE"):
            self.assertTrue(client.command(command)[1].startswith("BAD"), command)
        self.assertTrue(client.append("INBOX", message("x"))[1].startswith("BAD"))
        for command in ("FETCH 1 FLAGS", "CLOSE", "EXPUNGE", "SEARCH ALL", "STORE 1 +FLAGS (x)", "COPY 1 x", "MOVE 1 x", "UNSELECT"):
            self.assertTrue(self.one.command(command)[1].startswith("BAD"), command)
        for command in ("LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS"):
            self.assertTrue(self.one.command(command)[1].startswith("BAD"), command)
        self.assertTrue(self.one.command("NONSENSE")[1].startswith("BAD"))
        self.one.raw(b"\r\n")
        self.assertTrue(self.one.line().startswith("* BAD"))
        lines, tagged = self.one.command("LOGOUT")
        self.assertTrue(lines[0].startswith("* BYE"))
        self.assertTrue(tagged.startswith("OK"))
        with self.assertRaises(EOFError):
            self.one.line()

    def test_authenticate(self):
        import base64
        plain = base64.b64encode(f"\0{self.user}@a.test\0{PASSWORD}".encode()).decode()
        for how in ("initial", "challenge"):
            client = Client(self.site.ports["imap_gateway"])
            self.addCleanup(client.close)
            if how == "initial":
                tagged = client.command(f"AUTHENTICATE PLAIN {plain}")[1]
            else:
                tag = client.send("AUTHENTICATE PLAIN")
                self.assertEqual(client.line(), "+ ")
                client.raw(plain.encode() + b"\r\n")
                tagged = client.until(tag)[1]
            self.assertTrue(tagged.startswith("OK"), tagged)
        client = Client(self.site.ports["imap_gateway"])
        self.addCleanup(client.close)
        tag = client.send("AUTHENTICATE PLAIN")
        client.line()
        client.raw(b"*\r\n")
        self.assertTrue(client.until(tag)[1].startswith("BAD"))
        self.assertTrue(client.command("AUTHENTICATE NONSENSE")[1].startswith("NO"))
        self.assertTrue(client.command("LOGIN nobody@a.test x")[1].startswith("NO [AUTHENTICATIONFAILED]"))
        self.assertTrue(client.command(f"LOGIN {self.user}@a.test wrong")[1].startswith("NO [AUTHENTICATIONFAILED]"))

    def test_tls(self):
        client = Client(self.site.ports["imap_gateway.tls"], self.site.tls_context())
        self.addCleanup(client.close)
        self.assertNotIn("STARTTLS", client.greeting)
        self.assertTrue(client.command("STARTTLS")[1].startswith("BAD"))
        client.ok(f'LOGIN {self.user}@a.test "{PASSWORD}"')
        plain = Client(self.site.ports["imap_gateway"])
        self.addCleanup(plain.close)
        # What follows STARTTLS in plain text is thrown away.
        plain.raw(b"a STARTTLS\r\nb LOGOUT\r\n")
        self.assertTrue(plain.line().startswith("a OK"))
        plain.socket = self.site.tls_context().wrap_socket(plain.socket, server_hostname="mail.test")
        plain.file = plain.socket.makefile("rb")
        self.assertNotIn("STARTTLS", plain.ok("CAPABILITY")[0])
        plain.ok(f'LOGIN {self.user}@a.test "{PASSWORD}"')

    # RFC 3501, 6.3

    def test_select_and_examine(self):
        self.fill(count=3)
        lines, tagged = self.one.command("SELECT inbox")
        self.assertTrue(tagged.startswith("OK [READ-WRITE]"), tagged)
        text = "\n".join(lines)
        for part in (r"\* FLAGS \(\\Answered \\Flagged \\Deleted \\Seen \\Draft\)", r"\* OK \[PERMANENTFLAGS \(.*\\\*\)\]",
                     r"\* 3 EXISTS", r"\* 3 RECENT", r"\* OK \[UNSEEN 1\]", r"\* OK \[UIDVALIDITY \d+\]",
                     r"\* OK \[UIDNEXT 4\]", r"\* OK \[HIGHESTMODSEQ \d+\]"):
            self.assertRegex(text, part)
        # \Recent was this session's.
        lines, tagged = self.login().command("EXAMINE INBOX")
        self.assertIn("* 0 RECENT", lines)
        self.assertTrue(tagged.startswith("OK [READ-ONLY]"))
        two = self.login()
        two.ok("EXAMINE INBOX")
        for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 x"):
            self.assertTrue(two.command(command)[1].startswith("NO [READ-ONLY]"), command)
        two.ok("FETCH 1 BODY[]")
        self.assertEqual(two.ok("FETCH 1 FLAGS"), ["* 1 FETCH (FLAGS ())"])
        self.assertTrue(self.one.command("SELECT nowhere")[1].startswith("NO [NONEXISTENT]"))
        self.assertTrue(self.one.command("FETCH 1 FLAGS")[1].startswith("BAD"))

    def test_mailboxes(self):
        one = self.one
        one.ok("CREATE work")
        one.ok("CREATE work/2026/march")
        self.assertTrue(one.command("CREATE work")[1].startswith("NO [ALREADYEXISTS]"))
        self.assertTrue(one.command("CREATE INBOX")[1].startswith("NO"))
        one.ok('CREATE "Entw&APw-rfe"')
        names = one.ok('LIST "" "*"')
        self.assertTrue(any("Entw&APw-rfe" in line for line in names), names)
        self.assertIn('* LIST (\\HasChildren) "/" work/2026', names)
        self.assertEqual(one.ok('LIST "" %/%'), ['* LIST (\\HasChildren) "/" work/2026'])
        self.assertEqual(one.ok('LIST "" ""'), ['* LIST (\\Noselect) "/" ""'])
        one.ok("SUBSCRIBE work/2026/march")
        self.assertIn('* LSUB (\\Noselect) "/" work', one.ok('LSUB "" %'))
        one.ok("RENAME work/2026 work/now")
        self.assertIn('* LIST (\\HasNoChildren) "/" work/now/march', one.ok('LIST "" work/*'))
        one.ok("UNSUBSCRIBE work/2026/march")
        one.ok("DELETE work/now/march")
        self.assertTrue(one.command("DELETE nowhere")[1].startswith("NO [NONEXISTENT]"))
        self.assertTrue(one.command("DELETE INBOX")[1].startswith("NO [CANNOT]"))
        self.assertTrue(one.command("RENAME nowhere x")[1].startswith("NO [NONEXISTENT]"))
        # RFC 3501, 6.3.5: renaming INBOX moves its messages.
        self.fill(count=2)
        one.ok("RENAME INBOX old")
        self.assertIn("* STATUS old (MESSAGES 2)", one.ok("STATUS old (MESSAGES)"))
        self.assertIn("* STATUS INBOX (MESSAGES 0)", one.ok("STATUS INBOX (MESSAGES)"))

    def test_list_extended_and_status(self):
        one = self.one
        one.ok("CREATE box")
        self.fill("box", 2)
        one.ok("SUBSCRIBE box")
        lines = one.ok('LIST (SUBSCRIBED) "" * RETURN (CHILDREN STATUS (MESSAGES UNSEEN UIDNEXT))')
        self.assertIn('* LIST (\\HasNoChildren \\Subscribed) "/" box', lines)
        self.assertIn("* STATUS box (MESSAGES 2 UIDNEXT 3 UNSEEN 2)", lines)
        status = one.ok("STATUS box (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)")
        self.assertRegex(status[0], r"\* STATUS box \(MESSAGES 2 RECENT 2 UIDNEXT 3 UIDVALIDITY \d+ UNSEEN 2 HIGHESTMODSEQ \d+\)")
        one.ok("SELECT box")
        self.assertRegex(one.ok("STATUS box (MESSAGES RECENT UIDNEXT UNSEEN)")[0],
                         r"\(MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 2\)")
        self.assertTrue(one.command("STATUS nowhere (MESSAGES)")[1].startswith("NO [NONEXISTENT]"))
        self.assertEqual(one.ok("NAMESPACE"), ['* NAMESPACE (("" "/")) NIL NIL'])
        self.assertTrue(one.ok('ID ("name" "test")')[0].startswith("* ID ("))
        self.assertEqual(one.ok("ENABLE CONDSTORE X"), ["* ENABLED CONDSTORE"])

    def test_append(self):
        one = self.one
        octets = nested_multiparts()
        lines, tagged = one.append("INBOX", octets, '(\\Seen word) " 1-Feb-1994 12:05:00 +0100" ')
        self.assertRegex(tagged, r"OK \[APPENDUID \d+ 1\]")
        one.ok("SELECT INBOX")
        self.assertEqual(one.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)"),
                         [f'* 1 FETCH (FLAGS (\\Seen \\Recent word) INTERNALDATE " 1-Feb-1994 12:05:00 +0100" RFC822.SIZE {len(octets)})'])
        fetched = one.ok("FETCH 1 BODY.PEEK[]")[0]
        self.assertEqual(fetched, f"* 1 FETCH (BODY[] {{{len(octets)}}}\r\n" + octets.decode("latin-1") + ")")
        # Told at once to the session that appended to what it has selected.
        self.assertIn("* 2 EXISTS", one.append("INBOX", message("two"))[0])
        # A synchronizing literal waits for "+".
        text = message("three").encode()
        tag = one.send(f"APPEND INBOX {{{len(text)}}}")
        self.assertTrue(one.line().startswith("+"))
        one.raw(text + b"\r\n")
        self.assertRegex(one.until(tag)[1], r"OK \[APPENDUID")
        # Refused before it is sent.
        self.assertTrue(one.command("APPEND INBOX {1048577}")[1].startswith("NO [TOOBIG]"))
        self.assertTrue(one.command("APPEND nowhere {100000}")[1].startswith("NO [TRYCREATE]"))
        self.assertTrue(one.append("nowhere", message("x"))[1].startswith("NO [TRYCREATE]"))
        self.assertTrue(one.append("nowhere", message("x", "y" * 400000))[1].startswith("NO [TRYCREATE]"))
        self.assertTrue(one.append("INBOX", "z" * 1048577)[1].startswith("NO [TOOBIG]"))
        # Larger than a chunk: through an upload.
        large = message("large", "0123456789abcdef" * 60000).encode()
        self.assertRegex(one.append("INBOX", large)[1], r"OK \[APPENDUID")
        self.assertEqual(one.ok("FETCH * BODY.PEEK[]")[0],
                         f"* 4 FETCH (BODY[] {{{len(large)}}}\r\n" + large.decode() + ")")
        self.assertEqual(one.ok("FETCH 4 BODY.PEEK[]<900000.10>"),
                         ["* 4 FETCH (BODY[]<900000> {10}\r\n" + large[900000:900010].decode() + ")"])

    def test_multiappend(self):
        one = self.one
        first, second = message("one").encode(), message("two").encode()
        one.raw(b"m1 APPEND INBOX (\\Seen) {%d+}\r\n" % len(first) + first + b" (\\Draft) {%d+}\r\n" % len(second) + second + b"\r\n")
        self.assertRegex(one.until("m1")[1], r"OK \[APPENDUID \d+ 1:2\]")
        one.ok("SELECT INBOX")
        self.assertEqual(one.ok("FETCH 1:2 FLAGS"), ["* 1 FETCH (FLAGS (\\Seen \\Recent))", "* 2 FETCH (FLAGS (\\Draft \\Recent))"])
        # All or none.
        one.raw(b"m2 APPEND INBOX {%d+}\r\n" % len(first) + first + b" (\\Nonsense {%d+}\r\n" % len(second) + second + b"\r\n")
        self.assertTrue(one.until("m2")[1].startswith("BAD"))
        self.assertEqual(one.ok("STATUS INBOX (MESSAGES)"), ["* STATUS INBOX (MESSAGES 2)"])

    # RFC 3501, 6.4

    def test_fetch_items(self):
        one = self.one
        one.append("INBOX", nested_multiparts())
        self.fill(count=1)
        one.ok("SELECT INBOX")
        lines = one.ok("FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[1], r'^\* 2 FETCH \(UID 2 FLAGS \(\\Recent\) INTERNALDATE "[^"]+" RFC822.SIZE \d+ ENVELOPE '
                                   r'\("Mon, 02 Mar 2026 10:00:00 \+0100" "m1" \(\("Anna" NIL "anna" "a.test"\)\)')
        structure = one.ok("FETCH 1 BODYSTRUCTURE")[0]
        self.assertIn('"related"', structure.lower())
        self.assertNotIn('"inner"', one.ok("FETCH 1 BODY")[0])
        self.assertEqual(one.ok("FETCH 1 BODY.PEEK[1.1]"), ["* 1 FETCH (BODY[1.1] {5}\r\nplain)"])
        self.assertEqual(one.ok("FETCH 1 (BODY.PEEK[9] BODY.PEEK[1.1.MIME])"),
                         ["* 1 FETCH (BODY[9] NIL BODY[1.1.MIME] {43}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n)"])
        self.assertEqual(one.ok("FETCH 2 BODY.PEEK[HEADER.FIELDS (SUBJECT To)]"),
                         ["* 2 FETCH (BODY[HEADER.FIELDS (SUBJECT To)] {32}\r\nTo: bert@b.test\r\nSubject: m1\r\n\r\n)"])
        self.assertEqual(one.ok("FETCH 2 FAST")[0].count("("), 2)
        self.assertIn("ENVELOPE", one.ok("FETCH 2 ALL")[0])
        self.assertIn("BODY", one.ok("FETCH 2 FULL")[0])
        # RFC 3501, 6.4.5: \Seen, told with the message.
        self.assertEqual(one.ok("FETCH 2 BODY[TEXT]"), ["* 2 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {6}\r\ntext\r\n)"])
        self.assertEqual(one.ok("FETCH 2 RFC822.TEXT"), ["* 2 FETCH (RFC822.TEXT {6}\r\ntext\r\n)"])
        self.assertEqual(one.ok("FETCH 2 BODY[TEXT]<1.2>"), ["* 2 FETCH (BODY[TEXT]<1> {2}\r\nex)"])
        self.assertEqual(one.ok("FETCH 2 BODY[TEXT]<100.2>"), ["* 2 FETCH (BODY[TEXT]<100> {0}\r\n)"])
        self.assertEqual(one.ok("UID FETCH 2 FLAGS"), ["* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))"])
        self.assertEqual(one.ok("UID FETCH 77 FLAGS"), [])
        self.assertTrue(one.command("FETCH 3 FLAGS")[1].startswith("BAD"))

    def test_store(self):
        self.fill()
        one = self.one
        one.ok("SELECT INBOX")
        self.assertEqual(one.ok("STORE 2:3 +FLAGS (\\Seen word)"),
                         ["* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft word)",
                          "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft word \\*)] Flags permitted.",
                          "* 2 FETCH (FLAGS (\\Seen \\Recent word))", "* 3 FETCH (FLAGS (\\Seen \\Recent word))"])
        self.assertEqual(one.ok("STORE 2 -FLAGS.SILENT (\\Seen)"), [])
        self.assertEqual(one.ok("FETCH 2 FLAGS"), ["* 2 FETCH (FLAGS (\\Recent word))"])
        self.assertEqual(one.ok("UID STORE 2 FLAGS (\\Draft)"), ["* 2 FETCH (UID 2 FLAGS (\\Draft \\Recent))"])
        self.assertEqual(one.ok("UID STORE 99 FLAGS (\\Draft)"), [])
        self.assertTrue(one.command("STORE 9 FLAGS (\\Draft)")[1].startswith("BAD"))
        self.assertTrue(one.command("STORE 1 FLAGS (\\Recent)")[1].startswith("BAD"))

    def test_copy_move_expunge(self):
        self.fill()
        one = self.one
        one.ok("CREATE other")
        one.ok("SELECT INBOX")
        self.assertRegex(one.command("COPY 2:3 other")[1], r"OK \[COPYUID \d+ 2:3 1:2\]")
        self.assertTrue(one.command("COPY 1 nowhere")[1].startswith("NO [TRYCREATE]"))
        self.assertTrue(one.command("MOVE 1 nowhere")[1].startswith("NO [TRYCREATE]"))
        lines, tagged = one.command("MOVE 1,5 other")
        self.assertRegex(lines[0], r"\* OK \[COPYUID \d+ 1,5 3:4\]")
        self.assertEqual(lines[1:], ["* 1 EXPUNGE", "* 4 EXPUNGE"])
        one.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(one.ok("UID EXPUNGE 3:9"), ["* 2 EXPUNGE"])
        self.assertEqual(one.ok("EXPUNGE"), ["* 1 EXPUNGE"])
        self.assertEqual(one.ok("UID SEARCH ALL"), ["* SEARCH 4"])
        one.ok("STORE 1 +FLAGS (\\Deleted)")
        one.ok("UNSELECT")
        self.assertIn("* 1 EXISTS", one.ok("SELECT INBOX"))
        self.assertEqual(one.ok("CLOSE"), [])
        self.assertIn("* 0 EXISTS", one.ok("SELECT INBOX"))
        self.assertEqual(one.ok("UID COPY 1 other"), [])

    def test_search(self):
        self.fill()
        one = self.one
        one.append("INBOX", message("Grüße".encode("utf-8").decode("latin-1"), "needle in a hay stack\r\n").encode("latin-1"))
        one.ok("SELECT INBOX")
        one.ok("STORE 2 +FLAGS (\\Seen)")
        for condition, found in (("ALL", " 1 2 3 4 5 6"), ("UNSEEN", " 1 3 4 5 6"), ("SUBJECT m3", " 3"), ("NOT SUBJECT m", " 6"),
                                 ("BODY needle", " 6"), ("TEXT NEEDLE UNSEEN", " 6"), ("OR SEEN SUBJECT m5", " 2 5"),
                                 ("FROM anna LARGER 100 SINCE 1-Jan-2020", " 1 2 3 4 5 6"), ("SENTON 2-Mar-2026 2:3", " 2 3"),
                                 ("HEADER Message-ID m4", " 4"), ("UID 5:* RECENT", " 5 6"), ("KEYWORD none", ""),
                                 ("YOUNGER 3600 SMALLER 100000", " 1 2 3 4 5 6"), ("OLDER 3600", "")):
            self.assertEqual(one.ok(f"SEARCH {condition}"), [f"* SEARCH{found}"], condition)
        self.assertEqual(one.ok("UID SEARCH SEEN"), ["* SEARCH 2"])
        tag = one.send("SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN")
        self.assertEqual(one.until(tag)[0], [f'* ESEARCH (TAG "{tag}") MIN 1 MAX 6 COUNT 5 ALL 1,3:6'])
        self.assertTrue(one.command("SEARCH CHARSET X-NONE SUBJECT x")[1].startswith("NO [BADCHARSET"))
        self.assertTrue(one.command("SEARCH 99")[1].startswith("BAD"))

    def test_condstore(self):
        self.fill(count=3)
        one = self.one
        lines = one.ok("SELECT INBOX (CONDSTORE)")
        modseq = int(re.search(r"HIGHESTMODSEQ (\d+)", "\n".join(lines))[1])
        told = one.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
        self.assertRegex(told[0], r"^\* 2 FETCH \(UID 2 MODSEQ \(\d+\) FLAGS")
        self.assertRegex(one.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})")[0], r"^\* 2 FETCH \(FLAGS \(.*\) MODSEQ \(\d+\)\)$")
        lines, tagged = one.command(f"STORE 1:3 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")
        self.assertTrue(tagged.startswith("OK [MODIFIED 2]"), tagged)
        self.assertEqual(len(lines), 2)
        self.assertRegex(one.ok(f"SEARCH MODSEQ {modseq + 1}")[0], r"^\* SEARCH 1 2 3 \(MODSEQ \d+\)$")

    # The way of the octets

    def test_pipelining_and_literals(self):
        one = self.one
        one.raw(b'p1 CREATE {3+}\r\nbox\r\np2 SELECT box\r\np3 NOOP\r\np4 SEARCH SUBJECT {5}\r\n')
        for tag in ("p1", "p2", "p3"):
            self.assertTrue(one.until(tag)[1].startswith("OK"), tag)
        self.assertTrue(one.line().startswith("+"))
        one.raw(b"hello\r\n")
        self.assertEqual(one.until("p4"), (["* SEARCH"], "OK Search completed."))
        # One octet at a time.
        for octet in b"p5 STATUS box (MESSAGES)\r\n":
            one.raw(bytes([octet]))
        self.assertEqual(one.until("p5")[0], ["* STATUS box (MESSAGES 0)"])
        # Too long a line is refused with its tag, and the session goes on.
        one.raw(b"p6 SEARCH SUBJECT " + b"x" * 100000 + b"\r\n")
        self.assertTrue(one.until("p6")[1].startswith("BAD"))
        one.ok("NOOP")

    def test_idle(self):
        self.fill(count=1)
        one = self.login(select="INBOX")
        two = self.login(gateway="imap_gateway.1")
        tag = one.send("IDLE")
        self.assertTrue(one.line().startswith("+"))
        two.append("INBOX", message("new"))
        self.assertEqual(one.line(5), "* 2 EXISTS")
        self.assertEqual(one.line(5), "* 2 RECENT")
        two.ok("SELECT INBOX")
        two.ok("STORE 1 +FLAGS (\\Deleted)")
        self.assertEqual(one.line(5), "* 1 FETCH (FLAGS (\\Deleted \\Recent))")
        two.ok("EXPUNGE")
        self.assertEqual(one.line(5), "* 1 EXPUNGE")
        one.raw(b"DONE\r\n")
        self.assertEqual(one.until(tag), ([], "OK Idle completed."))
        tag = one.send("IDLE")
        one.line()
        one.raw(b"NOOP\r\n")
        self.assertTrue(one.until(tag)[1].startswith("BAD"))

    def test_messages_that_another_session_has_removed(self):
        self.fill()
        one, two = self.login(select="INBOX"), self.login(select="INBOX")
        two.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        two.ok("EXPUNGE")
        time.sleep(0.3)
        # RFC 2180, 4.1.2: what is left is answered, and the numbers stay. No EXPUNGE within FETCH, STORE, SEARCH.
        lines, tagged = one.command("FETCH 1:3 BODY.PEEK[TEXT]")
        self.assertEqual([line for line in lines if "BODY" in line],
                         [f"* {n} FETCH (BODY[TEXT] {{6}}\r\ntext\r\n)" for n in (1, 3)])
        self.assertTrue(tagged.startswith("NO [EXPUNGEISSUED]"), tagged)
        self.assertTrue(one.command("STORE 2 +FLAGS (\\Seen)")[1].startswith("NO [EXPUNGEISSUED]"))
        self.assertEqual(one.ok("STORE 3 +FLAGS (\\Seen)"), ["* 3 FETCH (FLAGS (\\Seen \\Recent))"])
        self.assertEqual(one.ok("SEARCH UNSEEN")[-1], "* SEARCH 1 2 4 5")
        self.assertEqual(one.ok("UID FETCH 2 (ENVELOPE)"), ["* 2 EXPUNGE"])
        self.assertEqual(one.ok("UID SEARCH 2"), ["* SEARCH 3"])

    def test_too_many_mistakes(self):
        for _ in range(19):
            self.assertTrue(self.one.command("NONSENSE")[1].startswith("BAD"))
        tag = self.one.send("NONSENSE")
        self.assertTrue(self.one.until(tag)[1].startswith("BAD"))
        self.assertTrue(self.one.line().startswith("* BYE"))

    def test_a_deleted_mailbox_ends_the_other_sessions(self):
        one = self.one
        one.ok("CREATE gone")
        one.ok("SELECT gone")
        two = self.login(select="gone")
        idle = self.login(select="gone")
        idle.send("IDLE")
        idle.line()
        one.ok("DELETE gone")
        one.ok("NOOP")
        self.assertTrue(one.command("FETCH 1 FLAGS")[1].startswith("BAD"))
        self.assertTrue(idle.line(5).startswith("* BYE"))
        time.sleep(0.2)
        two.send("NOOP")
        self.assertTrue(two.line().startswith("* BYE"))


class SecureByDefault(unittest.TestCase):
    def test_no_log_in_without_tls(self):
        with Site(plaintext=False) as site:
            client = Client(site.ports["imap_gateway"])
            self.addCleanup(client.close)
            self.assertIn("LOGINDISABLED", client.greeting)
            self.assertNotIn("AUTH=", client.greeting)
            self.assertTrue(client.command(f'LOGIN anna@a.test "{PASSWORD}"')[1].startswith("NO [PRIVACYREQUIRED]"))
            client.starttls(site.tls_context())
            client.ok(f'LOGIN anna@a.test "{PASSWORD}"')


class Timeouts(unittest.TestCase):
    def test_silence(self):
        with Site(gateway_settings="idle_timeout: 3s\nlogin_timeout: 1s\nkeepalive_interval: 1s\n") as site:
            waiting = Client(site.ports["imap_gateway"])
            self.addCleanup(waiting.close)
            self.assertTrue(waiting.line(10).startswith("* BYE"))
            # RFC 3501, 5.4: the autologout timer, for who says nothing.
            silent = site.client(select="INBOX")
            self.addCleanup(silent.close)
            self.assertTrue(silent.line(10).startswith("* BYE"))
            with self.assertRaises(EOFError):
                silent.line(10)
            client = site.client()
            self.addCleanup(client.close)
            client.send("IDLE")
            self.assertTrue(client.line(5).startswith("+"))
            self.assertEqual(client.line(5), "* OK Still here")
            lines = []
            while not lines or not lines[-1].startswith("* BYE"):
                lines.append(client.line(5))
            self.assertLessEqual(len(lines), 3)


if __name__ == "__main__":
    unittest.main()
