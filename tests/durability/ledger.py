"""What the clients tried and what they saw: written before a request and after its reply. Knows nothing of the mesh.

Every message has a key, and is made from it and its size alone, so that the check can make it again. A message that comes by
SMTP, LMTP or from a remote maildrop has an outcome for each recipient; what IMAP writers do to theirs is in `Box` and `Held`."""
import base64
import collections
import contextlib
import random
import threading
import time

# What a client knows of its message to one recipient.
ACKNOWLEDGED = "acknowledged"  # there exactly once
REFUSED = "refused"            # a permanent reply: nowhere
NEVER_SENT = "never sent"      # cut off before its end: nowhere
UNKNOWN = "unknown"            # no reply, or a temporary one: at most once


def content(key, size, sender, to):
    """The message of a key: octets with CRLF, about `size` of them."""
    head = (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {key}\r\nMessage-ID: <{key}@durability.test>\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\n..\r\n.\r\n").encode()
    octets = random.Random(key).randbytes(max(0, size - len(head)) * 3 // 4)
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n")


class Message:
    def __init__(self, key, size, sender, to, way):
        self.key, self.size, self.sender, self.to, self.way = key, size, sender, to, way
        self.outcomes = {}  # by recipient

    def octets(self):
        return content(self.key, self.size, self.sender, self.to)


class Box:
    """A mailbox of an IMAP writer. More than one name while nobody knows how a rename ended."""

    def __init__(self, name):
        self.names = [name]
        self.sure = False  # whether it is there at all
        self.uid_validity = None
        self.uids = {}  # uid: key, as the server told


class Held:
    """A message in a box: where it is, and the sets of flags that it may have."""

    def __init__(self, key, box, state, uid=None, flags=frozenset()):
        self.key, self.box, self.state, self.uid = key, box, state, uid  # state: "there", "gone", "maybe"
        self.flags = [frozenset(flags)]


class Ledger:
    def __init__(self, seed):
        self.seed = seed
        self.start = time.monotonic()
        self.lock = threading.Lock()
        self.messages = {}
        self.held = collections.defaultdict(list)  # by IMAP account
        self.boxes = collections.defaultdict(list)
        self.either = []  # pairs of Held of which exactly one is there: moves of which nobody knows how they ended
        self.popped = collections.defaultdict(dict)  # by account: key -> "gone" or "maybe"
        self.shown = collections.defaultdict(dict)  # (account, uid_validity): uid -> (modseq, flags), as a client was told last
        self.first_shown = {}  # (account, uid_validity, uid): when a client saw it first
        self.snapshots = collections.defaultdict(list)  # (account, uid_validity): (HIGHESTMODSEQ, {uid: flags})
        self.faults = []  # errors that were seen while it ran
        self.history_ = collections.defaultdict(list)
        self.events = []
        self.flight = collections.Counter()
        self.cuts = 0  # connections that clients cut in the midst of a transaction
        self.number = 0

    def now(self):
        return time.monotonic() - self.start

    def next_key(self, kind):
        with self.lock:
            self.number += 1
            return f"{kind}-{self.seed}-{self.number}"

    def note(self, key, text):
        with self.lock:
            self.history_[key].append((self.now(), text))

    def event(self, text):
        with self.lock:
            self.events.append((self.now(), text))

    def fault(self, text, key=None):
        """Something that must not be, seen while it ran."""
        with self.lock:
            self.faults.append((text, key))

    def add(self, message, recipients):
        with self.lock:
            self.messages[message.key] = message
            message.outcomes = {recipient: UNKNOWN for recipient in recipients}

    def settle(self, message, recipient, outcome, reply=""):
        message.outcomes[recipient] = outcome
        self.note(message.key, f"{message.way} to {recipient}: {outcome} {reply}".rstrip())

    @contextlib.contextmanager
    def in_flight(self, *ways):
        """While a transaction is under way that a kill would hit."""
        with self.lock:
            self.flight.update(ways)
        try:
            yield
        finally:
            with self.lock:
                self.flight.subtract(ways)

    def history(self, key):
        """What happened to a message, with what was done to the mesh meanwhile."""
        own = list(self.history_[key])
        if not own:
            return f"  {key}: nothing is known of it"
        first, last = own[0][0] - 1, own[-1][0] + 5
        around = [(when, f"   [{text}]") for when, text in self.events if first <= when <= last]
        lines = [f"  {key}:"] + [f"    {when:8.3f} s  {text}" for when, text in sorted(own + around)]
        return "\n".join(lines)

    def acknowledged(self):
        """How many copies were acknowledged so far."""
        with self.lock:
            copies = sum(outcome == ACKNOWLEDGED for m in self.messages.values() for outcome in m.outcomes.values())
        return copies + sum(h.state == "there" for held in list(self.held.values()) for h in list(held))
