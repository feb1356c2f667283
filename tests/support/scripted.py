"""Servers that misbehave as a test tells them to: SMTP and POP3, one thread a connection, on 127.0.0.0/8.

A script is a function script(stage, argument, session) that returns what the server does instead of the usual:
  None     the usual reply
  bytes    these octets, as they are
  str      one reply line
  DROP     it closes the connection
  SILENT   it says nothing more and goes on listening
`session` counts from 0 in `session.number`, so that a script can do well the second time.
"""
import socket
import ssl
import threading
import time

DROP = object()
SILENT = object()


class Server:
    """Listens from its making on; `with` ends it. `split`: every octet is sent alone."""

    def __init__(self, host="127.0.0.1", port=0, script=None, split=False, tls=None, implicit_tls=False):
        self.script = script or (lambda stage, argument, session: None)
        self.split = split
        self.tls = tls  # an ssl.SSLContext
        self.implicit_tls = implicit_tls  # TLS comes before the first reply
        self.sessions = []
        self.lock = threading.Lock()
        self.listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=200)
        self.host, self.port = host, self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                session = self.Session(self, connection, len(self.sessions))
                self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def close(self):
        # shutdown() wakes the thread in accept(), so that the port is free when this returns.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for session in self.sessions:
                session.hang_up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Hangup(Exception):
    pass


