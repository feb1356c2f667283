"""deploy/systemd: what systemd says of the units, and what the roles say to systemd.

No systemd runs here: `systemd-analyze` reads the units as it would, `systemd-socket-activate` hands ports down as it would, and a
socket of ours stands for NOTIFY_SOCKET. The roles run with the configuration that is installed, mutual TLS and all."""
import contextlib
import imaplib
import os
import pathlib
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from tests.support.mesh import BIN, PROJECT, ROLES
from tests.support.ports import free_ports, wait_for_port, wait_until

UNITS = PROJECT / "deploy/systemd"
WATCHDOG = 1.0
# systemd's own words: below 2 is "OK", the lowest that a program with a network gets without an image of its own.
MOST_EXPOSED = 1.5


def unit_files():
    return sorted(p for p in UNITS.iterdir() if p.suffix in (".service", ".socket", ".timer"))


def setting(path, key):
    return re.findall(rf"^{key}=(.*)$", path.read_text(), re.M)


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A root with the units, systemd's own, and programs of the right names."""
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-units-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        units = cls.root / "etc/systemd/system"
        (cls.root / "usr/local/bin").mkdir(parents=True)
        (cls.root / "usr/bin").mkdir()
        (cls.root / "bin").symlink_to("usr/bin")
        (cls.root / "lib").symlink_to("usr/lib")
        shutil.copytree("/lib/systemd/system", cls.root / "usr/lib/systemd/system", symlinks=True)
        for program in ("mailmesh", *(f"mailmesh-{role}" for role in ROLES)):
            shutil.copy("/bin/true", cls.root / "usr/local/bin" / program)
        shutil.copy("/bin/kill", cls.root / "usr/bin/kill")
        shutil.copytree(UNITS, units, ignore=shutil.ignore_patterns("config", "install", "sysusers.conf"))

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", "--no-pager", f"--root={self.root}", *arguments], text=True, capture_output=True)
        return done.returncode, done.stdout + done.stderr

    def test_one_unit_for_each_role(self):
        services = {p.stem.removeprefix("mailmesh-") for p in UNITS.glob("mailmesh-*.service")}
        self.assertEqual(services, set(ROLES))

    def test_systemd_finds_no_mistake(self):
        self.assertEqual(self.analyze("verify", "--man=no", *(p.name for p in unit_files())), (0, ""))

    def test_systemd_would_find_a_mistake(self):
        bad = self.root / "etc/systemd/system/wrong.service"
        bad.write_text("[Service]\nExecStart=/usr/local/bin/not-there\nProtectSytem=strict\n")
        self.addCleanup(bad.unlink)
        code, text = self.analyze("verify", "--man=no", "wrong.service")
        self.assertNotEqual(code, 0)
        self.assertIn("ProtectSytem", text)

    def test_exposure(self):
        for unit in sorted(UNITS.glob("*.service")):
            with self.subTest(unit.name):
                code, text = self.analyze("security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", unit.name)
                level = re.search(r"exposure level for \S+: ([\d.]+)", text)
                print(f"    {unit.name}: {level[1] if level else text}")
                if unit.name.startswith("mailmesh-"):
                    self.assertEqual(code, 0, text)

    def test_names_agree_with_the_configuration(self):
        for role in ROLES:
            unit = UNITS / f"mailmesh-{role}.service"
            sockets = [name for line in setting(unit, "Sockets") for name in line.split()]
            with self.subTest(role):
                for name in sockets:
                    self.assertEqual(setting(UNITS / name, "Service"), [unit.name])
                    self.assertEqual(setting(UNITS / name, "FileDescriptorName"), [re.sub(r"^mailmesh-|\.socket$", "", name)])
                config = (UNITS / "config" / f"{role}.yaml").read_text()
                folders = [f"/var/lib/{name}" for line in setting(unit, "StateDirectory") for name in line.split()]
                for path in re.findall(r"/var/lib/[^,} ]+", config):
                    self.assertTrue(any(path.startswith(folder) for folder in folders), f"{path} is in none of {folders}")
                readable = setting(unit, "BindReadOnlyPaths")[0].split()
                for path in re.findall(r"/etc/mailmesh/[^,}\s]+", config):
                    self.assertIn(os.path.dirname(path), readable)
        used = {name for unit in UNITS.glob("*.service") for line in setting(unit, "Sockets") for name in line.split()}
        self.assertEqual(used, {p.name for p in UNITS.glob("*.socket")})

    def test_stop_takes_longer_than_the_drain(self):
        common = UNITS / "mailmesh-.service.d/10-common.conf"
        minutes = int(re.fullmatch(r"(\d+)min", setting(common, "TimeoutStopSec")[0])[1])
        for role in ROLES:
            delay, window = re.search(r"drain: \{delay: (\d+)s, window: (\d+)s\}", (UNITS / "config" / f"{role}.yaml").read_text()).groups()
            self.assertGreater(60 * minutes, int(delay) + int(window) + 30, role)


