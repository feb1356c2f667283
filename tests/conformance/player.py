"""Plays a transcript against a mesh and writes down what was really said."""
import imaplib
import smtplib
import socket
import tempfile
import time

from tests.conformance.patterns import Expected, fill_in
from tests.conformance.scram import Scram, tls_exporter

SECONDS = 10  # that an expected line may take


class Mismatch(Exception):
    """The server said something else than the transcript expects."""


class Connection:
    """One connection: lines as latin-1 text without CRLF."""

    def __init__(self, host, port, tls_context, implicit_tls):
        self.socket = socket.create_connection((host, port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.context = tls_context
        self.buffer = b""
        if implicit_tls:
            self.start_tls()

    def start_tls(self):
        with tempfile.NamedTemporaryFile() as keys:
            self.context.keylog_filename = keys.name  # for exporter()
            # 127.0.0.1 stands in the certificate of a mesh that runs on one machine.
            self.socket = self.context.wrap_socket(self.socket, server_hostname="127.0.0.1")
            self.secrets = dict(line.split()[::2] for line in keys.read().decode().splitlines() if line[0] != "#")

    def exporter(self):
        """Channel binding "tls-exporter" (RFC 9266), which Python's ssl does not give."""
        hash_name = "sha384" if self.socket.cipher()[0].endswith("SHA384") else "sha256"
        return tls_exporter(bytes.fromhex(self.secrets["EXPORTER_SECRET"]), hash_name)

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self, seconds=SECONDS):
        """The next line; None at the end of the connection. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while (at := self.buffer.find(b"\n")) < 0:
            self.socket.settimeout(max(end - time.monotonic(), 0.01))
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more
        line, self.buffer = self.buffer[:at], self.buffer[at + 1:]
        return line.removesuffix(b"\r").decode("latin-1")

    def close(self):
        self.socket.close()


class Player:
    """Plays the cases of one transcript. `said` collects the real transcript."""

    def __init__(self, mesh, transcript, user, password):
        self.mesh, self.transcript = mesh, transcript
        self.values = {"user": user, "password": password}
        self.values["plain"] = "${base64:${x:00}" + user + "${x:00}" + password + "}"
        for name in transcript.accounts:
            self.values[name] = f"{name}-{user}"
        for name, octets in transcript.messages.items():
            self.values[name] = octets.decode("latin-1")
            self.values[name + ".size"] = str(len(octets))
        self.said = []

    def accounts(self):
        return [self.values["user"], *(self.values[name] for name in self.transcript.accounts)]

    def play(self, case):
        """Raises Mismatch where the server does not answer as expected."""
        self.connections, self.current = {}, None
        self.unsent, self.group, self.skipping = b"", [], False
        self.said.append(f"== {case.title}")
        try:
            steps = list(case.steps)
            while steps:
                step = steps.pop(0)
                try:
                    self.step(step, steps)
                except KeyError as error:
                    raise Mismatch(f"line {step.line}: ${{{error.args[0]}}} is not known here") from None
                except TimeoutError:
                    raise Mismatch(f"line {step.line}: nothing came within {SECONDS} s") from None
                except OSError as error:
                    raise Mismatch(f"line {step.line}: {error}") from None
            self.settle()
        finally:
            for connection in self.connections.values():
                connection.close()

    def step(self, step, following):
        if step.kind in ("C", "C."):
            self.settle()
            octets = fill_in(step.text, self.values) + ("\r\n" if step.kind == "C" else "")
            self.said += ["C: " + line for line in octets.removesuffix("\r\n").split("\r\n")]
            # Sent with what follows it, in one piece, as a client that pipelines does.
            self.unsent += octets.encode("latin-1")
            if not (following and following[0].kind in ("C", "C.")):
                self.flush()
        elif step.kind == "C*":
            self.settle()
            self.repeat(step, following)
        elif step.kind == "S~":
            self.group.append(step)
        elif step.kind == "S":
            self.settle()
            if step.text == "...":
                self.skipping = True
            else:
                self.expect(step)
        else:
            self.settle()
            getattr(self, "do_" + step.kind)(*step.text.split())

    # What the server says.

    def read(self, step):
        line = self.current.line()
        if line is None:
            self.said.append("(closed)")
            raise Mismatch(f"line {step.line}: expected {step.text!r}, but the connection is closed")
        self.said.append("S: " + line)
        return line

    def expect(self, step):
        expected = Expected(step.text, self.values)
        while (found := expected.match(line := self.read(step))) is None:
            if not self.skipping:
                raise Mismatch(f"line {step.line}: expected {step.text!r}, got {line!r}")
        self.skipping = False
        self.values |= found

    def settle(self):
        """The S~ lines that were collected: each comes once, in any order."""
        if not self.group:
            return
        left, self.group = self.group, []
        while left:
            line = self.read(left[0])
            for step in left:
                found = Expected(step.text, self.values).match(line)
                if found is not None:
                    self.values |= found
                    left.remove(step)
                    break
            else:
                if not self.skipping:
                    raise Mismatch(f"line {left[0].line}: got {line!r}, expected one of {[s.text for s in left]}")
        self.skipping = False

    def repeat(self, step, following):
        """A command that is sent again and again until the answer is the expected one: another session's changes need not
        be there at once. Untagged lines of all tries count together."""
        expected = []
        while following and following[0].kind == "S":
            expected.append(following.pop(0))
        tag = step.text.split()[0] + " "
        told, end = [], time.monotonic() + SECONDS
        while True:
            self.said.append("C: " + fill_in(step.text, self.values))
            self.current.send((fill_in(step.text, self.values) + "\r\n").encode("latin-1"))
            while not (line := self.read(expected[-1])).startswith(tag):
                told.append(line)
            if self.sequence([*told, line], expected):
                return
            if time.monotonic() > end:
                raise Mismatch(f"line {step.line}: not told within {SECONDS} s, but {told}")
            time.sleep(0.005)

    def sequence(self, lines, expected):
        """Whether `lines` are as expected, one for one; "..." stands for any number of them."""
        lines, skipping, values = list(lines), False, dict(self.values)
        for step in expected:
            if step.text == "...":
                skipping = True
                continue
            while lines:
                found = Expected(step.text, values).match(lines.pop(0))
                if found is not None:
                    values |= found
                    break
                if not skipping:
                    return False
            else:
                return False
            skipping = False
        if lines and not skipping:
            return False
        self.values = values
        return True

    def flush(self):
        octets, self.unsent = self.unsent, b""
        self.current.send(octets)

    # Directives.

    def do_connect(self, *words):
        """connect [NAME] LISTENER [hello|login]: what is begun there is not in the transcript."""
        begun = words[-1] if words[-1] in ("hello", "login") else None
        name, listener = words[0], words[1 if len(words) - bool(begun) > 1 else 0]
        self.said.append(f"connect {' '.join(words)}")
        self.current = self.connections[name] = Connection(
            *self.mesh.address(listener), self.mesh.tls_context(), listener in ("imaps", "pop3s", "submissions"))
        if begun:
            self.begin(listener, begun)

    def begin(self, listener, how_far):
        user, password = self.values["user"], self.values["password"]
        # (beginning of the last line of an answer, the command that follows it)
        smtp = [("220 ", ("LHLO" if listener == "lmtp" else "EHLO") + " client.test"), ("250 ", None)]
        dialogue = {
            ("imap", "login"): [("* OK", f'login LOGIN "{user}" "{password}"'), ("login OK", None)],
            ("pop3", "login"): [("+OK", f"USER {user}"), ("+OK", f"PASS {password}"), ("+OK", None)],
            ("submission", "login"): [smtp[0], ("250 ", fill_in("AUTH PLAIN ${plain}", self.values)), ("235 ", None)],
        }.get((listener.removesuffix("s"), how_far), smtp)
        for answer, command in dialogue:
            while not (line := self.current.line() or "").startswith(answer):
                if not line.startswith(("* ", "250-")):
                    raise Mismatch(f"{how_far}: {line!r}")
            if command:
                self.current.send((command + "\r\n").encode("latin-1"))

    def do_on(self, name):
        self.said.append(f"on {name}")
        self.current = self.connections[name]

    def do_tls(self):
        self.said.append("tls")
        self.current.start_tls()

    def do_closed(self):
        """The server has said nothing more and has closed."""
        line = self.current.line()
        self.said.append("closed" if line is None else "S: " + line)
        if line is not None:
            raise Mismatch(f"expected the end of the connection, got {line!r}")

    def do_close(self):
        self.said.append("close")
        self.current.close()

    def do_fill(self, mailbox, *messages):
        """Appends messages to a mailbox, which is made if it is not there."""
        with imaplib.IMAP4(*self.mesh.address("imap"), timeout=SECONDS) as client:
            client.login(self.values["user"], self.values["password"])
            client.create(mailbox)
            for name in messages:
                answer = client.append(mailbox, None, None, self.transcript.messages[name])
                if answer[0] != "OK":
                    raise Mismatch(f"fill {mailbox}: {answer}")

    def do_deliver(self, message, *recipients):
        """Delivers a message by LMTP."""
        with smtplib.LMTP(*self.mesh.address("lmtp")) as client:
            client.sendmail("sender@elsewhere.test", [fill_in(r, self.values) for r in recipients] or [self.values["user"]],
                            self.transcript.messages[message])

    def do_run(self, *command):
        """`mailmesh COMMAND...`"""
        self.mesh.run(*(fill_in(word, self.values) for word in command))

    def do_scram(self, mechanism=None):
        """scram SHA-256[-PLUS]: gives ${scram.first}. scram, when ${scram.challenge} is there: ${scram.final}, ${scram.proof}."""
        if mechanism:
            hash_name = mechanism.removesuffix("-PLUS")
            binding = self.current.exporter() if mechanism.endswith("-PLUS") else None
            self.scram = Scram(hash_name, self.values["user"], self.values["password"], binding)
            self.values["scram.first"] = self.scram.first()
        else:
            self.values["scram.final"], self.values["scram.proof"] = self.scram.final(self.values["scram.challenge"])
