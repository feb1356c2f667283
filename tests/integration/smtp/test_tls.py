"""TLS on the protocol ports, with openssl s_client as the client: names, renewal, versions, ciphers, renegotiation."""
import os
import re
import signal
import subprocess
import unittest

from tests.integration.smtp.fixture import Site
from tests.support.ports import free_ports, wait_until
from tests.support.site import BIN

PORTS = (("submissions", ()), ("mx", ("-starttls", "smtp")), ("lmtp", ("-starttls", "lmtp", "-name", "c.test")), ("pop3s", ()),
         ("pop3_gateway", ("-starttls", "pop3")), ("imaps", ()), ("imap_gateway", ("-starttls", "imap")))
# What renewal is looked at with: role, port that begins with TLS, its admin port, its name in the metrics, greeting, a command and its answer.
RENEWING = (("smtp_ingress", "submissions", "admin", "smtp", b"220 ", b"NOOP\r\n", b"250 "),
            ("imap_gateway", "imaps", "imap_admin", "imap", b"* OK ", b"a NOOP\r\n", b"a OK "))


def s_client(port, *arguments, input=""):
    """(exit code, everything that it printed) of an s_client that ends with its input."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments], input=input, text=True,
                          capture_output=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def shown_to(port, name, *arguments):
    """The common name of the certificate that a client is shown which asks for `name`."""
    asked = ("-servername", name) if name else ("-noservername",)
    _, out = s_client(port, *asked, *arguments)
    found = re.search(r"subject=CN = (\S+)", out)
    return found.group(1) if found else out


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(TwoNames())

    def test_by_name_on_every_port(self):
        for listener, arguments in PORTS:
            with self.subTest(listener=listener):
                port = self.site.ports[listener]
                for name, shown in (("mail.test", "mail.test"), ("other.test", "other.test"), ("OTHER.test", "other.test"),
                                    ("unknown.test", "mail.test"), ("", "mail.test")):
                    self.assertEqual(shown_to(port, name, *arguments), shown, name)

    def test_verified(self):
        for listener, arguments in PORTS:
            code, out = s_client(self.site.ports[listener], "-servername", "other.test", "-CAfile", self.site.dir / "other.pem",
                                 "-verify_hostname", "other.test", "-verify_return_error", *arguments)
            self.assertIn("Verify return code: 0 (ok)", out, listener)
            self.assertEqual(code, 0)

    def test_renegotiation_is_refused(self):
        # TLS 1.2 is the last that has it; "R" asks s_client to begin one. Not before the greeting is there: s_client takes no
        # mail for an answer to its wish.
        with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.site.ports['submissions']}", "-tls1_2"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
            out = ""
            for line in client.stdout:
                out += line
                if line.startswith("220 "):
                    out += client.communicate("R\n", timeout=30)[0]
                    break
        self.assertIn("RENEGOTIATING", out)
        self.assertRegex(out, r"no renegotiation|handshake failure|unexpected eof|alert")

    def test_old_versions_are_refused(self):
        for version in ("-tls1", "-tls1_1"):
            code, out = s_client(self.site.ports["submissions"], version, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(code, 0, version)
            self.assertIn("Cipher is (NONE)", out)

    def test_weak_ciphers_are_refused(self):
        for cipher in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
            code, out = s_client(self.site.ports["submissions"], "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
            self.assertNotEqual(code, 0, cipher)
            self.assertIn("Cipher is (NONE)", out)


class TwoNames(Site):
    """With an IMAP gateway too, and a second certificate, which a symbolic link leads to as Kubernetes does it, on all ports."""

    def __init__(self, settings=""):
        super().__init__(tls_settings=settings)

    def set_up(self):
        super().set_up()
        self.ports |= zip(("imap_gateway", "imaps", "imap_admin"), free_ports(3))
        self.write("imap_gateway", f"""hostname: mail.test
