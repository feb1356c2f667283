"""`mailmesh pki renew --kubernetes`: certificates in Secrets, as a job of the chart keeps them."""
import concurrent.futures
import pathlib
import subprocess
import tempfile
import unittest

from tests.support import kube_api
from tests.support.api_server import NAMESPACE, ApiServer
from tests.support.certificates import Authority
from tests.support.mesh import BIN, ROLES

NAMES = [f"mesh-pki-{role.replace('_', '-')}" for role in (*ROLES, "operator")]


class SecretsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_tool(self, *arguments, code=0):
        done = subprocess.run([BIN / "mailmesh", "pki", *arguments, "--kubernetes", "--release", "mesh", "--service-account",
                               self.api.account], env=self.api.environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def check_all_meet(self):
        """Each certificate verifies with each role's authorities, and is of its key."""
        for name in NAMES:
            data = self.api.data(name)
            files = {key: self.folder / key for key in data}
            for key, path in files.items():
                path.write_bytes(data[key])
            shown = [subprocess.run(["openssl", *command], check=True, capture_output=True).stdout for command in (
                ("x509", "-in", files["tls.crt"], "-noout", "-pubkey"), ("pkey", "-in", files["tls.key"], "-pubout"))]
            self.assertEqual(*shown, name)
            for other in NAMES:
                (self.folder / "other").write_bytes(self.api.data(other)["ca.crt"])
                done = subprocess.run(["openssl", "verify", "-CAfile", self.folder / "other", files["tls.crt"]], capture_output=True, check=False)
                self.assertEqual(done.returncode, 0, f"{other} meets {name}: {done.stderr}")

    def run_three(self):
        with concurrent.futures.ThreadPoolExecutor(3) as jobs:
            for done in [jobs.submit(self.run_tool, "renew") for _ in range(3)]:
                done.result()


class Faults(SecretsTest):
    """Against a server that fails on demand."""

    def setUp(self):
        super().setUp()
        self.api = ApiServer(self.folder)
        self.addCleanup(self.api.close)

    def test_makes_what_a_mesh_needs(self):
        for options in ((), ("--server-dns", "mail.a.test")):
            self.run_tool("renew", "--label", "app.kubernetes.io/name=mailmesh", *options)
        self.assertEqual(sorted(self.api.secrets), sorted([*NAMES, "mesh-pki-authority", "mesh-pki-trust", "mesh-pki-server"]))
        gateway = self.api.secrets["mesh-pki-imap-gateway"]
        self.assertEqual(gateway["type"], "kubernetes.io/tls")
        self.assertEqual(sorted(gateway["data"]), ["ca.crt", "tls.crt", "tls.key"])
        self.assertEqual(gateway["metadata"]["labels"], {"app.kubernetes.io/name": "mailmesh"})
        self.check_all_meet()
        self.assertIn("mailmesh://role/imap_gateway", self.run_tool("list").stdout)
        # Again: nothing is written.
        self.api.requests.clear()
        self.assertEqual(self.run_tool("renew").stdout, "")
        self.assertEqual({method for method, _ in self.api.requests}, {"GET"})

    def test_an_answer_that_is_lost_is_no_failure(self):
        """Of each write in its turn: it was carried out, the tool cannot know, and what it tries again is refused as a conflict."""
        lost = []

        def lose_once(method, name):
            if method == "GET" or (method, name) in lost:
                return None
            lost.append((method, name))
            return "lost"

        self.api.fault = lose_once
        self.run_tool("renew")
        self.check_all_meet()
        created = len(lost)
        for options in (("--new-authority",), (), ()):
            lost.clear()
            self.run_tool("renew", "--overlap", "1ms", *options)
            self.check_all_meet()
            created += len(lost)
        self.assertGreater(created, 30)
        self.assertEqual(self.api.data(NAMES[0])["ca.crt"].count(b"BEGIN CERTIFICATE"), 1, "the first authority is gone")

    def test_a_server_that_is_busy_is_asked_again(self):
        codes = iter([500, 503, 429, 500])
        self.api.fault = lambda method, name: next(codes, None)
        self.run_tool("renew")
        self.check_all_meet()

    def test_three_jobs_at_once(self):
        self.run_three()
        self.check_all_meet()

    def test_what_is_not_ours_stays(self):
        self.run_tool("renew")
        self.run_tool("renew", "--server-dns", "mail.a.test")
        others = Authority(self.folder / "others")
        certificate, key = others.issue("server", "DNS:mail.a.test")
        self.api.put("mesh-pki-server", {"tls.crt": certificate, "tls.key": key})
        foreign = others.certificate.read_bytes()
        data = self.api.data("mesh-pki-directory")
        self.api.put("mesh-pki-directory", {**data, "ca.crt": data["ca.crt"] + foreign, "more": b"of an operator"})
        for options in (("--new-authority",), (), ()):
            self.run_tool("renew", "--server-dns", "mail.a.test", "--overlap", "1ms", *options)
        self.assertEqual(self.api.data("mesh-pki-server"), {"tls.crt": certificate, "tls.key": key})
        directory = self.api.data("mesh-pki-directory")
        self.assertIn(foreign[foreign.index(b"-----BEGIN"):].strip(), directory["ca.crt"])
        self.assertEqual(directory["more"], b"of an operator")

    def test_roles_that_are_not_asked_for(self):
        self.run_tool("renew", "--server-dns", "mail.a.test")
        self.assertEqual(sorted(self.api.secrets), ["mesh-pki-authority", "mesh-pki-server", "mesh-pki-trust"])
        self.run_tool("renew")
        # One that is switched off is not among what the chart's job may read any more.
        self.api.fault = lambda method, name: 403 if name == "mesh-pki-fetcher" else None
        self.assertIn("mesh-pki-fetcher may not be read", self.run_tool("renew", "--roles", "directory", "--reissue").stderr)
        self.assertIn("HTTP 403", self.run_tool("renew", code=1).stderr)

    def test_what_it_may_not_do_is_said(self):
        self.api.fault = lambda method, name: 403 if method == "POST" else None
        self.assertIn(f"create secret {NAMESPACE}/mesh-pki-authority: HTTP 403", self.run_tool("renew", code=1).stderr)
        self.api.fault = lambda method, name: None
        (self.api.account / "token").write_text("another")
        self.assertIn("HTTP 401", self.run_tool("renew", code=1).stderr)
        # A server that the cluster's authority did not sign for is shown no token.
        (self.api.account / "ca.crt").write_bytes(Authority(self.folder / "others").certificate.read_bytes())
        self.api.requests.clear()
        self.assertIn("UNAUTHENTICATED", self.run_tool("renew", code=1).stderr)
        self.assertEqual(self.api.requests, [])
        (self.api.account / "token").unlink()
        self.assertIn("in a pod only", self.run_tool("renew", code=1).stderr)


@unittest.skipUnless(kube_api.is_there(), "tests/kubernetes has not built etcd and kube-apiserver")
class RealApiServer(SecretsTest):
    """Against Kubernetes' own API server, with the rights that docs/security/identity.md asks for."""

    def test_install_and_change_of_the_authority(self):
        names = [*NAMES, *(f"mesh-pki-{name}" for name in ("authority", "trust", "server"))]
        self.api = kube_api.KubeApi(self.folder, [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["get", "patch"]}])
        self.addCleanup(self.api.close)
        self.run_three()
        self.check_all_meet()
        gateway = self.api.secret("mesh-pki-imap-gateway")
        self.assertEqual((gateway["type"], sorted(gateway["data"])), ("kubernetes.io/tls", ["ca.crt", "tls.crt", "tls.key"]))
        foreign = Authority(self.folder / "others").certificate.read_bytes()
        foreign = foreign[foreign.index(b"-----BEGIN"):]
        self.api.put("mesh-pki-trust", {"ca.pem": self.api.data("mesh-pki-trust")["ca.pem"] + foreign})
        first = self.api.data("mesh-pki-authority")["ca.crt"]
        for options in (("--new-authority",), ("--server-dns", "mail.a.test"), ()):
            self.run_tool("renew", "--overlap", "1ms", *options)
            self.check_all_meet()
        kept = self.api.data("mesh-pki-authority")
        self.assertNotEqual(kept["ca.crt"], first)
        self.assertNotIn("previous.crt", kept, "keys that are not needed are taken out of the Secret")
        trusted = self.api.data("mesh-pki-pop3-gateway")["ca.crt"]
        self.assertIn(foreign.strip(), trusted)
        self.assertNotIn(first.strip(), trusted)
        self.assertIn("mail.a.test", self.run_tool("list").stdout)
        # What its role does not name is not for it.
        done = subprocess.run([BIN / "mailmesh", "pki", "renew", "--kubernetes", "--release", "another", "--service-account",
                               self.api.account], env=self.api.environment, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("HTTP 403", done.stderr)


if __name__ == "__main__":
    unittest.main()
