"""No open relay, no password without TLS from elsewhere, no role served that has not said who it is."""
import smtplib
import socket
import ssl
import subprocess
import tempfile
import pathlib
import unittest

from tests.support import messages
from tests.support.mesh import BIN, ROLES, Mesh

PASSWORD = "correct horse"


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)

    def test_no_open_relay(self):
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            smtp.ehlo("client.test")
            self.assertEqual(smtp.mail("x@elsewhere.test")[0], 250)
            code, text = smtp.rcpt("y@other.test")
            self.assertEqual(code, 550, text)
            self.assertTrue(text.startswith(b"5.7.1"), text)

    def test_unknown_user_is_refused_at_rcpt(self):
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            smtp.ehlo("client.test")
            smtp.mail("x@elsewhere.test")
            code, text = smtp.rcpt("nobody@a.test")
            self.assertEqual((code, text[:5]), (550, b"5.1.1"))

    def test_submission_needs_log_in_and_an_owned_sender(self):
        with smtplib.SMTP("127.0.0.1", self.mesh.port("submission")) as smtp:
            smtp.starttls(context=self.mesh.tls_context())
            smtp.ehlo("client.test")
            self.assertEqual(smtp.mail("anna@a.test")[0], 530)
            smtp.login("anna@a.test", PASSWORD)
            self.assertEqual(smtp.mail("other@a.test")[0], 550)
            self.assertEqual(smtp.mail("anna@a.test")[0], 250)
            self.assertEqual(smtp.rcpt("y@other.test")[0], 250)

    def test_wrong_password_and_unknown_user_look_the_same(self):
        replies = set()
        for user in ("anna@a.test", "nobody@a.test", "nobody@nowhere.test"):
            with smtplib.SMTP("127.0.0.1", self.mesh.port("submission")) as smtp:
                smtp.starttls(context=self.mesh.tls_context())
                with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
                    smtp.login(user, "wrong")
                replies.add((caught.exception.smtp_code, caught.exception.smtp_error))
        self.assertEqual(len(replies), 1, replies)
        self.assertEqual(replies.pop()[0], 535)

    def test_bare_line_feeds_are_refused_and_end_nothing(self):
        with socket.create_connection(self.mesh.address("mx"), 10) as raw:
            lines = raw.makefile("rb")

            def reply():
                while True:
                    line = lines.readline()
                    if line[3:4] == b" ":
                        return line

            reply()
            for command in (b"EHLO x\r\n", b"MAIL FROM:<x@y.test>\r\n", b"RCPT TO:<anna@a.test>\r\n", b"DATA\r\n"):
                raw.sendall(command)
                reply()
            raw.sendall(b"Subject: smuggle\r\n\r\none\n.\nMAIL FROM:<evil@y.test>\r\n\r\n.\r\n")
            self.assertTrue(reply().startswith(b"5"))
            raw.sendall(b"QUIT\r\n")
            self.assertTrue(reply().startswith(b"221"), "nothing but one reply came for what looked like the end")

    def test_metrics_of_every_role(self):
        self.mesh.run("status")  # a call to each of them
        for role in ROLES:
            text = self.mesh.metrics(role)
            for name in ("mailmesh_build_info{", "process_cpu_seconds_total", "mailmesh_ready 1"):
                self.assertTrue(name in text, f"{role} shows {name}")
            self.assertTrue("grpc_server_handled_total{" in text, f"{role} counts its calls")


class MutualTls(unittest.TestCase):
    """`--grpc tcp`: a call with no certificate and one by the wrong role are refused."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh(arguments=["--grpc", "tcp"]))
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def call_as(self, certificate, key, authority):
        config = self.scratch / "mesh.yaml"
        config.write_text(f"directory: {self.mesh.endpoints['directory.grpc']}\ntls: {{certificate: {certificate}, "
                          f"private_key: {key}, authority: {authority}}}\n")
        return subprocess.run([BIN / "mailmesh", "--mesh", config, "domain", "list"], capture_output=True, text=True, timeout=60)

    def test_operator_is_served(self):
        self.assertEqual(self.mesh.run("domain", "list").returncode, 0)
        self.mesh.run("domain", "add", "a.test")
        self.mesh.add_account("anna@a.test", PASSWORD)
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            smtp.sendmail("x@elsewhere.test", ["anna@a.test"], messages.simple("over tcp"))
        self.assertEqual(self.mesh.messages_in("anna@a.test"), 1)

    def test_wrong_role_is_refused(self):
        pki = self.mesh.dir / "pki"
        done = self.call_as(pki / "imap_gateway/tls.crt", pki / "imap_gateway/tls.key", self.mesh.ca)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("PERMISSION_DENIED", done.stderr)

    def test_another_authority_is_refused(self):
        for command in (["init", self.scratch / "other"],
                        ["issue", self.scratch / "other", "operator", "--role", "operator"]):
            subprocess.run([BIN / "mailmesh", "pki", *command], check=True, capture_output=True)
        other = self.scratch / "other"
        done = self.call_as(other / "operator.pem", other / "operator.key", self.mesh.ca)
        self.assertEqual(done.returncode, 69, done.stderr)

    def test_no_certificate_is_refused(self):
        context = self.mesh.tls_context()
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(self.mesh.address("directory.grpc"), 10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                    tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                    answer = tls.recv(100)
            except (ssl.SSLError, ConnectionError):
                answer = b""
        self.assertEqual(answer, b"", "the server speaks to somebody without a certificate")


if __name__ == "__main__":
    unittest.main()