class Session:
    def __init__(self, server, connection, number):
        self.server, self.socket, self.number = server, connection, number
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = connection.makefile("rb")
        self.log = []
        self.secure = False

    def run(self):
        try:
            if self.server.implicit_tls:
                self.start_tls()
            self.serve()
        except (Hangup, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            self.hang_up()

    def hang_up(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def send(self, octets):
        if isinstance(octets, str):
            octets = octets.encode() + b"\r\n"
        if self.server.split:
            for i in range(len(octets)):
                self.socket.sendall(octets[i:i + 1])
        else:
            self.socket.sendall(octets)

    def line(self):
        line = self.file.readline()
        if not line:
            raise Hangup
        text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        self.log.append(text)
        return text

    def act(self, stage, usual, argument=""):
        """Does what the script says at this stage. True: the usual was done."""
        action = self.server.script(stage, argument, self)
        if action is None:
            self.send(usual)
            return True
        if action is DROP:
            raise Hangup
        if action is not SILENT:
            self.send(action)
        return False

    def start_tls(self):
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self.file = self.socket.makefile("rb")
        self.secure = True


class SmtpServer(Server):
    """Stages: connect, ehlo, helo, starttls, auth, mail, rcpt, data, end, bdat, rset, quit.

    messages: what it answered 250 for: (sender, recipients, octets, commands)."""

    def __init__(self, *arguments, extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"), name="scripted.test",
                 latency=0, **more):
        self.extensions = list(extensions)
        self.name = name
        self.latency = latency  # seconds before each reply at the end of a message
        self.messages = []
        self.open, self.most_open = 0, 0
        super().__init__(*arguments, **more)

    def received(self, subject):
        """How often a message of this subject was taken."""
        return sum(f"\r\nSubject: {subject}\r\n".encode() in m[2] for m in list(self.messages))

    class Session(Session):
        def serve(self):
            with self.server.lock:
                self.server.open += 1
                self.server.most_open = max(self.server.most_open, self.server.open)
            try:
                self.converse()
            finally:
                with self.server.lock:
                    self.server.open -= 1

        def converse(self):
            if not self.act("connect", f"220 {self.server.name} ESMTP"):
                pass
            self.reset()
            while True:
                line = self.line()
                verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
                getattr(self, "on_" + verb.lower(), self.on_other)(line)

        def reset(self):
            self.sender, self.recipients, self.commands, self.chunks, self.refused = None, [], [], b"", False

        def on_other(self, line):
            self.send("502 5.5.1 not implemented")

        def on_ehlo(self, line):
            offer = [self.server.name] + self.server.extensions
            if self.server.tls and not self.secure:
                offer.append("STARTTLS")
            lines = [f"250{'-' if i + 1 < len(offer) else ' '}{word}" for i, word in enumerate(offer)]
            self.act("ehlo", ("\r\n".join(lines) + "\r\n").encode(), line)

        def on_helo(self, line):
            self.act("helo", f"250 {self.server.name}", line)

        def on_starttls(self, line):
            if self.act("starttls", "220 2.0.0 go ahead", line):
                self.start_tls()

        def on_auth(self, line):
            if self.act("auth", "235 2.7.0 welcome", line):
                self.authenticated = True

        def on_mail(self, line):
            self.commands.append(line)
            if self.act("mail", "250 2.1.0 sender ok", line):
                self.sender = line.split("<", 1)[1].split(">", 1)[0]

        def on_rcpt(self, line):
            self.commands.append(line)
            if self.sender is None:
                self.send("503 5.5.1 no sender")
            elif self.act("rcpt", "250 2.1.5 recipient ok", line):
                self.recipients.append(line.split("<", 1)[1].split(">", 1)[0])

        def on_data(self, line):
            if not self.recipients:
                self.send("503 5.5.1 no recipients")
                return
            if not self.act("data", "354 go ahead", line):
                return
            octets = bytearray()
            while True:
                part = self.file.readline()
                if not part:
                    raise Hangup
                if part == b".\r\n":
                    break
                octets += part[1:] if part.startswith(b".") else part
            self.end(bytes(octets))

        def on_bdat(self, line):
            words = line.split()
            self.commands.append(line)
            self.chunks += self.file.read(int(words[1]))
            # RFC 3030, 2: after one was refused, all are until RSET.
            if self.refused:
                self.send("503 5.5.1 no more")
            elif len(words) > 2 and words[2].upper() == "LAST":
                self.end(self.chunks)
            else:
                self.refused = not self.act("bdat", "250 2.0.0 chunk", line)

        def end(self, octets):
            if self.server.latency:
                time.sleep(self.server.latency)
            message = (self.sender, self.recipients, octets, self.commands)
            # Taken before it is said: what the client does not hear it may send again.
            action = self.server.script("end", octets, self)
            if action is None:
                with self.server.lock:
                    self.server.messages.append(message)
                self.send("250 2.0.0 taken")
            elif action is DROP:
                raise Hangup
            elif action is not SILENT:
                self.send(action)
            self.reset()

        def on_rset(self, line):
            self.reset()
            self.act("rset", "250 2.0.0 reset", line)

        def on_noop(self, line):
            self.send("250 2.0.0 ok")

        def on_quit(self, line):
            self.act("quit", "221 2.0.0 bye", line)
            raise Hangup


class Pop3Server(Server):
    """A maildrop: {unique id: octets}, in order; `drop` is changed by QUIT after DELE.

    Stages: connect, capa, stls, user, pass, auth, stat, uidl, list, retr, top, dele, quit."""

    def __init__(self, *arguments, drop=None, uidl=True, capabilities=("USER", "UIDL", "TOP", "PIPELINING"), lie_sizes=None, **more):
        self.drop = dict(drop or {})
        self.uidl = uidl
        self.capabilities = list(capabilities)
        self.lie_sizes = lie_sizes
        self.retrieved = []
        super().__init__(*arguments, **more)

    class Session(Session):
        def serve(self):
            self.messages = list(self.server.drop.items())
            self.deleted = set()
            self.act("connect", "+OK scripted")
            while True:
                line = self.line()
                words = line.split(" ")
                getattr(self, "on_" + words[0].lower(), self.on_other)(words[1:], line)

        def on_other(self, words, line):
            self.send("-ERR unknown")

        def multi(self, stage, first, lines, argument):
            self.act(stage, (first + "\r\n" + "".join(f"{one}\r\n" for one in lines) + ".\r\n").encode(), argument)

        def on_capa(self, words, line):
            offer = [c for c in self.server.capabilities if c != "UIDL" or self.server.uidl]
            if self.server.tls and not self.secure:
                offer.append("STLS")
            self.multi("capa", "+OK", offer, line)

        def on_stls(self, words, line):
            if self.act("stls", "+OK begin", line):
                self.start_tls()

        def on_user(self, words, line):
            self.act("user", "+OK", line)

        def on_pass(self, words, line):
            self.act("pass", "+OK", line)

        def on_stat(self, words, line):
            self.act("stat", f"+OK {len(self.messages)} {sum(len(m) for _, m in self.messages)}", line)

        def on_uidl(self, words, line):
            if not self.server.uidl:
                self.send("-ERR unknown command")
                return
            self.multi("uidl", "+OK", [f"{i + 1} {uid}" for i, (uid, _) in enumerate(self.messages)], line)

        def on_list(self, words, line):
            sizes = [self.server.lie_sizes or len(octets) for _, octets in self.messages]
            self.multi("list", "+OK", [f"{i + 1} {size}" for i, size in enumerate(sizes)], line)

        def on_top(self, words, line):
            octets = self.messages[int(words[0]) - 1][1]
            head, _, _ = octets.partition(b"\r\n\r\n")
            self.act("top", b"+OK\r\n" + self.stuff(head + b"\r\n\r\n") + b".\r\n", line)

        def on_retr(self, words, line):
            uid, octets = self.messages[int(words[0]) - 1]
            self.server.retrieved.append(uid)
            self.act("retr", b"+OK\r\n" + self.stuff(octets) + b".\r\n", line)

        @staticmethod
        def stuff(octets):
            octets = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
            return b"".join(b"." + part if part.startswith(b".") else part for part in octets.splitlines(keepends=True))

        def on_dele(self, words, line):
            if self.act("dele", "+OK", line):
                self.deleted.add(int(words[0]) - 1)

        def on_quit(self, words, line):
            if self.act("quit", "+OK bye", line):
                for i in self.deleted:
                    self.server.drop.pop(self.messages[i][0], None)
            raise Hangup
