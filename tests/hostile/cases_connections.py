"""Many connections and slow ones: writers and readers of an octet a second, floods, and 10,000 that do nothing."""
import socket
import time

from tests.hostile.client import Client
from tests.hostile.harness import ALL, IMAP, KIB, LISTENERS, PASSWORD, PLAIN, POP3, SMTP, Wrong, case, expect
from tests.support import messages

SLOW = 1000
SLOW_SECONDS = 6
# What an idle connection may cost its gateway, with TLS too as long as nobody has logged in, and one that is in IDLE.
IDLE, LOGGED_IN = 24 * KIB, 64 * KIB
HALF = 5_000
MAX_SESSIONS = 10_000


def connect_many(site, listener, count, receive_buffer=None):
    """`count` connections to a listener, their greetings read; plain sockets, or TLS ones."""
    _, protocol, tls = LISTENERS[listener]
    clients = []
    try:
        for _ in range(count):
            clients.append(Client(site.mesh, listener, protocol, tls, receive_buffer=receive_buffer))
        for client in clients:
            greeting = client.line()
            if not (greeting or "").startswith(("220", "* OK", "+OK")):
                raise Wrong(f"connection {clients.index(client)}: {greeting!r}")
    except BaseException:
        close_all(clients)
        raise
    return clients


def close_all(clients):
    for client in clients:
        client.close()


@case(ALL, quick=("mx",), sessions=SLOW, each=128 * KIB)
def slow_writers(site, listener):
    """1,000 sessions that send a command octet by octet, one a second."""
    clients = connect_many(site, listener, SLOW)
    try:
        command = {"imap": b"T1 CAPABILITY", "pop3": b"USER somebody"}.get(clients[0].protocol, b"EHLO client.test")
        for octet in command[:SLOW_SECONDS]:
            begin = time.monotonic()
            for client in clients:
                client.send(bytes([octet]))
            time.sleep(max(0, 1 - (time.monotonic() - begin)))
        answered = 0
        for client in clients:
            client.send(command[SLOW_SECONDS:] + b"\r\n")
        for client in clients:
            answered += bool(client.line())
        if answered != SLOW:
            raise Wrong(f"{answered} of {SLOW} were answered in the end")
        return f"all {SLOW} answered after {SLOW_SECONDS} s"
    finally:
        close_all(clients)


@case(("lmtp", "mx"), quick=False, sessions=SLOW, each=128 * KIB)
def slow_writers_of_contents(site, listener):
    """1,000 transactions whose content comes one octet a second; none of it is a message before its end."""
    clients = connect_many(site, listener, SLOW)
    before = site.mesh.messages_in("target@a.test")
    try:
        for client in clients:
            client.send(b"%s c.test\r\n" % (b"LHLO" if listener == "lmtp" else b"EHLO"))
            client.reply()
            expect(client.begin(), "354 ")
        for octet in b"Subject: drip"[:SLOW_SECONDS]:
            begin = time.monotonic()
            for client in clients:
                client.send(bytes([octet]))
            time.sleep(max(0, 1 - (time.monotonic() - begin)))
    finally:
        close_all(clients)
    if site.mesh.messages_in("target@a.test") != before:
        raise Wrong("half a message was stored")
    return f"{SLOW} broken off, none stored"


def slow_accounts(site, count):
    """Accounts whose INBOX has one message of 256 KiB: POP3 lets only one session into each."""
    names = [f"slow-{number}@a.test" for number in range(count)]
    if getattr(site, "slow_accounts", 0) < count:
        for name in names[getattr(site, "slow_accounts", 0):]:
            site.mesh.add_account(name, PASSWORD)
            with site.client("lmtp") as client:
                expect(client.deliver(messages.simple("slow", 256 * KIB), recipients=[name]), "250 ")
        site.slow_accounts = count
    return names


@case(IMAP + POP3, quick=False, sessions=SLOW, each=512 * KIB)
def slow_readers(site, listener):
    """1,000 sessions that asked for messages of 256 KiB and read an octet a second."""
    accounts = slow_accounts(site, SLOW if listener in POP3 else 20)
    _, protocol, tls = LISTENERS[listener]
    clients = []
    try:
        for number in range(SLOW):
            client = Client(site.mesh, listener, protocol, tls, receive_buffer=4096)
            clients.append(client)
            client.greet()
            client.log_in(accounts[number % len(accounts)], PASSWORD)
            if protocol == "imap":
                client.command(b"EXAMINE INBOX")
            client.send(b"T9 FETCH 1:* BODY.PEEK[]\r\n" * 8 if protocol == "imap" else b"RETR 1\r\n" * 8)
        for _ in range(SLOW_SECONDS):
            begin = time.monotonic()
            for client in clients:
                if not client.socket.recv(1):
                    raise Wrong("a slow reader was cut off at once")
            time.sleep(max(0, 1 - (time.monotonic() - begin)))
        return f"{SLOW} held for {SLOW_SECONDS} s"
    finally:
        close_all(clients)


