"""What all hostile cases share: the mesh that they attack, what is measured around a case, and the registry of cases.

A case is a function of (site, listener) that returns the reply, as text for the table, and raises Wrong where the reply is not
what the standard or the configuration asks for. Around it the harness looks at the memory and the life of every process and at
the waiting time of others (probe.py)."""
import dataclasses
import json
import math
import os
import subprocess
import sys
import threading
import time

from tests.hostile.client import Client
from tests.support.mesh import PROJECT, ROLES, Mesh

MIB = 1 << 20
KIB = 1 << 10
PASSWORD = "correct horse"
# Small, so that what is not bounded shows soon. bounds() computes from the same figures.
CACHE, WRITE_BUFFER = 16 * MIB, 16 * MIB
MAX_MESSAGE = 16 * MIB
MAX_LINE = 64 * KIB
CLOSED_VIEWS = 8 * MIB
ARGON2_KIB = 8192
MAX_LISTED = 100_000
DATABASE = f"{{cache_bytes: {CACHE}, write_buffer_bytes: {WRITE_BUFFER}}}"
CONFIG = f"""hostname: mail.a.test
directory: {{argon2_memory_kib: {ARGON2_KIB}, argon2_passes: 1, scram_iterations: 4096, max_login_delay: 0s, database: {DATABASE}}}
mailbox_store: {{database: {DATABASE}}}
smtp_ingress: {{max_message_bytes: {MAX_MESSAGE}}}
imap_gateway: {{max_append_bytes: {MAX_MESSAGE}, max_line_bytes: {MAX_LINE}, closed_view_bytes: {CLOSED_VIEWS}}}
outbound_relay: {{min_retry: 1s, max_retry: 2s, connect_timeout: 5s, command_timeout: 5s, data_timeout: 10s, spool: {DATABASE}}}
fetcher: {{command_timeout: 5s, max_run: 10s, max_message_bytes: {MAX_MESSAGE}, max_listed_messages: {MAX_LISTED}}}
"""
# The allocator's arenas, the code that is paged in by its first use, gRPC's own buffers.
SLACK = 32 * MIB
# services/mailbox_store/engine/uploads.h (kMaxSummaryBytes) and section.h (kMaxHeader): what the store keeps of a content that is
# being written.
STORE_PARSING = 64 * MIB + 8 * MIB
# One session at work: a content that is not streamed yet (256 KiB), its copy in a request, a command and TLS's records.
SESSION = 2 * 256 * KIB + MAX_LINE + 32 * KIB

LISTENERS = {  # name: (role, protocol, TLS from the first octet)
    "mx": ("smtp_ingress", "smtp", False),
    "submission": ("smtp_ingress", "smtp", False),
    "submissions": ("smtp_ingress", "smtp", True),
    "lmtp": ("smtp_ingress", "lmtp", False),
    "imap": ("imap_gateway", "imap", False),
    "imaps": ("imap_gateway", "imap", True),
    "pop3": ("pop3_gateway", "pop3", False),
    "pop3s": ("pop3_gateway", "pop3", True),
}
ALL = tuple(LISTENERS)
SMTP = ("mx", "submission", "submissions", "lmtp")
IMAP = ("imap", "imaps")
POP3 = ("pop3", "pop3s")
PLAIN = tuple(name for name, (_, _, tls) in LISTENERS.items() if not tls)
WITH_STARTTLS = ("mx", "submission", "imap", "pop3")
OVER_TLS = ("submissions", "imaps", "pop3s")

# p99 of others: ten times the usual one is a failure, but nobody minds less than this.
FLOOR_SECONDS = 0.25
SLOW = "others waited"


class Wrong(Exception):
    """The reply is not what it must be."""


@dataclasses.dataclass
class Case:
    name: str
    run: object
    listeners: tuple
    quick: bool
    sessions: int  # at once
    each: int      # octets that one of them may cost its gateway


CASES = []


def case(listeners, quick=True, sessions=1, each=SESSION):
    """Registers a case. `quick`: also in the short run of tests/run; a tuple names the listeners that are in it."""

    def register(function):
        CASES.append(Case(function.__name__, function, tuple(listeners), quick, sessions, each))
        return function

    return register


def expect(reply, *beginnings):
    """Gives the reply back if it begins with one of these (None: the connection was closed)."""
    for beginning in beginnings:
        if reply is None and beginning is None or reply is not None and beginning is not None and reply.startswith(beginning):
            return "closed" if reply is None else reply
    raise Wrong(f"{reply!r}, not {' or '.join(repr(b) for b in beginnings)}")


