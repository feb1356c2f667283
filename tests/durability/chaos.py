"""What happens to the mesh meanwhile: kills, power losses, pauses, full disks, I/O errors, steps of the clock."""
import collections
import os
import random
import signal
import threading
import time

from tests.durability.site import OWNERS
from tests.support.mesh import ROLES

# Clients whose transactions a kill of the role hits.
HIT = {
    "mailbox_store": ("smtp", "lmtp", "imap", "pop3"),
    "smtp_ingress": ("smtp", "lmtp", "submission"),
    "outbound_relay": ("submission",),
    "imap_gateway": ("imap",),
    "pop3_gateway": ("pop3",),
    "directory": ("smtp", "lmtp", "submission", "imap"),
    "fetcher": ("fetch",),
}
CLOCK_STEPS = (-7200, -300, -5, 5, 300, 7200)


class Chaos(threading.Thread):
    """`kills` of them within `seconds`, and `others` of each other fault; one thing at a time, some before all is well again."""

    def __init__(self, site, ledger, kills, seconds, others):
        super().__init__(daemon=True, name="chaos")
        self.site, self.ledger, self.kills, self.seconds = site, ledger, kills, seconds
        self.random = random.Random(f"{ledger.seed} chaos")
        self.done = collections.Counter()
        self.in_flight = 0
        self.relay_window = 0  # connections to the other site that were open when the relay died
        self.failure = None
        steps = [self.kill] * kills
        for other in (self.pause, self.full_disk, self.io_error, self.step_clock):
            steps += [other] * others
        self.random.shuffle(steps)
        self.steps = steps

    def run(self):
        begin = time.monotonic()
        try:
            for number, step in enumerate(self.steps):
                due = begin + self.seconds * (number + 1) / (len(self.steps) + 1)
                time.sleep(max(0.0, due - time.monotonic()))
                step()
            time.sleep(max(0.0, begin + self.seconds - time.monotonic()))
        except Exception as error:  # the run ends, and says why
            self.failure = error

    def living(self, role):
        """A process of the role; waits until there is one."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            found = self.site.processes(role)
            if found and (role not in OWNERS or (self.site.faults / str(found[0])).exists()):
                return found[0]
            time.sleep(0.05)
        raise TimeoutError(f"{role} does not come back")

    def await_flight(self, role):
        """Waits a moment for a transaction that the kill will hit; True if one is under way."""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if role == "fetcher" and self.site.waiting_for_fetch:
                threading.Thread(target=self.site.mesh.run, args=("fetch", "run", self.site.job, "--wait", "5"),
                                 kwargs={"check": False}, daemon=True).start()
                time.sleep(self.random.uniform(0.02, 0.4))
                self.site.waiting_for_fetch = False
                return True
            if any(self.ledger.flight[way] > 0 for way in HIT[role]) or self.open_to_peer(role) > 0:
                return True
            time.sleep(0.001)
        return False

    # Each fault.

    def kill(self):
        role = self.random.choice((*ROLES, *["mailbox_store"] * 3, "outbound_relay", "all", "all"))
        if role == "all":
            return self.power_cut()
        pid = self.living(role)
        hit = self.await_flight(role)
        how = self.random.choice(("kill", "die", "before", "after", "after", "slow")) if role in OWNERS else "kill"
        self.ledger.event(f"{how} {role} (process {pid})")
        self.end(role, pid, how)
        self.in_flight += hit
        self.done[f"kill {role}"] += 1
        if self.random.random() < 0.6:
            self.living(role)

    def end(self, role, pid, how):
        """Ends a process: at once, or at the next sync of its log, before or after."""
        arms = {"die": ["die"], "before": ["set die_before_sync 1"], "after": ["set die_after_sync 1"],
                "slow": ["set sync_delay_ms 400", "set die_before_sync 2"]}
        if how != "kill":
            self.site.tell(pid, *arms[how])
        end = time.monotonic() + (3 if how != "kill" else 0)
        most = self.open_to_peer(role)
        while time.monotonic() < end and pid in self.site.processes(role):
            most = max(most, self.open_to_peer(role))
            time.sleep(0.005)
        self.kill_process(pid)
        self.relay_window += most

    def open_to_peer(self, role):
        return self.site.connections_to_peer() if role == "outbound_relay" and self.site.peer is not None else 0

    @staticmethod
    def kill_process(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def power_cut(self):
        hit = self.await_flight("mailbox_store")
        if self.random.random() < 0.6:
            # The store's disk is slow, and then the power fails: nobody is left who could repeat what it had not synced.
            self.ledger.event("slow mailbox_store, then kill all")
            self.end("mailbox_store", self.living("mailbox_store"), "slow")
        else:
            self.ledger.event("kill all")
        self.relay_window += self.open_to_peer("outbound_relay")
        for role in ROLES:
            for pid in self.site.processes(role):
                self.kill_process(pid)
        self.in_flight += hit
        self.done["kill all"] += 1
        if self.random.random() < 0.6:
            for role in ROLES:
                self.living(role)

    def pause(self):
        role = self.random.choice(ROLES)
        pid = self.living(role)
        seconds = self.random.uniform(1, 4)
        self.ledger.event(f"stop {role} for {seconds:.1f} s")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        self.ledger.event(f"{role} goes on")
        self.done["pause"] += 1

    def full_disk(self):
        if not self.site.disks:
            self.done["full disk (skipped: not root)"] += 1
            return
        role = OWNERS[self.done["full disk"] % len(OWNERS)]
        disk = self.site.disks[role]
        self.ledger.event(f"the disk of {role} is full")
        disk.fill()
        time.sleep(self.random.uniform(1.5, 4))
        disk.empty()
        self.ledger.event(f"the disk of {role} has room")
        self.done["full disk"] += 1

    def io_error(self):
        role = self.random.choice(OWNERS)
        pid = self.living(role)
        fault = self.random.choice(("fail_syncs 1", "fail_writes 1", "fail_reads 3"))
        self.ledger.event(f"{role}: {fault}")
        if role == "outbound_relay":
            self.relay_window += self.open_to_peer(role)
        self.site.tell(pid, f"set {fault}")
        time.sleep(1)
        # What was not met until now would come at a time that nobody has noted.
        self.site.tell(pid, f"set {fault.split()[0]} 0")
        self.done["I/O error"] += 1

    def step_clock(self):
        role = self.random.choice(OWNERS)
        seconds = self.random.choice(CLOCK_STEPS)
        pid = self.living(role)
        self.ledger.event(f"clock of {role}: {seconds:+d} s")
        self.site.tell(pid, f"set clock_seconds {seconds}")
        time.sleep(self.random.uniform(0.5, 2))
        self.site.tell(pid, "set clock_seconds 0")
        self.done["clock step"] += 1
