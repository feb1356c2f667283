"""Servers from their bad side: what the relay and the fetcher meet as clients. The relay's message stays queued and its sender is
not told a lie; the fetcher's run ends with an error and nothing is stored that the server has not finished."""
import json
import ssl
import time

from tests.hostile.harness import KIB, MAX_LISTED, MAX_MESSAGE, MIB, PASSWORD, Wrong, case, expect
from tests.support import messages, scripted
from tests.support.ports import wait_until

RELAY, FETCHER = ("outbound_relay",), ("fetcher",)
# One connection of the relay or the fetcher: a reply or a listing that is being read, a message that is streamed.
CONNECTION = 2 * MIB


def without_end(piece, head=b"", most=10 << 30):
    """A script's action: writes the piece again and again until the client goes away."""

    def act(session):
        sent = 0
        session.socket.sendall(head)
        while sent < most:
            session.socket.sendall(piece)
            sent += len(piece)
        return scripted.DROP

    return act


def dripping(octets, seconds=0.5):
    """One octet at a time, and no end."""

    def act(session):
        while True:
            for octet in octets:
                session.socket.sendall(bytes([octet]))
                time.sleep(seconds)

    return act


def misbehave(stage, action, always=True):
    """A script that does the action at this stage; if not `always`, in the first session only. `met` says that it did."""

    def script(now, argument, session):
        if now != stage or not always and session.number > 0:
            return None
        script.met = True
        return action(session) if callable(action) else action

    script.met = False
    return script


def server_tls(site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.mesh.dir / "pki/server/tls.crt", site.mesh.dir / "pki/server/tls.key")
    return context


# The relay.

def relayed(site, name, script, patience=40, tls=None, route=(), **server):
    """Queues a message for a server that misbehaves in its first session; it must arrive in a later one, once."""
    with scripted.SmtpServer(script=script, tls=tls, **server) as remote:
        domain = f"{name.replace('_', '-')}.test"
        site.mesh.run("domain", "add", domain, "--relay")
        site.mesh.run("route", "add", domain, remote.address, *route)
        with site.client("mx") as client:
            expect(client.deliver(messages.simple(name), sender="", recipients=[f"x@{domain}"]), "250 ")
        wait_until(lambda: script.met, f"{name}: the server misbehaves", patience)
        wait_until(lambda: remote.received(name), f"{name}: delivered after that", patience)
        if remote.received(name) != 1:
            raise Wrong(f"arrived {remote.received(name)} times")
        return f"delivered in session {len(remote.sessions)}"


def relay_case(quick, stage, action):
    """A case of the relay: `stage` goes wrong once."""

    def register(function):
        def run(site, listener):
            return relayed(site, function.__name__, misbehave(stage, action, always=False))
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        case(RELAY, quick=quick, sessions=4, each=CONNECTION)(run)
        return run

    return register


@relay_case(True, "ehlo", without_end(b"250-x" + b"y" * 60 + b"\r\n"))
def relay_reply_without_end():
    """A multi-line reply that goes on for ever."""


@relay_case(True, "mail", without_end(b"2" * 64 * KIB))
def relay_line_without_end():
    """A reply line that goes on for ever."""


@relay_case(True, "connect", without_end(b"220-" + b"z" * 500 + b"\r\n"))
def relay_greeting_without_end():
    """A greeting of more lines than anybody reads."""


@relay_case(False, "connect", scripted.SILENT)
def relay_greeting_that_never_comes():
    """Nothing after the connection: command_timeout ends it."""


@relay_case(False, "ehlo", dripping(b"250-drip\r\n"))
def relay_reply_that_drips():
    """An octet now and then must not keep a connection for ever: the time counts for the whole reply."""


@relay_case(True, "rcpt", b"\0\xff\r\r\n\n999 what\r\n")
def relay_reply_of_nonsense():
    """What is no reply is no success: it is tried again."""


@relay_case(True, "end", b"3" + b"54 go on\r\n")
def relay_wrong_class_at_the_end():
    """A 3yz after the content is no acceptance (RFC 5321, 4.2.1)."""


@case(RELAY, sessions=4, each=CONNECTION)
def relay_replies_ahead(site, listener):
    """Replies that come before their commands: the message counts as delivered only if the server really said so after it."""
    flood = b"".join([b"220 x ESMTP\r\n", b"250 hello\r\n", b"250 ok\r\n" * 50])
    return relayed(site, "relay_replies_ahead", misbehave("connect", lambda session: flood, always=False))


@case(RELAY, sessions=4, each=CONNECTION)
def relay_starttls_injection(site, listener):
    """Replies in one segment with 220 to STARTTLS are not those of the protected session (RFC 3207, 5): the injected EHLO reply
    offers what the real one does not, and must not be believed."""
    tls = server_tls(site)

    def script(stage, argument, session):
        if stage == "starttls" and session.number == 0:
            script.met = True
            session.send(b"220 go ahead\r\n250-injected\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n250 2.1.0 ok\r\n550 5.1.1 no\r\n")
            session.start_tls()
            return scripted.SILENT
        return None

    script.met = False
    return relayed(site, "relay_starttls_injection", script, tls=tls)


# The fetcher.

def fetched(site, name, script, tls="none", server_context=None, drop=None, seconds=60, **server):
    """One run of a job at this server; gives its error ("" for none) and the messages that were stored."""
    drop = drop if drop is not None else {"one": messages.simple(f"{name}-one")}
    site.clear("fetched")
    with scripted.Pop3Server(drop=drop, script=script, tls=server_context, **server) as remote:
        row = site.mesh.run("fetch", "add", "fetched@a.test", "--host", "127.0.0.1", "--port", remote.port, "--user", "remote", "--tls", tls,
                            "--allow-plaintext", "--interval", 604800, "--keep", "--password-stdin", "-o", "json", input="secret\n")
        job = json.loads(row.stdout)["job_id"]
        done = site.mesh.run("fetch", "run", job, check=False)
        stored = site.mesh.messages_in("fetched@a.test")
        site.mesh.run("fetch", "remove", job)
        return done.stderr.strip().splitlines()[0] if done.returncode else "", stored


