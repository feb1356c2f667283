"""SMTP smuggling: what another server may take for the end of a content, and ours must not, at every place where a buffer may end.

RFC 5321, 2.3.8: only CR LF ends a line; 4.1.1.4: nothing else may be taken for the end of the data."""
import re

from tests.hostile.harness import KIB, SMTP, Wrong, case, expect
from tests.support import scripted
from tests.support.ports import wait_until

LF, CR = b"\n", b"\r"
ENDS = tuple(before + b"." + after for before in (b"\r\n", LF, CR, b"\r\n\r", b"\n\r", b"\r\r\n", b"\r\n\0")
             for after in (b"\r\n", LF, CR, b"\n\r", b"\r\r\n", b"\0\r\n", b" \r\n", b"\r \n")
             if b"\r\n.\r\n" not in before + b"." + after)
SMUGGLED = (b"MAIL FROM:<evil@evil.test>\r\nRCPT TO:<target@a.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n")
# Sizes around which readers, TLS records and the content that is still held in memory end.
BORDERS = (0, 1, 511, 512, 998, 1000, 4096, 8192, 16 * KIB, 64 * KIB, 256 * KIB)


def in_inbox(site, subject):
    with site.client("imap") as client:
        client.command(b"SELECT INBOX")
        octets, _ = client.fetch(b"SEARCH SUBJECT " + subject)
        return len(octets.split()) - 2


def harmless(site, listener, ends, paddings, pieces=False):
    """Sends each as part of one content, with commands behind it; counts the replies."""
    site.clear()
    said = set()
    for end in ends:
        for padding in paddings:
            with site.client(listener) as client:
                expect(client.begin(), "354 ")
                octets = b"Subject: outer\r\n\r\n" + b"y" * padding + end + SMUGGLED[:-5]
                if pieces:
                    cut = len(octets) - len(SMUGGLED) + 5 - len(end)
                    client.send(octets[:cut])
                    for octet in end:
                        client.send(bytes([octet]))
                    client.send(octets[cut + len(end):] + b"\r\n.\r\nNOOP marker\r\n")
                else:
                    client.send(octets + b"\r\n.\r\nNOOP marker\r\n")
                reply = expect(client.reply(), "250 ", "5", "421")
                said.add(reply[:9])
                if reply.startswith("421"):
                    continue
                after = client.reply()
                if after is not None and not re.match(r"250 2\.0\.0|421", after):
                    raise Wrong(f"{end!r} at {padding}: {reply!r}, then {after!r}")
                client.socket.settimeout(0.002)
                try:
                    more = client.line()
                except TimeoutError:
                    more = None
                if more is not None:
                    raise Wrong(f"{end!r} at {padding} got a third reply: {more!r}")
    smuggled = in_inbox(site, b"smuggled")
    # What was taken has the smuggled commands as text of its own body; its subject is the outer one.
    if smuggled > 0:
        raise Wrong(f"{smuggled} smuggled messages arrived")
    return ", ".join(sorted(said))


@case(SMTP, quick=("mx", "submission", "lmtp"))
def smuggling_ends(site, listener):
    return harmless(site, listener, ENDS, (0, 1))


@case(SMTP, quick=("mx",))
def smuggling_at_buffer_borders(site, listener):
    paddings = [max(0, border + shift) for border in BORDERS for shift in (-20, -19, -18, -3, -2, -1, 0, 1)]
    return harmless(site, listener, (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r"), sorted(set(paddings)))


@case(SMTP, quick=("mx",))
def smuggling_octet_by_octet(site, listener):
    return harmless(site, listener, ENDS, (5,), pieces=True)


@case(SMTP, quick=("mx", "lmtp"))
def smuggling_in_dot_stuffing(site, listener):
    """Stuffed dots are text: RFC 5321, 4.5.2."""
    site.clear()
    body = b"Subject: outer\r\n\r\n" + b"..\r\n" + b"...\r\n" + SMUGGLED.replace(b"\r\n.\r\n", b"\r\n..\r\n") + b".. \r\n"
    with site.client(listener) as client:
        reply = expect(client.deliver(body[:-2]), "250 ")
        if not client.still_served():
            raise Wrong("the session does not go on")
    with site.client("imap") as client:
        client.command(b"SELECT INBOX")
        octets, _ = client.fetch(b"FETCH * BODY.PEEK[TEXT]")
        if b"}.\r\n..\r\nMAIL" not in octets or b"evil\r\n.\r\n. \r\n" not in octets:
            raise Wrong(f"one dot of each is taken away: {octets!r}")
    return reply


@case(SMTP)
def bare_ends_in_commands(site, listener):
    """A command does not end at a bare CR or LF; what follows is no command (RFC 5321, 2.3.8)."""
    for end in (b"\n", b"\r", b"\n\r", b"\r\r\n", b"\0\r\n"):
        with site.client(listener) as client:
            client.send(b"NOOP" + end + b"MAIL FROM:<target@a.test>" + end + b"RCPT TO:<target@a.test>\r\n")
            reply = expect(client.reply(), "5", "421", None)
            follow = client.command(b"DATA") if reply != "closed" else None
            if (follow or "").startswith("354"):
                raise Wrong(f"{end!r} ended commands")
    return reply


@case(("submission", "mx"))
def smuggling_through_the_relay(site, listener):
    """BDAT brings bare line ends in; what the relay sends on must not end early at another server (RFC 3030, 3; RFC 5321, 2.3.8)."""
    with scripted.SmtpServer() as server:
        domain = f"smuggle-{listener}.test"
        site.mesh.run("domain", "add", domain, "--relay")
        site.mesh.run("route", "add", domain, server.address)
        said = set()
        for number, end in enumerate((b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r\n")):
            subject = f"through-{number}"
            octets = b"Subject: %s\r\n\r\none" % subject.encode() + end + SMUGGLED
            with site.client(listener) as client:
                client.command(b"MAIL FROM:<target@a.test>")
                expect(client.command(f"RCPT TO:<x@{domain}>".encode()), "250 ")
                client.send(b"BDAT %d LAST\r\n" % len(octets) + octets)
                reply = expect(client.reply(), "250 ", "5")
                said.add(f"{end!r}: {reply[:9]}".replace("\\", "/"))
            if reply.startswith("250"):
                wait_until(lambda: any(subject.encode() in m[2] for m in list(server.messages)), f"{end!r} was taken and arrives")
                sent = next(m for m in list(server.messages) if subject.encode() in m[2])
                if re.search(rb"(?<!\r)\n|\r(?!\n)", sent[2]):
                    raise Wrong(f"{end!r} is sent on with bare line ends")
        if any(b"smuggled" in m[2][:60] or m[0] == "evil@evil.test" for m in server.messages):
            raise Wrong("the smuggled message was sent")
    return "; ".join(sorted(said))
