"""Routes with credentials: the relay logs in at servers that want it in their ways, and no mail goes out where it cannot."""
import base64
import smtplib
import socket
import ssl
import subprocess

from tests.integration.relay.fixture import RelayTest
from tests.support import messages
from tests.support.mesh import BIN, Mesh
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer

USER, SECRET = "mesh@b.test", "s3cret \u00e4"
WORDS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = encoded(f"\0{USER}\0{SECRET}")


def outside_address():
    """An address of this machine that is not a loopback one, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


class AuthServer(SmtpServer):
    """Wants a log-in before mail: PLAIN with or without initial response, and LOGIN; the password can be changed."""

    def __init__(self, mechanisms, password=SECRET, **more):
        self.password = password
        super().__init__(extensions=(*WORDS, *([f"AUTH {mechanisms}"] if mechanisms else [])), **more)

    class Session(SmtpServer.Session):
        authenticated = False

        def answer(self, prompt):
            self.send(f"334 {encoded(prompt)}")
            return base64.b64decode(self.line()).decode()

        def on_auth(self, line):
            words = line.split()
            if self.server.script("auth", line, self) is not None:
                self.act("auth", "", line)
                return
            if words[1] == "PLAIN":
                user, password = base64.b64decode(words[2]).decode().split("\0")[1:]
            else:
                user, password = self.answer("User Name\0"), self.answer("Password\0")
            self.authenticated = (user, password) == (USER, self.server.password)
            self.send("235 2.7.0 welcome" if self.authenticated else "535 5.7.8 who are you?")

        def on_mail(self, line):
            if self.authenticated:
                super().on_mail(line)
            else:
                self.send("530 5.7.0 log in first")


class Servers(RelayTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.mesh.dir / "other"
        for command in (("init", folder), ("issue", folder, "server", "--ip", "127.0.0.1")):
            subprocess.run([BIN / "mailmesh", "pki", *command], check=True, capture_output=True)
        cls.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.tls.load_cert_chain(folder / "server.pem", folder / "server.key")

    def server(self, mechanisms, **more):
        server = AuthServer(mechanisms, **more)
        self.addCleanup(server.close)
        return server

    def log_in_for(self, domain, server, *options, password=SECRET):
        self.mesh.run("domain", "add", domain, "--relay")
        self.set_password(domain, server, *options, password=password)

    def set_password(self, domain, server, *options, password=SECRET):
        self.mesh.run("route", "add", domain, server.address, "--user", USER, "--password-stdin", *options, input=password + "\n")

    def count(self, result):
        lines = self.mesh.metrics("outbound_relay").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f'mailmesh_outbound_auth_total{{result="{result}"}}'))

    def test_plain_and_login_over_tls(self):
        for word, expected in (("PLAIN LOGIN", f"AUTH PLAIN {PLAIN}"), ("LOGIN", "AUTH LOGIN")):
            domain = f"{word.split()[0].lower()}.test"
            server = self.server(word, tls=self.tls)
            self.log_in_for(domain, server, "--tls", "required")
            self.send(domain, f"bert@{domain}")
            self.wait_received(server, domain)
            self.wait_gone(domain)
            log = server.sessions[0].log
            self.assertIn(expected, log)
            # Not before TLS, and known again after it.
            self.assertLess(log.index("STARTTLS"), log.index(expected))

    def test_the_certificate_is_verified_unless_somebody_says_otherwise(self):
        server = self.server("PLAIN", tls=self.tls)
        self.log_in_for("usual.test", server)
        self.send("usual", "bert@usual.test")
        row = self.wait_tried("usual.test")["bert@usual.test"]
        self.assertIn("TLS with 127.0.0.1 failed", row["last_reply"])
        self.assertEqual([row["tls"] for row in self.mesh.json("route", "list") if row["domain"] == "usual.test"], ["verified"])
        self.assertFalse(any("AUTH" in line for session in server.sessions for line in session.log))

    def test_tls_before_the_first_reply(self):
        server = self.server("PLAIN", tls=self.tls, implicit_tls=True)
        # Its certificate is nobody's whom we trust; then nobody minds.
        self.log_in_for("implicit.test", server, "--implicit-tls")
        self.send("implicit", "bert@implicit.test")
        row = self.wait_tried("implicit.test")["bert@implicit.test"]
        self.assertIn("TLS with 127.0.0.1 failed", row["last_reply"])
        self.set_password("implicit.test", server, "--implicit-tls", "--tls", "required")
        self.mesh.run("queue", "flush")
        self.wait_received(server, "implicit")
        log = next(session.log for session in server.sessions if session.log)
        self.assertTrue(log[0].startswith("EHLO") and log[1] == f"AUTH PLAIN {PLAIN}", log)
        self.assertEqual([row["implicit_tls"] for row in self.mesh.json("route", "list") if row["domain"] == "implicit.test"], ["yes"])
        # A message of its own by such a way; a server without TLS gets nothing, not in plain text either.
        plain = self.server("")
        self.mesh.run("domain", "add", "wrapped.test", "--relay")
        self.mesh.run("route", "add", "wrapped.test", plain.address, "--implicit-tls")
        self.send("wrapped", "bert@wrapped.test")
        self.wait_tried("wrapped.test")
        heard = [line for session in plain.sessions for line in session.log]
        self.assertFalse([line for line in heard if line.startswith(("EHLO", "HELO", "MAIL"))], heard)
        other = self.server("", tls=self.tls, implicit_tls=True)
        other.script = lambda stage, a, s: setattr(s, "authenticated", True) if stage == "ehlo" else None
        self.mesh.run("queue", "reroute", "--domain", "wrapped.test", "--to", other.address, "--implicit-tls")
        self.wait_received(other, "wrapped")
        self.assertEqual(self.mesh.run("route", "add", "both.test", plain.address, "--implicit-tls", "--tls", "none", check=False).returncode, 1)

    def test_a_wrong_password_keeps_the_mail_until_it_is_right(self):
        server = self.server("PLAIN", tls=self.tls, password="another")
        before = self.count("refused")
        self.log_in_for("wrong.test", server, "--tls", "required")
        self.send("wrong", "bert@wrong.test")
        row = self.wait_tried("wrong.test")["bert@wrong.test"]
        self.assertEqual(row["state"], "queued")
        self.assertTrue(row["last_reply"].startswith("451 4.7.8 "), row)
        self.assertIn("535 5.7.8 who are you?", row["last_reply"])
        self.assertGreater(self.count("refused"), before)
        self.assertIn("log-in at the next hop failed", self.mesh.log())
        for text in (SECRET, PLAIN, encoded(SECRET)):
            self.assertNotIn(text, self.mesh.log())
        self.assertEqual(server.messages, [])
        server.password = SECRET
        self.wait_received(server, "wrong")
        self.wait_gone("wrong.test")

    def test_a_server_that_cannot_say_now_is_asked_again(self):
        server = self.server("PLAIN", tls=self.tls)
        left = ["454 4.7.0 temporary"]
        server.script = lambda stage, a, s: left.pop() if stage == "auth" and left else None
        self.log_in_for("later.test", server, "--tls", "required")
        self.send("later", "bert@later.test")
        self.wait_received(server, "later")
        self.assertEqual(len(server.messages), 1)

    def test_a_server_without_auth_gets_nothing(self):
        for name, words in (("none", ""), ("gssapi", "GSSAPI NTLM XOAUTH2")):
            server = self.server(words, tls=self.tls)
            before = self.count("impossible")
            self.log_in_for(f"{name}.test", server, "--tls", "required")
            self.send(name, f"bert@{name}.test")
            row = self.wait_tried(f"{name}.test")[f"bert@{name}.test"]
            self.assertTrue(row["last_reply"].startswith("451 4.7.0 "), row)
            self.assertIn("offers no way to log in", row["last_reply"])
            self.assertFalse(any(line.startswith("MAIL") for session in server.sessions for line in session.log))
            self.assertGreater(self.count("impossible"), before)

    def test_nobody_logs_in_without_tls_over_a_network(self):
        host = outside_address()
        if host is None:
            self.skipTest("this machine has loopback addresses only")
        # In no way: neither in plain text, nor where the policy would let the mail go, nor after TLS has failed.
        for name, options in (("no-tls", {}), ("broken-tls", {"tls": self.tls})):
            server = self.server("PLAIN LOGIN SCRAM-SHA-256", host=host, **options)
            if options:
                server.script = lambda stage, a, s: b"220 go\r\nnonsense\r\n" if stage == "starttls" else None
            self.log_in_for(f"{name}.test", server, "--tls", "opportunistic")
            self.send(name, f"bert@{name}.test")
            self.wait_tried(f"{name}.test", attempts=2)
            for session in list(server.sessions):
                self.assertFalse(any(line.startswith(("AUTH", "MAIL")) for line in session.log), session.log)
        # On this machine it may.
        server = self.server("PLAIN")
        self.log_in_for("loopback.test", server, "--tls", "none")
        self.send("loopback", "bert@loopback.test")
        self.wait_received(server, "loopback")

    def test_a_server_that_talks_nonsense_or_breaks_off(self):
        actions = {"challenge": b"334 !!!\r\n501 5.5.2 cancelled\r\n", "endless": b"334 \r\n334 \r\n334 \r\n501 no\r\n",
                   "closing": b"421 4.3.2 bye\r\n", "lines": b"334-" + b"x" * 5000 + b"\r\n"}
        for name, octets in actions.items():
            server = self.server("PLAIN", tls=self.tls)
            left = [octets]
            server.script = lambda stage, a, s, left=left: left.pop() if stage == "auth" and left else None
            self.log_in_for(f"{name}.test", server, "--tls", "required")
            self.send(name, f"bert@{name}.test")
            self.wait_received(server, name)
        for name in actions:
            self.wait_gone(f"{name}.test")

    def test_scram_needs_no_password_on_the_wire_and_proves_the_server(self):
        server = self.server("SCRAM-SHA-256 PLAIN", tls=self.tls)
        # Says yes without having shown that it knows the password.
        server.script = lambda stage, a, s: "235 2.7.0 welcome" if stage == "auth" else None
        self.log_in_for("liar.test", server, "--tls", "required")
        self.send("liar", "bert@liar.test")
        row = self.wait_tried("liar.test")["bert@liar.test"]
        self.assertIn("did not prove that it knows the password", row["last_reply"])
        self.assertEqual(server.messages, [])

    def test_a_route_is_set_as_a_whole(self):
        server = self.server("PLAIN", tls=self.tls)
        self.log_in_for("whole.test", server, "--tls", "required")
        rows = {row["domain"]: row for row in self.mesh.json("route", "list")}
        self.assertEqual((rows["whole.test"]["user"], rows["whole.test"]["tls"]), (USER, "required"))
        # Nothing that could be read of it in the databases or the log.
        self.mesh.run("route", "add", "whole.test", server.address)
        rows = {row["domain"]: row for row in self.mesh.json("route", "list")}
        self.assertEqual((rows["whole.test"]["user"], rows["whole.test"]["tls"]), ("", "opportunistic"))
        self.assertEqual(self.mesh.run("route", "add", "x.test", "127.0.0.1:25", "--password-stdin", check=False).returncode, 2)
        bad = self.mesh.run("route", "add", "x.test", "127.0.0.1:25", "--user", "u", "--password-stdin", input="\n", check=False)
        self.assertEqual(bad.returncode, 1)

    def test_rotating_the_key_keeps_the_route(self):
        server = self.server("PLAIN", tls=self.tls)
        self.log_in_for("rotate.test", server, "--tls", "required")
        files = self.mesh.dir / "data/keys"
        self.assertEqual(files.stat().st_mode & 0o777, 0o600)
        for _ in range(2):  # the second at once after the first
            self.mesh.run("secrets", "rotate")
            row = self.mesh.run("secrets", "rotate", "--keep-key", "-o", "json").stdout
            self.assertIn('"resealed": "0"', row)
            self.assertIn('"failed": "0"', row)
        # Only the newest key is left: what was not sealed anew could not be opened now.
        lines = files.read_text().splitlines()
        files.write_text("\n".join([lines[0], lines[-1]]) + "\n")
        old = self.mesh.process_id("outbound_relay")
        self.mesh.kill_role("outbound_relay")
        wait_until(lambda: self.mesh.process_id("outbound_relay") != old, "the relay is back")
        self.mesh.wait_all_serving()
        self.send("rotated", "bert@rotate.test")
        self.wait_received(server, "rotated")


class AnotherMesh(RelayTest):
    """A real peer: the submission ports of another Mailmesh, verified, by SCRAM."""

    @classmethod
    def setUpClass(cls):
        cls.peer = cls.enterClassContext(Mesh())
        cls.settings = f"trust_anchors: {cls.peer.ca}"
        super().setUpClass()
        cls.peer.run("domain", "add", "b.test")
        cls.peer.add_account("mesh@b.test", SECRET)
        cls.peer.add_account("bert@b.test")
        cls.mesh.run("domain", "add", "b.test", "--relay")

    def route(self, password):
        self.mesh.run("route", "add", "b.test", f"127.0.0.1:{self.peer.port('submission')}", "--user", "mesh@b.test", "--password-stdin",
                      input=password + "\n")

    def test_mail_goes_out_under_the_routes_account(self):
        self.route("not this")
        # The peer lets an account send under its own addresses only: this mail comes from it.
        with smtplib.SMTP(*self.mesh.address("mx"), timeout=30) as smtp:
            smtp.sendmail("mesh@b.test", ["bert@b.test"], messages.simple("scram", sender="mesh@b.test"))
        row = self.wait_tried("b.test")["bert@b.test"]
        self.assertTrue(row["last_reply"].startswith("451 4.7.8 "), row)
        self.assertEqual(self.peer.messages_in("bert@b.test"), 0)
        self.route(SECRET)
        wait_until(lambda: self.peer.messages_in("bert@b.test") == 1, "the mail at the peer", 60)
        self.wait_gone("b.test")
