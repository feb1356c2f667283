"""Debian's HAProxy before every protocol, telling clients' addresses by the PROXY protocol, versions 1 and 2: whose address is seen
where, what it limits, what it never gives, and what becomes of connections without a header."""
import json
import pathlib
import poplib
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

from tests.support import balancer, messages
from tests.support.mesh import BIN, Mesh
from tests.support.ports import free_ports, wait_until

PASSWORD = "correct horse"
PROXIED = {"mx_proxy": "smtp_ingress", "submission_proxy": "smtp_ingress", "submissions_proxy": "smtp_ingress",
           "imap_proxy": "imap_gateway", "imaps_proxy": "imap_gateway", "pop3_proxy": "pop3_gateway", "pop3s_proxy": "pop3_gateway"}
VERSION = {1: "send-proxy", 2: "send-proxy-v2"}
CHECKED = "check check-send-proxy inter 300ms"
# What HAProxy asks a server of each kind, over a connection of its own (LOCAL).
CHECKS = {"mx_proxy": ["option smtpchk EHLO lb.test"],
          "imap_proxy": ["option tcp-check", "tcp-check expect string *\\ OK"],
          "pop3_proxy": ["option tcp-check", "tcp-check expect string +OK"]}


class LoadBalancer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ports = dict(zip(PROXIED, free_ports(len(PROXIED))))
        roles = {role: "" for role in PROXIED.values()}
        for name, role in PROXIED.items():
            roles[role] += (f"  {name}: {{listen: \"127.0.0.1:{cls.ports[name]}\", trusted_networks: [127.0.0.1/32], "
                            "max_sessions_per_address: 2, header_timeout: 2s}\n")
        settings = "".join(f"{role}:\n{lines}" for role, lines in roles.items())
        cls.mesh = cls.enterClassContext(Mesh(settings + "directory: {argon2_memory_kib: 8192, argon2_passes: 1, scram_iterations: 4096}\n"))
        cls.mesh.run("domain", "add", "a.test")
        cls.mesh.add_account("anna@a.test", PASSWORD)
        services = {}
        for version, word in VERSION.items():
            for name, port in cls.ports.items():
                services[f"{name}.v{version}"] = (port, [f"server mesh MESH {word}"])
        for name, lines in CHECKS.items():
            services[f"{name}.checked"] = (cls.ports[name], [*lines, f"server mesh MESH send-proxy-v2 {CHECKED}"])
        services["submission_proxy.checked1"] = (cls.ports["submission_proxy"], [*CHECKS["mx_proxy"], f"server mesh MESH send-proxy {CHECKED}"])
        cls.haproxy = cls.enterClassContext(balancer.HaProxy(services))
        cls.tls = cls.mesh.tls_context()

    def port(self, name, version):
        return self.haproxy.ports[f"{name}.v{version}"]

    def rejected(self, name, reason):
        series = f'mailmesh_proxy_rejected_total{{listener="{name}",reason="{reason}"}}'
        for line in self.mesh.metrics(PROXIED[name]).splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(series)

    def sessions(self):
        return json.loads(self.mesh.run("session", "list", "-o", "json").stdout)

    # Whose address it is

    def test_mail_comes_from_the_client(self):
        for version, source in ((1, "203.0.113.7"), (2, "2001:db8::7")):
            with balancer.Smtp(self.port("mx_proxy", version), source) as smtp:
                smtp.ehlo("client.test")
                peers = [row["peer"] for row in self.sessions() if row["protocol"] == "smtp"]
                self.assertEqual(smtp.sendmail("x@elsewhere.test", ["anna@a.test"], messages.simple(f"from v{version}")), {})
            self.assertEqual(peers, ["203.0.113.7:54321" if version == 1 else "[2001:db8::7]:54321"])
            uid = self.mesh.json("message", "list", "anna@a.test", "--subject", f"from v{version}")[0]["uid"]
            received = self.mesh.json("message", "show", "anna@a.test", uid)["header"].split("Received:")[1]
            self.assertIn(f"[{source}]" if version == 1 else f"[IPv6:{source}]", received)

    def test_reading_and_sending_with_tls(self):
        for version in VERSION:
            imap = balancer.Imap(self.port("imaps_proxy", version), "203.0.113.9", self.tls)
            imap.login("anna@a.test", PASSWORD)
            peers = {(row["protocol"], row["peer"]) for row in self.sessions()}
            self.assertIn(("imap", "203.0.113.9:54321"), peers)
            self.assertEqual(imap.select("INBOX")[0], "OK")
            imap.logout()
            pop = balancer.Pop3(self.port("pop3s_proxy", version), "203.0.113.9", self.tls)
            pop.user("anna@a.test")
            pop.pass_(PASSWORD)
            pop.quit()
            with balancer.Smtp(self.port("submissions_proxy", version), "203.0.113.9", self.tls) as smtp:
                smtp.login("anna@a.test", PASSWORD)
                self.assertEqual(smtp.sendmail("anna@a.test", ["anna@a.test"], messages.simple("sent")), {})
            with balancer.Smtp(self.port("submission_proxy", version), "203.0.113.9") as smtp:
                smtp.starttls(context=self.tls)
                smtp.login("anna@a.test", PASSWORD)
            imap = balancer.Imap(self.port("imap_proxy", version), "203.0.113.9")
            imap.starttls(self.tls)
            imap.login("anna@a.test", PASSWORD)
            imap.logout()

    def test_log_ins_that_fail_are_the_clients(self):
        pop = balancer.Pop3(self.port("pop3s_proxy", 2), "203.0.113.66", self.tls)
        pop.user("anna@a.test")
        with self.assertRaises(poplib.error_proto):
            pop.pass_("wrong")
        pop.quit()
        wait_until(lambda: any("log-in failed" in line and "203.0.113.66" in line for line in self.mesh.log().splitlines()),
                   "the log tells the client's address")

    # What it limits

    def test_a_client_with_too_many_sessions_hears_the_protocols_refusal(self):
        # Its balancer, on loopback, is exempt from such limits; it is not.
        for name, greeting, refusal in (("mx_proxy", b"220 ", b"421 "), ("imap_proxy", b"* OK ", b"* BYE "),
                                        ("pop3_proxy", b"+OK ", b"-ERR [SYS/TEMP] ")):
            for version in VERSION:
                source = f"203.0.113.{20 + version}"
                kept = [balancer.dial(self.port(name, version), source) for _ in range(2)]
                for connection in kept:
                    self.assertTrue(connection.recv(100).startswith(greeting), name)
                # Also one that talks before it is greeted: closing over octets that nobody has read would be a reset.
                for octets in (b"", b"NOOP\r\n" * 20):
                    with balancer.dial(self.port(name, version), source) as refused:
                        refused.sendall(octets)
                        heard = b""
                        while part := refused.recv(1000):
                            heard += part
                    self.assertTrue(heard.startswith(refusal), (name, heard))
                with balancer.dial(self.port(name, version), "203.0.113.99") as other:
                    self.assertTrue(other.recv(100).startswith(greeting), name)
                for connection in kept:
                    connection.close()

    # What it never gives

    def test_a_client_is_never_one_of_this_machine(self):
        # The direct listeners let loopback log in without TLS; clients of a balancer that is on loopback may not.
        with smtplib.SMTP(*self.mesh.address("submission")) as direct:
            direct.ehlo()
            self.assertIn("auth", direct.esmtp_features)
        with balancer.Smtp(self.port("submission_proxy", 2), "203.0.113.30") as smtp:
            smtp.ehlo()
            self.assertIn("starttls", smtp.esmtp_features)
            self.assertNotIn("auth", smtp.esmtp_features)
        imap = balancer.Imap(self.port("imap_proxy", 2), "203.0.113.30")
        self.assertIn("LOGINDISABLED", imap.capabilities)
        imap.logout()
        pop = balancer.Pop3(self.port("pop3_proxy", 2), "203.0.113.30")
        with self.assertRaisesRegex(poplib.error_proto, "Encryption required"):
            pop.user("anna@a.test")
        pop.quit()

    def test_a_header_that_claims_loopback_is_refused(self):
        for name in ("mx_proxy", "imap_proxy", "pop3_proxy"):
            before = self.rejected(name, "bad_source")
            # A client of HAProxy's on this machine, which HAProxy tells truly.
            with socket.create_connection(("127.0.0.1", self.haproxy.direct[f"{name}.v2"]), 30) as client:
                self.assertEqual(client.recv(100), b"", name)
            self.assertEqual(self.rejected(name, "bad_source"), before + 1)

    # The balancer itself

    def test_health_checks_are_served_and_are_no_sessions(self):
        for name in CHECKS:
            wait_until(lambda: self.haproxy.state(f"{name}.checked") == ("UP", "L7OK"), f"HAProxy finds {name} healthy")
            role, listener = PROXIED[name], f'{{listener="{name}"}}'
            totals = [f"mailmesh_listener_{what}_total{listener}" for what in ("accepted", "refused")]
            before = [self.series(role, total) for total in totals]
            checks = self.series(role, "mailmesh_proxy_checks_total" + listener)
            wait_until(lambda: self.series(role, "mailmesh_proxy_checks_total" + listener) >= checks + 3, "checks go on")
            self.assertEqual([self.series(role, total) for total in totals], before, name)
        # Version 1 has no word for it: HAProxy says that it is its own client, which here is on loopback.
        wait_until(lambda: self.haproxy.state("submission_proxy.checked1")[0] == "DOWN", "a check by version 1 is refused")
        self.assertGreater(self.rejected("submission_proxy", "bad_source"), 0)

    def series(self, role, name):
        for line in self.mesh.metrics(role).splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def test_nobody_sends_or_logs_in_on_a_balancers_own_connection(self):
        local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
        with socket.create_connection(("127.0.0.1", self.ports["mx_proxy"]), 30) as connection, connection.makefile("rb") as lines:
            connection.sendall(local)
            self.assertTrue(lines.readline().startswith(b"220 "))
            connection.sendall(b"HELO lb.test\r\n")
            self.assertTrue(lines.readline().startswith(b"250 "))
            connection.sendall(b"MAIL FROM:<x@elsewhere.test>\r\n")
            self.assertTrue(lines.readline().startswith(b"554 "))
        with socket.create_connection(("127.0.0.1", self.ports["pop3s_proxy"]), 30) as connection:
            connection.sendall(local)
            with self.tls.wrap_socket(connection, server_hostname="localhost") as secure, secure.makefile("rb") as lines:
                self.assertTrue(lines.readline().startswith(b"+OK "))
                secure.sendall(b"USER anna@a.test\r\n")
                self.assertTrue(lines.readline().startswith(b"-ERR "))

    # Anything else

    def test_whoever_sends_no_header_is_closed_and_counted(self):
        for name, octets in (("mx_proxy", b"EHLO me\r\n"), ("imaps_proxy", b"\x16\x03\x01\x02\0\x01\0\x01\xfc"), ("pop3_proxy", b"CAPA\r\n")):
            before = self.rejected(name, "malformed")
            with socket.create_connection(("127.0.0.1", self.ports[name]), 30) as connection:
                connection.sendall(octets)
                self.assertEqual(self.to_end(connection), b"", name)
            self.assertEqual(self.rejected(name, "malformed"), before + 1)
        before = self.rejected("imap_proxy", "timeout")
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.ports["imap_proxy"]), 30) as connection:
            connection.sendall(b"PROXY TCP4 203.0.113.7 ")
            self.assertEqual(self.to_end(connection), b"")
        self.assertTrue(1.5 < time.monotonic() - begin < 10)
        self.assertEqual(self.rejected("imap_proxy", "timeout"), before + 1)
        # Not from a balancer's address.
        before = self.rejected("mx_proxy", "untrusted")
        with socket.create_connection(("127.0.0.1", self.ports["mx_proxy"]), 30, ("127.0.0.9", 0)) as connection:
            self.assertEqual(self.to_end(connection), b"")
        self.assertEqual(self.rejected("mx_proxy", "untrusted"), before + 1)

    def to_end(self, connection):
        try:
            return connection.recv(1000)
        except ConnectionResetError:
            return b""

    def test_many_are_counted_each_and_told_of_at_most_once_a_second(self):
        before, said = self.rejected("pop3_proxy", "malformed"), self.told("pop3_proxy")
        begin = time.monotonic()
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", self.ports["pop3_proxy"]), 30) as connection:
                connection.sendall(b"QUIT\r\n")
                self.to_end(connection)
        took = time.monotonic() - begin
        self.assertEqual(self.rejected("pop3_proxy", "malformed"), before + 200)
        time.sleep(0.5)  # the log is read by another thread
        self.assertLessEqual(self.told("pop3_proxy") - said, took + 1)
        self.assertGreater(self.told("pop3_proxy"), 0)

    def told(self, name):
        return sum("PROXY header" in line and name in line and "malformed" in line for line in self.mesh.log().splitlines())


