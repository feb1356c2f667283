"""Mail that is taken: stored here, or sent on."""
from tests.bench.load import Client, measure_mail, recipient, smtp_source
from tests.bench.sides import ACCOUNTS, SINK_DOMAIN
from tests.support.ports import wait_until

# Of a load whose program does not tell latencies, this part is sent once more by one that does.
LATENCY_PART = 10


def _send(side, protocol, account, sessions, count, size):
    users = ACCOUNTS[account] or 1
    return Client(side, "send", protocol, account, tls=0, protocol=protocol, sessions=sessions, count=count, size=size, users=users)


def _with_latency(figures, told):
    figures.p50_ms, figures.p99_ms = told["p50_ms"], told["p99_ms"]
    return figures


def store(side, protocol, sessions, count, size):
    """Over 200 mailboxes in turn, by bench_client; smtp-source knows one recipient only."""
    client = _send(side, protocol, "user", sessions, count, size)
    told = {}

    def send():
        told.update(client.go())
        return told["count"]

    return _with_latency(measure_mail(side, send, side.await_queue_empty), told)


def store_in_one(side, protocol, sessions, count, size):
    """Into one mailbox, by smtp-source; the latencies from a shorter run of bench_client."""
    figures = measure_mail(side, lambda: smtp_source(side, protocol, recipient("single"), sessions, count, size),
                           side.await_queue_empty)
    told = _send(side, protocol, "single", sessions, max(count // LATENCY_PART, sessions), size).go()
    side.await_queue_empty()
    return _with_latency(figures, told)


def relay(side, sessions, count, size):
    """From smtp-source to smtp-sink."""
    arrived = side.sink.messages()

    def sent_on():
        wait_until(lambda: side.sink.messages() >= arrived + count, f"{side.name}: all was sent on", 600, 0.02)

    figures = measure_mail(side, lambda: smtp_source(side, "smtp", f"someone@{SINK_DOMAIN}", sessions, count, size), sent_on)
    side.await_queue_empty()
    if side.sink.messages() != arrived + count:
        raise RuntimeError(f"{side.name}: {side.sink.messages() - arrived} of {count} messages came out")
    return figures
