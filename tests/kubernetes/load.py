"""Phase 3: what happens to a cluster, while mail flows. Each event has clients and a ledger of its own; after it, everything that was
acknowledged is looked for. The table is in results.md (and what it is made of in results.json, so that one event can be seen again)."""
import json
import pathlib
import random
import secrets
import time

from tests.durability import ledger as outcomes
from tests.durability.ledger import Ledger
from tests.kubernetes import clients, images, install
from tests.kubernetes.balancer import Balancer
from tests.kubernetes.install import public_context
from tests.kubernetes.release import (DOMAIN, NAMESPACE, RELEASE, ROLES, STATELESS, Failed, get, helm, is_ready, kubectl,
                                      own_cluster, pods, run, tool, wait_all_ready, wait_ready, workload)
from tests.support import messages
from tests.support.ports import wait_until

FOLDER = pathlib.Path(__file__).parent
RESULTS = FOLDER / "results.json"
ACCOUNTS = 4  # user0 ... of the domain
ALLOWED = {"421", "451", "454", "BYE", "[UNAVAILABLE]", "[SYS/TEMP]"}
# Where a pod went without a word, its connections do too, and a maildrop that it had locked is free when the lock's time is over.
ALLOWED_WITHOUT_GRACE = ALLOWED | {"cut off", "not reached", "[IN-USE]"}


class Load:
    """Clients of every protocol; afterwards the check of what they were told."""

    def __init__(self, smtp=4, imap=4, pop3=1, pause=0.3):
        self.ledger = Ledger(secrets.token_hex(4))
        self.context = public_context()
        self.balancers = {c: Balancer(c) for c in ("smtp-ingress", "imap-gateway", "pop3-gateway")}
        self.clients = []
        self.counts, self.pause = (smtp, imap, pop3), pause

    def __enter__(self):
        for balancer in self.balancers.values():
            balancer.__enter__()
        self.readers = [clients.Reader(self.balancers["imap-gateway"], self.context, f"user{n}@{DOMAIN}") for n in range(ACCOUNTS)]
        # Something for POP3 to read.
        with clients.PlainSmtp(self.balancers["smtp-ingress"].address("mx")) as smtp:
            for number in range(self.counts[2]):
                smtp.sendmail("someone@elsewhere.test", [f"user{ACCOUNTS + number}@{DOMAIN}"], messages.simple("maildrop", 3000))
        for kind, component, count in zip((clients.Smtp, clients.Imap, clients.Pop3), self.balancers, self.counts):
            for number in range(count):
                self.add(kind, component, number)
        return self

    def add(self, kind, component, number, pause=None):
        # Accounts of POP3 clients are their own: a maildrop has one session.
        number = number % ACCOUNTS if kind is not clients.Pop3 else ACCOUNTS + number
        client = kind(number, self.balancers[component], self.context, self.ledger, pause or self.pause)
        self.clients.append(client)
        client.start()
        return client

    def __exit__(self, *_):
        for client in self.clients:
            client.stop()
        for client in self.clients:
            client.join(clients.TIMEOUT + 30)

    def close(self):
        for balancer in self.balancers.values():
            balancer.__exit__()

    def check(self):
        """(acknowledged, lost, doubled): keys. What the relay still holds comes first."""
        wait_until(queue_is_empty, "the queue is empty", 180, 2)
        acknowledged, lost, doubled, changed = 0, [], [], []
        found = {(reader.account, key): texts for reader in self.readers for key, texts in reader.messages().items()}
        for key, message in self.ledger.messages.items():
            for account, outcome in message.outcomes.items():
                texts = found.get((account, key), [])
                acknowledged += outcome == outcomes.ACKNOWLEDGED
                if outcome == outcomes.ACKNOWLEDGED and not texts:
                    lost.append(key)
                if len(texts) > 1:
                    doubled.append(key)
                if any(not text.endswith(message.octets()) for text in texts):
                    changed.append(key)
        if changed:
            raise Failed(f"messages that are not what was sent: {changed[:5]}")
        return acknowledged, lost, doubled


def queue_is_empty():
    return not json.loads(tool("queue", "list", "-o", "json") or "[]")