class NotifySocket:
    """What stands at NOTIFY_SOCKET: (process, text) of each datagram."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(path))
        self.said = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):
            while True:
                text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
                credentials = next(data for level, kind, data in ancillary if kind == socket.SCM_CREDENTIALS)
                self.said.append((int.from_bytes(credentials[:4], "little"), time.monotonic(), text.decode().splitlines()))

    def times(self, process, line):
        return [when for pid, when, lines in self.said if pid == process and line in lines]

    def close(self):
        self.socket.close()


class Service:
    """A role as its unit starts it; its sockets are handed down by systemd-socket-activate."""

    def __init__(self, mesh, role):
        self.role = role
        self.ports = {name: mesh.ports[name] for name in mesh.sockets_of(role)}
        environment = {"NOTIFY_SOCKET": str(mesh.dir / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG * 1e6)), "PATH": os.environ["PATH"]}
        command = [BIN / f"mailmesh-{role}", "--config", mesh.dir / f"{role}.yaml"]
        if self.ports:
            activate = ["systemd-socket-activate", f"--fdname={':'.join(self.ports)}"]
            activate += [f"--listen=127.0.0.1:{port}" for port in self.ports.values()]
            activate += [f"--setenv={key}={value}" for key, value in environment.items()]
            command = activate + command
        self.log = open(mesh.dir / f"{role}.log", "w+")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()


class InstalledMesh:
    """All roles with the configuration of deploy/systemd, moved into a folder and onto free ports."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-systemd-"))
        names = [p.stem.removeprefix("mailmesh-") for p in UNITS.glob("*.socket")]
        self.ports = dict(zip(names, free_ports(len(names))))
        configs = {p.name: p.read_text() for p in (UNITS / "config").glob("*.yaml")}
        fixed = sorted({port for text in configs.values() for port in re.findall(r"127\.0\.0\.1:(\d+)", text)})
        moved = dict(zip(fixed, map(str, free_ports(len(fixed)))))
        for name, text in configs.items():
            text = re.sub(r"127\.0\.0\.1:(\d+)", lambda match: f"127.0.0.1:{moved[match[1]]}", text)
            text = text.replace("/etc/mailmesh", str(self.dir)).replace("/var/lib/mailmesh", str(self.dir / "state"))
            (self.dir / name).write_text(text)
        for unit in UNITS.glob("*.service"):
            for name in " ".join(setting(unit, "StateDirectory")).split():
                (self.dir / "state" / name.removeprefix("mailmesh/")).mkdir(parents=True, exist_ok=True, mode=0o700)
        subprocess.run([BIN / "mailmesh", "pki", "renew", self.dir / "pki", "--server-dns", "127.0.0.1", "--roles",
                        ",".join((*ROLES, "operator"))], check=True, stdout=subprocess.DEVNULL)
        self.notified = NotifySocket(self.dir / "notify")
        self.services = []

    @staticmethod
    def sockets_of(role):
        return [name.removeprefix("mailmesh-").removesuffix(".socket")
                for line in setting(UNITS / f"mailmesh-{role}.service", "Sockets") for name in line.split()]

    def start(self, role):
        self.services.append(Service(self, role))
        return self.services[-1]

    def tool(self, *arguments, input=None):
        return subprocess.run([BIN / "mailmesh", "--mesh", self.dir / "mesh.yaml", *arguments], input=input, text=True, check=True,
                              capture_output=True)

    def tls(self):
        return ssl.create_default_context(cafile=self.dir / "pki/server/ca.crt")

    def close(self):
        for service in self.services:
            if service.process.poll() is None:
                service.process.kill()
                service.process.wait()
            service.log.close()
        self.notified.close()
        shutil.rmtree(self.dir)


