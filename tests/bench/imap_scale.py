#!/usr/bin/python3
"""Large mailboxes as an IMAP client sees them: one of 1,000,000 messages and an account of 10,000 mailboxes, over TLS.

    tests/bench/imap_scale.py [--messages 1000000] [--mailboxes 10000]

Prints one line a command: how long it took, the octets of its answer, the CPU of gateway and store, and their memory after it. Ends with 1
where a command is refused or a count is wrong."""
import argparse
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.bench.figures import cpu_seconds, memory_kib, say  # noqa: E402
from tests.support import messages  # noqa: E402
from tests.support.mesh import Mesh  # noqa: E402

USER, PASSWORD = "anna@a.test", "correct horse"
ROLES = ("imap_gateway", "mailbox_store")
FIRST = 1000  # appended; the rest are copies of them


class Connection:
    """Counts the octets of an answer, and keeps its first and its last lines only."""

    def __init__(self, mesh):
        self.mesh = mesh
        plain = socket.create_connection(("127.0.0.1", mesh.port("imaps")), 600)
        self.socket = mesh.tls_context().wrap_socket(plain, server_hostname="127.0.0.1")
        self.number = 0
        self.socket.recv(4096)
        self.run(f'LOGIN {USER} "{PASSWORD}"')

    def run(self, command, literals=()):
        """(the first 64 KiB of the answer, its octets)."""
        self.number += 1
        tag = b"t%d" % self.number
        self.socket.sendall(tag + b" " + command.encode() + b"".join(b" {%d+}\r\n" % len(octets) + octets for octets in literals) + b"\r\n")
        head, tail, count = b"", b"\r\n", 0
        while not (ended := re.search(rb"\r\n" + tag + rb" ([^\r]*)\r\n\Z", tail)):
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError(tail[-500:])
            count += len(data)
            head += data[:max(0, (1 << 16) - len(head))]
            tail = (tail + data)[-2000:]
        if not ended[1].startswith(b"OK"):
            raise AssertionError(f"{command}: {ended[1].decode()}")
        return head, count

    def measured(self, command, name=None):
        before = [cpu_seconds(self.mesh, role) for role in ROLES]
        started = time.monotonic()
        head, octets = self.run(command)
        took = time.monotonic() - started
        used = [cpu_seconds(self.mesh, role) - was for role, was in zip(ROLES, before)]
        memory = [memory_kib(self.mesh, role) // 1024 for role in ROLES]
        say(name or command, f"{took:8.2f} s  {octets:>11,} octets  CPU {used[0]:6.2f} + {used[1]:6.2f} s  {memory[0]:5} + {memory[1]:5} MiB")
        return head


def expect(head, pattern, what):
    if not re.search(pattern, head):
        raise AssertionError(f"{what}: not in {head[:300]!r}")


def fill(client, count):
    started = time.monotonic()
    for first in range(0, FIRST, 100):
        client.run("APPEND INBOX", [messages.simple(f"large-{i}", 500) for i in range(first, first + 100)])
    client.run("SELECT INBOX")
    there = FIRST
    while there < count:
        more = min(there, 64_000, count - there)
        client.run(f"COPY 1:{more} INBOX")
        client.run("NOOP")
        there += more
    client.run("UNSELECT")
    say("filling it, by COPY", f"{time.monotonic() - started:8.2f} s")


def large_mailbox(mesh, client, count):
    expect(client.measured("STATUS INBOX (MESSAGES UIDNEXT UNSEEN SIZE)"), rb"MESSAGES %d " % count, "STATUS")
    expect(client.measured("SELECT INBOX", "SELECT, the gateway has no view of it yet"), rb"\* %d EXISTS" % count, "SELECT")
    other = Connection(mesh)
    other.measured("SELECT INBOX", "SELECT by a second session")
    client.measured("FETCH 1:* (UID FLAGS)")
    client.measured("FETCH 1:1000 (UID FLAGS ENVELOPE BODYSTRUCTURE)")
    client.measured(f"FETCH {count // 2} (BODY.PEEK[])")
    for search in ("UNSEEN", "SUBJECT large-77", "SINCE 1-Jan-2020 FROM sender", "UID 1:*"):
        client.measured(f"SEARCH RETURN (COUNT) {search}")
    client.measured("SORT (REVERSE DATE) UTF-8 ALL")
    client.measured("SORT (SUBJECT) UTF-8 ALL")
    client.measured("THREAD REFERENCES UTF-8 SUBJECT large-77")
    client.measured("STORE 1:* +FLAGS.SILENT (\\Seen)")
    other.measured("NOOP", "NOOP of the second session: a million flags")
    client.measured("STORE 7 +FLAGS (\\Flagged)", "STORE of one message")
    client.measured(f"STORE 1:{count // 2} +FLAGS.SILENT (\\Deleted)")
    client.measured("EXPUNGE")
    expect(other.measured("NOOP", "NOOP of the second session: half a million expunged"), rb"EXPUNGE", "NOOP")


def many_mailboxes(client, count):
    started = time.monotonic()
    for i in range(count):
        client.run(f"CREATE many/{i // 100}/{i}")
    say(f"CREATE of {count:,}", f"{time.monotonic() - started:8.2f} s")
    client.measured('LIST "" *')
    client.measured('LIST "" % RETURN (CHILDREN)')
    client.measured('LIST "" * RETURN (STATUS (MESSAGES UIDNEXT UNSEEN))')
    client.measured("RENAME many/1 other")
    client.measured("DELETE many/2/200")
    client.measured('LSUB "" *')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--mailboxes", type=int, default=10_000)
    options = parser.parse_args()
    with Mesh(f"mailbox_store: {{max_mailboxes: {2 * options.mailboxes + 100}}}\n") as mesh:
        mesh.run("domain", "add", USER.split("@")[1])
        mesh.add_account(USER, PASSWORD)
        client = Connection(mesh)
        fill(client, options.messages)
        large_mailbox(mesh, client, options.messages)
        many_mailboxes(client, options.mailboxes)
        started = time.monotonic()
        mesh.stop()
        mesh.start()
        say("all stopped and started again", f"{time.monotonic() - started:8.2f} s")
        client = Connection(mesh)
        expect(client.measured("SELECT INBOX", "SELECT after the restart"), rb"\* %d EXISTS" % (options.messages - options.messages // 2), "SELECT")
        client.measured('LIST "" *', "LIST after the restart")


if __name__ == "__main__":
    main()
