"""A client without manners: octets out as a case wants them, replies in as they come. SMTP, LMTP, IMAP and POP3."""
import base64
import socket
import ssl
import time


class Client:
    def __init__(self, mesh, listener, protocol, tls, timeout=30, receive_buffer=None):
        self.mesh, self.listener, self.protocol = mesh, listener, protocol
        self.buffer = b""
        self.tags = 0
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(mesh.address(listener))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.start_tls()

    def start_tls(self):
        self.socket = self.mesh.tls_context().wrap_socket(self.socket, server_hostname="127.0.0.1")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def send_until_closed(self, piece, most):
        """Sends the piece again and again; gives the octets that went out when the peer closed, or `most`."""
        sent = 0
        try:
            while sent < most:
                self.socket.sendall(piece)
                sent += len(piece)
        except (ConnectionError, ssl.SSLError):
            pass
        return sent

    def line(self):
        """One line without its end as text; None when the connection was closed."""
        while b"\n" not in self.buffer:
            try:
                octets = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLError) as error:
                if isinstance(error, TimeoutError):
                    raise
                octets = b""
            if not octets:
                return None
            self.buffer += octets
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def exactly(self, count):
        while len(self.buffer) < count:
            octets = self.socket.recv(1 << 20)
            if not octets:
                raise EOFError("closed inside of an answer")
            self.buffer += octets
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    def reply(self):
        """The last line of the next reply; of IMAP the next line that is no untagged data. None: closed."""
        while True:
            line = self.line()
            if line is None:
                return None
            if self.protocol in ("smtp", "lmtp"):
                if line[3:4] != "-":
                    return line
            elif self.protocol == "pop3" or line.startswith(("+", "* BYE", "* BAD")) or not line.startswith("*"):
                return line

    def command(self, octets):
        """Sends a command and gives the last line of its reply, without IMAP's tag."""
        if self.protocol != "imap":
            self.send(octets + b"\r\n")
            return self.reply()
        self.tags += 1
        tag = f"T{self.tags}"
        self.send(tag.encode() + b" " + octets + b"\r\n")
        reply = self.reply()
        return reply[len(tag) + 1:] if reply is not None and reply.startswith(tag + " ") else reply

    def fetch(self, octets):
        """An IMAP command; gives (all octets of its untagged data, the tagged line)."""
        self.tags += 1
        tag = f"T{self.tags} ".encode()
        self.send(tag + octets + b"\r\n")
        data = []
        while True:
            line = self.line()
            if line is None:
                raise EOFError("closed inside of an answer")
            line = line.encode("latin-1")
            if line.startswith(tag):
                return b"".join(data), line[len(tag):].decode("latin-1")
            data.append(line)
            if line.endswith(b"}"):
                data.append(self.exactly(int(line[line.rindex(b"{") + 1:-1])))

    def greet(self):
        """The greeting, and EHLO or LHLO."""
        greeting = self.line()
        if self.protocol in ("smtp", "lmtp"):
            greeting = self.command((b"EHLO" if self.protocol == "smtp" else b"LHLO") + b" client.test")
        return greeting

    def log_in(self, user, password):
        plain = base64.b64encode(f"\0{user}\0{password}".encode())
        done = {"smtp": b"AUTH PLAIN " + plain, "imap": b"AUTHENTICATE PLAIN " + plain, "pop3": b"AUTH PLAIN " + plain}[self.protocol]
        end = time.monotonic() + 20
        reply = self.command(done)
        # RFC 1939, 4: the maildrop of a session that broke off is free a moment later.
        while (reply or "").startswith("-ERR [IN-USE]") and time.monotonic() < end:
            time.sleep(0.05)
            reply = self.command(done)
        if not (reply or "").startswith(("235", "OK", "+OK")):
            raise EOFError(f"log-in at {self.listener}: {reply}")

    def harmless(self):
        """A command without effect and the reply that it must have."""
        if self.protocol == "imap":
            return b"NOOP", "OK"
        return (b"CAPA", "+OK") if self.protocol == "pop3" else (b"NOOP", "250")

    def still_served(self):
        """Whether the session goes on. For POP3 reads CAPA's list."""
        command, good = self.harmless()
        reply = self.command(command)
        if reply is None or not reply.startswith(good):
            return False
        if self.protocol == "pop3":
            while self.line() not in (".", None):
                pass
        return True

    # Mail.

    def begin(self, recipients=("target@a.test",), sender="target@a.test"):
        """MAIL, RCPT and DATA; gives the reply to the last of them."""
        self.command(f"MAIL FROM:<{sender}>".encode())
        for recipient in recipients:
            self.command(f"RCPT TO:<{recipient}>".encode())
        return self.command(b"DATA")

    def content(self, octets):
        """The octets (stuffed by the caller if need be) and the end; gives the reply."""
        self.send(octets + b"\r\n.\r\n")
        return self.reply()

    def deliver(self, octets, **envelope):
        reply = self.begin(**envelope)
        return self.content(octets) if (reply or "").startswith("354") else reply
