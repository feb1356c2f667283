"""Log-in by each mechanism with GNU SASL's client, channel binding too; tags, catch-alls and alias loops by the tool."""
import shutil
import smtplib
import subprocess
import unittest

from tests.support import messages
from tests.support.mesh import Mesh

PASSWORD = "correct horse"
# "y" of a client that could bind where the server offers it is refused (RFC 5802, 6), and this client always says it: SCRAM
# without -PLUS is for clients that cannot bind.
MECHANISMS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN")


class LogIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def log_in(self, protocol, port, mechanism, password, name="anna@a.test"):
        """True when the client says that it is in, and that the server proved itself where the mechanism has it do so."""
        done = subprocess.run(
            ["gsasl", f"--{protocol}", "--mechanism", mechanism, "--authentication-id", name, "--authorization-id", "",
             "--password", password, "--x509-ca-file", self.mesh.ca, f"--connect=127.0.0.1:{self.mesh.port(port)}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60)
        return done.returncode == 0 and "authentication finished" in done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("gsasl"), "gsasl is not installed")
    def test_each_mechanism(self):
        for protocol, port, more in (("imap", "imap", ()), ("smtp", "submission", ("LOGIN",))):
            for mechanism in (*MECHANISMS, *more):
                with self.subTest(f"{protocol} {mechanism}"):
                    self.assertTrue(self.log_in(protocol, port, mechanism, PASSWORD))
                    self.assertTrue(self.log_in(protocol, port, mechanism, PASSWORD, "Anna+tag@A.test"))
                    self.assertFalse(self.log_in(protocol, port, mechanism, "wrong"))
                    self.assertFalse(self.log_in(protocol, port, mechanism, PASSWORD, "nobody@a.test"))

    def accepted(self, recipient):
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            try:
                smtp.sendmail("someone@elsewhere.test", [recipient], messages.simple("address", to=recipient))
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients[recipient][0]
            return 250

    def test_addresses(self):
        # Each domain of its own: gateways keep answers for a while.
        self.mesh.run("domain", "add", "b.test", "--separators", "-", "--catch-all", "anna@a.test")
        self.mesh.run("domain", "add", "c.test", "--separators", "")
        self.mesh.add_account("cleo@c.test", PASSWORD)
        self.assertEqual([self.accepted(address) for address in
                          ("anna+tag@a.test", "ANNA@A.TEST", "nobody@a.test", "anybody@b.test", "cleo@c.test", "cleo+tag@c.test")],
                         [250, 250, 550, 250, 250, 550])
        rows = {row["domain"]: row for row in self.mesh.json("domain", "list")}
        self.assertEqual(rows["b.test"]["catch_all"], "anna@a.test")
        self.assertEqual(rows["b.test"]["separators"], "-")
        self.mesh.run("domain", "set", "b.test", "--no-catch-all")
        self.assertEqual(self.accepted("another@b.test"), 550)
        self.mesh.run("alias", "add", "one@a.test", "two@a.test")
        refused = self.mesh.run("alias", "add", "two@a.test", "one+tag@a.test", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("would lead back to itself", refused.stderr)


if __name__ == "__main__":
    unittest.main()