class Notifications(unittest.TestCase):
    def test_every_role_says_ready_alive_and_stopping(self):
        mesh = InstalledMesh()
        self.addCleanup(mesh.close)
        for role in ROLES:
            service = mesh.start(role)
            if service.ports:  # systemd-socket-activate starts it with the first connection
                for port in service.ports.values():
                    wait_for_port(port)
            try:
                wait_until(lambda: mesh.notified.times(service.pid, "READY=1"), f"READY=1 of {role}")
            except TimeoutError:
                self.fail(service.text())
            ready = mesh.notified.times(service.pid, "READY=1")[0]
            asked = mesh.notified.times(service.pid, "EXTEND_TIMEOUT_USEC=60000000")
            self.assertTrue(asked and asked[0] < ready, f"{role} asks for time while it opens")
        self.exchange_mail(mesh)
        for service in mesh.services:
            with self.subTest(service.role):
                beats = lambda: mesh.notified.times(service.pid, "WATCHDOG=1")
                before = len(beats())
                wait_until(lambda: len(beats()) >= before + 4, f"WATCHDOG=1 of {service.role}", 4 * WATCHDOG)
                # Who is stopped says nothing: the watchdog would see it.
                os.kill(service.pid, signal.SIGSTOP)
                time.sleep(0.1)
                before = len(beats())
                time.sleep(1.5 * WATCHDOG)
                self.assertEqual(len(beats()), before)
                os.kill(service.pid, signal.SIGCONT)
                self.assertEqual(mesh.notified.times(service.pid, "STOPPING=1"), [])
        for service in reversed(mesh.services):
            with self.subTest(service.role):
                service.process.terminate()
                self.assertEqual(service.process.wait(60), 0, service.text())
                self.assertEqual(len(mesh.notified.times(service.pid, "STOPPING=1")), 1)
                self.assertEqual(len(mesh.notified.times(service.pid, "READY=1")), 1)
                self.assertNotIn("inherited socket is not used", service.text())

    def exchange_mail(self, mesh):
        """The ports that were handed down are the right ones."""
        mesh.tool("domain", "add", "example.test")
        mesh.tool("account", "create", "anna@example.test", "--password-stdin", input="correct horse\n")
        with smtplib.SMTP("127.0.0.1", mesh.ports["mx"], timeout=30) as smtp:
            smtp.sendmail("x@elsewhere.test", ["anna@example.test"], "Subject: units\r\n\r\nHello.\r\n")
        with smtplib.SMTP_SSL("127.0.0.1", mesh.ports["submissions"], context=mesh.tls(), timeout=30) as smtp:
            smtp.login("anna@example.test", "correct horse")
        with imaplib.IMAP4_SSL("127.0.0.1", mesh.ports["imaps"], ssl_context=mesh.tls(), timeout=30) as imap:
            imap.login("anna@example.test", "correct horse")
            self.assertEqual(imap.select("INBOX")[1], [b"1"])
        pop = poplib.POP3_SSL("127.0.0.1", mesh.ports["pop3s"], context=mesh.tls(), timeout=30)
        pop.user("anna@example.test")
        pop.pass_("correct horse")
        self.assertEqual(pop.stat()[0], 1)
        pop.quit()


@unittest.skipUnless(os.geteuid() == 0, "needs root: makes users in a root of its own")
class Install(unittest.TestCase):
    def test_into_a_root(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-install-"))
        self.addCleanup(shutil.rmtree, root)
        (root / "usr/local/bin").mkdir(parents=True)
        shutil.copy(BIN / "mailmesh", root / "usr/local/bin/mailmesh")

        def install():
            done = subprocess.run([UNITS / "install", "--hostname", "mx.example.org", "--root", root], text=True, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        install()
        users = dict(line.split(":")[0:3:2] for line in (root / "etc/passwd").read_text().splitlines())
        for role in ROLES:
            with self.subTest(role):
                folder = root / "etc/mailmesh/pki" / role
                owner = int(users[setting(UNITS / f"mailmesh-{role}.service", "User")[0]])
                self.assertNotEqual(owner, 0)
                self.assertEqual((folder.stat().st_uid, folder.stat().st_mode & 0o777), (owner, 0o700))
                key = (folder / "tls.key").resolve()
                self.assertEqual((key.stat().st_uid, key.stat().st_mode & 0o777), (owner, 0o600))
        authority = root / "etc/mailmesh/pki/authority"
        self.assertEqual((authority.stat().st_uid, authority.stat().st_mode & 0o777), (0, 0o700))
        self.assertIn("hostname: mx.example.org", (root / "etc/mailmesh/smtp_ingress.yaml").read_text())
        # What is there stays.
        mine = root / "etc/mailmesh/directory.yaml"
        mine.write_text(mine.read_text() + "cache: 1s\n")
        certificate = (root / "etc/mailmesh/pki/server/tls.crt").read_text()
        install()
        self.assertIn("cache: 1s", mine.read_text())
        self.assertEqual((root / "etc/mailmesh/pki/server/tls.crt").read_text(), certificate)


if __name__ == "__main__":
    unittest.main()