@case(SMTP, quick=("mx",), sessions=SLOW, each=256 * KIB)
def slow_readers_of_replies(site, listener):
    """1,000 sessions with 200 commands in flight each that read an octet of the replies a second."""
    clients = connect_many(site, listener, SLOW, receive_buffer=4096)
    try:
        for client in clients:
            client.send(b"NOOP\r\n" * 200)
        for _ in range(3):
            begin = time.monotonic()
            for client in clients:
                client.socket.recv(1)
            time.sleep(max(0, 1 - (time.monotonic() - begin)))
        return f"{SLOW} held"
    finally:
        close_all(clients)


@case(ALL, quick=False, sessions=HALF, each=IDLE)
def idle_10000(site, listener):
    """10,000 connections that do nothing: in two halves, as the descriptors of one machine end near 20,000 and the clients are on it
    too. The last ones are served as the first ones."""
    served = []
    for _ in range(2):
        clients = connect_many(site, listener, HALF)
        try:
            time.sleep(2)
            for client in (clients[0], clients[HALF // 2], clients[-1]):
                if not client.still_served():
                    raise Wrong("an idle session is not served any more")
            served.append(len(clients))
        finally:
            close_all(clients)
    return f"{served[0]} and {served[1]} held"


@case(IMAP, quick=False, sessions=HALF, each=LOGGED_IN)
def idle_logged_in(site, listener):
    """5,000 sessions in IDLE on one mailbox; a delivery is told to each."""
    _, protocol, tls = LISTENERS[listener]
    site.clear("reader")
    clients = []
    try:
        for _ in range(HALF):
            client = Client(site.mesh, listener, protocol, tls, timeout=60)
            clients.append(client)
            client.greet()
            client.log_in("reader@a.test", PASSWORD)
            expect(client.command(b"SELECT INBOX"), "OK")
            expect(client.command(b"IDLE"), "+")
        begin = time.monotonic()
        with site.client("lmtp") as sender:
            expect(sender.deliver(messages.simple("wake"), recipients=["reader@a.test"]), "250 ")
        told = 0
        for client in clients:
            while (line := client.line()) is not None and " EXISTS" not in line:
                pass
            told += line is not None
        if told != HALF:
            raise Wrong(f"{told} of {HALF} were told")
        return f"{HALF} told within {time.monotonic() - begin:.1f} s"
    finally:
        close_all(clients)


@case(PLAIN, quick=False, sessions=MAX_SESSIONS, each=IDLE)
def beyond_max_sessions(site, listener):
    """The 10,001st is told to come again, in the words of the protocol (RFC 5321, 3.8: 421; RFC 9051, 7.1.5: BYE)."""
    _, protocol, _ = LISTENERS[listener]
    # Kept as bare sockets: a Client is larger than a session.
    sockets = []
    try:
        for number in range(MAX_SESSIONS - 200):
            one = socket.create_connection(site.mesh.address(listener), 30)
            sockets.append(one)
        last = None
        for _ in range(400):
            client = Client(site.mesh, listener, protocol, False)
            sockets.append(client.socket)
            last = client.line()
            if last is None or last.startswith(("421", "* BYE", "-ERR")):
                break
        return expect(last, "421 4", "* BYE", "-ERR")
    finally:
        for one in sockets:
            one.close()


@case(ALL, sessions=200, quick=PLAIN)
def connection_flood(site, listener):
    """2,000 connections from one address as fast as they go, closed without a word, half of them by a reset."""
    begin = time.monotonic()
    for number in range(2000):
        one = socket.create_connection(site.mesh.address(listener), 30)
        if number % 2:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()
    with site.client(listener, log_in=False) as client:
        if not client.still_served():
            raise Wrong("a proper client is not served")
    return f"2,000 in {time.monotonic() - begin:.1f} s, the next is served"


@case(ALL, sessions=500, quick=("mx", "imap", "pop3"))
def commands_and_gone(site, listener):
    """Sessions that send work and are gone before the answer: 500, or 100 where each has to log in first."""
    work = {"imap": b"T1 LIST \"\" *\r\nT2 SELECT INBOX\r\nT3 FETCH 1:* (BODY[])\r\n", "pop3": b"STAT\r\nLIST\r\nRETR 1\r\n"}
    for number in range(500 if listener in ("mx", "lmtp") else 100):
        client = site.client(listener)
        client.send(work.get(client.protocol, b"MAIL FROM:<target@a.test>\r\nRCPT TO:<target@a.test>\r\nDATA\r\nSubject: gone\r\n\r\nhalf"))
        if number % 2:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    with site.client(listener) as client:
        if not client.still_served():
            raise Wrong("a proper client is not served")
    return "the next is served"
