"""What happens to the mesh: from the old version to the new role by role, back in either order, forward in the other order, and the end of the
way back."""
import collections
import json
import os
import re
import signal
import smtplib
import subprocess
import threading
import time

from tests.durability.population import DOMAIN, PASSWORD
from tests.e2e.test_kill import subjects
from tests.support import messages, steady
from tests.support.ports import wait_until
from tests.upgrade.programs import OLD_VERSION, ROLES

GATEWAYS = ("smtp_ingress", "imap_gateway", "pop3_gateway")
GATEWAYS_FIRST = tuple(reversed(ROLES))  # and the directory last, which they ask
QUIET = f"quiet@{DOMAIN}"  # gets a message from the old version, and none after
# What a client may be told while a role is exchanged.
TEMPORARY = re.compile(r"4\d\d[ -]|a NO \[(UNAVAILABLE|INUSE)\]|-ERR \[(SYS/TEMP|IN-USE)\]")
METHOD = "BatchGetAccounts"  # new; a gateway that is told UNIMPLEMENTED asks in the old way


class Rolling(threading.Thread):
    """Under the population of tests/durability, and clients that tell what the end of a server did to them."""

    def __init__(self, site, ledger, programs, seconds):
        super().__init__(daemon=True, name="rolling")
        self.site, self.ledger, self.programs, self.seconds = site, ledger, programs, seconds
        self.version = dict.fromkeys(ROLES, "old")
        self.calls, self.counted = collections.Counter(), {}
        self.done = collections.Counter()
        self.in_flight = self.relay_window = 0  # nothing that owns mail is killed in the midst of it
        self.failure = None

    def run(self):
        try:
            self.start_steady()
            self.act()
            self.judge_steady()
            self.restart()
        except Exception as error:  # the run ends, and says why
            self.failure = error

    def act(self):
        time.sleep(3 * self.seconds)
        for way_back in (ROLES, GATEWAYS_FIRST):
            self.move_all(ROLES, "new")
            self.programs.put("mailmesh", "new")
            self.move_all(way_back, "old")
        self.move_all(GATEWAYS_FIRST[:-1], "new")
        self.wait_call("Unimplemented")
        self.finalize_refused(GATEWAYS_FIRST[-1])
        self.move_all(GATEWAYS_FIRST[-1:], "new")
        self.finalize()
        self.arrivals()
        self.wait_call("OK")

    # From one version to the other.

    def move_all(self, roles, version):
        for role in roles:
            self.move(role, version)
            time.sleep(self.seconds)

    def move(self, role, version):
        """One process after the other is told to end, and is started again from the other program."""
        self.count_calls()
        self.programs.put(f"mailmesh-{role}", version)
        for process in self.site.processes(role):
            self.ledger.event(f"{role} (process {process}) becomes {version}")
            os.kill(process, signal.SIGTERM)
            wait_until(lambda: process not in self.site.processes(role), f"{role} ends", 60, 0.02)
            self.site.wait_serving()
            self.done[f"processes of {role} from {self.version[role]} to {version}"] += 1
        self.version[role] = version
        for instance, row in self.status().items():
            expected = {"old": "older", "new": "current"}[self.version[instance.split(".")[0]]]
            if row["standing"] != expected:
                self.ledger.fault(f"after {role} became {version}, {instance} is {row['standing']}")

    def tool(self, *command):
        return subprocess.run([self.programs.versions["new"] / "mailmesh", "--dir", self.site.mesh.dir, *command],
                              text=True, capture_output=True, timeout=60)

    def status(self):
        """What the new version's tool tells of each process."""
        done = self.tool("upgrade", "status", "-o", "json")
        if done.returncode != 0:
            raise AssertionError(f"upgrade status: {done.stdout}{done.stderr}")
        return {row["process"]: row for row in json.loads(done.stdout)["processes"]}

    def count_calls(self):
        """Calls of the new method that gateways have made, by code; those of processes that have ended since stay counted."""
        for role in GATEWAYS:
            for instance in (role, f"{role}.1"):
                text = self.site.mesh.metrics(instance)
                start = re.search(r"^process_start_time_seconds (\S+)", text, re.M)[1]
                for line in text.splitlines():
                    if line.startswith("grpc_client_handled_total{") and f'"{METHOD}"' in line:
                        key = instance, start, re.search(r'grpc_code="(\w+)"', line)[1]
                        value = int(float(line.rsplit(" ", 1)[1]))
                        self.calls[key[2]] += value - self.counted.get(key, 0)
                        self.counted[key] = value

    def wait_call(self, code):
        def seen():
            self.count_calls()
            return self.calls[code] > 0

        wait_until(seen, f"a gateway is told {code} of {METHOD}", 90, 1)

    # The end of the way back.

    def finalize_refused(self, role):
        """As long as this one is of the old version."""
        done = self.tool("upgrade", "finalize")
        if done.returncode != 1 or f"{role} at " not in done.stderr or f"({OLD_VERSION})" not in done.stderr:
            self.ledger.fault(f"finalize beside an old {role}: code {done.returncode}, {done.stderr.strip()}")
        row = self.status()["mailbox_store"]
        if (row["schema"], row["newest"]) != ("2", "3"):
            self.ledger.fault(f"the schema is {row['schema']} of {row['newest']} before the upgrade is finalized")
        self.done["finalize refused"] += 1

    def finalize(self):
        done = self.tool("upgrade", "finalize")
        if done.returncode != 0 or "is not seen" not in done.stderr:
            self.ledger.fault(f"finalize: code {done.returncode}, {done.stdout}{done.stderr}")
        # In the midst of the step, if it goes well.
        self.ledger.event("kill mailbox_store after the upgrade was finalized")
        os.kill(self.site.processes("mailbox_store")[0], signal.SIGKILL)
        self.site.wait_serving()

        def there():
            row = self.status()["mailbox_store"]
            return (row["schema"], row["newest"], row["step_left"]) == ("3", "3", "0")

        wait_until(there, "the step comes to its end", 60, 0.2)
        if self.site.mesh.metric("mailbox_store", "mailmesh_database_schema_version") != 3:
            self.ledger.fault("mailmesh_database_schema_version is not 3")
        self.done["finalized, and the store killed"] += 1

    def arrivals(self):
        """Every mailbox that has messages tells when the last one came."""
        mesh = self.site.mesh
        for user in (*self.site.inboxes, f"{self.site.writers[0]}@{DOMAIN}"):
            for row in mesh.json("mailbox", "list", user):
                if row["messages"] != "0" and row["last_arrival"] == "-":
                    self.ledger.fault(f"{user} {row['mailbox']}: no last_arrival after the step")
        told = mesh.json("mailbox", "status", QUIET, "INBOX")["last_arrival"]
        seconds = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)) for second in range(*self.quiet_between)]
        if told not in seconds:
            self.ledger.fault(f"{QUIET}: last_arrival is {told}, delivered from {seconds[0]} to {seconds[-1]}")

    def restart(self):
        """All of it, with the new supervisor; while it is down the old store shows that it does not touch the database any more."""
        self.ledger.event("the mesh is started anew")
        self.site.mesh.stop()
        config = self.site.mesh.dir / "config/mailbox_store.yaml"
        done = subprocess.run([self.programs.versions["old"] / "mailmesh-mailbox_store", "--config", config], text=True,
                              capture_output=True, timeout=60)
        said = done.stdout + done.stderr
        if done.returncode != 1 or "it was used by a newer version" not in said:
            self.ledger.fault(f"the old store on the new schema: code {done.returncode}, {said[-800:]}")
        self.done["old store refused by the new schema"] += 1
        self.site.mesh.start()

    # What clients see.

    def start_steady(self):
        mesh = self.site.mesh
        users = {name: f"{name}@{DOMAIN}" for name in ("imap0", "imap1", "pop0")}
        for user in (steady.RECIPIENT, *users.values(), QUIET):
            mesh.add_account(user, PASSWORD)
        begin = int(time.time())
        with smtplib.SMTP(*mesh.address("mx")) as smtp:
            smtp.sendmail("x@elsewhere.test", [QUIET, users["pop0"]], messages.simple("first", 20_000))
        self.quiet_between = begin, int(time.time()) + 2
        self.steady = [steady.Smtp(mesh, "smtp0"), steady.Smtp(mesh, "smtp1"), steady.Imap(mesh, "imap0", users["imap0"], PASSWORD),
                       steady.Imap(mesh, "imap1", users["imap1"], PASSWORD), steady.Pop3(mesh, "pop0", users["pop0"], PASSWORD)]
        for client in self.steady:
            client.start()

    def judge_steady(self):
        """No client was refused, none was cut off, none was told anything but temporary errors; what was acknowledged is there, once."""
        for client in self.steady:
            client.stop()
        for client in self.steady:
            client.join(60)
        places = {steady.RECIPIENT: self.steady[:2], **{client.user: [client] for client in self.steady[2:4]}}
        for user, clients in places.items():
            wanted = {subject for client in clients for subject in client.done}
            # What came while the store was away waits in the relay.
            wait_until(lambda: wanted <= subjects(self.site.mesh, user.split("@")[0]).keys(), f"all is in {user}", 60, 1)
            doubled = {subject for subject, count in subjects(self.site.mesh, user.split("@")[0]).items() if count > 1}
            if doubled:
                self.ledger.fault(f"{user}: doubled: {sorted(doubled)[:5]}")
        for client in self.steady:
            permanent = [line for line in client.other if not TEMPORARY.match(line)]
            if client.refused or client.cut or permanent:
                self.ledger.fault(f"{client.name}: refused {client.refused}, cut {client.cut[:3]}, told {permanent[:3]}")
        for what in ("sessions", "done", "told"):
            values = [getattr(client, what) for client in self.steady]
            self.done[f"steady clients: {what}"] = sum(len(value) if isinstance(value, list) else value for value in values)
        self.done["steady clients: temporary errors"] = sum(sum(client.other.values()) for client in self.steady)
        for code, count in self.calls.items():
            self.done[f"{METHOD} answered {code}"] = count