class Site:
    """The mesh under attack. `with`."""

    ACCOUNTS = ("target", "reader", "big", "fetched", "probe-smtp", "probe-imap", "probe-pop3")

    def __init__(self):
        self.mesh = Mesh(CONFIG, arguments=["--grpc", "tcp"])

    def __enter__(self):
        self.mesh.start()
        self.mesh.run("domain", "add", "a.test")
        for account in self.ACCOUNTS:
            self.mesh.add_account(f"{account}@a.test", PASSWORD)
        self.find_processes()
        for listener in LISTENERS:  # what the first use pages in is no case's doing
            self.client(listener).close()
        self.sessions = dict.fromkeys(ROLES, 0)
        self.base = {role: memory(pid)[0] for role, pid in self.processes.items()}
        self.probe = Probe(self.mesh)
        return self

    def __exit__(self, *arguments):
        self.probe.close()
        self.mesh.__exit__(*arguments)

    def client(self, listener, log_in=True, greet=True):
        """A session that is ready for mail: greeted, and logged in where that is the custom."""
        client = Client(self.mesh, listener, *LISTENERS[listener][1:])
        if greet:
            client.greet()
        if greet and log_in and listener not in ("mx", "lmtp"):
            client.log_in("target@a.test", PASSWORD)
        return client

    def find_processes(self):
        self.processes = {role: self.mesh.process_id(role) for role in ROLES}

    def dead(self):
        """Roles whose process is not the one it was."""
        gone = [role for role, pid in self.processes.items() if not os.path.exists(f"/proc/{pid}")]
        if gone:
            self.mesh.wait_all_serving()
            self.find_processes()
        return gone

    def reset_peaks(self):
        for pid in self.processes.values():
            with open(f"/proc/{pid}/clear_refs", "w") as file:
                file.write("5")  # proc(5): the peak begins again at what there is now

    def peaks(self):
        return {role: memory(pid)[1] for role, pid in self.processes.items() if os.path.exists(f"/proc/{pid}")}

    def bounds(self, one, listener):
        """What each process may hold at most during a case, by the configuration. What the sessions of a former case used counts
        on, because an allocator does not give all of it back; the greatest of them, so that what grows from case to case is seen."""
        attacked = LISTENERS.get(listener, (listener,))[0]
        self.sessions[attacked] = max(self.sessions[attacked], one.sessions * one.each)
        own = {"directory": CACHE + WRITE_BUFFER + 2 * ARGON2_KIB * KIB, "mailbox_store": CACHE + WRITE_BUFFER + STORE_PARSING,
               "outbound_relay": CACHE + WRITE_BUFFER, "imap_gateway": CLOSED_VIEWS}
        return {role: self.base[role] + SLACK + own.get(role, 0) + self.sessions[role]
                for role in ROLES}

    def clear(self, account="target"):
        """Takes the account's mail away, so that cases stand for themselves."""
        client = Client(self.mesh, "imap", "imap", False)
        client.greet()
        client.log_in(f"{account}@a.test", PASSWORD)
        client.command(b"SELECT INBOX")
        client.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        client.command(b"EXPUNGE")
        client.close()


def memory(pid):
    """(octets in memory now, at most since the last reset)"""
    with open(f"/proc/{pid}/status") as file:
        values = dict(line.split(":", 1) for line in file if line.startswith(("VmRSS", "VmHWM")))
    return int(values["VmRSS"].split()[0]) * KIB, int(values["VmHWM"].split()[0]) * KIB


class Probe:
    """Other users, in a process of their own: how long they wait for each answer."""

    def __init__(self, mesh):
        self.seen, self.errors, self.usual = [], [], None
        self.process = subprocess.Popen([sys.executable, PROJECT / "tests/hostile/probe.py", mesh.dir], stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            entry = json.loads(line)
            (self.errors if "error" in entry else self.seen).append(entry)

    def learn(self, seconds=3):
        """The usual p99, with nothing else going on."""
        begin = time.monotonic()
        time.sleep(seconds)
        self.usual = self.p99(begin)
        return self.usual

    def p99(self, begin):
        """Of the answers since then, in seconds; one that is awaited now counts with the time so far only when it comes, so it is
        awaited. NaN: there were none."""
        end = time.monotonic()
        while time.monotonic() < end + 30 and self.process.poll() is None:
            if self.seen and self.seen[-1]["at"] > end:
                break
            time.sleep(0.02)
        waits = sorted(entry["seconds"] for entry in list(self.seen) if entry["at"] >= begin)
        return waits[math.ceil(len(waits) * 0.99) - 1] if waits else math.nan

    def errors_since(self, begin):
        return [entry["error"] for entry in list(self.errors) if entry["at"] >= begin]

    def close(self):
        self.process.terminate()
        self.process.wait()


@dataclasses.dataclass
class Outcome:
    case: str
    listener: str
    reply: str
    peaks: dict
    alive: bool
    p99: float
    problems: list
    seconds: float

    @property
    def only_slow(self):
        return bool(self.problems) and all(problem.startswith(SLOW) for problem in self.problems)


def attack(site, one, listener):
    """Runs one case against one listener; gives its line of the table."""
    problems = []
    site.reset_peaks()
    begin = time.monotonic()
    try:
        reply = one.run(site, listener)
    except Wrong as wrong:
        reply = str(wrong)
        problems.append(f"reply: {wrong}")
    except (OSError, EOFError) as error:
        reply = f"{type(error).__name__}: {error}"
        problems.append(f"the case broke: {reply}")
    seconds = time.monotonic() - begin
    p99 = site.probe.p99(begin)
    peaks = site.peaks()
    dead = site.dead()
    problems += [f"{role} died" for role in dead]
    problems += [f"{role} held {peaks[role] / MIB:.0f} MiB, {bound / MIB:.0f} are allowed"
                 for role, bound in site.bounds(one, listener).items() if peaks.get(role, 0) > bound]
    limit = max(FLOOR_SECONDS, 10 * site.probe.usual)
    if not p99 <= limit:
        problems.append(f"{SLOW} {p99 * 1000:.0f} ms (p99), usually {site.probe.usual * 1000:.0f}")
    problems += [f"another session: {error}" for error in site.probe.errors_since(begin)[:3]]
    return Outcome(one.name, listener, reply, peaks, not dead, p99, problems, seconds)
