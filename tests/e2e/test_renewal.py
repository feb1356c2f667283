"""Certificates and authorities are renewed while everybody calls everybody: no process starts again, no call fails."""
import imaplib
import os
import pathlib
import signal
import smtplib
import subprocess
import tempfile
import threading
import time
import unittest

import grpc

from tests.support import messages
from tests.support.certificates import Authority
from tests.support.mesh import BIN, ROLES, Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
# Servers close connections this often, so that there are handshakes all the time.
AGE = "".join(f"{role}: {{common: {{grpc: {{max_connection_age: 1s}}}}}}\n" for role in ROLES)
OVERLAP = 2.0
# What the directory serves to every role.
HEALTH = "/grpc.health.v1.Health/Check"


def read_pair(folder):
    """A role's three files as one version of them, as programs read what the kubelet mounts."""
    while True:
        version = folder / os.readlink(folder / "..data")
        try:
            return [(version / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")]
        except FileNotFoundError:  # the next one came in between
            continue


class Population:
    """Threads that do something over and over; what fails is kept."""

    def __init__(self):
        self.counts, self.failures = {}, []
        self._stop = threading.Event()
        self._threads = []

    def add(self, name, action, pause=0.0):
        self.counts[name] = 0
        self._threads.append(threading.Thread(target=self._run, args=(name, action, pause), daemon=True))
        self._threads[-1].start()

    def _run(self, name, action, pause):
        while not self._stop.is_set():
            try:
                action()
                self.counts[name] += 1
            except Exception as error:  # whatever it is, it is what the test looks for
                self.failures.append((name, repr(error)[:300]))
            self._stop.wait(pause)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


class Renewal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh(AGE, arguments=["--grpc", "tcp"]))
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def channel(self, server, role):
        ca, key, certificate = read_pair(self.mesh.dir / "pki" / role)
        return grpc.secure_channel(self.mesh.endpoints[f"{server}.grpc"], grpc.ssl_channel_credentials(ca, key, certificate),
                                   [("grpc.use_local_subchannel_pool", 1)])

    def renew(self, *options):
        return self.mesh.run("pki", "renew", "--overlap", f"{OVERLAP}s", *options).stdout

    def serial(self, name):
        """Of the certificate that a server shows."""
        host, port = self.mesh.address(name)
        folder = self.mesh.dir / "pki/operator"
        shown = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-cert", folder / "tls.crt", "-key", folder / "tls.key"],
                               capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False).stdout
        return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown, capture_output=True, check=True).stdout

    def test_four_renewals_and_no_call_fails(self):
        processes = {role: self.mesh.process_id(role) for role in ROLES}
        # An authority of somebody else that an operator added, a certificate of the first days, and a session.
        foreign = Authority(self.mesh.dir / "foreign").certificate.read_text()
        with (self.mesh.dir / "ca.pem").open("a") as trusted:
            trusted.write(foreign)
        first = read_pair(self.mesh.dir / "pki/operator")
        session = imaplib.IMAP4("127.0.0.1", self.mesh.port("imap"))
        session.login("anna@a.test", PASSWORD)
        everybody = Population()
        kept = {server: self.channel(server, "operator") for server in ROLES}

        def call_all(channels):
            for channel in channels.values():
                channel.unary_unary(HEALTH)(b"", timeout=10)

        def call_anew():
            for server in ("directory", "mailbox_store"):
                with self.channel(server, "imap_gateway") as channel:
                    channel.unary_unary(HEALTH)(b"", timeout=10)

        def log_in_and_read():
            with imaplib.IMAP4("127.0.0.1", self.mesh.port("imap")) as client:
                client.login("anna@a.test", PASSWORD)
                self.assertEqual(client.select()[0], "OK")
                client.status("INBOX", "(MESSAGES)")

        sent = []

        def send():
            with smtplib.SMTP(*self.mesh.address("mx")) as client:
                self.assertEqual(client.sendmail("x@elsewhere.test", ["anna@a.test"], messages.simple(f"renewed {len(sent)}")), {})
                sent.append(1)

        try:
            everybody.add("calls on open connections", lambda: call_all(kept), 0.02)
            everybody.add("calls on new connections", call_anew, 0.02)
            everybody.add("IMAP log-ins", log_in_and_read, 0.05)
            everybody.add("messages by SMTP", send, 0.05)
            time.sleep(1)
            serials, lines = [self.serial("directory.grpc")], []
            for options in (("--reissue",), ("--new-authority",), (), ("--reissue",), (), ("--new-authority",), ()):
                lines += self.renew(*options).splitlines()
                time.sleep(OVERLAP + 1)  # a second until files are looked at
                if (serial := self.serial("directory.grpc")) not in serials:
                    serials.append(serial)
                # Python's channels read no file again, as ours do: whoever keeps them takes what is new now and then.
                kept.update({server: self.channel(server, "operator") for server in ROLES})
            time.sleep(1)
        finally:
            everybody.end()
        print(f"    {len(serials) - 1} renewals seen by clients; " + ", ".join(f"{n} {what}" for what, n in everybody.counts.items())
              + f"; {len(everybody.failures)} failed")
        self.assertEqual(everybody.failures, [])
        self.assertGreaterEqual(len(serials), 5, "four times another certificate was shown")
        self.assertGreaterEqual(sum("signs from now on" in line for line in lines), 2)
        self.assertEqual(session.noop()[0], "OK")
        session.logout()
        self.assertEqual(processes, {role: self.mesh.process_id(role) for role in ROLES}, "nobody was started again")
        wait_until(lambda: self.mesh.messages_in("anna@a.test") == len(sent), "all messages", 20)
        # The operator's addition is everywhere.
        body = foreign[foreign.index("-----BEGIN"):].strip()
        for path in ("ca.pem", *(f"pki/{role}/ca.crt" for role in ROLES)):
            self.assertIn(body, (self.mesh.dir / path).read_text(), path)
        # The trust in the first authority ends, two overlaps after the change.
        self.renew()
        time.sleep(2)
        ca, key, certificate = first
        trusted = (self.mesh.dir / "pki/operator/ca.crt").read_bytes()
        with grpc.secure_channel(self.mesh.endpoints["directory.grpc"], grpc.ssl_channel_credentials(trusted, key, certificate)) as channel:
            with self.assertRaises(grpc.RpcError) as caught:
                channel.unary_unary(HEALTH)(b"", timeout=5)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_up_makes_what_is_missing_while_it_runs(self):
        folder = self.mesh.dir / "pki/fetcher"
        before = read_pair(folder)
        (folder / "tls.key").unlink()
        os.kill(self.mesh.process.pid, signal.SIGHUP)
        wait_until(lambda: (folder / "tls.key").exists(), "the key", 20)
        after = read_pair(folder)
        self.assertEqual(before[0], after[0])

    def test_remaining_time_is_a_metric(self):
        for role in ROLES:
            text = self.mesh.metrics(role)
            line = next(line for line in text.splitlines()
                        if line.startswith('mailmesh_tls_certificate_expiry_timestamp_seconds{name="grpc"}'))
            self.assertLess(abs(float(line.split()[1]) - time.time() - 90 * 86400), 3600)