imap: {{listen: "127.0.0.1:{self.ports['imap_gateway']}"}}
imaps: {{listen: "127.0.0.1:{self.ports['imaps']}"}}
tls: {{certificates: [{self.tls()}]{self.tls_settings}}}
""", ["directory"], admin=f"127.0.0.1:{self.ports['imap_admin']}")
        self.start("imap_gateway")

    def tls(self, name="cert"):
        for version in ("one", "two"):
            folder = self.dir / version
            if not folder.exists():
                folder.mkdir()
                self.certificate(f"{version}/pair", "other.test", days=2 if version == "one" else 400)
                (folder / "pair-key.pem").chmod(0o600)
                os.symlink(folder / "pair.pem", self.dir / f"{version}.pem")
        if not (self.dir / "current").is_symlink():
            os.symlink("one", self.dir / "current")
            os.symlink("current/pair.pem", self.dir / "other.pem")
        second = f"{{certificate: {self.dir}/current/pair.pem, private_key: {self.dir}/current/pair-key.pem}}"
        return super().tls(name) + ", " + second

    def swap(self):
        """Exchanges the folder behind the link in one step."""
        os.symlink("two", self.dir / "next")
        os.replace(self.dir / "next", self.dir / "current")


class Renewal(unittest.TestCase):
    def test_a_swapped_link_is_seen_and_the_expiry_told(self):
        for renewing in RENEWING:
            with self.subTest(role=renewing[0]), TwoNames() as site:
                self.swap(site, *renewing)

    def swap(self, site, role, listener, admin, label, greeting, command, answer):
        port = site.ports[listener]
        expiry = ("mailmesh_tls_certificate_expiry_timestamp_seconds", f'{{name="{label}"}}', admin)
        before = site.metric(*expiry)
        self.assertGreater(before, 0)
        old = serial(port)
        held = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", "-servername", "other.test"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertTrue(held.stdout.readline().startswith(greeting))
        site.swap()
        # It is looked at once a minute, and at once on SIGHUP.
        site.processes[role].send_signal(signal.SIGHUP)
        new = wait_until(lambda: (s := serial(port)) != old and s, "the new certificate is shown")
        self.assertNotEqual(new, old)
        self.assertEqual(site.metric("mailmesh_tls_reloads_total", '{result="ok"}', admin), 1)
        self.assertEqual(site.metric(*expiry), before, "the other one ends first, still")
        # A connection that was there goes on with what it began with.
        held.stdin.write(command)
        held.stdin.flush()
        self.assertTrue(held.stdout.readline().startswith(answer))
        held.kill()
        held.communicate()

    def test_a_broken_file_changes_nothing_and_is_told(self):
        with TwoNames() as site:
            (site.dir / "cert.pem").write_text("broken")
            for role, listener, admin, *_ in RENEWING:
                old = serial(site.ports[listener])
                site.processes[role].send_signal(signal.SIGHUP)
                wait_until(lambda: site.metric("mailmesh_tls_reloads_total", '{result="failed"}', admin) == 1, "the failure is counted")
                self.assertEqual(serial(site.ports[listener]), old)
                self.assertIn("certificates not reloaded", site.log(role))


def serial(port):
    _, out = s_client(port, "-servername", "other.test")
    pem = out[out.index("-----BEGIN"):out.index("-----END")] + "-----END CERTIFICATE-----\n"
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, text=True, capture_output=True, check=True).stdout


class Settings(unittest.TestCase):
    def test_ciphers_and_suites_are_what_is_configured(self):
        with Site(tls_settings=', ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", cipher_suites: "TLS_CHACHA20_POLY1305_SHA256"') as site:
            port = site.ports["submissions"]
            self.assertIn("Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", s_client(port, "-tls1_2")[1])
            self.assertIn("Cipher is (NONE)", s_client(port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")[1])
            self.assertIn("Cipher is TLS_CHACHA20_POLY1305_SHA256", s_client(port, "-tls1_3")[1])
            self.assertIn("Cipher is (NONE)", s_client(port, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")[1])

    def test_least_version(self):
        with Site(tls_settings=', minimum_version: "1.3"') as site:
            for listener, arguments in PORTS[:3]:
                port = site.ports[listener]
                self.assertIn("Cipher is (NONE)", s_client(port, "-tls1_2", *arguments)[1])
                self.assertIn("TLSv1.3", s_client(port, "-tls1_3", *arguments)[1])

    def test_bad_lists_are_refused_at_the_start_with_their_path(self):
        site = Site()
        self.addCleanup(site.__exit__, None)
        for setting, path in (('ciphers: "NOSUCH"', "tls.ciphers"), ('ciphers: "ECDHE+AESGCM:NOSUCH"', "tls.ciphers"),
                              ('ciphers: "ALL:aNULL:@SECLEVEL=0"', "tls.ciphers"), ('ciphers: "eNULL:@SECLEVEL=0"', "tls.ciphers"),
                              ('cipher_suites: "TLS_NOSUCH"', "tls.cipher_suites"), ('minimum_version: "1.1"', "tls.minimum_version")):
            site.write("smtp_ingress", f"tls: {{{setting}}}\n", ["directory"])
            done = subprocess.run([BIN / "mailmesh-smtp_ingress", "--config", site.dir / "smtp_ingress.yaml", "--check-config"],
                                  capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0, setting)
            self.assertIn(path + ":", done.stdout + done.stderr, setting)


if __name__ == "__main__":
    unittest.main()
