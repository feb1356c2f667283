"""Messages that are made to cost: each is brought in at every listener that takes mail, then read back by IMAP and POP3.

Whatever the MIME parser thinks of it, a message within SIZE is a message: it is taken, and comes back octet for octet."""
import base64

from tests.hostile.harness import IMAP, MAX_MESSAGE, MIB, SMTP, Wrong, case, expect

TAKERS = SMTP + IMAP
QUICK = ("mx", "imap")
# With all that submission would add (RFC 6409, 8), so that the octets stay.
HEAD = (b"From: <target@a.test>\r\nTo: <target@a.test>\r\nSubject: hostile\r\nMessage-ID: <hostile@a.test>\r\n"
        b"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n")


def bring(site, listener, octets):
    """Delivers or appends; gives the reply."""
    with site.client(listener) as client:
        client.socket.settimeout(60)
        if client.protocol == "imap":
            return client.command(b"APPEND INBOX {%d+}\r\n%s" % (len(octets), octets))
        return client.deliver(octets[:-2] if octets.endswith(b"\r\n") else octets)


def read_back(site, octets):
    """Everything that a reader can ask of the newest message; Wrong if its octets are not those."""
    with site.client("imap") as imap:
        imap.socket.settimeout(60)
        imap.command(b"SELECT INBOX")
        for items in (b"(UID FLAGS RFC822.SIZE)", b"ENVELOPE", b"BODYSTRUCTURE", b"BODY", b"BODY.PEEK[HEADER.FIELDS (TO CC)]",
                      b"BODY.PEEK[1.1.1.1]", b"BODY.PEEK[99999]"):
            _, reply = imap.fetch(b"FETCH * " + items)
            expect(reply, "OK")
        for search in (b"SEARCH SUBJECT hostile", b"SEARCH TEXT nothing-of-it", b"SORT (SUBJECT FROM) UTF-8 ALL", b"THREAD REFERENCES UTF-8 ALL"):
            expect(imap.command(search), "OK")
        body, reply = imap.fetch(b"FETCH * BODY.PEEK[]")
        expect(reply, "OK")
        if octets not in body:
            raise Wrong("the octets that come back are others")
    with site.client("pop3") as pop3:
        expect(pop3.command(b"STAT"), "+OK")
        for command in (b"TOP 1 0", b"RETR 1"):
            expect(pop3.command(command), "+OK")
            while pop3.line() not in (".", None):
                pass
        pop3.command(b"QUIT")


def taken_and_read(site, listener, octets):
    site.clear()
    reply = expect(bring(site, listener, octets), "250 ", "OK")
    read_back(site, octets)
    return reply


@case(TAKERS, quick=QUICK)
def mime_nested_10000_deep(site, listener):
    parts = [HEAD]
    for depth in range(10_000):
        parts.append(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth))
    return taken_and_read(site, listener, b"".join(parts) + b"\r\nthe innermost\r\n")


