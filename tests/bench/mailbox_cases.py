"""Mail that is read and kept: IMAP and POP3."""
import itertools
import time

from tests.bench.load import Client, Figures, fill, measure, measure_together
from tests.bench.sides import ACCOUNTS

_seeds = itertools.count(1)


def prepare_big(side, messages):
    """INBOX of some 1.5 KiB a message; `Other` is what SELECT comes from."""
    fill(side, "big", 1, 1, 1500, "Other")
    fill(side, "big", 1, messages, 1500)


def command(side, command, count, **options):
    return measure(side, "imap-command", "imap", "big", command=command, count=count, warm_up=2, **options)


def bodies(side, messages, count):
    return measure(side, "imap-cycle", "imap", "big", cycle="bodies", connections=8, users=1, messages=messages, count=count,
                   seed=next(_seeds))


def append(side, count):
    return measure(side, "imap-cycle", "imap", "append", cycle="append", connections=8, users=8, size=4096, count=count)


def prepare_mixed(side, messages):
    fill(side, "mixed", ACCOUNTS["mixed"], 1, 2048, "Copies")
    fill(side, "mixed", ACCOUNTS["mixed"], messages, 2048)


def mixed(side, messages, count):
    return measure(side, "imap-cycle", "imap", "mixed", cycle="mixed", connections=50, users=50, messages=messages, size=2048,
                   count=count, seed=next(_seeds))


def log_in(side, count, account="user", listener="imap"):
    users = ACCOUNTS[account] or 1
    return measure(side, "imap-log-in", listener, account, connections=min(8, users), users=users, count=count)


def warm_log_ins(side, accounts=tuple(ACCOUNTS)):
    """So that both sides' caches of verified log-ins are warm. Three passes: in the first one Mailmesh verifies an imported hash and
    makes its own of it, in the second it verifies that."""
    for account in accounts:
        for _ in range(3):
            log_in(side, ACCOUNTS[account] or 1, account)


def fan_out(side, watchers, count):
    return measure(side, "imap-fan-out", "imap", "watched", connections=watchers, count=count)


def prepare_maildrop(side, messages):
    fill(side, "maildrop", 1, messages, 10 * 1024)


def pop3(side, window, count):
    return measure(side, "pop3", "pop3", "maildrop", window=window, count=count)


def prepare_maildrops(side, messages):
    fill(side, "drop", ACCOUNTS["drop"], messages, 10 * 1024)


def pop3_together(side, count):
    """All maildrops at once, a connection each, one command at a time."""
    return measure_together([Client(side, "pop3", "pop3", "drop", account=i, window=1, count=count)
                             for i in range(ACCOUNTS["drop"])])


def prepare_idle(side):
    fill(side, "idle", ACCOUNTS["idle"], 20, 2048)


def idle(side, protocol, connections):
    """From processes that were started for it, as an allocator that kept memory of an earlier round would hide what is used. Each
    account has logged in once before: what is counted is what a connection needs."""
    side.restart()
    log_in(side, ACCOUNTS["idle"], "idle")
    before = side.accounting.pss_kib()
    client = Client(side, "imap-idle", protocol, "idle", connections=connections, users=ACCOUNTS["idle"])
    time.sleep(3)  # for what is freed a moment after a log-in
    after = side.accounting.pss_kib()
    client.go()
    return Figures(connections, kib=(after - before) / connections)
