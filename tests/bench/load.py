"""Runs bench_client and Postfix's smtp-source against a side, and looks at the side's counters around them."""
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import time

from tests.bench.sides import DOMAIN, PASSWORD, user
from tests.support.mesh import BIN
from tests.support.peers import ROOT

CLIENT = pathlib.Path(os.environ.get("MAILMESH_BENCH_CLIENT", BIN.parent / "tests/bench_client"))


@dataclasses.dataclass
class Figures:
    """Of one round. What a case has nothing to say about is None."""
    count: int
    seconds: float = None
    cpu_seconds: float = None
    p50_ms: float = None
    p99_ms: float = None
    kib: float = None  # memory of each unit
    by_role: dict = None  # of cpu_seconds, where the side has roles

    @property
    def per_second(self):
        return self.count / self.seconds if self.seconds else None

    @property
    def cpu_ms(self):
        return self.cpu_seconds * 1000 / self.count if self.cpu_seconds is not None else None


class Client:
    """One run of bench_client: started and ready when made, begins with go()."""

    def __init__(self, side, mode, listener, account, /, **options):
        options |= {"port": side.port(listener), "ca": side.ca, "password": PASSWORD, "user": user(account)}
        options.setdefault("tls", int(listener.endswith("s")))
        command = [CLIENT, mode]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{side.name}: {mode}: {self.process.communicate()[1]}")
        self.side, self.mode = side, mode

    def go(self):
        """Starts the load and returns its JSON when it has ended."""
        out, errors = self.process.communicate("\n")
        if self.process.returncode != 0:
            raise RuntimeError(f"{self.side.name}: {self.mode}: {errors}")
        return json.loads(out)


class Meter:
    """What a side uses of the processors from now on."""

    def __init__(self, side):
        self.side = side
        self.by_role, self.seconds = side.cpu_by_role(), side.accounting.cpu_seconds()
        self.begun = time.monotonic()

    def figures(self, count, seconds=None, p50_ms=None, p99_ms=None):
        """Of so many units. `seconds`: since the meter was made, if the client does not tell."""
        seconds = seconds or time.monotonic() - self.begun
        used = self.side.accounting.cpu_seconds() - self.seconds
        by_role = {role: now - self.by_role.get(role, 0) for role, now in self.side.cpu_by_role().items()}
        return Figures(count, seconds, used, p50_ms, p99_ms, by_role=by_role)


def measure(side, mode, listener, account, **options):
    """Figures of a load; the server's CPU is that between "ready" and the end."""
    client = Client(side, mode, listener, account, **options)
    meter = Meter(side)
    told = client.go()
    return meter.figures(told["count"], told["seconds"], told["p50_ms"], told["p99_ms"])


def measure_together(clients):
    """Figures of several clients of one side that begin at once."""
    meter = Meter(clients[0].side)
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        told = list(pool.map(Client.go, clients))
    p50, p99 = (statistics.median(one[name] for one in told) for name in ("p50_ms", "p99_ms"))
    return meter.figures(sum(one["count"] for one in told), p50_ms=p50, p99_ms=p99)


def measure_mail(side, send, stored):
    """`send()` sends and returns how many; the end is when `stored()` returns, so that the peer's delivery after its reply counts
    as ours before it does."""
    meter = Meter(side)
    count = send()
    stored()
    return meter.figures(count)


def smtp_source(side, protocol, recipient, sessions, count, size):
    """Postfix's smtp-source, with kept sessions. It sends to one address."""
    command = ["chroot", ROOT, "smtp-source", "-d", "-s", sessions, "-m", count, "-l", size, "-f", "sender@elsewhere.example",
               "-t", recipient]
    command += ["-L"] if protocol == "lmtp" else []
    done = subprocess.run([*map(str, command), f"127.0.0.1:{side.port(protocol)}"], capture_output=True, text=True)
    # It says what it did not like, and still ends with 0.
    if done.returncode != 0 or done.stderr.strip():
        raise RuntimeError(f"{side.name}: smtp-source: {done.stderr}")
    return count


def fill(side, account, users, count, size, mailbox="INBOX"):
    """So many messages in a mailbox of each account, once for each side. Both are filled by APPEND."""
    if (account, mailbox) not in side.filled:
        with side.filling():
            Client(side, "imap-fill", "imap", account, users=users, count=count, size=size, mailbox=mailbox).go()
        side.filled.add((account, mailbox))


def recipient(account):
    return f"{account}@{DOMAIN}"


@contextlib.contextmanager
def started(side):
    try:
        yield side.start()
    finally:
        side.stop()


def interleaved(servers, rounds):
    """A B, B A, A B."""
    for number in range(rounds):
        yield from servers if number % 2 == 0 else reversed(servers)