def refused(site, name, script, stored=0, **more):
    """The run ends with an error, and no more than `stored` messages are there."""
    error, count = fetched(site, name, script, **more)
    if not error or count > stored:
        raise Wrong(f"error {error!r}, {count} messages stored")
    return error


def fetcher_case(quick, stage, action):
    def register(function):
        def run(site, listener):
            return refused(site, function.__name__, misbehave(stage, action))
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        case(FETCHER, quick=quick, sessions=2, each=CONNECTION)(run)
        return run

    return register


@fetcher_case(True, "connect", without_end(b"+" * 64 * KIB))
def fetcher_greeting_without_end():
    """A greeting line that goes on for ever."""


@fetcher_case(False, "connect", scripted.SILENT)
def fetcher_greeting_that_never_comes():
    """command_timeout ends it."""


@fetcher_case(False, "pass", dripping(b"+OK drip"))
def fetcher_reply_that_drips():
    """The time counts for the whole reply."""


@fetcher_case(True, "capa", without_end(b"X-CAPABILITY\r\n", b"+OK\r\n"))
def fetcher_capabilities_without_end():
    """A list of capabilities that goes on for ever."""


@fetcher_case(True, "uidl", without_end(b"".join(b"%d u%d\r\n" % (i, i) for i in range(1, 5000)), b"+OK\r\n"))
def fetcher_listing_without_end():
    """The same numbers again and again."""


@fetcher_case(False, "retr", without_end(b"y" * 998 + b"\r\n", b"+OK\r\nSubject: endless\r\n\r\n"))
def fetcher_message_of_10_gib():
    """LIST says 300 octets; RETR never ends. Beyond max_message_bytes the run gives up."""


@fetcher_case(False, "retr", without_end(b"y" * 64 * KIB, b"+OK\r\n"))
def fetcher_line_of_10_gib():
    """The same in one line without an end."""


@case(FETCHER, quick=False, sessions=2, each=CONNECTION + MAX_LISTED * 100)
def fetcher_listing_of_too_many(site, listener):
    """More messages than max_listed_messages."""
    listing = b"+OK\r\n" + b"".join(b"%d id%d\r\n" % (i, i) for i in range(1, 2 * MAX_LISTED)) + b".\r\n"
    return refused(site, "too_many", misbehave("uidl", listing))


@case(FETCHER, sessions=2, each=CONNECTION)
def fetcher_announced_10_gib(site, listener):
    """LIST says 10 GiB: it is left at the server, and the others are fetched."""
    error, stored = fetched(site, "announced", misbehave("list", b"+OK\r\n1 %d\r\n2 300\r\n.\r\n" % (10 << 30)),
                            drop={"a": messages.simple("big-one"), "b": messages.simple("small-one")})
    if stored != 1:
        raise Wrong(f"{stored} stored: {error}")
    return error or "the other was fetched"


@case(FETCHER, sessions=2, each=CONNECTION)
def fetcher_sizes_that_lie(site, listener):
    """Sizes of LIST are a hint only (RFC 1939, 11): the octets count."""
    for lie in (1, MAX_MESSAGE - 1):
        error, stored = fetched(site, "sizes", misbehave("none", None), lie_sizes=lie)
        if error or stored != 1:
            raise Wrong(f"size {lie}: {error!r}, {stored} stored")
    error, stored = fetched(site, "sizes", misbehave("list", b"+OK\r\n1 99999999999999999999999999\r\n.\r\n"))
    return f"stored once each; a number that is none: {error or 'stored'}"


@case(FETCHER, sessions=2, each=CONNECTION)
def fetcher_uidls_that_change(site, listener):
    """Other unique ids at each session, doubled ones, empty ones, too long ones: no crash, and no message more than the server gave."""
    listings = {"doubled": b"1 same\r\n2 same\r\n", "empty": b"1 \r\n2 \r\n", "long": b"1 " + b"u" * 5000 + b"\r\n2 b\r\n",
                "numbers": b"0 a\r\n-1 b\r\n99999999999999999999 c\r\n", "octets": b"1 \0\xff\r\n2 \x80\r\n", "backwards": b"2 b\r\n1 a\r\n"}
    said = []
    for name, lines in listings.items():
        drop = {"a": messages.simple(f"{name}-a"), "b": messages.simple(f"{name}-b")}
        error, stored = fetched(site, name, misbehave("uidl", b"+OK\r\n" + lines + b".\r\n"), drop=drop)
        if stored > 2:
            raise Wrong(f"{name}: {stored} stored of 2")
        said.append(f"{name} {stored}{' ' + error[:30] if error else ''}")
    return "; ".join(said)


@case(FETCHER, sessions=2, each=CONNECTION)
def fetcher_stls_injection(site, listener):
    """Replies in one segment with +OK to STLS are not those of the protected session: the run fails, or does not believe them.
    (That the mesh's authority is not the fetcher's may end it before.)"""

    def script(stage, argument, session):
        if stage == "stls":
            session.send(b"+OK begin\r\n" + b"+OK injected\r\n" * 20)
            session.start_tls()
            return scripted.SILENT
        return None

    return refused(site, "stls", script, tls="starttls", server_context=server_tls(site))
