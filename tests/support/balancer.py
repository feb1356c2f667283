"""Debian's HAProxy before a mesh, and clients whose address it passes on.

Clients of a test are on this machine, so each begins by telling HAProxy an address of its own (`accept-proxy`), as a balancer before
the balancer would; the header that the mesh reads is HAProxy's."""
import csv
import imaplib
import io
import pathlib
import poplib
import shutil
import smtplib
import socket
import subprocess
import tempfile

from tests.support.ports import free_ports, wait_for_port

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"


class HaProxy:
    """`services`: {name: (port of the mesh, lines of HAProxy's that go into the section)}. ports[name] takes clients that tell their
    address, direct[name] those that do not."""

    def __init__(self, services):
        self.services = services
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mm-haproxy-"))
        chosen = free_ports(2 * len(services))
        self.ports = dict(zip(services, chosen))
        self.direct = dict(zip(services, chosen[len(services):]))
        self.process = None

    def __enter__(self):
        sections = [f"global\n  stats socket {self.dir}/stats mode 600 level user\n",
                    "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"]
        for name, (port, lines) in self.services.items():
            body = "".join(f"  {line}\n" for line in lines).replace("MESH", f"127.0.0.1:{port}")
            sections.append(f"listen {name}\n  bind 127.0.0.1:{self.ports[name]} accept-proxy\n  bind 127.0.0.1:{self.direct[name]}\n{body}")
        (self.dir / "haproxy.cfg").write_text("\n".join(sections))
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen([HAPROXY, "-db", "-f", self.dir / "haproxy.cfg"], stdout=log, stderr=log)
        for port in self.direct.values():
            wait_for_port(port)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def state(self, name):
        """(status, last check) of the server of a section: ("UP", "L7OK")."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.dir / "stats"))
            control.sendall(b"show stat\n")
            text = control.makefile().read()
        for row in csv.DictReader(io.StringIO(text.removeprefix("# "))):
            if row["pxname"] == name and row["svname"] not in ("FRONTEND", "BACKEND"):
                return row["status"], row["check_status"]
        raise KeyError(name)


def header(source):
    """Version 1, as the balancer before HAProxy sends it."""
    addresses = f"TCP6 {source} 2001:db8::19" if ":" in source else f"TCP4 {source} 198.51.100.25"
    return f"PROXY {addresses} 54321 25\r\n".encode()


def dial(port, source):
    """A connection through HAProxy from `source`."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.sendall(header(source))
    return connection


class Smtp(smtplib.SMTP):
    def __init__(self, port, source, tls=None):
        self.source, self.tls = source, tls
        super().__init__("localhost", port, timeout=30)

    def _get_socket(self, host, port, timeout):
        connection = dial(port, self.source)
        return self.tls.wrap_socket(connection, server_hostname=host) if self.tls else connection


class Imap(imaplib.IMAP4):
    def __init__(self, port, source, tls=None):
        self.source, self.tls = source, tls
        super().__init__("localhost", port)

    def _create_socket(self, timeout):
        connection = dial(self.port, self.source)
        return self.tls.wrap_socket(connection, server_hostname=self.host) if self.tls else connection


class Pop3(poplib.POP3):
    def __init__(self, port, source, tls=None):
        self.source, self.tls = source, tls
        super().__init__("localhost", port, timeout=30)

    def _create_socket(self, timeout):
        connection = dial(self.port, self.source)
        return self.tls.wrap_socket(connection, server_hostname=self.host) if self.tls else connection