@case(TAKERS, quick=QUICK)
def messages_nested_10000_deep(site, listener):
    return taken_and_read(site, listener, (HEAD + b"Content-Type: message/rfc822\r\n\r\n") * 10_000 + HEAD + b"\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def parts_100000(site, listener):
    head = HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return taken_and_read(site, listener, head + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n")


@case(TAKERS, quick=QUICK)
def address_list_of_1_mib(site, listener):
    addresses = b",\r\n ".join(b"\"Name %d\" <user%d@host%d.test>" % (i, i, i) for i in range(MIB // 44))
    return taken_and_read(site, listener, HEAD + b"Cc: " + addresses + b"\r\n\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def damaged_address_list(site, listener):
    """Groups and comments that are never closed, routes and quotes: what makes a parser go back and try again."""
    field = b"(" * 50_000 + b"<" * 50_000 + b"a:" * 50_000 + b"\"" * 50_001 + b"@a,@b:" * 50_000
    folded = b"\r\n ".join(field[i:i + 900] for i in range(0, len(field), 900))
    return taken_and_read(site, listener, HEAD + b"Cc: " + folded + b"\r\n\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def encoded_words_that_expand(site, listener):
    """Half-width kana of ISO-2022-JP and compatibility letters grow when decoded, case-folded and normalized."""
    word = b"=?UTF-8?B?" + base64.b64encode("\ufdfa".encode() * 15) + b"?="  # one letter of 3 octets, 18 letters when normalized
    return taken_and_read(site, listener, HEAD + b"Cc: " + b"\r\n ".join([word] * 14_000) + b" <a@b.test>\r\n\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def header_fields_100000(site, listener):
    return taken_and_read(site, listener, HEAD + b"".join(b"X-%d: y\r\n" % i for i in range(100_000)) + b"\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def parameters_100000(site, listener):
    parameters = b";\r\n ".join(b"p%d*%d*=%%41" % (i % 7, i) for i in range(100_000))
    return taken_and_read(site, listener, HEAD + b"Content-Type: text/plain;\r\n " + parameters + b"\r\n\r\nx\r\n")


@case(TAKERS, quick=QUICK)
def header_line_of_10_mib(site, listener):
    """RFC 5321, 4.5.3.1.6 lets a server refuse lines of more than 1,000 octets, and take them."""
    site.clear()
    octets = HEAD + b"X-Long: " + b"y" * 10 * MIB + b"\r\n\r\nx\r\n"
    reply = expect(bring(site, listener, octets), "250 ", "OK", "500 ", "552 ", "554 ")
    if reply.startswith(("250", "OK")):
        read_back(site, octets)
    return reply


@case(TAKERS, quick=QUICK)
def endless_header(site, listener):
    """A header that goes on beyond SIZE: RFC 1870, 6.3: 552; RFC 9051, 7.1: TOOBIG, before the octets are sent."""
    field = b"X-Endless: " + b"y" * 900 + b"\r\n"
    with site.client(listener) as client:
        if client.protocol == "imap":
            return expect(client.command(b"APPEND INBOX {%d}" % (4 * MAX_MESSAGE)), "NO [TOOBIG]")
        expect(client.begin(), "354 ")
        client.send_until_closed(field * 100, MAX_MESSAGE + 4 * MIB)
        return expect(client.content(b""), "552 5.3.4")


@case(("mx", "submission", "lmtp"), quick=("mx", "lmtp"))
def recipients_10000(site, listener):
    """RFC 5321, 4.5.3.1.10: 452 beyond max_recipients (1,000); the transaction goes on with those that were accepted."""
    with site.client(listener) as client:
        client.command(b"MAIL FROM:<target@a.test>")
        client.send(b"RCPT TO:<target@a.test>\r\n" * 10_000)
        replies = [client.reply() for _ in range(10_000)]
        accepted = sum(r is not None and r.startswith("250") for r in replies)
        if accepted != 1000 or {r[:9] for r in replies[1000:]} != {"452 4.5.3"}:
            raise Wrong(f"{accepted} were accepted; {replies[-1]}")
        expect(client.command(b"DATA"), "354 ")
        reply = expect(client.content(HEAD + b"\r\nto many\r\n"), "250 ")
        for _ in range(999 if listener == "lmtp" else 0):
            expect(client.reply(), "250 ")
        return f"1,000 x 250, {replies[-1]}; {reply[:12]}"


@case(("mx",))
def unknown_recipients_10000(site, listener):
    """RFC 5321, 4.3.2: 550 for each; too many end the session."""
    with site.client(listener) as client:
        client.command(b"MAIL FROM:<x@elsewhere.test>")
        client.send_until_closed(b"".join(b"RCPT TO:<nobody%d@a.test>\r\n" % i for i in range(10_000)), 1)
        last, count = None, 0
        while count < 10_000 and (reply := client.reply()) is not None:
            last, count = reply, count + 1
        return f"{count} replies, the last: {expect(last, '550 5.1.1', '421 ')}"