class Configuration(unittest.TestCase):
    """Who may tell addresses has to be said."""

    def check(self, text):
        with self.subTest(text):
            config = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="mm-config-")), "pop3.yaml")
            config.write_text('common: {peers: {directory: {endpoint: "unix:/run/directory.sock"}}}\n' + text)
            done = subprocess.run([BIN / "mailmesh-pop3_gateway", "--config", config, "--check-config"], capture_output=True, text=True, timeout=30)
            return done.returncode, done.stdout + done.stderr

    def test_trusted_networks_are_needed_and_not_everybody(self):
        self.assertEqual(self.check('pop3_proxy: {listen: "127.0.0.1:0", trusted_networks: [192.0.2.0/24, "2001:db8::/32"]}\n')[0], 0)
        for text, said in (('pop3_proxy: {listen: "127.0.0.1:0"}\n', "pop3_proxy.trusted_networks: must name the load balancers"),
                           ('pop3s_proxy: {listen: "127.0.0.1:0", trusted_networks: [0.0.0.0/0]}\n', "pop3s_proxy.trusted_networks: must not hold"),
                           ('pop3_proxy: {listen: "127.0.0.1:0", trusted_networks: [192.0.2.1, "::/0"]}\n', "must not hold"),
                           ('pop3_proxy: {listen: "127.0.0.1:0", trusted_networks: [balancers.test]}\n', "trusted_networks"),
                           ('pop3_proxy: {listen: "unix:/run/x.sock", trusted_networks: [192.0.2.1]}\n', "pop3_proxy.listen: must be host:port")):
            code, output = self.check(text)
            self.assertEqual(code, 2, output)
            self.assertIn(said, output)


if __name__ == "__main__":
    unittest.main()