def measured(name, event, grace=True, settle=5, **load):
    """Runs an event under load and gives its row of the table."""
    with Load(**load) as traffic:
        time.sleep(3)
        began = time.monotonic()
        remarks = event(traffic) or ""
        wait_all_ready()
        seconds = time.monotonic() - began
        time.sleep(settle)
        pauses = {kind: max(c.longest_pause() for c in traffic.clients if c.way == kind) for kind in ("smtp", "imap", "pop3")}
    try:
        acknowledged, lost, doubled = traffic.check()
    finally:
        traffic.close()
    errors = clients.errors_of(traffic.clients)
    row = {"event": name, "seconds": round(seconds), "acknowledged": acknowledged, "lost": len(lost), "doubled": len(doubled),
           "errors": dict(errors), "pauses": {kind: round(pause, 1) for kind, pause in pauses.items()}, "remarks": remarks}
    wrong = [f"lost: {lost[:3]}"] * bool(lost) + [f"doubled: {doubled[:3]}"] * bool(doubled)
    wrong += [f"clients saw {word!r}" for word in errors if word not in (ALLOWED if grace else ALLOWED_WITHOUT_GRACE)]
    wrong += [text for text, _ in traffic.ledger.faults]
    row["wrong"] = wrong
    for when, text in traffic.ledger.events:
        print(f"    {when:.1f} s: {text}")
    for key in [*lost, *doubled][:3]:
        print(traffic.ledger.history(key))
    return row


# The events.

def scale(component):
    def event(_):
        for replicas in (3, 1):
            kubectl("-n", NAMESPACE, "scale", workload(component), f"--replicas={replicas}")
            wait_ready(component, replicas)
            wait_gone()
            time.sleep(3)
    return measured(f"scale {component} 1 → 3 → 1", event)


def wait_gone(seconds=240):
    """Waits until no pod of the release is on its way out."""
    def gone():
        listed = get("-n", NAMESPACE, "pods", "-l", f"app.kubernetes.io/instance={RELEASE}")["items"]
        return not any("deletionTimestamp" in p["metadata"] for p in listed)
    wait_until(gone, "pods that end are gone", seconds, 1)


def autoscale():
    """smtp-ingress grows and shrinks by itself, by the CPU that metrics-server tells of."""
    def event(traffic):
        hpa = f"horizontalpodautoscaler/{RELEASE}-smtp-ingress"

        def replicas():
            return get("-n", NAMESPACE, workload("smtp-ingress"))["spec"]["replicas"]

        if not get("-n", NAMESPACE, hpa):
            raise Failed("no autoscaler")
        began = time.monotonic()
        more = [traffic.add(clients.Smtp, "smtp-ingress", n, pause=0.001) for n in range(8)]
        wait_until(lambda: replicas() > 1, "the autoscaler adds a replica", 240, 1)
        up = time.monotonic() - began
        wait_until(lambda: sum(map(is_ready, pods("smtp-ingress"))) > 1, "the new replica is ready", 60, 0.5)
        ready = time.monotonic() - began
        most = replicas()
        for client in more:
            client.stop()
        for client in more:
            client.join()
        began = time.monotonic()

        def back():
            nonlocal most
            most = max(most, replicas())
            return replicas() == 1

        wait_until(back, "the autoscaler takes them away", 600, 1)
        down = time.monotonic() - began
        wait_gone()
        return f"up after {up:.0f} s (ready after {ready:.0f} s), at most {most} replicas, back to 1 after {down:.0f} s"
    install.upgrade("--set", "smtpIngress.autoscaling.enabled=true")
    try:
        return measured("HPA: smtp-ingress up and down by itself", event)
    finally:
        install.upgrade()


def delete_pods(grace):
    def event(traffic):
        order = list(ROLES)
        random.Random(traffic.ledger.seed).shuffle(order)
        for component in order:
            victim = random.choice(pods(component))["metadata"]["name"]
            kubectl("-n", NAMESPACE, "delete", "pod", victim, *([] if grace else ["--grace-period=0", "--force"]))
            wait_ready(component)
            time.sleep(2)
    return measured(f"delete a pod of each role, {'with' if grace else 'without'} grace", event, grace)


