"""One run: the population, what is done to its mesh, the calm after it, the check, the closing table."""
import poplib
import re
import time
import traceback

from tests.durability.check import Check
from tests.durability.deleters import Deleter
from tests.durability.population import DOMAIN, PASSWORD
from tests.durability.senders import LmtpSender, RemoteSender, Sender, Submitter
from tests.durability.site import OWNERS
from tests.durability.wire import Imap, Lost, Refused
from tests.durability.writers import Watcher, Writer
from tests.support.ports import wait_until

QUIET_SECONDS = 120


class Battle:
    def __init__(self, site, ledger, chaos, rate):
        self.site, self.ledger, self.chaos, self.rate = site, ledger, chaos, rate
        self.seed, self.sabotage = ledger.seed, site.sabotage

    def population(self):
        site, ledger = self.site, self.ledger

        def pause(seconds):
            return seconds / self.rate

        clients = [Sender("smtp0", site, ledger, pause(0.3)), Sender("smtp1", site, ledger, pause(0.3)),
                   LmtpSender("lmtp0", site, ledger, pause(0.3)),
                   Deleter("pop3", site, ledger, pause(0.6))]
        clients += [Writer(name, site, ledger, pause(0.15)) for name in site.writers]
        clients += [Watcher(f"watcher{i}", site, ledger, 0.02, user, "INBOX") for i, user in enumerate(site.inboxes)]
        if site.peer is not None:
            clients += [Submitter("submitter", site, ledger, pause(0.4)), RemoteSender("remote", site, ledger, pause(1.0))]
        return clients

    def run(self):
        print(f"seed {self.seed}" + (f", sabotage {self.sabotage}" if self.sabotage else ""), flush=True)
        with self.site as site:
            if site.peer is None:
                print("skipped: relay to Postfix and fetching from Dovecot (the peers' root cannot be made here)")
            self.ledger.start = time.monotonic()
            clients = self.population()
            for client in clients:
                client.start()
            self.chaos.start()
            self.chaos.join()
            for client in clients:
                client.stopped.set()
            for client in clients:
                client.join(60)
            check = Check(site, self.ledger)
            if self.chaos.failure is not None:
                check.findings.add_error("the chaos ended early", self.chaos.failure)
            # What does not come to rest is a finding, and no reason to look at less: a job that was lost with its database
            # must not hide the mail that was.
            for name, step in self.calm():
                check.findings.guard(name, step)
            repeats = check.run(self.chaos.relay_window)
            if not self.sabotage:  # a mistake of the check itself shows where it is
                for error in check.findings.errors:
                    traceback.print_exception(error)
            self.report(check.findings, repeats)
            if self.sabotage:
                return self.verdict(check.findings)
            return 1 if check.findings.count() else 0

    def calm(self):
        """No faults any more; all that waits comes to where it belongs: the steps of it, each with its name."""
        yield "faults off", self.end_faults
        yield "the queue", lambda: wait_until(self.queue_is_empty, "the queue is empty", QUIET_SECONDS, 0.5)
        if self.site.peer is not None:
            yield "fetching", lambda: wait_until(self.nothing_to_fetch, "the remote maildrop is empty", QUIET_SECONDS, 0.5)
            yield "the other site", lambda: wait_until(self.peer_is_done, "Postfix's queue is empty", QUIET_SECONDS, 0.5)

    def end_faults(self):
        site = self.site
        for disk in site.disks.values():
            disk.empty()
        site.wait_serving()
        for role in OWNERS:
            for pid in site.processes(role):
                site.tell(pid, *(f"set {name} 0" for name in ("fail_writes", "fail_syncs", "fail_reads", "sync_delay_ms",
                                                             "die_before_sync", "die_after_sync", "clock_seconds")))

    def queue_is_empty(self):
        self.site.mesh.run("queue", "flush", check=False)
        done = self.site.mesh.run("queue", "list", "-o", "json", check=False)
        return done.returncode == 0 and done.stdout.strip() in ("[]", "")

    def peer_is_done(self):
        return "queue is empty" in self.site.peer.run("postqueue", "-p").stdout

    def nothing_to_fetch(self):
        self.site.mesh.run("fetch", "run", self.site.job, "--wait", "10", check=False)
        client = poplib.POP3("127.0.0.1", self.site.peer.pop3_port, timeout=30)
        try:
            client.user(self.site.remote_drop)
            client.pass_(self.site.peer.password)
            return client.stat()[0] == 0
        except poplib.error_proto:
            return False  # the fetcher has it open
        finally:
            client.close()

    def report(self, findings, repeats):
        done = self.chaos.done
        kills = sum(count for what, count in done.items() if what.startswith("kill"))
        print("\n| what | how often |\n|---|---|")
        for what, count in sorted(done.items()):
            print(f"| {what} | {count} |")
        rows = {"kills in all": kills, "of them with a transaction in flight": self.chaos.in_flight,
                "connections cut by clients": self.ledger.cuts, "acknowledged": self.ledger.acknowledged(), "found": findings.copies,
                **{kind: len(all_) for kind, all_ in findings.found.items()},
                f"sent twice in SMTP's window (at most {self.chaos.relay_window})": repeats}
        for what, count in rows.items():
            print(f"| {what} | {count} |")
        if findings.count() and not self.sabotage:
            print(f"\nFAILED, seed {self.seed}")
        shown = 0
        for kind, all_ in findings.found.items():
            for text, key in all_[:3 if self.sabotage else 20]:
                print(f"{kind}: {text}" + (f" ({key})" if key else ""))
                if key is not None and shown < (1 if self.sabotage else 8):
                    print(self.ledger.history(key))
                    print(self.log_lines(key), end="")
                    if kind == "missing":
                        print(self.seen_now(text.split(":")[0], key))
                    shown += 1
        print(flush=True)

    def log_lines(self, key):
        """What every role logged of a message, by the id that its sender was told, and when its process began."""
        ids = set(re.findall(r"accepted as (\w+)", self.ledger.history(key)))
        lines = []
        for path in sorted((self.site.mesh.dir / "log").glob("*.log")):
            for line in path.read_text(errors="replace").splitlines():
                if any(id_ in line for id_ in ids) or " ready version=" in line:
                    lines.append((line.split(" ", 1)[0], f"     {line[:400]}\n"))
        return "".join(line for _, line in sorted(lines)) if ids else ""

    def seen_now(self, user, key):
        """Whether the store has the message after all: then a gateway showed less than there is."""
        listed = self.site.mesh.run("message", "list", user, "--limit", "0", "--subject", key, check=False)
        try:
            client = Imap(self.site.mesh.address("imap"), user, PASSWORD)
            client.select("INBOX", "EXAMINE")
            client.run(f"UID SEARCH SUBJECT {key}")
            by_imap = client.told
            client.close()
        except (Refused, Lost, OSError) as error:
            by_imap = repr(error)
        return f"     now the store lists: {listed.stdout.strip() or listed.stderr.strip()!r}; IMAP: {by_imap}"

    def verdict(self, findings):
        """A sabotage must be found as what it is."""
        kind, pattern = {"sync": ("missing", "acknowledged, and not there"), "request_id": ("doubled", "times there"),
                         "early_view": ("wrong", "shown"), "early_collect": ("missing", "no content")}[self.sabotage]
        found = [text for text, _ in findings.found[kind] if re.search(pattern, text)]
        print(f"{'found' if found else 'NOT FOUND'}: {self.sabotage}: {len(found)} {kind}"
              + (f", such as: {found[0]}" if found else ""))
        return 0 if found else 1
