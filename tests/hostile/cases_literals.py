"""Sizes that are announced: literals of IMAP, SIZE and BDAT of SMTP, and SASL messages; announced only, and sent for real."""
from tests.hostile.harness import ALL, IMAP, KIB, MAX_LINE, MAX_MESSAGE, MIB, SMTP, Wrong, case, expect


@case(IMAP)
def literal_announced(site, listener):
    """A synchronizing literal that is too large is refused before an octet of it is sent (RFC 9051, 4.3)."""
    replies = []
    with site.client(listener) as client:
        for command in (b"SELECT {%d}" % (MAX_LINE + 1), b"SELECT {4294967295}", b"SELECT {18446744073709551615}",
                        b"SELECT {99999999999999999999999}", b"APPEND INBOX {%d}" % (10 << 30), b"SEARCH SUBJECT {-1}"):
            replies.append(expect(client.command(command), "BAD", "NO ", "* BAD"))
        if not client.still_served():
            raise Wrong("the session does not go on")
    return replies[-2]


@case(IMAP)
def literal_for_real(site, listener):
    """Non-synchronizing ones come unasked (RFC 7888, 4): they are read and dropped, or the session ends; nothing is kept."""
    said = []
    for command in (b"SELECT {%d+}", b"APPEND INBOX {%d+}", b"LOGIN a {%d+}"):
        with site.client(listener, log_in=b"LOGIN" not in command) as client:
            size = 64 * MIB
            client.send(b"T1 " + command % size + b"\r\n")
            sent = client.send_until_closed(b"x" * 64 * KIB, size)
            client.send_until_closed(b"\r\n", 2)
            said.append(f"{expect(client.reply(), 'T1 BAD', 'T1 NO', '* BYE', '* BAD', None)[:20]} after {sent // MIB} MiB")
    return "; ".join(said)


@case(IMAP)
def literals_10000(site, listener):
    """Many small ones in one command count together (max_line_bytes)."""
    with site.client(listener) as client:
        client.send_until_closed(b"T1 SEARCH" + b" SUBJECT {10+}\r\n0123456789" * 10_000 + b"\r\n", 1)
        return expect(client.reply(), "T1 BAD", "T1 NO", "* BYE")


@case(IMAP)
def nested_lists(site, listener):
    """Parentheses 30,000 deep, and sequence sets of 10,000 ranges."""
    with site.client(listener) as client:
        client.command(b"SELECT INBOX")
        first = expect(client.command(b"SEARCH " + b"(" * 30_000 + b"ALL" + b")" * 30_000), "BAD", "NO")
        expect(client.command(b"SEARCH " + b"NOT " * 15_000 + b"ALL"), "BAD", "NO", "OK")
        expect(client.command(b"FETCH 1:* (" + b"BODY[" + b"1." * 20_000 + b"1])"), "BAD")
        expect(client.command(b"UID FETCH " + b",".join(b"%d" % (2 * i + 1) for i in range(10_000)) + b" FLAGS"), "BAD", "NO", "OK")
        expect(client.command(b"LIST \"\" " + b"*%" * 400 + b"x"), "BAD", "NO", "OK")
        return first


@case(SMTP)
def size_announced(site, listener):
    """RFC 1870, 6.1: 552 to MAIL; a number that is none: 501."""
    with site.client(listener) as client:
        first = expect(client.command(b"MAIL FROM:<target@a.test> SIZE=%d" % (10 << 30)), "552 5.3.4")
        expect(client.command(b"MAIL FROM:<target@a.test> SIZE=99999999999999999999999"), "501 ", "552 ")
        expect(client.command(b"MAIL FROM:<target@a.test> SIZE=-1"), "501 ")
        return first


@case(SMTP)
def bdat_announced(site, listener):
    """RFC 3030, 2: a chunk that is too large is read and refused, or the session ends; none of it is kept."""
    with site.client(listener) as client:
        client.command(b"MAIL FROM:<target@a.test>")
        client.command(b"RCPT TO:<target@a.test>")
        expect(client.command(b"BDAT 99999999999999999999999"), "501 ", "552 ")
    with site.client(listener) as client:
        client.command(b"MAIL FROM:<target@a.test>")
        client.command(b"RCPT TO:<target@a.test>")
        size = MAX_MESSAGE + 8 * MIB
        client.send(b"BDAT %d LAST\r\n" % size)
        client.send_until_closed(b"x" * 64 * KIB, size)
        return expect(client.reply(), "552 5.3.4")


@case(ALL, quick=("submission", "imap", "pop3"))
def sasl_message_of_1_mib(site, listener):
    """RFC 4954, 4: 12,288 octets of base64 are the most; RFC 5034, 4 and RFC 9051, 6.2.2 leave it to us."""
    with site.client(listener, log_in=False) as client:
        if client.protocol == "lmtp" or listener == "mx":
            return expect(client.command(b"AUTH PLAIN " + b"A" * MIB), "5", "4")
        if client.protocol == "imap":
            client.send(b"T1 AUTHENTICATE PLAIN\r\n")
        else:
            client.send(b"AUTH PLAIN\r\n")
        expect(client.reply(), "334", "+")
        client.send_until_closed(b"A" * MIB + b"\r\n", MIB)
        return expect(client.reply(), "500 5.5.6", "500 ", "501 ", "T1 BAD", "T1 NO", "* BAD", "-ERR", "* BYE", None)
