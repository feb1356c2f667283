"""Every capability word that a listener advertises needs two transcripts: one in which it does its work, one in which it
is refused as its RFC says. Prints what each listener says in each state."""
import base64

from tests.conformance.player import Connection


def _login(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Asker:
    """Asks one connection; each protocol knows how."""

    def __init__(self, mesh, listener, user, password):
        self.connection = Connection(*mesh.address(listener), mesh.tls_context(), listener in ("imaps", "pop3s", "submissions"))
        self.listener, self.user, self.password = listener, user, password

    def command(self, text, end):
        """Lines up to the one that begins with one of `end`; all if `text` is empty: the greeting."""
        if text:
            self.connection.send(text.encode() + b"\r\n")
        lines = []
        while True:
            lines.append(self.connection.line())
            if lines[-1].startswith(end):
                return lines

    def states(self):
        """[(state, words)] of this listener."""
        yield "connected", self.words()
        if self.starttls():
            yield "after TLS", self.words()
        if self.log_in():
            yield "logged in", self.words()


class Imap(Asker):
    def words(self):
        if not hasattr(self, "greeting"):
            self.greeting = self.command("", "*")[0]
        return self.command("c CAPABILITY", "c ")[0].split()[2:]

    def starttls(self):
        if self.listener == "imaps":
            return False
        self.command("s STARTTLS", "s OK")
        self.connection.start_tls()
        return True

    def log_in(self):
        return self.command(f'l LOGIN {self.user} "{self.password}"', "l OK")


class Pop3(Asker):
    def words(self):
        if not hasattr(self, "greeting"):
            self.greeting = self.command("", "+OK")[0]
        words = []
        for line in self.command("CAPA", ".")[1:-1]:
            first, *rest = line.split()
            words += [f"SASL {mechanism}" for mechanism in rest] if first == "SASL" else [first]
        return words

    def starttls(self):
        if self.listener == "pop3s":
            return False
        self.command("STLS", "+OK")
        self.connection.start_tls()
        return True

    def log_in(self):
        self.command(f"USER {self.user}", "+OK")
        return self.command(f"PASS {self.password}", "+OK")


class Smtp(Asker):
    hello = "EHLO client.test"

    def words(self):
        if not hasattr(self, "greeting"):
            self.greeting = self.command("", "220 ")[0]
        words = []
        for line in self.command(self.hello, "250 ")[1:]:
            first, *rest = line[4:].split()
            words += [f"AUTH {mechanism}" for mechanism in rest] if first == "AUTH" else [first]
        return words

    def starttls(self):
        if self.listener == "submissions":
            return False
        self.command("STARTTLS", "220 ")
        self.connection.start_tls()
        return True

    def log_in(self):
        return self.listener.startswith("submission") and self.command(
            f"AUTH PLAIN {_login(self.user, self.password)}", "235 ")


class Lmtp(Smtp):
    hello = "LHLO client.test"


LISTENERS = {
    "imap": (Imap, ("imap", "imaps")),
    "pop3": (Pop3, ("pop3", "pop3s")),
    "smtp": (Smtp, ("mx", "submission", "submissions")),
    "lmtp": (Lmtp, ("lmtp",)),
}


def advertised(mesh, protocol, mesh_name, password):
    """All words of a protocol's listeners, and prints them by listener and state."""
    kind, listeners = LISTENERS[protocol]
    found = set()
    for listener in listeners:
        user = f"words-{mesh_name}-{listener}@a.test"  # its own, for POP3 may ask one to wait before the next log-in
        mesh.add_account(user, password)
        asker = kind(mesh, listener, user, password)
        for state, words in asker.states():
            print(f"  {listener}, {state}: {' '.join(words) if protocol == 'imap' else ', '.join(words)}")
            found |= set(words)
        asker.connection.close()
    return found


def without_value(word):
    """SIZE=..., APPENDLIMIT=...: the transcript names the word, not the number."""
    name, equals, value = word.partition("=")
    return name if value.isdigit() else word


def collect(mesh, mesh_name, password, found):
    """Adds what this mesh's listeners advertise to `found` (protocol -> words), and prints it."""
    print(f"== capability words, mesh {mesh_name}")
    for protocol in LISTENERS:
        found.setdefault(protocol, set()).update(without_value(w) for w in advertised(mesh, protocol, mesh_name, password))


def compare(found, transcripts):
    """Prints what is missing and gives how much that is."""
    missing = 0
    for protocol, words in found.items():
        own = [t for t in transcripts if t.path.parent.name == protocol]
        for kind in ("works", "refused"):
            tagged = set().union(*(getattr(t, kind) for t in own))
            for word in sorted(words - tagged):
                print(f"  MISSING: no transcript in tests/conformance/{protocol} has [{kind}: {word}]")
                missing += 1
            for word in sorted(tagged - words):
                print(f"  MISSING: [{kind}: {word}] in tests/conformance/{protocol}, but nobody advertises it")
                missing += 1
        print(f"  {protocol}: {len(words)} words")
    return missing
