"""Command lines that no client of good will sends: too long, without an end, with NUL and 8-bit octets, split, and in floods."""
import random
import select
import socket
import ssl
import time

from tests.hostile.harness import ALL, KIB, MIB, PLAIN, SESSION, Wrong, case, expect

# RFC 5321, 4.2.4 and 4.3.2: 500; RFC 3501, 7.1.3: BAD; RFC 1939, 3: -ERR.
REFUSED = ("500 ", "501 ", "502 ", "503 ", "BAD", "* BAD", "-ERR")
# Too many errors: RFC 5321, 4.3.2: 421; RFC 3501, 7.1.5: BYE.
GOODBYE = ("421 ", "* BYE", "-ERR")


def goes_on(client, reply):
    if not client.still_served():
        raise Wrong(f"{reply!r}, and the session does not go on")
    return reply


@case(ALL)
def over_long_line(site, listener):
    with site.client(listener) as client:
        return goes_on(client, expect(client.command(b"A" * 100_000), *REFUSED))


@case(ALL, quick=PLAIN)
def line_without_end(site, listener):
    """The session ends: IMAP drops 64 MiB before it does, because a refused literal is dropped too; SMTP and POP3 1 MiB. The rest
    is what the sockets hold."""
    with site.client(listener) as client:
        most = (80 if client.protocol == "imap" else 16) * MIB
        sent = client.send_until_closed(b"A" * 64 * KIB, most)
        if sent >= most:
            raise Wrong(f"{most // MIB} MiB without a line end were taken")
        return f"closed within {-(-sent // MIB)} MiB"


@case(ALL, quick=PLAIN)
def nul_and_8bit(site, listener):
    """Every octet that has no place in a command, at its start, inside of a word and in an argument."""
    replies = set()
    for octet in (0, 1, 8, 27, 127, 128, 0xC0, 0xFE, 0xFF):
        for command in (b"%cNOOP", b"NO%cOP", b"MAIL FROM:<a%cb@a.test>", b"SELECT \"a%cb\"", b"USER a%cb", b"RCPT TO:<%c>"):
            with site.client(listener) as client:
                reply = client.command(command.replace(b"%c", bytes([octet])))
                # Some octets may stand in some arguments (a mailbox name, EHLO's); what counts is one answer, and no other.
                if reply is None:
                    raise Wrong(f"closed without a word after octet {octet}")
                replies.add(reply.split(" ")[0])
    return f"answered each: {', '.join(sorted(replies))}"


@case(ALL, quick=PLAIN)
def split_at_each_octet(site, listener):
    """The same conversation whole and octet for octet gets the same replies."""
    script = {"smtp": (b"NOOP", b"MAIL FROM:<target@a.test>", b"RCPT TO:<target@a.test>", b"DATA", b"RSET", b"VRFY x"),
              "imap": (b"NOOP", b"SELECT INBOX", b"SEARCH SUBJECT {3+}\r\nabc", b"FETCH 1:* (FLAGS", b"CHECK"),
              "pop3": (b"NOOP", b"STAT", b"TOP x", b"RETR 0")}
    answers = []
    for split in (False, True):
        with site.client(listener) as client:
            protocol = "smtp" if client.protocol == "lmtp" else client.protocol
            said = []
            for command in script[protocol]:
                tagged = b"t " + command if protocol == "imap" else command
                for piece in ([bytes([o]) for o in tagged + b"\r\n"] if split else [tagged + b"\r\n"]):
                    client.send(piece)
                said.append(client.reply())
                if (said[-1] or "").startswith("354"):
                    client.send(b"x: y\r\n\r\n.\r\n")
                    client.reply()
            answers.append(said)
    if answers[0] != answers[1]:
        raise Wrong(f"whole {answers[0]}, split {answers[1]}")
    return f"the same {len(answers[0])} replies"


@case(ALL)
def garbage(site, listener):
    """Refused commands without end: the session is ended (max_bad_commands) or the octets are."""
    with site.client(listener) as client:
        octets = random.Random(6).randbytes(256 * KIB).replace(b"\n", b"\r\n")
        client.send_until_closed(octets, 256 * KIB)
        client.socket.settimeout(10)
        last, count = "", 0
        try:
            while (line := client.line()) is not None:
                last, count = line, count + 1
        except TimeoutError:
            client.socket.settimeout(1)
            return f"{count} refusals, still open: {last[:20]}"
        return f"{count} lines, then closed: {last[:24]}"


@case(ALL, quick=PLAIN)
def refused_commands(site, listener):
    """10,000 unknown commands in one go are answered one by one, or end the session with a goodbye."""
    with site.client(listener) as client:
        client.send_until_closed(b"T BOGUS\r\n" * 10_000, 90_000)
        said = []
        while len(said) < 10_000 and (line := client.line()) is not None:
            said.append(line)
        if len(said) < 10_000 and not any(line.startswith(GOODBYE) for line in said[-2:]):
            # A reset may take the goodbye with it; without a single refusal it is no answer.
            expect(said[-1] if said else None, *REFUSED, "T BAD")
        return f"{len(said)} replies, the last: {said[-1]}"


@case(ALL, quick=PLAIN)
def pipelined_flood(site, listener):
    """20,000 commands before the first reply is read; all are answered, in order."""
    with site.client(listener) as client:
        command, good = (b"T NOOP", "T OK") if client.protocol == "imap" else (b"NOOP", "250" if client.protocol in ("smtp", "lmtp") else "+OK")
        total, octets = 20_000, (command + b"\r\n") * 20_000
        client.socket.setblocking(False)
        got, sent, end = b"", 0, time.monotonic() + 60
        while got.count(b"\n") < total and time.monotonic() < end:
            waiting = isinstance(client.socket, ssl.SSLSocket) and client.socket.pending()
            readable, writable, _ = select.select([client.socket], [client.socket] if sent < len(octets) else [], [], 0 if waiting else 1)
            try:
                if writable:
                    sent += client.socket.send(octets[sent:sent + 64 * KIB])
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            try:
                if sent >= len(octets) or not writable:
                    piece = client.socket.recv(1 << 20) if readable or waiting else b""
                    if readable and not piece:
                        break
                    got += piece
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
        lines = got.decode("latin-1").splitlines()
        bad = [line for line in lines if not line.startswith(good)]
        if len(lines) != total or bad:
            raise Wrong(f"{len(lines)} replies of {total}; {bad[:1]}")
        return f"all {total} answered"


@case(ALL, quick=PLAIN, each=SESSION + 4 * MIB)
def replies_never_read(site, listener):
    """Commands without end whose replies nobody reads: the peer stops reading, and keeps little."""
    with site.client(listener) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        command = {"imap": b"T CAPABILITY\r\n", "pop3": b"CAPA\r\n"}.get(client.protocol, b"HELP\r\n")
        client.socket.settimeout(1.5)
        sent = 0
        try:
            sent = client.send_until_closed(command * 1000, 256 * MIB)
        except TimeoutError:
            return "it stops reading"
        if sent >= 256 * MIB:
            raise Wrong("256 MiB of commands were taken while nobody read the replies")
        return "closed"
