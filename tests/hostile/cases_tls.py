"""TLS from its bad side: commands injected before the handshake, handshakes that stop half-way, renegotiation, records of nonsense."""
import random
import selectors
import socket
import ssl
import subprocess
import time

from tests.hostile.harness import KIB, LISTENERS, OVER_TLS, WITH_STARTTLS, Wrong, case, expect

HALF_OPEN = 500
# A TLS connection in its handshake: OpenSSL's state and buffers.
HANDSHAKE = 128 * KIB


@case(WITH_STARTTLS)
def starttls_injection(site, listener):
    """What came in one segment with STARTTLS is never taken for a command of the protected session (RFC 3207, 5; CVE-2011-0411):
    it is dropped, or the connection ends."""
    command = {"imap": b"S1 STARTTLS\r\n", "pop3": b"STLS\r\n"}.get(LISTENERS[listener][1], b"STARTTLS\r\n")
    injected = {"imap": b"X1 CAPABILITY\r\n", "pop3": b"CAPA\r\n"}.get(LISTENERS[listener][1], b"EHLO injected.test\r\n")
    for pieces in ((command + injected,), (command[:-1], b"\n" + injected), (command + injected * 1000,)):
        with site.client(listener, log_in=False) as client:
            for piece in pieces:
                client.send(piece)
            reply = client.reply()
            if reply is None or not reply.startswith(("220", "S1 OK", "+OK")):
                expect(reply, "5", "S1 BAD", "S1 NO", "-ERR", "* BYE", "421", None)
                outcome = f"refused: {reply}"
                continue
            try:
                client.buffer = b""
                client.start_tls()
            except (ssl.SSLError, OSError):
                outcome = "the handshake fails"
                continue
            # One command, one reply: an injected one would have been answered before it.
            command2, good = client.harmless()
            if client.protocol == "smtp":
                command2 = b"VRFY"
            answer = client.command(command2)
            client.socket.settimeout(0.2)
            if client.protocol == "imap":
                expect(answer, good)
            try:
                second = client.line() if client.protocol != "pop3" else None
            except TimeoutError:
                second = None
            if second is not None or client.protocol == "smtp" and (answer or "").startswith("250"):
                raise Wrong(f"the injected command was answered: {answer!r}, {second!r}")
            outcome = f"dropped: {reply}"
    return outcome


@case(WITH_STARTTLS + OVER_TLS, sessions=HALF_OPEN, each=HANDSHAKE, quick=("imap", "submissions", "pop3s"))
def half_open_tls(site, listener):
    """500 handshakes that stop after the first octets; a proper one beside them is served."""
    command = {"imap": b"S1 STARTTLS\r\n", "pop3": b"STLS\r\n"}.get(LISTENERS[listener][1], b"STARTTLS\r\n")
    hello = bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
    sockets = []
    try:
        for _ in range(HALF_OPEN):
            if LISTENERS[listener][2]:
                one = socket.create_connection(site.mesh.address(listener), 10)
            else:
                client = site.client(listener, log_in=False)
                client.send(command)
                expect(client.reply(), "220", "S1 OK", "+OK")
                one = client.socket
            one.sendall(hello)
            sockets.append(one)
        begin = time.monotonic()
        with site.client(listener, log_in=False) as client:
            if not LISTENERS[listener][2]:
                client.send(command)
                client.reply()
                client.start_tls()
            if not client.still_served():
                raise Wrong("a proper client is not served")
        return f"{HALF_OPEN} held, another served in {(time.monotonic() - begin) * 1000:.0f} ms"
    finally:
        for one in sockets:
            one.close()


@case(WITH_STARTTLS + OVER_TLS, quick=("imaps", "submission", "pop3s"))
def renegotiation(site, listener):
    """TLS 1.2: a client that asks for a new handshake does not get one (OpenSSL's s_client asks at a line "R")."""
    starttls = {"imap": ["-starttls", "imap"], "pop3": ["-starttls", "pop3"]}.get(LISTENERS[listener][1], ["-starttls", "smtp"])
    program = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{site.mesh.port(listener)}", "-tls1_2", "-CAfile", site.mesh.ca,
         "-verify_return_error", *([] if LISTENERS[listener][2] else starttls)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = b""
        while b"Verify return code" not in said or b"---\n" not in said[said.rindex(b"Verify return code"):]:
            piece = program.stdout.read1(65536)
            if not piece:
                raise Wrong(f"no session: {said[-200:]!r}")
            said += piece
        program.stdin.write(b"R\n")
        program.stdin.flush()
        out, _ = program.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        raise Wrong("the renegotiation hangs") from None
    finally:
        program.kill()
        program.wait()
    text = out.decode(errors="replace")
    if "RENEGOTIATING" not in text or "no renegotiation" not in text and "error" not in text and program.returncode == 0:
        raise Wrong(f"it is done: {text[-200:]!r}")
    return "no renegotiation" if "no renegotiation" in text else "closed"


@case(OVER_TLS)
def no_tls_at_all(site, listener):
    """Plain commands, random octets, and records that are longer than any may be: closed, without a reply in the clear."""
    generator = random.Random(3)
    for octets in (b"EHLO x\r\n", b"GET / HTTP/1.1\r\n\r\n", generator.randbytes(70_000), bytes([22, 3, 1, 255, 255]) + b"\1" * 65535,
                   bytes([23, 3, 3, 0, 1, 0]), bytes([21, 3, 3, 0, 2, 1, 0]) * 5000, bytes([128, 46, 1, 0, 2])):
        with socket.create_connection(site.mesh.address(listener), 10) as one:
            try:
                one.sendall(octets)
                one.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := one.recv(65536):
                    answer += piece
            except OSError as error:
                if isinstance(error, TimeoutError):
                    raise Wrong(f"{octets[:10]!r} is neither answered nor closed") from None
                continue
            if answer and answer[0] != 21:
                raise Wrong(f"{answer[:40]!r} to {octets[:10]!r}")
    return "a TLS alert, or closed"


@case(OVER_TLS, quick=False, sessions=200, each=HANDSHAKE)
def handshake_flood(site, listener):
    """2,000 handshakes that are broken off after the server has done its part, 200 at a time."""
    context = site.mesh.tls_context()
    done = 0
    for _ in range(10):
        chooser = selectors.DefaultSelector()
        for _ in range(200):
            one = socket.create_connection(site.mesh.address(listener), 10)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            half = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            try:
                half.do_handshake()
            except ssl.SSLWantReadError:
                pass
            one.sendall(outgoing.read())
            chooser.register(one, selectors.EVENT_READ)
        end = time.monotonic() + 30
        while chooser.get_map() and time.monotonic() < end:
            for key, _ in chooser.select(1):
                key.fileobj.recv(65536)
                chooser.unregister(key.fileobj)
                key.fileobj.close()
                done += 1
    if done != 2000:
        raise Wrong(f"{done} of 2000 were answered")
    return "2,000 answered"
