"""Clients that work on end in many short sessions, and tell what a server that goes away did to them:

refused  nobody took the connection
told     the server said that it closes (421, BYE, -ERR [SYS/TEMP]) where nothing was under way
cut      the connection ended without a word, or in the middle of what had begun: (local port, what was under way)"""
import collections
import os
import random
import re
import socket
import threading
import time

from tests.support import messages

RECIPIENT = "smtp@a.test"
PAUSE = 0.004  # at most, between two steps: so that a server's end meets transactions that are under way


class Told(Exception):
    """The server closes, between two transactions or commands."""


class Steady(threading.Thread):
    """A session again and again, until stop(). `done` names what was acknowledged."""

    endpoint = ""

    def __init__(self, mesh, name):
        super().__init__(daemon=True)
        self.mesh, self.name = mesh, name
        self.done, self.told, self.refused, self.cut, self.other = [], 0, 0, [], collections.Counter()
        self.sessions = 0
        self.port = None
        self.under_way = ""  # what would be cut
        self._ended = threading.Event()
        self._random = random.Random(name)

    def stop(self):
        self._ended.set()

    def stopped(self):
        return self._ended.is_set()

    def run(self):
        while not self.stopped():
            try:
                self.socket = socket.create_connection(self.mesh.address(self.endpoint), 60)
            except OSError:
                self.refused += 1
                continue
            with self.socket, self.socket.makefile("rb") as self.file:
                self.port = self.socket.getsockname()[1]
                self.under_way = "greeting"
                try:
                    self.session()
                    self.sessions += 1
                except Told:
                    self.told += 1
                except (OSError, EOFError) as error:
                    self.cut.append((self.port, f"{self.under_way}: {error!r}"))

    def session(self):
        raise NotImplementedError

    def pause(self):
        time.sleep(self._random.random() * PAUSE)

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the server said before it closed is still to be read

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the connection ended")
        return line.decode("latin-1").rstrip("\r\n")


class Smtp(Steady):
    endpoint = "mx"

    def reply(self, expected):
        while (line := self.line())[3:4] == "-":
            pass
        if line.startswith("421"):
            if self.under_way == "transaction":
                raise EOFError(line)
            raise Told
        if not line.startswith(expected):
            self.other[line] += 1
        return line.startswith(expected)

    def command(self, text, expected):
        self.pause()
        self.send(text.encode() + b"\r\n")
        return self.reply(expected)

    def session(self):
        self.reply("220")
        self.under_way = "between"
        self.command("EHLO client.test", "250")
        for _ in range(self._random.randrange(1, 6)):
            if self.stopped():
                break
            self.transaction(f"{self.name}-{self.port}-{time.monotonic_ns()}")
        self.command("QUIT", "221")

    def transaction(self, subject):
        if not self.command("MAIL FROM:<x@elsewhere.test>", "250"):
            return
        self.under_way = "transaction"
        if self.command(f"RCPT TO:<{RECIPIENT}>", "250") and self.command("DATA", "354"):
            octets = messages.simple(subject, 3000)
            half = len(octets) // 2
            self.send(octets[:half])
            self.pause()
            self.send(octets[half:] + b".\r\n")
            if self.reply("250"):
                self.done.append(subject)
        self.under_way = "between"


class Imap(Steady):
    endpoint = "imap"

    def __init__(self, mesh, name, user, password):
        super().__init__(mesh, name)
        self.user, self.password = user, password

    def tagged(self, started=False):
        """The tagged reply of the command that was just sent; `started`: it is under way for the client already."""
        while not (line := self.line()).startswith("a "):
            if line.startswith("* BYE"):
                if started:
                    raise EOFError(line)
                raise Told
            if literal := re.search(r"\{(\d+)\}$", line):
                self.file.read(int(literal[1]))
            if line.startswith("+ "):
                return line
            started = True
            self.under_way = "reply"
        self.under_way = "between"
        if not line.startswith("a OK"):
            self.other[line] += 1
        return line

    def command(self, text):
        self.pause()
        self.send(f"a {text}\r\n".encode())
        return self.tagged()

    def session(self):
        line = self.line()
        if line.startswith("* BYE"):
            raise Told
        self.under_way = "between"
        # What needs what was refused for a moment is not tried: it would be a mistake of the client's.
        if not self.command(f'LOGIN {self.user} "{self.password}"').startswith("a OK"):
            return
        if not self.command("SELECT INBOX").startswith("a OK"):
            return
        for _ in range(self._random.randrange(1, 6)):
            if self.stopped():
                break
            self.append(f"{self.name}-{self.port}-{time.monotonic_ns()}")
            self.command("UID FETCH * (FLAGS)")
            self.command("FETCH * BODY.PEEK[]")
        self.under_way = "between"
        self.send(b"a LOGOUT\r\n")
        self.line()

    def append(self, subject):
        octets = messages.simple(subject, 3000)
        if not self.command(f"APPEND INBOX {{{len(octets)}}}").startswith("+ "):
            return
        self.under_way = "APPEND"
        half = len(octets) // 2
        self.send(octets[:half])
        self.pause()
        self.send(octets[half:] + b"\r\n")
        if self.tagged(started=True).startswith("a OK"):
            self.done.append(subject)


class Pop3(Steady):
    """Its maildrop is its own, and has messages."""
    endpoint = "pop3"

    def __init__(self, mesh, name, user, password):
        super().__init__(mesh, name)
        self.user, self.password = user, password

    def command(self, text):
        self.pause()
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        line = self.line()
        if line.startswith("-ERR [SYS/TEMP]"):
            raise Told
        if not line.startswith("+OK"):
            self.other[line] += 1
        return line

    def session(self):
        self.reply()
        self.under_way = "between"
        self.command(f"USER {self.user}")
        # The session before may have been cut off: its maildrop is locked for a moment.
        if not self.command(f"PASS {self.password}").startswith("+OK"):
            return
        for _ in range(self._random.randrange(1, 6)):
            if self.command("RETR 1").startswith("+OK"):
                self.under_way = "RETR"
                while self.line() != ".":
                    pass
                self.under_way = "between"
                self.done.append("RETR")
        self.command("QUIT")


def ports_served_by(process):
    """The clients' ports of all TCP connections that a process has."""
    inodes = set()
    for link in process_descriptors(process):
        if match := re.fullmatch(r"socket:\[(\d+)\]", link):
            inodes.add(match[1])
    ports = set()
    with open(f"/proc/{process}/net/tcp") as table:
        for fields in map(str.split, list(table)[1:]):
            if fields[9] in inodes:
                ports.add(int(fields[2].split(":")[1], 16))
    return ports


def process_descriptors(process):
    """Where the process's descriptors lead: socket:[1234], /a/file."""
    found = []
    for name in os.listdir(f"/proc/{process}/fd"):
        try:
            found.append(os.readlink(f"/proc/{process}/fd/{name}"))
        except OSError:
            continue  # closed meanwhile
    return found
