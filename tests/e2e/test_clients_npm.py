"""nodemailer and imapflow, in the versions of tests/e2e/npm/package-lock.json, installed under build/npm."""
import shutil
import subprocess
import unittest

from tests.support.clients import PASSWORD, ClientTest
from tests.support.mesh import PROJECT

SCRIPTS = PROJECT / "tests/e2e/npm"
INSTALLED = PROJECT / "build/npm"


def install():
    """Raises SkipTest with the reason where the packages cannot be had."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise unittest.SkipTest("npm is not installed")
    if int(subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.lstrip("v").split(".")[0]) < 20:
        raise unittest.SkipTest("imapflow needs Node 20")
    lock = SCRIPTS / "package-lock.json"
    done = INSTALLED / "package-lock.json"
    if (INSTALLED / "node_modules").exists() and done.exists() and done.read_bytes() == lock.read_bytes():
        return
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SCRIPTS / name, INSTALLED)
    result = subprocess.run(["npm", "ci", "--prefix", INSTALLED, "--ignore-scripts", "--no-audit", "--no-fund"], capture_output=True,
                            text=True, timeout=300)
    if result.returncode != 0:
        done.unlink(missing_ok=True)
        raise unittest.SkipTest(f"npm ci: {result.stderr.strip()[-200:]}")


class Npm(ClientTest):
    @classmethod
    def setUpClass(cls):
        install()
        super().setUpClass()

    def node(self, script, *arguments, **kwargs):
        return self.sh("node", SCRIPTS / script, *arguments, env={"NODE_PATH": str(INSTALLED / "node_modules")}, **kwargs)

    def test_nodemailer_sends_and_imapflow_reads(self):
        for port, secure in (("submission", "starttls"), ("submissions", "tls")):
            self.node("send.js", self.mesh.port(port), secure, self.mesh.ca, "anna@a.test", PASSWORD, "bert@a.test", show=8)
        self.assertEqual(len(self.subjects("bert")), 6)
        for port, secure in (("imap", "starttls"), ("imaps", "tls")):
            self.node("read.js", self.mesh.port(port), secure, self.mesh.ca, "bert@a.test", PASSWORD, show=14)


if __name__ == "__main__":
    unittest.main()
