"""Sockets of clients that may be cut at any octet: SMTP, LMTP and IMAP as far as this test needs them."""
import re
import socket
import struct

TIMEOUT = 25


class Cut(Exception):
    """The connection was cut on purpose. `complete`: all octets of the request had gone out."""

    def __init__(self, complete):
        super().__init__("cut")
        self.complete = complete


class Lost(Exception):
    """The connection broke, or no answer came in time."""


class Connection:
    """`cut_after`: so many octets are sent, then the connection is reset or closed."""

    def __init__(self, address, cut_after=None, reset=False):
        self.cut_after, self.reset, self.buffer = cut_after, reset, b""
        try:
            self.socket = socket.create_connection(address, TIMEOUT)
        except OSError as error:
            raise Lost(str(error)) from None

    def start_tls(self, context):
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        except OSError as error:
            raise Lost(str(error)) from None

    def send(self, octets):
        cut = self.cut_after is not None and len(octets) >= self.cut_after
        part = octets[:self.cut_after] if cut else octets
        try:
            self.socket.sendall(part)
        except OSError as error:
            raise Lost(str(error)) from None
        if self.cut_after is not None:
            self.cut_after -= len(part)
        if cut:
            if self.reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()
            raise Cut(len(part) == len(octets))

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def octets(self, count):
        while len(self.buffer) < count:
            self._more()
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    def _more(self):
        try:
            octets = self.socket.recv(1 << 18)
        except OSError as error:
            raise Lost(str(error)) from None
        if not octets:
            raise Lost("closed")
        self.buffer += octets

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass


class Smtp(Connection):
    def reply(self):
        """(code, text of the last line)."""
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return int(line[:3]), line.decode(errors="replace")

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    @staticmethod
    def stuffed(octets):
        """RFC 5321, 4.5.2: dots are doubled, and the end."""
        octets = re.sub(rb"(?m)^\.", b"..", octets)
        return octets + b".\r\n"


class Refused(Exception):
    """A tagged NO or BAD."""


class Imap(Connection):
    """One command at a time; an answer is a list of untagged responses, each a list of texts and literals."""

    def __init__(self, address, user, password):
        super().__init__(address)
        self.tag, self.selected, self.told = 0, None, []
        try:
            self._response()
            self.run(f'LOGIN "{user}" "{password}"')
        except BaseException:
            self.close()
            raise

    def _response(self):
        parts = [self.line()]
        while (literal := re.search(rb"\{(\d+)\}$", parts[-1])) is not None:
            parts.append(self.octets(int(literal.group(1))))
            parts.append(self.line())
        return parts

    def run(self, command, literal=None):
        """The untagged responses, and the text of the tagged OK; Refused, Lost or Cut."""
        self.tag += 1
        tag = b"t%d" % self.tag
        self.told = []
        if literal is None:
            self.send(tag + b" " + command.encode() + b"\r\n")
        else:
            self.send(tag + b" " + command.encode() + b" {%d}\r\n" % len(literal))
            answer = self._until(tag, plus=True)
            if answer is not None:
                raise Refused(answer)
            self.send(literal + b"\r\n")
        return self._until(tag)

    def _until(self, tag, plus=False):
        while True:
            parts = self._response()
            if plus and parts[0].startswith(b"+"):
                return None
            if parts[0].startswith(tag + b" "):
                text = parts[0][len(tag) + 1:].decode(errors="replace")
                if not text.startswith("OK"):
                    raise Refused(text)
                return text
            if parts[0].startswith(b"* BYE"):
                raise Lost(parts[0].decode(errors="replace"))
            self.told.append(parts)

    def idle(self, seconds):
        """Waits until something is told, or the time is over; gives what was told."""
        self.tag += 1
        tag = b"t%d" % self.tag
        self.told = []
        self.send(tag + b" IDLE\r\n")
        if self._until(tag, plus=True) is not None:
            raise Refused("IDLE")
        self.socket.settimeout(seconds)
        try:
            if b"\r\n" not in self.buffer:
                octets = self.socket.recv(1 << 16)
                if not octets:
                    raise Lost("closed")
                self.buffer += octets
        except TimeoutError:
            pass
        except OSError as error:
            raise Lost(str(error)) from None
        finally:
            self.socket.settimeout(TIMEOUT)
        self.send(b"DONE\r\n")
        self._until(tag)

    def select(self, mailbox, verb="SELECT"):
        """{"UIDVALIDITY": ..., "UIDNEXT": ..., "HIGHESTMODSEQ": ..., "EXISTS": ...}."""
        self.selected = None
        self.run(f'{verb} "{mailbox}" (CONDSTORE)')
        found = {}
        for parts in self.told:
            if match := re.match(rb"\* OK \[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d+)\]", parts[0]):
                found[match.group(1).decode()] = int(match.group(2))
            elif match := re.match(rb"\* (\d+) EXISTS", parts[0]):
                found["EXISTS"] = int(match.group(1))
        self.selected = mailbox
        return found

    def flags(self, uids="1:*", modifier=""):
        """{uid: (modseq, flags)}."""
        self.run(f"UID FETCH {uids} (UID FLAGS MODSEQ){modifier}")
        return self.flags_told()

    def flags_told(self):
        found = {}
        for parts in self.told:
            line = b"".join(parts)
            uid = re.search(rb"UID (\d+)", line)
            flags = re.search(rb"FLAGS \(([^)]*)\)", line)
            modseq = re.search(rb"MODSEQ \((\d+)\)", line)
            if b" FETCH (" in line and uid and flags and modseq:
                words = frozenset(flags.group(1).decode().split()) - {"\\Recent"}
                found[int(uid.group(1))] = (int(modseq.group(1)), words)
        return found

    def contents(self, uids="1:*"):
        """{uid: (flags, octets or None)}: None where the server could not give it."""
        found = {}
        try:
            self.run(f"UID FETCH {uids} (UID FLAGS BODY.PEEK[])")
        except Refused as error:
            found["refused"] = str(error)
        for parts in self.told:
            line = b"".join(parts[::2])
            uid = re.search(rb"UID (\d+)", line)
            flags = re.search(rb"FLAGS \(([^)]*)\)", line)
            if b" FETCH (" in line and uid and b"BODY[]" in line:
                words = frozenset(flags.group(1).decode().split() if flags else ()) - {"\\Recent"}
                found[int(uid.group(1))] = (words, parts[1] if len(parts) > 1 else None)
        return found

    def uids(self):
        self.run("UID SEARCH ALL")
        return {int(word) for parts in self.told if parts[0].startswith(b"* SEARCH") for word in parts[0].split()[2:]
                if word.isdigit()}
