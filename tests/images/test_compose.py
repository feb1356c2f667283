"""deploy/compose with podman: one command gives a mesh that mail goes through and that Prometheus sees whole; what is published
where, and who can read which key. Grafana's image cannot be had without a registry: its part is checked, not run."""
import imaplib
import json
import os
import pathlib
import poplib
import re
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.request

import yaml

from tests.images import containers
from tests.images.containers import podman
from tests.images.test_images import PREFIX, build
from tests.support.mesh import PROJECT, ROLES
from tests.support.ports import free_ports, wait_until

COMPOSE = PROJECT / "deploy/compose"
FILE = COMPOSE / "compose.yaml"
MAIL_PORTS = ("MX_PORT", "SUBMISSION_PORT", "SUBMISSIONS_PORT", "IMAP_PORT", "IMAPS_PORT", "POP3_PORT", "POP3S_PORT")
PASSWORD = "correct horse"
# Debian's Prometheus, in place of the image that a registry has.
PROMETHEUS = """\
FROM localhost/mailmesh/debian:12
RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && install -d -o nobody /prometheus
USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
"""


class Checked(unittest.TestCase):
    """What needs no container."""

    @classmethod
    def setUpClass(cls):
        cls.services = yaml.safe_load(FILE.read_text())["services"]

    def test_every_role_is_there(self):
        self.assertEqual(set(self.services), {*ROLES, "pki", "tool", "prometheus", "grafana"})

    def test_the_images_are_those_that_the_build_makes(self):
        version = re.search(r"^project\(mailmesh VERSION (\S+)", (PROJECT / "CMakeLists.txt").read_text(), re.M)[1]
        self.assertEqual(self.services["pki"]["image"], "${MAILMESH_IMAGES:-localhost/mailmesh}/mailmesh:${MAILMESH_TAG:-%s}" % version)
        for role in ROLES:
            self.assertEqual(self.services[role]["image"], self.services["pki"]["image"].replace("/mailmesh:", f"/{role}:"))

    def test_what_is_watched_is_published_on_this_machine_only(self):
        for name in ("prometheus", "grafana"):
            for port in self.services[name]["ports"]:
                self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_nobody_can_log_in_to_grafana(self):
        environment = self.services["grafana"]["environment"]
        self.assertEqual(environment["GF_AUTH_DISABLE_LOGIN_FORM"], "true")
        self.assertEqual(environment["GF_AUTH_BASIC_ENABLED"], "false")
        self.assertEqual(environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"], "true")
        self.assertEqual(environment["GF_AUTH_ANONYMOUS_ORG_ROLE"], "Viewer")
        self.assertNotIn("PASSWORD", json.dumps(self.services))

    def test_grafana_finds_what_it_is_given(self):
        source = yaml.safe_load((COMPOSE / "grafana/datasources.yaml").read_text())["datasources"][0]
        self.assertEqual(source["url"], "http://prometheus:9090")
        provider = yaml.safe_load((COMPOSE / "grafana/dashboards.yaml").read_text())["providers"][0]
        mounts = dict(volume.split(":")[0:2][::-1] for volume in self.services["grafana"]["volumes"])
        folder = (COMPOSE / mounts[provider["options"]["path"]]).resolve()
        dashboards = sorted(folder.glob("*.json"))
        self.assertGreaterEqual(len(dashboards), 1 + len(ROLES))
        for path in dashboards:
            self.assertTrue(json.loads(path.read_text())["uid"], path)

    def test_every_mounted_file_is_there(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((COMPOSE / source).exists(), f"{name}: {source}")

    def test_each_key_in_its_own_volume(self):
        pki = dict(volume.split(":")[:2] for volume in self.services["pki"]["volumes"])
        for name, service in self.services.items():
            mounted = {volume.split(":")[0] for volume in service.get("volumes", [])} & set(pki)
            if name == "pki":
                continue
            allowed = {f"pki-{'operator' if name == 'tool' else name}"} if name in (*ROLES, "tool") else set()
            if name.endswith(("_gateway", "_ingress")):
                allowed.add("pki-server")
            self.assertEqual(mounted, allowed, name)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-compose-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        containers.configure(cls.dir)
        build(cls.dir / "images")
        (cls.dir / "Dockerfile").write_text(PROMETHEUS)
        subprocess.run(["buildah", "build", "-q", "--layers", "--isolation=chroot", "-t", "localhost/mailmesh/prometheus", cls.dir],
                       check=True, stdout=subprocess.DEVNULL)
        cls.project = f"mailmesh{os.getpid()}"
        ports = free_ports(len(MAIL_PORTS) + 1)
        cls.ports = dict(zip(MAIL_PORTS, ports))
        cls.prometheus = f"http://127.0.0.1:{ports[-1]}"
        cls.environment = {**os.environ, "MAILMESH_IMAGES": PREFIX, "MAILMESH_TAG": "1", "MAILMESH_HOSTNAME": "localhost",
                           "PROMETHEUS_IMAGE": "localhost/mailmesh/prometheus", "PROMETHEUS_PORT": str(ports[-1]),
                           **{name: str(port) for name, port in cls.ports.items()}}
        # podman-compose leaves networks behind.
        cls.addClassCleanup(podman, "network", "rm", "-f", f"{cls.project}_mesh", f"{cls.project}_outside", check=False)
        cls.addClassCleanup(cls.compose, "down", "-v", "-t", "20")
        start = time.monotonic()
        cls.compose("up", "-d", "pki", *ROLES, "prometheus")
        try:
            wait_until(cls.all_targets_up, "every role is a target of Prometheus and up", 240, 1)
        except TimeoutError:
            print("\n".join(f"== {role}\n{containers.logs(cls.container(role))[-2000:]}" for role in ("pki", *ROLES, "prometheus")))
            raise
        print(f"    up, and every role scraped, in {time.monotonic() - start:.0f} s")

    @classmethod
    def compose(cls, *arguments, input=None):
        done = subprocess.run(["podman-compose", "-p", cls.project, "-f", FILE, *arguments], env=cls.environment, text=True,
                              input=input, capture_output=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"podman-compose {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    @classmethod
    def container(cls, service):
        return f"{cls.project}_{service}_1"

    @classmethod
    def tool(cls, *arguments, input=None):
        return podman("run", "--rm", "-i", f"--network={cls.project}_mesh", "-e", "MAILMESH_CONFIG=/etc/mailmesh/mesh.yaml",
                      "-v", f"{COMPOSE}/config/mesh.yaml:/etc/mailmesh/mesh.yaml:ro", "-v", f"{cls.project}_pki-operator:/etc/mailmesh/mesh:ro",
                      f"{PREFIX}/mailmesh:1", *arguments, input=input).stdout

    @classmethod
    def all_targets_up(cls):
        try:
            with urllib.request.urlopen(f"{cls.prometheus}/api/v1/targets", timeout=5) as response:
                targets = json.load(response)["data"]["activeTargets"]
        except OSError:
            return False
        return len(targets) == len(ROLES) and all(target["health"] == "up" for target in targets)

    def tls(self):
        path = self.dir / "ca.crt"
        if not path.exists():
            podman("cp", f"{self.container('imap_gateway')}:/etc/mailmesh/public/..data/ca.crt", path)
        return ssl.create_default_context(cafile=path)

    def test_mail_goes_through(self):
        self.tool("domain", "add", "example.test")
        self.tool("account", "create", "anna@example.test", "--password-stdin", input=PASSWORD + "\n")
        with smtplib.SMTP("127.0.0.1", self.ports["MX_PORT"], timeout=30) as smtp:
            smtp.sendmail("x@elsewhere.test", ["anna@example.test"], "Subject: from outside\r\n\r\nHello.\r\n")
        with smtplib.SMTP("localhost", self.ports["SUBMISSION_PORT"], timeout=30) as smtp:
            smtp.starttls(context=self.tls())
            smtp.login("anna@example.test", PASSWORD)
            smtp.sendmail("anna@example.test", ["anna@example.test"], "Subject: to myself\r\n\r\nHello.\r\n")
        with imaplib.IMAP4_SSL("localhost", self.ports["IMAPS_PORT"], ssl_context=self.tls(), timeout=30) as imap:
            imap.login("anna@example.test", PASSWORD)
            wait_until(lambda: imap.select("INBOX")[1] == [b"2"], "both messages are in INBOX")
        pop = poplib.POP3_SSL("localhost", self.ports["POP3S_PORT"], context=self.tls(), timeout=30)
        pop.user("anna@example.test")
        pop.pass_(PASSWORD)
        self.assertEqual(pop.stat()[0], 2)
        pop.quit()

    def test_published_on_this_machine_only(self):
        published = 0
        for service in (*ROLES, "prometheus"):
            for binding in containers.inspect(self.container(service))["HostConfig"]["PortBindings"].values():
                for one in binding:
                    self.assertEqual(one["HostIp"], "127.0.0.1", service)
                    published += 1
        self.assertEqual(published, len(MAIL_PORTS) + 1)

    def test_each_role_sees_its_own_key_only(self):
        for role in ROLES:
            with self.subTest(role):
                root = pathlib.Path(f"/proc/{containers.inspect(self.container(role))['State']['Pid']}/root")
                keys = sorted(f"/{p.relative_to(root)}" for top in ("etc", "var", "run", "tmp") for p in (root / top).rglob("*.key") if not p.is_symlink())
                folders = ["/etc/mailmesh/mesh"] + (["/etc/mailmesh/public"] if role.endswith(("_gateway", "_ingress")) else [])
                self.assertEqual([key.split("/..")[0] for key in keys], folders)
                for key in keys:
                    info = os.stat(root / key[1:])
                    self.assertEqual((info.st_uid, info.st_mode & 0o777), (10001, 0o600))

    def test_directory_and_store_have_no_way_out(self):
        for role in ("directory", "mailbox_store"):
            self.assertEqual(list(containers.inspect(self.container(role))["NetworkSettings"]["Networks"]), [f"{self.project}_mesh"])
        self.assertTrue(json.loads(podman("network", "inspect", f"{self.project}_mesh").stdout)[0]["internal"])


if __name__ == "__main__":
    unittest.main()
