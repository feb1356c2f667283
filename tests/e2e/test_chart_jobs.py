"""What the chart's jobs run, here against a mesh on one machine over mutual TLS: the first account, the guard before a mesh is made smaller,
backups that are kept for a while, the pod of the tool, and the program of `helm test`."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from tests.support.mesh import BIN, PROJECT, Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"


class ChartJobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mailmesh-jobs-")))
        cls.mesh = cls.enterClassContext(Mesh("hostname: localhost\nreplicas: {mailbox_store: 2}\n", ["--grpc", "tcp"]))
        (cls.folder / "password").write_text(PASSWORD + "\n")
        pki = cls.mesh.dir / "pki/operator"
        cls.mesh_file = cls.folder / "mesh.yaml"
        cls.mesh_file.write_text(json.dumps({
            "directory": cls.mesh.endpoints["directory.grpc"],
            "outbound_relay": cls.by_name("outbound_relay"),
            "imap_gateway": cls.by_name("imap_gateway"),
            "tls": {"certificate": f"{pki}/tls.crt", "private_key": f"{pki}/tls.key", "authority": f"{pki}/ca.crt"}}))

    @classmethod
    def by_name(cls, role):
        """As a headless Service: a name with the addresses of all replicas."""
        return f"dns:///localhost:{cls.mesh.port(role + '.grpc')}"

    def tool(self, *command, check=True):
        done = subprocess.run([BIN / "mailmesh", "--mesh", self.mesh_file, *map(str, command)], capture_output=True, text=True, timeout=100)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def ensure(self, address, *more):
        return self.tool("account", "ensure", address, "--password-file", self.folder / "password", *more).stdout

    def test_an_account_is_made_once_and_its_password_set_when_asked(self):
        self.assertIn("created", self.ensure("first@new.test"))
        self.assertIn("was there", self.ensure("first@new.test"))
        self.mesh.run("auth", "test", "first@new.test", "--password-stdin", input=PASSWORD + "\n")
        (self.folder / "password").write_text("another one\n")
        self.addCleanup((self.folder / "password").write_text, PASSWORD + "\n")
        self.ensure("first@new.test")
        self.mesh.run("auth", "test", "first@new.test", "--password-stdin", input=PASSWORD + "\n")
        self.ensure("first@new.test", "--set-password")
        self.mesh.run("auth", "test", "first@new.test", "--password-stdin", input="another one\n")
        self.mesh.run("alias", "add", "also@new.test", "first@new.test")
        refused = self.tool("account", "ensure", "also@new.test", "--password-file", self.folder / "password", check=False)
        self.assertEqual(refused.returncode, 1, "an alias was taken for an account")

    def test_replicas_behind_a_name_are_instances(self):
        rows = json.loads(self.tool("status", "-o", "json", check=False).stdout)
        states = {row["role"]: row["state"] for row in rows if row["role"].startswith("imap_gateway")}
        self.assertIn("serving", states.values(), rows)
        self.assertIn("imap_gateway", states)

    def test_a_replica_behind_a_name_is_gone_by_its_endpoint(self):
        mesh_file = self.folder / "gone.yaml"
        mesh_file.write_text(json.dumps({**json.loads(self.mesh_file.read_text()), "pop3_gateway": "dns:///localhost:1"}))  # nobody there

        def upgrade(*command):
            return subprocess.run([BIN / "mailmesh", "--mesh", mesh_file, "upgrade", *command], capture_output=True, text=True, timeout=100)

        rows = json.loads(upgrade("status", "-o", "json").stdout)["processes"]
        away = [row["endpoint"] for row in rows if row["standing"] == "away"]
        self.assertIn("127.0.0.1:1", away)
        refused = upgrade("finalize")
        self.assertEqual(refused.returncode, 69)
        self.assertIn("127.0.0.1:1", refused.stderr)
        done = upgrade("finalize", *(f"--gone={endpoint}" for endpoint in away))
        self.assertEqual(done.returncode, 0, done.stderr)

    def check(self, shards, relays, *more):
        """The guard; relays are numbered by their ports, from the mesh's own."""
        first = int(self.mesh.port("outbound_relay.grpc"))
        return self.tool("scale", "check", f"--shards={shards}", f"--relays={relays + first}", "--relay-address=localhost:{}", *more, check=False)

    def test_a_shard_with_accounts_does_not_go(self):
        self.mesh.run("domain", "add", "shards.test")
        for name in ("a", "b"):  # to the emptiest shard each
            self.mesh.add_account(f"{name}@shards.test", PASSWORD)
        on_one = [row["address"] for row in self.mesh.json("account", "list") if row["shard"] == "1"]
        self.assertTrue(on_one)
        refused = self.tool("scale", "check", "--shards=1", "--relays=1", check=False)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn(f"{len(on_one)} accounts", refused.stdout)
        self.assertRegex(refused.stderr, r"(?m)^shard 1: .*`mailmesh import ADDRESS FOLDER`$")
        self.assertEqual(self.tool("scale", "check", "--shards=2", "--relays=1", check=False).returncode, 0)
        self.assertEqual(self.tool("scale", "check", "--shards=1", "--relays=1", "--pass-when-away", check=False).returncode, 1)
        for address in on_one:
            self.mesh.run("account", "delete", address)
        self.assertEqual(self.tool("scale", "check", "--shards=1", "--relays=1", check=False).returncode, 0)

    def test_a_relay_with_mail_does_not_go(self):
        self.mesh.run("domain", "add", "relayed.test", "--relay")
        self.mesh.run("route", "add", "relayed.test", "127.0.0.1:9")  # nobody there
        (self.folder / "message").write_text("From: a@shards.test\nTo: b@relayed.test\nSubject: x\n\nx\n")
        queued = self.mesh.run("send", self.folder / "message", "--from", "a@shards.test").stdout.split()[-1]
        refused = self.check(2, 0)
        self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
        self.assertIn("1 messages", refused.stdout)
        self.assertRegex(refused.stderr, r"(?m)^relay \d+: .*gives up a message$")
        # The one that is away: its port is nobody's.
        self.assertEqual(self.check(2, 1).returncode, 69)
        # The directory answers: this mesh is there, and its relay may hold mail.
        self.assertEqual(self.check(2, 1, "--pass-when-away").returncode, 69)

        def deleted():
            return self.mesh.run("queue", "delete", queued, check=False).returncode == 0 or not self.mesh.json("queue", "list")

        wait_until(deleted, "the queue to be empty")
        self.assertNotEqual(self.check(2, 0).returncode, 1)

    def test_only_the_newest_backups_are_kept(self):
        for name in ("one", "two", "three"):
            self.tool("backup", "create", name, "--keep", "2")
        kept = [(row["shard"], row["name"]) for row in self.mesh.json("backup", "list")]
        self.assertEqual(sorted(kept), [(shard, name) for shard in ("0", "1") for name in ("three", "two")])

    def test_the_tool_waits_until_it_is_told_to_end(self):
        process = subprocess.Popen([BIN / "mailmesh", "wait"])
        self.addCleanup(process.kill)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(5), 0)

    def round_trip(self, **endpoints):
        self.ensure("helm-test@helm-test.invalid", "--set-password")
        environment = os.environ | {"MAIL_NAME": "localhost", "MAIL_ADDRESS": "helm-test@helm-test.invalid", "PASSWORD_FILE": str(self.folder / "password"),
                                    "CA_FILE": self.mesh.ca}
        environment |= {name: f"127.0.0.1:{self.mesh.port(listener)}" for name, listener in endpoints.items()}
        return subprocess.run([sys.executable, PROJECT / "helm/mailmesh/files/round_trip.py"], env=environment, capture_output=True, text=True, timeout=200)

    def test_the_round_trip_of_helm_test(self):
        done = self.round_trip(SMTP="mx", IMAPS="imaps", POP3S="pop3s")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines(), ["ok: taken by SMTP", "ok: read by IMAP", "ok: read by POP3, and removed"])
        self.assertEqual(self.mesh.messages_in("helm-test@helm-test.invalid"), 0)

    def test_the_round_trip_skips_what_is_off(self):
        done = self.round_trip(IMAPS="imaps")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines(), ["skipped: SMTP (smtpIngress is off)", "ok: taken by IMAP", "ok: read by IMAP", "skipped: POP3 (pop3Gateway is off)"])
        done = self.round_trip(SMTP="mx", POP3S="pop3s")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("skipped: IMAP (imapGateway is off)", done.stdout)

    def test_the_round_trip_fails_with_another_authority(self):
        other = self.folder / "other.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.devnull, "-out", other,
                        "-subj", "/CN=other", "-days", "1"], check=True, capture_output=True)
        environment = os.environ | {"MAIL_NAME": "localhost", "MAIL_ADDRESS": "helm-test@helm-test.invalid", "PASSWORD_FILE": str(self.folder / "password"),
                                    "CA_FILE": str(other), "SMTP": f"127.0.0.1:{self.mesh.port('mx')}"}
        done = subprocess.run([sys.executable, PROJECT / "helm/mailmesh/files/round_trip.py"], env=environment, capture_output=True, text=True, timeout=100)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", done.stderr)


if __name__ == "__main__":
    unittest.main()
