"""The loads that show what replicas of a role do: for each role the work that is most of all its own."""
import dataclasses
import functools
import itertools
from typing import Callable

from tests.bench import mail_cases, mailbox_cases
from tests.bench.load import Meter
from tests.bench.sides import ACCOUNTS, DOMAIN, PASSWORD
from tests.support.ports import wait_until


@dataclasses.dataclass
class Case:
    role: str  # whose replicas are counted
    name: str
    title: str
    unit: str
    run: Callable
    share: str  # the metric of each replica that says what part it had
    prepare: Callable = lambda side: None


@dataclasses.dataclass
class Sizes:
    """How much each load does in a round."""
    mail: int = 6000
    mixed_box: int = 500
    mixed: int = 24_000
    log_ins: int = 6000
    maildrop: int = 1000


QUICK = Sizes(mail=640, mixed_box=50, mixed=1200, log_ins=200, maildrop=50)

_targets = itertools.count()


def warm_users(side):
    mailbox_cases.warm_log_ins(side, ["user"])


def prepare_mixed(side, messages):
    mailbox_cases.warm_log_ins(side, ["mixed"])
    mailbox_cases.prepare_mixed(side, messages)


def prepare_maildrops(side, messages):
    mailbox_cases.warm_log_ins(side, ["drop"])
    mailbox_cases.prepare_maildrops(side, messages)


def work_of(side, case):
    """{instance: what it has done so far}"""
    return {instance: side.mesh.metric(instance, case.share) for instance in side.instances(case.role)}


def fetch(side, messages):
    """All maildrops, served by the same mesh's POP3 gateway, into mailboxes that had no job yet; from the first job's making on."""
    def fetched():
        return sum(side.mesh.metric(fetcher, "mailmesh_fetch_messages_total") for fetcher in side.instances("fetcher"))

    count, before, meter = messages * ACCOUNTS["drop"], fetched(), Meter(side)
    for number in range(ACCOUNTS["drop"]):
        side.mesh.run("fetch", "add", f"user{next(_targets) % ACCOUNTS['user']}@{DOMAIN}", "--host", "127.0.0.1", "--port",
                      side.port("pop3"), "--user", f"drop{number}@{DOMAIN}", "--tls", "none", "--allow-plaintext", "--interval", 86_400,
                      "--keep", "--password-stdin", input=PASSWORD + "\n")
    wait_until(lambda: fetched() >= before + count, f"{side.name}: all are fetched", 120, 0.05)
    return meter.figures(count)


def all_cases(quick):
    sizes = QUICK if quick else Sizes()
    store = functools.partial(mail_cases.store, protocol="smtp", sessions=32, count=sizes.mail, size=4096)
    mixed = functools.partial(mailbox_cases.mixed, messages=sizes.mixed_box, count=sizes.mixed)
    fill_mixed = functools.partial(prepare_mixed, messages=sizes.mixed_box)
    log_in = functools.partial(mailbox_cases.log_in, count=sizes.log_ins)
    relay = functools.partial(mail_cases.relay, sessions=8, count=sizes.mail, size=4096)
    pop3 = functools.partial(mailbox_cases.pop3_together, count=sizes.maildrop)
    fill_maildrops = functools.partial(prepare_maildrops, messages=sizes.maildrop)
    return [
        Case("smtp_ingress", "smtp_ingress_mail", "SMTP accept and store, 4 KiB, 32 sessions", "message", store,
             "mailmesh_smtp_transactions_total"),
        Case("outbound_relay", "outbound_relay_mail", "relay in and out, 4 KiB, 8 sessions", "message", relay,
             "mailmesh_delivery_attempts_total"),
        Case("imap_gateway", "imap_gateway_mixed", "IMAP, mixed load, 50 sessions", "command", mixed,
             "mailmesh_imap_command_duration_seconds_count", fill_mixed),
        Case("imap_gateway", "imap_gateway_log_in", "IMAP log-in and log-out, 8 at once", "session", log_in,
             "mailmesh_listener_accepted_total", warm_users),
        Case("imap_gateway", "imap_gateway_log_in_tls", "IMAP log-in and log-out with TLS, 8 at once", "session",
             functools.partial(mailbox_cases.log_in, count=sizes.log_ins // 2, listener="imaps"), "mailmesh_listener_accepted_total",
             warm_users),
        Case("pop3_gateway", "pop3_gateway_download", "POP3 download of 10 KiB, 8 maildrops at once", "message", pop3,
             "mailmesh_pop3_messages_retrieved_total", fill_maildrops),
        Case("fetcher", "fetcher_download", "fetch of 10 KiB, 8 maildrops, from the same mesh", "message",
             functools.partial(fetch, messages=sizes.maildrop), "mailmesh_fetch_messages_total", fill_maildrops),
        Case("mailbox_store", "mailbox_store_mail", "SMTP accept and store, 4 KiB, 32 sessions", "message", store,
             "mailmesh_mailbox_operations_total"),
        Case("mailbox_store", "mailbox_store_mixed", "IMAP, mixed load, 50 sessions", "command", mixed,
             "mailmesh_mailbox_operations_total", fill_mixed),
    ]
