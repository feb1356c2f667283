"""Programs that send mail: swaks, curl, msmtp, mutt, Python's smtplib. With TLS, verified against the mesh's ca.pem."""
import smtplib
import ssl
import unittest

from tests.support import messages
from tests.support.clients import PASSWORD, ClientTest, program


class Submission(ClientTest):
    @program("swaks")
    def test_swaks(self):
        for port, tls in (("submission", "--tls"), ("submissions", "--tls-on-connect")):
            for mechanism in ("PLAIN", "LOGIN"):
                out = self.sh("swaks", "--server", "127.0.0.1", "--port", self.mesh.port(port), tls, "--tls-verify", "--tls-ca-path",
                              self.mesh.ca, "--auth", mechanism, "--auth-user", "anna@a.test", "--auth-password", PASSWORD,
                              "--from", "anna@a.test", "--to", "bert@a.test", "--header", f"Subject: swaks {port} {mechanism}", show=4)
                self.assertIn("250 2.", out)
        self.sh("swaks", "--server", "127.0.0.1", "--port", self.mesh.port("lmtp"), "--protocol", "LMTP", "--from", "x@elsewhere.test",
                "--to", "anna@a.test,bert@a.test", "--header", "Subject: swaks lmtp", show=4)
        # Refused: the code says so (24: no recipient, 28: no authentication).
        self.sh("swaks", "--server", "127.0.0.1", "--port", self.mesh.port("mx"), "--from", "x@elsewhere.test", "--to",
                "nobody@a.test", show=2, code=24)
        self.sh("swaks", "--server", "127.0.0.1", "--port", self.mesh.port("submission"), "--tls", "--tls-verify", "--tls-ca-path",
                self.mesh.ca, "--auth", "PLAIN", "--auth-user", "anna@a.test", "--auth-password", "wrong", "--from", "anna@a.test",
                "--to", "bert@a.test", show=2, code=28)
        self.assertEqual([s for s in self.subjects("bert") if s.startswith("swaks")],
                         ["swaks lmtp", "swaks submission LOGIN", "swaks submission PLAIN", "swaks submissions LOGIN",
                          "swaks submissions PLAIN"])

    @program("curl")
    def test_curl(self):
        message = self.file("curl.eml", messages.simple("curl"))
        for scheme, port in (("smtp", "submission"), ("smtps", "submissions")):
            self.sh("curl", "-sS", "--cacert", self.mesh.ca, "--ssl-reqd", "--url", f"{scheme}://127.0.0.1:{self.mesh.port(port)}",
                    "--user", f"anna@a.test:{PASSWORD}", "--mail-from", "anna@a.test", "--mail-rcpt", "bert@a.test", "--upload-file",
                    message)
        # 67: the log-in was denied.
        self.sh("curl", "-sS", "--cacert", self.mesh.ca, "--ssl-reqd", "--url", f"smtp://127.0.0.1:{self.mesh.port('submission')}",
                "--user", "anna@a.test:wrong", "--mail-from", "anna@a.test", "--mail-rcpt", "bert@a.test", "--upload-file", message, code=67)
        self.assertEqual(self.subjects("bert").count("curl"), 2)

    def msmtp_config(self, port, **settings):
        lines = {"host": "127.0.0.1", "port": self.mesh.port(port), "tls": "on", "tls_trust_file": self.mesh.ca, "auth": "on",
                 "user": "anna@a.test", "password": PASSWORD, "from": "anna@a.test",
                 "tls_starttls": "on" if port == "submission" else "off"} | settings
        return self.file("msmtprc", "account default\n" + "".join(f"{key} {value}\n" for key, value in lines.items()))

    @program("msmtp")
    def test_msmtp(self):
        for port, mechanism in (("submission", "on"), ("submission", "plain"), ("submissions", "scram-sha-256")):
            config = self.msmtp_config(port, auth=mechanism)
            self.sh("msmtp", "-C", config, "--", "bert@a.test", input=messages.simple(f"msmtp {port} {mechanism}"))
        self.sh("msmtp", "-C", self.msmtp_config("submission"), "--serverinfo", show=12)
        # A recipient that does not exist, a password that is wrong: 65 and 77 of sysexits.h.
        self.sh("msmtp", "-C", config, "--", "nobody@a.test", input=messages.simple("x"), code=65)
        self.sh("msmtp", "-C", self.msmtp_config("submission", password="wrong"), "--", "bert@a.test", input=messages.simple("x"), code=77)
        self.assertEqual([s for s in self.subjects("bert") if s.startswith("msmtp")],
                         ["msmtp submission on", "msmtp submission plain", "msmtp submissions scram-sha-256"])

    @program("mutt")
    def test_mutt_sends_with_an_attachment(self):
        # Debian's mutt (with GNU SASL) asks for SCRAM-SHA-256-PLUS where it is offered, has no channel binding for it, and gives up.
        config = self.file("muttrc", f"""set from = "anna@a.test"
set smtp_authenticators = "scram-sha-256"
set smtp_url = "smtps://anna%40a.test@127.0.0.1:{self.mesh.port("submissions")}/"
set smtp_pass = "{PASSWORD}"
set ssl_ca_certificates_file = "{self.mesh.ca}"
set copy = no
""")
        attached = self.file("attached.bin", bytes(range(256)) * 8)
        self.sh("mutt", "-F", config, "-s", "mutt sends", "-a", attached, "--", "bert@a.test", input=b"See what is attached.\n")
        client = self.imap("bert")
        number = client.search(None, "SUBJECT", '"mutt sends"')[1][0].split()[-1]
        self.assertIn(b"attached.bin", client.fetch(number, "(BODYSTRUCTURE)")[1][0])

    def test_python_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.mesh.port("submission")) as smtp:
            smtp.starttls(context=self.mesh.tls_context())
            smtp.login("anna@a.test", PASSWORD)
            refused = smtp.sendmail("anna@a.test", ["bert@a.test", "nobody@a.test"], messages.simple("smtplib"))
            self.assertEqual(list(refused), ["nobody@a.test"])
        with smtplib.SMTP_SSL("127.0.0.1", self.mesh.port("submissions"), context=self.mesh.tls_context()) as smtp:
            smtp.login("anna@a.test", PASSWORD)
            smtp.sendmail("anna@a.test", ["bert@a.test"], messages.simple("smtplib").replace(b"smtplib", b"smtplib-ssl"))
        with self.assertRaises(ssl.SSLCertVerificationError):  # another authority's certificates
            smtplib.SMTP_SSL("127.0.0.1", self.mesh.port("submissions"), context=ssl.create_default_context())
        self.assertEqual([s for s in self.subjects("bert") if "smtplib" in s], ["smtplib", "smtplib-ssl"])


if __name__ == "__main__":
    unittest.main()