class Folders(unittest.TestCase):
    """`mailmesh pki` on a folder."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "pki"

    def run_tool(self, *arguments, code=0):
        done = subprocess.run([BIN / "mailmesh", "pki", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_init_renew_list(self):
        self.run_tool("init", self.folder, "--roles", "directory,operator")
        self.run_tool("init", self.folder, code=1)
        self.run_tool("renew", self.folder, "--roles", "fetcher", "--server-dns", "Mail.a.test,192.0.2.1")
        listed = self.run_tool("list", self.folder).stdout
        for word in ("mailmesh://role/directory", "mailmesh://role/fetcher", "mailmesh://role/operator", "mail.a.test 192.0.2.1", "good"):
            self.assertIn(word, listed)
        for name in ("directory", "fetcher", "operator", "server"):
            done = subprocess.run(["openssl", "verify", "-CAfile", self.folder / "ca.pem", self.folder / name / "tls.crt"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_tool("renew", self.folder).stdout, "")
        for bad in ("Directory", "server", "../x", "authority"):
            self.run_tool("renew", self.folder, "--roles", bad, code=1)

    def test_a_pair_of_others_is_not_overwritten(self):
        self.run_tool("init", self.folder)
        certificate, key = Authority(self.folder / "others").issue("server", "DNS:mail.a.test")
        (self.folder / "server.pem").write_bytes(certificate)
        (self.folder / "server.key").write_bytes(key)
        self.run_tool("issue", self.folder, "server", "--dns", "mail.a.test", code=1)
        self.assertEqual((self.folder / "server.pem").read_bytes(), certificate)


if __name__ == "__main__":
    unittest.main()