def with_two_replicas(call):
    """Runs an event with two replicas of each stateless role, on both nodes."""
    for component in STATELESS:
        kubectl("-n", NAMESPACE, "scale", workload(component), "--replicas=2")
    wait_all_ready()
    try:
        return call()
    finally:
        for component in STATELESS:
            kubectl("-n", NAMESPACE, "scale", workload(component), "--replicas=1")
        wait_all_ready()
        wait_gone()


def node_of(component):
    return pods(component)[0]["spec"]["nodeName"]


def drain_node():
    def event(_):
        node = node_of("mailbox-store")
        try:
            kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=300s")
            wait_all_ready()
            if node_of("mailbox-store") == node:
                raise Failed("the store did not move")
        finally:
            kubectl("uncordon", node)
        return f"{node}, that the store was on"
    return with_two_replicas(lambda: measured("drain a node", event))


def kill_node():
    """Without warning: everything on the node is gone at once. The cluster notices after its grace period (20 s here), and moves what
    was there when somebody who knows that the machine is off says so (the out-of-service taint)."""
    def event(_):
        node = node_of("mailbox-store")
        folder = own_cluster()
        began = time.monotonic()
        run(folder / "kill-node", node)

        def noticed():
            conditions = get("node", node)["status"]["conditions"]
            return next(c["status"] for c in conditions if c["type"] == "Ready") != "True"

        wait_until(noticed, "the cluster notices", 120, 0.5)
        seen = time.monotonic() - began
        kubectl("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
        try:
            wait_ready("mailbox-store")
            wait_ready("directory")
            moved = time.monotonic() - began
            wait_all_ready()
        finally:
            run(folder / "node", node)
            kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=90s")
            kubectl("taint", "node", node, "node.kubernetes.io/out-of-service-")
        return f"{node}, that the store was on: noticed after {seen:.0f} s, the store is ready elsewhere after {moved:.0f} s; the node came back"
    return with_two_replicas(lambda: measured("kill a node without warning", event, grace=False))


def upgrade():
    images.provide("second")

    def event(_):
        install.upgrade(tag="second")
        wait_gone()
    return measured("helm upgrade to an image with another digest", event)


def rollback():
    def event(_):
        helm("rollback", RELEASE, "--wait", "--timeout", "10m")
        wait_gone()
    return measured("helm rollback", event)


EVENTS = {
    **{f"scale-{component}": lambda component=component: scale(component) for component in STATELESS},
    "autoscale": autoscale,
    "delete": lambda: delete_pods(grace=True),
    "delete-at-once": lambda: delete_pods(grace=False),
    "drain-node": drain_node,
    "kill-node": kill_node,
    "upgrade": upgrade,
    "rollback": rollback,
}


def table(rows):
    lines = ["| event | acknowledged | lost | doubled | errors that clients saw | longest pause: SMTP, IMAP, POP3 | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        errors = ", ".join(f"{count} × {word}" for word, count in sorted(row["errors"].items())) or "none"
        pauses = ", ".join(f"{row['pauses'][kind]} s" for kind in ("smtp", "imap", "pop3"))
        lines.append(f"| {row['event']} | {row['acknowledged']:,} | {row['lost']} | {row['doubled']} | {errors} | {pauses} | {row['remarks']} |")
    total = {key: sum(row[key] for row in rows) for key in ("acknowledged", "lost", "doubled")}
    lines.append(f"| all | {total['acknowledged']:,} | {total['lost']} | {total['doubled']} | | | |")
    return "\n".join(lines) + "\n"


def main(event=None):
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    wrong = []
    for name in [event] if event else EVENTS:
        if name == "kill-node" and own_cluster() is None:
            print("  skipped: kill-node (only on a cluster of our own)")
            continue
        print(f"  {name}...", flush=True)
        rows[name] = row = EVENTS[name]()
        print(f"  {json.dumps(row, ensure_ascii=False)}", flush=True)
        wrong += [f"{name}: {text}" for text in row["wrong"]]
        RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    text = table([rows[name] for name in EVENTS if name in rows])
    (FOLDER / "results.md").write_text(text)
    print(text)
    if wrong:
        raise Failed("; ".join(wrong))
