"""One mesh, clients that others wrote, TLS everywhere with the certificate verified against the mesh's own authority."""
import imaplib
import os
import pathlib
import poplib
import shutil
import smtplib
import socket
import subprocess
import tempfile
import unittest

from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.octets import split_trace
from tests.support.ports import wait_until

PASSWORD = "correct horse"


def knows_localhost():
    """False in a bare root without /etc/hosts."""
    try:
        return socket.gethostbyname("localhost") == "127.0.0.1"
    except OSError:
        return False


def program(name):
    return unittest.skipUnless(shutil.which(name), f"{name} is not installed")


class OneSite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.run("domain", "add", "a.test")
        for user in ("anna", "bert", "cleo", "dora", "emil"):
            cls.mesh.add_account(f"{user}@a.test", PASSWORD)
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def sh(self, *command, input=None, env=None):
        done = subprocess.run([str(c) for c in command], input=input, capture_output=True, timeout=60,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
        return done.stdout

    def deliver(self, to, message):
        """By SMTP to the MX port, in plain text, as another server would."""
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            smtp.sendmail("someone@elsewhere.test", [to], message)

    def imap(self, user):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context())
        client.login(f"{user}@a.test", PASSWORD)
        return client

    def test_mail_in_and_read_by_imap_and_pop3(self):
        sent = messages.nested_multiparts()
        self.deliver("anna@a.test", sent)
        client = self.imap("anna")
        self.assertEqual(client.select("INBOX")[1], [b"1"])
        stored = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
        trace = split_trace(stored, sent)
        self.assertIsNotNone(trace, stored)
        self.assertTrue(trace.startswith(b"Return-Path: <someone@elsewhere.test>\r\nReceived: from "), trace)
        pop = poplib.POP3_SSL("127.0.0.1", self.mesh.port("pop3s"), context=self.mesh.tls_context())
        pop.user("anna@a.test")
        pop.pass_(PASSWORD)
        _, lines, _ = pop.retr(1)
        self.assertEqual(b"\r\n".join(lines) + b"\r\n", stored)
        pop.quit()
        client.logout()

    @program("swaks")
    def test_swaks_submits_with_starttls_and_auth(self):
        for port, tls in (("submission", "--tls"), ("submissions", "--tls-on-connect")):
            for mechanism in ("PLAIN",):
                out = self.sh("swaks", "--server", "127.0.0.1", "--port", self.mesh.port(port), tls, "--tls-verify",
                              "--tls-ca-path", self.mesh.ca, "--auth", mechanism, "--auth-user",
                              "anna@a.test", "--auth-password", PASSWORD, "--from", "anna@a.test", "--to", "bert@a.test",
                              "--header", f"Subject: swaks {port}")
                self.assertIn(b"250 2.", out)
        client = self.imap("bert")
        wait_until(lambda: int(client.select("INBOX")[1][0]) >= 2, "both messages in bert's INBOX")
        client.logout()

    @program("curl")
    def test_curl_smtp_imap_pop3(self):
        message = self.scratch / "curl.eml"
        message.write_bytes(messages.simple("curl", to="cleo@a.test"))
        self.sh("curl", "-sS", "--cacert", self.mesh.ca, "--ssl-reqd", "--url",
                f"smtp://127.0.0.1:{self.mesh.port('submission')}", "--user", f"anna@a.test:{PASSWORD}", "--mail-from",
                "anna@a.test", "--mail-rcpt", "cleo@a.test", "--upload-file", message)
        imap = f"imaps://127.0.0.1:{self.mesh.port('imaps')}"
        user = ["--user", f"cleo@a.test:{PASSWORD}"]
        out = self.sh("curl", "-sS", "--cacert", self.mesh.ca, *user, f"{imap}/INBOX;MAILINDEX=1")
        self.assertIn(b"Subject: curl", out)
        out = self.sh("curl", "-sS", "--cacert", self.mesh.ca, *user, f"{imap}/INBOX", "-X", "SEARCH SUBJECT curl")
        self.assertIn(b"* SEARCH 1", out)
        out = self.sh("curl", "-sS", "--cacert", self.mesh.ca, *user, f"pop3s://127.0.0.1:{self.mesh.port('pop3s')}/1")
        self.assertIn(b"Subject: curl", out)
        out = self.sh("curl", "-sS", "--cacert", self.mesh.ca, "--ssl-reqd", *user,
                      f"pop3://127.0.0.1:{self.mesh.port('pop3')}/")
        self.assertRegex(out, rb"1 \d+")

    # mbsync compares host names only, so it cannot be told 127.0.0.1.
    @unittest.skipUnless(knows_localhost(), "localhost is not known here")
    @program("mbsync")
    def test_mbsync_both_ways(self):
        self.deliver("dora@a.test", messages.simple("for-mbsync"))
        maildir = self.scratch / "dora"
        maildir.mkdir()
        config = self.scratch / "mbsyncrc"
        config.write_text(f"""IMAPAccount a
Host localhost
Port {self.mesh.port("imaps")}
User dora@a.test
Pass "{PASSWORD}"
SSLType IMAPS
SystemCertificates no
CertificateFile {self.mesh.ca}

IMAPStore far
Account a

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
        self.sh("mbsync", "-c", config, "-a")
        new = list((maildir / "INBOX/new").iterdir()) + list((maildir / "INBOX/cur").iterdir())
        self.assertEqual(len(new), 1)
        self.assertIn(b"Subject: for-mbsync", new[0].read_bytes())
        # One made here goes there, one marked as seen and one deleted too.
        (maildir / "INBOX/cur/1.test:2,S").write_bytes(messages.simple("from-maildir").replace(b"\r\n", b"\n"))
        new[0].unlink()
        self.sh("mbsync", "-c", config, "-a")
        client = self.imap("dora")
        client.select("INBOX")
        self.assertEqual(client.search(None, "ALL")[1], [b"1"])
        self.assertIn(b"\\Seen", client.fetch("1", "(FLAGS)")[1][0])
        self.assertIn(b"Subject: from-maildir", client.fetch("1", "(BODY.PEEK[HEADER])")[1][0][1])
        client.logout()

    @program("fetchmail")
    def test_fetchmail_by_pop3_and_imap(self):
        for number, (protocol, port) in enumerate((("pop3", "pop3s"), ("imap", "imaps"))):
            self.deliver("emil@a.test", messages.simple(f"fetchmail-{protocol}"))
            config = self.scratch / f"fetchmailrc{number}"
            config.write_text(f"""poll 127.0.0.1 service {self.mesh.port(port)} protocol {protocol}
  user "emil@a.test" password "{PASSWORD}" ssl sslproto "TLS1.2+" sslcommonname "localhost" sslcertck sslcertfile "{self.mesh.ca}"
  mda "cat >> {self.scratch}/fetched-{protocol}" fetchall nokeep
""")
            config.chmod(0o600)
            self.sh("fetchmail", "-f", config, "--nodetach", "--nosyslog", "--idfile", self.scratch / "ids",
                    "--pidfile", self.scratch / "pid", env={"HOME": str(self.scratch), "FETCHMAILHOME": str(self.scratch)})
            self.assertIn(f"Subject: fetchmail-{protocol}".encode(), (self.scratch / f"fetched-{protocol}").read_bytes())
        client = self.imap("emil")
        self.assertEqual(client.select("INBOX")[1], [b"0"])
        client.logout()

    def test_python_libraries_starttls(self):
        with smtplib.SMTP("127.0.0.1", self.mesh.port("submission")) as smtp:
            smtp.starttls(context=self.mesh.tls_context())
            smtp.login("anna@a.test", PASSWORD)
            smtp.sendmail("anna@a.test", ["anna@a.test", "bert@a.test"], messages.simple("both"))
        client = imaplib.IMAP4("127.0.0.1", self.mesh.port("imap"))
        client.starttls(self.mesh.tls_context())
        client.login("anna@a.test", PASSWORD)
        client.select("INBOX")
        wait_until(lambda: client.search(None, "SUBJECT", "both")[1][0], "the message in anna's INBOX")
        client.logout()


if __name__ == "__main__":
    unittest.main()
