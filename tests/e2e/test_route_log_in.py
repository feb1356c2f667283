"""A route to a real submission server that wants a log-in: Postfix, with Dovecot's SASL, over verified TLS."""
import pathlib
import smtplib
import subprocess
import tempfile
import unittest

from tests.support import messages, peers
from tests.support.mesh import BIN, Mesh
from tests.support.ports import wait_until


class AtPostfix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for command in (("init", cls.folder), ("issue", cls.folder, "b", "--ip", "127.0.0.1")):
            subprocess.run([BIN / "mailmesh", "pki", *command], check=True, capture_output=True)
        cls.mesh = cls.enterClassContext(Mesh(
            f"outbound_relay: {{min_retry: 1s, max_retry: 2s, trust_anchors: {cls.folder}/ca.pem}}\n"))

    def check(self, mechanisms, domain, implicit_tls=False):
        tls = (self.folder / "b.pem", self.folder / "b.key", self.folder / "ca.pem")
        try:
            site = self.enterContext(peers.Site([domain], tls=tls, log_in=mechanisms))
        except peers.Unavailable as error:
            self.skipTest(str(error))
        self.mesh.run("domain", "add", domain, "--relay")
        hop = f"127.0.0.1:{site.smtps_port if implicit_tls else site.smtp_port}"
        add = ("route", "add", domain, hop, *(["--implicit-tls"] if implicit_tls else []))

        def waiting():
            rows = self.mesh.json("queue", "list", "--domain", domain)
            return rows and self.mesh.json("queue", "show", rows[0]["queue_id"])[0]

        # A wrong password: the mail waits, however often Postfix says 535.
        self.mesh.run(*add, "--user", f"anna@{domain}", "--password-stdin", input="not this\n")
        sent = messages.simple(f"by-{domain}", 3000, "sender@origin.test", f"bert@{domain}")
        with smtplib.SMTP(*self.mesh.address("mx"), timeout=30) as smtp:
            smtp.sendmail("sender@origin.test", [f"bert@{domain}"], sent)
        row = wait_until(lambda: (one := waiting()) and "535 5.7.8" in one["last_reply"] and one, "Postfix has refused", 60)
        self.assertTrue(row["last_reply"].startswith("451 4.7.8 "), row)
        self.assertEqual(row["state"], "queued")
        # The right one.
        self.mesh.run(*add, "--user", f"anna@{domain}", "--password-stdin", input=site.password + "\n")
        wait_until(lambda: not self.mesh.json("queue", "list", "--domain", domain), "it has gone out", 120)
        used = [line for line in site.log().splitlines() if "sasl_method=" in line and f"sasl_username=anna@{domain}" in line]
        self.assertTrue(used and all(f"sasl_method={mechanisms.split()[0].upper()}" in line for line in used), used)
        # In the maildir itself: its POP3 server would want a mechanism of its own.
        maildir = site.dir / f"srv/mail/bert@{domain}/new"
        wait_until(lambda: maildir.exists() and list(maildir.iterdir()), "it is in the maildir")
        self.assertEqual([f"Subject: by-{domain}\n".encode() in path.read_bytes() for path in maildir.iterdir()], [True])

    def test_scram(self):
        self.check("scram-sha-256 plain login", "scram.test")

    def test_plain(self):
        self.check("plain", "plain.test")

    def test_login(self):
        self.check("login", "login.test")

    def test_tls_before_the_first_reply(self):
        self.check("scram-sha-256", "implicit.test", implicit_tls=True)


if __name__ == "__main__":
    unittest.main()
