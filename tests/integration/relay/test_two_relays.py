"""Two relays behind one name, each with a spool of its own: every message is in one of them, once, whoever is killed meanwhile."""
import collections
import json
import signal
import smtplib
import socket
import subprocess
import threading
import time
import unittest
import urllib.request

from tests.support import messages, peers
from tests.support.mesh import BIN
from tests.support.nameserver import NameServer
from tests.support.ports import free_ports, wait_until
from tests.support.site import RoleSite

RELAYS = {"outbound_relay": "127.0.0.1", "outbound_relay.1": "127.0.0.2"}
LARGE = 400_000  # goes ahead of its message in an upload


class Site(RoleSite):
    """`relays`: those that run from the start; `grpc_settings`: more of their gRPC server's."""

    def __init__(self, nameserver, relays=tuple(RELAYS), grpc_settings=""):
        super().__init__("mm-relays-")
        self.nameserver = nameserver
        self.relays = relays
        self.grpc_settings = grpc_settings

    def grpc(self, role):
        return f"{RELAYS[role]}:{self.port}" if role in RELAYS else super().grpc(role)

    def identity(self, role):
        folder = self.dir / "pki" / role
        return f"{{certificate: {folder}/tls.crt, private_key: {folder}/tls.key, authority: {folder}/ca.crt}}"

    def set_up(self):
        self.port, self.ports["smtp_ingress"], *admin = free_ports(2 + len(RELAYS))
        self.admin = dict(zip(RELAYS, admin))
        self.certificate()
        subprocess.run([BIN / "mailmesh", "pki", "init", self.dir / "pki", "--roles", "outbound_relay,smtp_ingress,operator"],
                       check=True, capture_output=True)
        (self.dir / "ca.pem").write_bytes((self.dir / "pki/ca.pem").read_bytes())
        self.write_directory()
        self.write_store()
        for role in RELAYS:
            self.write_over_tcp(role, "outbound_relay", self.grpc(role), self.grpc("directory"), "",
                                f"hostname: mail.test\nmin_retry: 1h\nspool: {{path: {self.dir}/{role}.db, ballast_bytes: 0}}\n",
                                self.grpc_settings)
        relays = f", outbound_relay: {{endpoint: \"dns://{self.nameserver.address}/relays.test:{self.port}\"}}"
        self.write_over_tcp("smtp_ingress", "smtp_ingress", self.grpc("smtp_ingress"), self.grpc("directory"), relays,
                            f"hostname: mail.test\nmx: {{listen: \"127.0.0.1:{self.ports['smtp_ingress']}\"}}\n"
                            f"tls: {{certificates: [{self.tls()}]}}\n")
        self.start_all(skip=set(RELAYS) - set(self.relays))
        self.tool("domain", "add", "away.test", "--relay")
        self.tool("route", "add", "away.test", f"127.0.0.1:{free_ports(1)[0]}")

    def write_over_tcp(self, name, role, listen, directory, more_peers, text, grpc_settings=""):
        (self.dir / f"{name}.yaml").write_text(
            f"common:\n  name: {name}\n  log: {{level: info, format: text}}\n  admin: {{listen: \"127.0.0.1:{self.admin.get(name, 0)}\"}}\n"
            f"  grpc: {{listen: \"{listen}\", tls: {self.identity(role)}{grpc_settings}}}\n"
            f"  peers: {{directory: {{endpoint: \"{directory}\"}}{more_peers}}}\n{text}")
        self.roles.append(name)

    def _listens(self, role):
        if role not in RELAYS:
            return super()._listens(role)
        with socket.socket() as probe:
            return probe.connect_ex((RELAYS[role], self.port)) == 0

    def queued(self):
        """{reverse-path: how often it is in a spool}, of both relays."""
        return collections.Counter(row["sender"] for row in json.loads(self.tool("queue", "list", "-o", "json")))

    def queued_at(self, relay):
        """How many messages are in one relay's spool."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[relay]}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith("mailmesh_queue_messages{"))


class TwoRelays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            nameserver = cls.enterClassContext(NameServer({"relays.test": "@ IN A 127.0.0.1\n@ IN A 127.0.0.2\n"}))
        except peers.Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.site = cls.enterClassContext(Site(nameserver))

    def send(self, smtp, name, size=1000):
        smtp.sendmail(f"{name}@origin.test", ["bert@away.test"], messages.simple(name, size))

    def test_large_messages_find_their_upload(self):
        with smtplib.SMTP("127.0.0.1", self.site.ports["smtp_ingress"], timeout=60) as smtp:
            for i in range(20):
                self.send(smtp, f"large-{i}", LARGE)
                time.sleep(0.06)  # now one replica, now the other
        queued = self.site.queued()
        self.assertEqual([queued[f"<large-{i}@origin.test>"] for i in range(20)], [1] * 20)
        # The tool goes on where one relay is away, and says so.
        self.site.end("outbound_relay.1", signal.SIGTERM)
        try:
            done = subprocess.run([BIN / "mailmesh", "--dir", self.site.dir, "queue", "list", "-o", "json"], capture_output=True, text=True,
                                  timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("outbound_relay.1", done.stderr)
            here = sum(row["sender"].startswith("<large-") for row in json.loads(done.stdout))
        finally:
            self.site.start("outbound_relay.1")
        self.assertTrue(0 < here < 20, f"{here} of 20 at one of two replicas")

    def test_a_killed_relay_doubles_nothing(self):
        acknowledged, unknown, stop = [], [], threading.Event()

        def client(number):
            smtp = None
            for i in range(10_000):
                if stop.is_set():
                    return
                name = f"kill-{number}-{i}"
                try:
                    smtp = smtp or smtplib.SMTP("127.0.0.1", self.site.ports["smtp_ingress"], timeout=90)
                    self.send(smtp, name, LARGE if i % 10 == 0 else 1000)
                    acknowledged.append(name)
                except (smtplib.SMTPException, OSError):
                    unknown.append(name)
                    smtp = None

        clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
        for thread in clients:
            thread.start()
        for _ in range(6):
            for role in RELAYS:
                before = len(acknowledged)
                wait_until(lambda: len(acknowledged) > before + 20, "mail is taken", 90)
                self.site.end(role)
                self.site.start(role)
        stop.set()
        for thread in clients:
            thread.join(100)
        self.assertFalse(any(thread.is_alive() for thread in clients))
        queued = self.site.queued()
        counts = collections.Counter(queued[f"<{name}@origin.test>"] for name in acknowledged)
        print(f"\n    12 kills: {len(acknowledged)} acknowledged, by how often they are queued: {dict(counts)}; {len(unknown)} not", flush=True)
        self.assertEqual(set(counts), {1})
        self.assertLessEqual(max((queued[f"<{name}@origin.test>"] for name in unknown), default=0), 1)


class ComesAndGoes(unittest.TestCase):
    """Replicas behind a name whose addresses change, under load: a new one is found, one that is drained or killed is left."""

    AGE = 3  # seconds, of a connection between roles
    DRAINS = 3

    def setUp(self):
        try:
            self.nameserver = self.enterContext(NameServer({"relays.test": self.records("outbound_relay")}))
        except peers.Unavailable as error:
            self.skipTest(str(error))
        self.site = self.enterContext(Site(self.nameserver, ["outbound_relay"], f", max_connection_age: {self.AGE}s"))
        self.acknowledged, self.trouble, self.stop = [], [], threading.Event()

    @staticmethod
    def records(*relays):
        return "".join(f"@ IN A {RELAYS[relay]}\n" for relay in relays)

    def client(self, number):
        smtp = None
        for i in range(100_000):
            if self.stop.is_set():
                return
            name = f"name-{number}-{i}"
            try:
                smtp = smtp or smtplib.SMTP("127.0.0.1", self.site.ports["smtp_ingress"], timeout=90)
                smtp.sendmail(f"{name}@origin.test", ["bert@away.test"], messages.simple(name, 1000))
                self.acknowledged.append(name)
            except (smtplib.SMTPException, OSError) as error:
                self.trouble.append((name, error))
                smtp = None
            time.sleep(0.01)

    def wait_taken(self, relay, more=20):
        """Until it has taken so many more messages; how long that was."""
        begin, before = time.monotonic(), self.site.queued_at(relay)
        wait_until(lambda: self.site.queued_at(relay) >= before + more, f"{relay} takes mail", 60)
        return time.monotonic() - begin

    def test_new_ones_are_found_and_dead_ones_left(self):
        first, second = RELAYS
        clients = [threading.Thread(target=self.client, args=(n,)) for n in range(4)]
        for thread in clients:
            thread.start()
        self.addCleanup(self.stop.set)
        self.wait_taken(first)
        self.site.start(second)
        self.nameserver.change("relays.test", self.records(first, second))
        found = self.wait_taken(second)
        self.wait_taken(first)
        self.assertEqual(self.trouble, [], "a new replica costs nobody anything")
        # gRPC ends a connection at its age, give or take a tenth, and asks for a name every 5 s at most (channel.cc).
        self.assertLess(found, 2 * self.AGE + 10)

        for _ in range(self.DRAINS):
            self.site.end(first, signal.SIGTERM)
            self.wait_taken(second, 100)
            self.assertEqual(self.trouble, [], "a drain costs nobody anything")
            self.site.start(first)
            self.wait_taken(first)

        self.site.end(first)
        self.nameserver.change("relays.test", self.records(second))
        self.wait_taken(second, 100)
        self.stop.set()
        for thread in clients:
            thread.join(100)
        self.assertFalse(any(thread.is_alive() for thread in clients))
        # Of calls that were at the killed one nobody knows the outcome: they are tried there again, and then refused for the moment.
        self.assertLessEqual(len(self.trouble), len(clients), self.trouble)
        for _, error in self.trouble:
            self.assertTrue(isinstance(error, smtplib.SMTPResponseException) and error.smtp_code // 100 == 4, error)
        self.site.start(first)
        queued = self.site.queued()
        counts = collections.Counter(queued[f"<{name}@origin.test>"] for name in self.acknowledged)
        print(f"\n    a new relay had mail {found:.1f} s after it was in the name's addresses; {len(self.acknowledged)} acknowledged, by how "
              f"often they are queued: {dict(counts)}; errors: 0 of {self.DRAINS} drains, {len(self.trouble)} of a kill", flush=True)
        self.assertEqual(set(counts), {1})
        self.assertLessEqual(max((queued[f"<{name}@origin.test>"] for name, _ in self.trouble), default=0), 1)


if __name__ == "__main__":
    unittest.main()
