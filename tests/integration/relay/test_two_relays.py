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

from tests.support import messages, peers
from tests.support.mesh import BIN
from tests.support.nameserver import NameServer
from tests.support.ports import free_ports, wait_until
from tests.support.site import RoleSite

RELAYS = {"outbound_relay": "127.0.0.1", "outbound_relay.1": "127.0.0.2"}
LARGE = 400_000  # goes ahead of its message in an upload


class Site(RoleSite):
    def __init__(self, nameserver):
        super().__init__("mm-relays-")
        self.nameserver = nameserver

    def grpc(self, role):
        return f"{RELAYS[role]}:{self.port}" if role in RELAYS else super().grpc(role)

    def identity(self, role):
        folder = self.dir / "pki"
        return f"{{certificate: {folder}/{role}.pem, private_key: {folder}/{role}.key, authority: {folder}/ca.pem}}"

    def set_up(self):
        self.port, self.ports["smtp_ingress"] = free_ports(2)
        self.certificate()
        for command in (["init", self.dir / "pki"], *(["issue", self.dir / "pki", role, "--role", role]
                                                      for role in ("outbound_relay", "smtp_ingress", "operator"))):
            subprocess.run([BIN / "mailmesh", "pki", *command], check=True, capture_output=True)
        (self.dir / "ca.pem").write_bytes((self.dir / "pki/ca.pem").read_bytes())
        self.write_directory()
        self.write_store()
        for role in RELAYS:
            self.write_over_tcp(role, "outbound_relay", self.grpc(role), self.grpc("directory"), "",
                                f"hostname: mail.test\nmin_retry: 1h\nspool: {{path: {self.dir}/{role}.db, ballast_bytes: 0}}\n")
        relays = f", outbound_relay: {{endpoint: \"dns://{self.nameserver.address}/relays.test:{self.port}\"}}"
        self.write_over_tcp("smtp_ingress", "smtp_ingress", self.grpc("smtp_ingress"), self.grpc("directory"), relays,
                            f"hostname: mail.test\nmx: {{listen: \"127.0.0.1:{self.ports['smtp_ingress']}\"}}\n"
                            f"tls: {{certificates: [{self.tls()}]}}\n")
        self.start_all()
        self.tool("domain", "add", "away.test", "--relay")
        self.tool("route", "add", "away.test", f"127.0.0.1:{free_ports(1)[0]}")

    def write_over_tcp(self, name, role, listen, directory, more_peers, text):
        (self.dir / f"{name}.yaml").write_text(
            f"common:\n  name: {name}\n  log: {{level: info, format: text}}\n  admin: {{listen: \"127.0.0.1:0\"}}\n"
            f"  grpc: {{listen: \"{listen}\", tls: {self.identity(role)}}}\n"
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


if __name__ == "__main__":
    unittest.main()
