"""Keywords and mailbox names at their limits (N-1, N, N+1), in modified UTF-7 (RFC 3501, 5.1.3); SEARCH in any charset."""
import base64
import unittest

from tests.integration.imap.fixture import Site, message

KEYWORDS = 48  # in one mailbox: docs/adr/0002
KEYWORD = 255
LEVEL, NAME, DEPTH = 255, 1000, 64  # octets of UTF-8, octets, levels


def utf7(text):
    """Modified UTF-7, as a client encodes a name."""
    out, shifted = "", ""

    def close(shifted):
        return "&" + base64.b64encode(shifted.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-" if shifted else ""

    for character in text:
        if " " <= character <= "~":
            out, shifted = out + close(shifted) + ("&-" if character == "&" else character), ""
        else:
            shifted += character
    return out + close(shifted)


class Limits(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())
        cls.count = 0

    def setUp(self):
        Limits.count += 1
        self.user = f"l{Limits.count}"
        self.site.add_account(self.user)
        self.one = self.site.client(self.user)
        self.addCleanup(self.one.close)

    def starts(self, command, start):
        tagged = self.one.command(command)[1]
        self.assertTrue(tagged.startswith(start), f"{command[:80]}: {tagged}")

    # Keywords

    def test_number_of_keywords(self):
        one = self.one
        one.append("INBOX", message("a"))
        one.ok("SELECT INBOX")
        one.ok("STORE 1 +FLAGS (" + " ".join(f"k{i}" for i in range(KEYWORDS - 1)) + ")")
        lines = one.ok(f"STORE 1 +FLAGS (k{KEYWORDS - 1})")
        # The last one is told, and that there can be no more (RFC 3501, 7.1: PERMANENTFLAGS without \*).
        permanent = next(line for line in lines if "PERMANENTFLAGS" in line)
        self.assertIn(f"k{KEYWORDS - 1})]", permanent)
        self.starts("STORE 1 +FLAGS (one-more)", "NO [LIMIT]")
        self.starts(f"STORE 1 +FLAGS (K{KEYWORDS - 1} \\Seen)", "OK")  # known: case does not count
        self.assertTrue(one.append("INBOX", message("b"), "(one-more) ")[1].startswith("NO [LIMIT]"))
        self.assertTrue(one.append("INBOX", message("b"), "(k0) ")[1].startswith("OK"))
        # None of them is on the message that was refused, all are on the first.
        self.assertEqual(one.ok(f"SEARCH KEYWORD k{KEYWORDS - 1}"), ["* SEARCH 1"])
        self.assertEqual(one.ok("SEARCH KEYWORD one-more"), ["* SEARCH"])
        two = self.site.client(self.user, select="INBOX")
        self.addCleanup(two.close)
        flags = two.ok("FETCH 1 FLAGS")[0]
        self.assertTrue(all(f" k{i}" in flags for i in range(1, KEYWORDS)), flags)

    def test_length_of_a_keyword(self):
        self.one.append("INBOX", message("a"))
        self.one.ok("SELECT INBOX")
        for size, start in ((KEYWORD - 1, "OK"), (KEYWORD, "OK"), (KEYWORD + 1, "BAD")):
            self.starts(f"STORE 1 +FLAGS ({'k' * size})", start)
        self.assertEqual(self.one.ok(f"SEARCH KEYWORD {'K' * KEYWORD}"), ["* SEARCH 1"])

    # Mailbox names

    def create(self, name, start):
        self.starts(f'CREATE "{utf7(name)}"', start)
        listed = self.one.ok(f'LIST "" "{utf7(name)}"')
        self.assertEqual(len(listed), 1 if start == "OK" else 0, name[:40])

    def test_length_of_a_level(self):
        for size, start in ((LEVEL - 1, "OK"), (LEVEL, "OK"), (LEVEL + 1, "NO [CANNOT]")):
            self.create("n" * size, start)
        # It counts in UTF-8, whatever the wire has.
        for size, start in ((126, "OK"), (127, "OK"), (128, "NO [CANNOT]")):
            self.create("ü" * size, start)

    def test_length_of_a_name(self):
        level = "n" * 199 + "/"
        for size, start in ((NAME - 1, "OK"), (NAME, "OK"), (NAME + 1, "NO [CANNOT]")):
            name = level * 4
            self.create(name + "x" * (size - len(name)), start)

    def test_depth_of_a_name(self):
        for levels, start in ((DEPTH - 1, "OK"), (DEPTH, "OK"), (DEPTH + 1, "NO [CANNOT]")):
            self.create("/".join(["d"] * levels), start)

    def test_names_in_any_script(self):
        one = self.one
        for name in ("Entwürfe", "日本語/台北", "Tom & Jerry", "\N{PILE OF POO}", "a&b/&", "~peter/mail/台北/日本語"):
            one.ok(f'CREATE "{utf7(name)}"')
            self.assertTrue(one.append(f'"{utf7(name)}"', message("x"))[1].startswith("OK"))
            self.assertIn(utf7(name), one.ok(f'LIST "" "{utf7(name)}"')[0])
            self.assertIn("* 1 EXISTS", one.ok(f'SELECT "{utf7(name)}"'))
            one.ok(f'SUBSCRIBE "{utf7(name)}"')
            self.assertIn(utf7(name), one.ok(f'LSUB "" "{utf7(name)}"')[0])
            one.ok(f'RENAME "{utf7(name)}" "{utf7("neu-" + name.replace("/", "-"))}"')
        # RFC 3501, 5.1.3: what cannot be a name is not one: no shift to what is ASCII, no shift that is open, no raw 8-bit.
        for wire in ("&AGE-", "&Jjo", "&Jjo!", "&U,BTFw-&ZeVnLIqe-", "Entw\xc3\xbcrfe", "&2D0-"):
            self.starts(f'CREATE "{wire}"', "NO [CANNOT]")
        for wire in ("", "a//b", "/a", "a/../b", "a%b", "a*b"):
            self.starts(f'CREATE "{wire}"', "NO [CANNOT]")

    # RFC 3501, 6.4.4: the charset of the search is not the message's.

    def test_search_in_any_charset(self):
        one = self.one
        mails = {
            "latin": b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
                     b"Content-Transfer-Encoding: quoted-printable\r\n\r\naus K=F6ln\r\n",
            "utf8": "Subject: Grüße\r\n\r\nroh\r\n".encode(),
            "koi8": b"Subject: =?koi8-r?b?" + base64.b64encode("Привет мир".encode("koi8-r")) + b"?=\r\n"
                    b"Content-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                    + base64.encodebytes("<p>Добрый день</p>".encode("koi8-r")).replace(b"\n", b"\r\n"),
            "japanese": b"Subject: =?iso-2022-jp?b?" + base64.b64encode("日本語".encode("iso-2022-jp")) + b"?=\r\n"
                        b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + "こんにちは".encode("iso-2022-jp") + b"\r\n",
            "split": b"Subject: =?utf-8?b?" + base64.b64encode("zerteilt: ü".encode()[:11]) + b"?=\r\n =?utf-8?b?"
                     + base64.b64encode("zerteilt: ü".encode()[11:]) + b"?=\r\n\r\nx\r\n",
        }
        for octets in mails.values():
            self.assertTrue(one.append("INBOX", octets)[1].startswith("OK"))
        one.ok("SELECT INBOX")

        def search(condition, text, charset, found):
            octets = text.encode(charset)
            one.raw(f"s SEARCH CHARSET {charset} {condition} {{{len(octets)}+}}\r\n".encode() + octets + b"\r\n")
            self.assertEqual(one.until("s"), ([f"* SEARCH{found}"], "OK Search completed."), (condition, text, charset))

        for charset in ("utf-8", "iso-8859-1", "windows-1252", "utf-7"):
            search("SUBJECT", "GRÜßE", charset, " 1 2")
            search("BODY", "köln", charset, " 1")
        for charset in ("utf-8", "koi8-r", "windows-1251", "iso-8859-5"):
            search("SUBJECT", "ПРИВЕТ", charset, " 3")
            search("TEXT", "добрый", charset, " 3")
        for charset in ("utf-8", "iso-2022-jp", "shift_jis", "euc-jp"):
            search("SUBJECT", "日本", charset, " 4")
            search("BODY", "こんにち", charset, " 4")
        search("SUBJECT", "zerteilt: ü", "utf-8", " 5")
        search("HEADER Subject", "ü", "utf-8", " 1 2 5")
        tagged = one.command("SEARCH CHARSET X-NONE SUBJECT x")[1]
        self.assertRegex(tagged, r"^NO \[BADCHARSET \(UTF-8 US-ASCII [^)]*\)\]")


if __name__ == "__main__":
    unittest.main()
