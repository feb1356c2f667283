"""The loads that are compared: for each what is done, in which unit it counts, and the budget that it has.

A case is `prepare(side)`, once for each side, and `run(side)`, once for each round. README.md says what each measures."""
import dataclasses
import functools
from typing import Callable

from tests.bench import mail_cases, mailbox_cases


@dataclasses.dataclass
class Budget:
    """What is to be reached; None: nothing is asked."""
    cpu_ms: float = None
    per_second: float = None
    p50_ms: float = None
    kib: float = None


@dataclasses.dataclass
class Case:
    name: str
    title: str
    unit: str
    run: Callable
    prepare: Callable = lambda side: None
    budget: Budget = dataclasses.field(default_factory=Budget)
    bar: str = "cpu_ms"  # what of the figures it is judged by


def mail(sizes):
    """`sizes` are the numbers of --quick or of the real run."""
    budgets = {(4, 32): Budget(cpu_ms=0.45, per_second=3500), (100, 8): Budget(cpu_ms=1.2, per_second=1200)}
    for kib, count in ((4, sizes.mail), (100, sizes.mail // 4)):
        for sessions in (1, 8, 32, 64):
            run = functools.partial(mail_cases.store, protocol="smtp", sessions=sessions, count=count, size=kib * 1024)
            yield Case(f"smtp_{kib}k_{sessions}", f"SMTP accept and store, {kib} KiB, {sessions} sessions, 200 mailboxes", "message",
                       run, budget=budgets.get((kib, sessions), Budget()))
    for protocol, title, budget in (("smtp", "SMTP accept and store", Budget()),
                                    ("lmtp", "LMTP alone", Budget(cpu_ms=0.4, per_second=4000))):
        run = functools.partial(mail_cases.store_in_one, protocol=protocol, sessions=32, count=sizes.mail, size=4096)
        yield Case(f"{protocol}_4k_32_one", f"{title}, 4 KiB, 32 sessions, one mailbox", "message", run, budget=budget)
    run = functools.partial(mail_cases.store, protocol="submission", sessions=8, count=sizes.mail // 2, size=4096)
    yield Case("submission_4k_8", "submission with TLS and AUTH, 4 KiB, 8 kept sessions", "message", run)
    run = functools.partial(mail_cases.relay, sessions=8, count=sizes.mail, size=4096)
    yield Case("relay_4k_8", "relay in and out, 4 KiB, 8 sessions", "message", run, budget=Budget(cpu_ms=0.7, per_second=2300))


# (name, command, more options of `imap-command`, budget in ms)
COMMANDS = (
    ("select", "SELECT INBOX", {"fresh": 1}, 8),
    ("reselect", "SELECT INBOX", {"prepare": "SELECT Other"}, None),
    ("fetch_flags", "FETCH 1:* FLAGS", {}, 39),
    ("search_unseen", "UID SEARCH UNSEEN", {}, 10),
    ("noop", "NOOP", {}, 0.14),
    ("fetch_envelope", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", {}, 600),
    ("fetch_bodystructure", "FETCH 1:* BODYSTRUCTURE", {}, 109),
    ("store", "STORE 1:* +FLAGS (\\Flagged)", {"other": "STORE 1:* -FLAGS (\\Flagged)"}, 40),
    ("copy", "COPY 1:1000 Target", {"prepare": "CREATE Target", "clean_up": "DELETE Target"}, 20),
    ("sort", "SORT (REVERSE DATE) UTF-8 ALL", {}, 92),
    ("thread", "THREAD REFERENCES UTF-8 ALL", {}, 299),
    ("search_subject", "SEARCH SUBJECT garden", {}, 100),
)


def imap(sizes):
    big = functools.partial(mailbox_cases.prepare_big, messages=sizes.big)
    for name, command, options, budget in COMMANDS:
        if name == "copy":
            command = f"COPY 1:{min(1000, sizes.big)} Target"
        count = sizes.commands * (50 if name == "noop" else 1)
        run = functools.partial(mailbox_cases.command, command=command, count=count, **options)
        where = {"select": " in a fresh session", "reselect": " after another mailbox"}.get(name, "")
        yield Case(f"imap_{name}", f"IMAP, {sizes.big:,} messages: {command}{where}", "command", run, big, Budget(p50_ms=budget),
                   bar="p50_ms")
    run = functools.partial(mailbox_cases.bodies, messages=sizes.big, count=sizes.bodies)
    yield Case("imap_bodies", f"IMAP, single bodies at random of {sizes.big:,}, 8 connections", "body", run, big,
               Budget(per_second=12_000))
    run = functools.partial(mailbox_cases.append, count=sizes.mail // 2)
    yield Case("imap_append", "IMAP APPEND, 4 KiB, 8 connections", "message", run)
    mixed = functools.partial(mailbox_cases.prepare_mixed, messages=sizes.mixed_box)
    run = functools.partial(mailbox_cases.mixed, messages=sizes.mixed_box, count=sizes.mixed)
    yield Case("imap_mixed", "IMAP, mixed load, 50 sessions", "command", run, mixed, Budget(cpu_ms=0.17, per_second=9000))
    run = functools.partial(mailbox_cases.log_in, count=sizes.log_ins)
    yield Case("imap_log_in", "IMAP log-in and log-out, 8 at once", "session", run,
               functools.partial(mailbox_cases.log_in, count=400), Budget(per_second=3000))
    run = functools.partial(mailbox_cases.fan_out, watchers=sizes.watchers, count=sizes.deliveries)
    yield Case("imap_fan_out", f"IDLE: one delivery told to {sizes.watchers:,} watchers", "notice", run)


def pop3(sizes):
    for name, title, window, budget in (
            ("pipelined", "pipelined", 64, Budget(cpu_ms=0.08, per_second=15_000)),
            ("single", "one command at a time", 1, Budget(per_second=8000))):
        run = functools.partial(mailbox_cases.pop3, window=window, count=sizes.maildrop)
        prepare = functools.partial(mailbox_cases.prepare_maildrop, messages=sizes.maildrop)
        yield Case(f"pop3_{name}", f"POP3 download of {sizes.maildrop:,} x 10 KiB, {title}", "message", run, prepare, budget)


def idle(sizes):
    for protocol, title, budget in (("imap", "plain", 24), ("imaps", "TLS", 64)):
        run = functools.partial(mailbox_cases.idle, protocol=protocol, connections=sizes.idle)
        yield Case(f"idle_{title.lower()}", f"memory of an idle IMAP connection, {title}, {sizes.idle:,} open", "connection", run,
                   mailbox_cases.prepare_idle, Budget(kib=budget), bar="kib")


@dataclasses.dataclass
class Sizes:
    """How much each load does in a round."""
    mail: int = 6000
    big: int = 100_000
    commands: int = 10
    bodies: int = 30_000
    mixed_box: int = 500
    mixed: int = 30_000
    log_ins: int = 6000
    watchers: int = 1000
    deliveries: int = 5
    maildrop: int = 3000
    idle: int = 2000


QUICK = Sizes(mail=640, big=2000, commands=2, bodies=800, mixed_box=50, mixed=1200, log_ins=200, watchers=50, deliveries=2,
              maildrop=200, idle=100)


def all_cases(quick):
    """In the order in which they are run. Idle connections come last: they start the servers anew. A quick run has no budgets:
    they are those of the real sizes."""
    sizes = QUICK if quick else Sizes()
    cases = [*mail(sizes), *imap(sizes), *pop3(sizes), *idle(sizes)]
    return [dataclasses.replace(case, budget=Budget()) for case in cases] if quick else cases
