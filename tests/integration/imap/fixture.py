"""A directory, a mailbox_store and IMAP gateways as processes over Unix sockets, and an IMAP client that shows every line."""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from tests.support.ports import free_ports, wait_for_port, wait_until

PROJECT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("MAILMESH_BIN", PROJECT / "build/release/bin"))
PASSWORD = "correct horse"


class Site:
    def __init__(self, gateways=1, gateway_settings="", plaintext=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mm-imap-", dir=os.environ.get("TMPDIR", "/tmp")))
        self.processes = {}
        self.clients = []
        self.ports = {}
        self.plaintext = plaintext
        self.settings = gateway_settings
        self.names = ["imap_gateway"] + [f"imap_gateway.{i}" for i in range(1, gateways)]

    def __enter__(self):
        self._certificate()
        self._write("directory", f"""shards: {{"0": "{self.grpc('mailbox_store')}"}}
database: {{path: {self.dir}/directory.db, ballast_bytes: 0}}
argon2_memory_kib: 8192
argon2_passes: 1
scram_iterations: 4096
""")
        self._write("mailbox_store", f"database: {{path: {self.dir}/store.db, ballast_bytes: 0}}\n",
                    peers="directory")
        ports = free_ports(2 * len(self.names))
        for i, name in enumerate(self.names):
            self.ports[name] = ports[2 * i]
            self.ports[name + ".tls"] = ports[2 * i + 1]
            self._write(name, f"""hostname: mail.test
imap: {{listen: "127.0.0.1:{ports[2 * i]}"}}
imaps: {{listen: "127.0.0.1:{ports[2 * i + 1]}"}}
tls: {{certificates: [{{certificate: {self.dir}/cert.pem, private_key: {self.dir}/key.pem}}]}}
auth: {{allow_plaintext_on_loopback: {str(self.plaintext).lower()}, max_failures: 5}}
{self.settings}""", peers="directory")
        endpoints = {f"{role}.grpc": self.grpc(role) for role in ("directory", "mailbox_store", *self.names)}
        (self.dir / "endpoints.json").write_text(json.dumps(endpoints))
        try:
            for role in ("directory", "mailbox_store", *self.names):
                self.start(role)
            self.tool("domain", "add", "a.test")
            self.add_account("anna")
        except BaseException:
            self.__exit__(Exception)
            raise
        return self

    def __exit__(self, kind, *_):
        for client in self.clients:
            client.close()
        for role in list(self.processes):
            self.end(role, signal.SIGTERM)
        if kind is not None and os.environ.get("MAILMESH_LOG"):
            for log in sorted(self.dir.glob("*.log")):
                print(f"== {log.name}\n{log.read_text(errors='replace')}")
        if not os.environ.get("MAILMESH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def _certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem", "-days", "2", "-subj", "/CN=mail.test",
                        "-addext", "subjectAltName=DNS:mail.test"], check=True, capture_output=True)
        (self.dir / "key.pem").chmod(0o600)

    def grpc(self, role):
        return f"unix:{self.dir}/{role}.sock"

    def _write(self, role, text, peers=None):
        common = [f"  name: {role}", "  log: {level: debug, format: text}", '  admin: {listen: "127.0.0.1:0"}',
                  f'  grpc: {{listen: "{self.grpc(role)}"}}']
        if peers:
            common.append(f'  peers: {{{peers}: {{endpoint: "{self.grpc(peers)}"}}}}')
        (self.dir / f"{role}.yaml").write_text("common:\n" + "\n".join(common) + "\n" + text)

    def start(self, role):
        program = BIN / f"mailmesh-{role.split('.')[0]}"
        log = open(self.dir / f"{role}.log", "ab")
        self.processes[role] = subprocess.Popen([program, "--config", self.dir / f"{role}.yaml"], stdout=log, stderr=log)
        log.close()
        wait_until(lambda: self._listens(role), f"{role} serves: " + (self.dir / f"{role}.log").read_text(errors="replace"))
        if role in self.ports:
            wait_for_port(self.ports[role])

    def _listens(self, role):
        if self.processes[role].poll() is not None:
            raise RuntimeError(f"{role} ended:\n" + (self.dir / f"{role}.log").read_text(errors="replace"))
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.dir / f"{role}.sock"))
                return True
            except OSError:
                return False

    def end(self, role, how=signal.SIGKILL):
        process = self.processes.pop(role)
        process.send_signal(how)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def tool(self, *command, input=None):
        done = subprocess.run([BIN / "mailmesh", "--dir", self.dir, *command], input=input, text=True, capture_output=True,
                              timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"mailmesh {' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def add_account(self, user):
        self.tool("account", "create", f"{user}@a.test", "--password-stdin", input=PASSWORD + "\n")

    def tls_context(self):
        return ssl.create_default_context(cafile=self.dir / "cert.pem")

    def client(self, user="anna", gateway="imap_gateway", select=None):
        client = Client(self.ports[gateway])
        self.clients.append(client)
        client.ok(f'LOGIN {user}@a.test "{PASSWORD}"')
        if select:
            client.ok(f"SELECT {select}")
        return client


class Client:
    """One connection. Lines come as str (latin-1), literals joined to the line that announces them."""

    def __init__(self, port, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.settimeout(30)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="mail.test")
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.greeting = self.line()

    def starttls(self, context):
        self.ok("STARTTLS")
        self.socket = context.wrap_socket(self.socket, server_hostname="mail.test")
        self.file = self.socket.makefile("rb")

    def raw(self, octets):
        self.socket.sendall(octets)

    def send(self, text):
        self.number += 1
        tag = f"t{self.number}"
        self.raw(f"{tag} {text}\r\n".encode("latin-1"))
        return tag

    def line(self, seconds=30):
        self.socket.settimeout(seconds)
        whole = b""
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError(whole)
            whole += line
            if not line.endswith(b"}\r\n"):
                break
            size = int(line[line.rindex(b"{") + 1:-3].rstrip(b"+"))
            octets = self.file.read(size)
            if len(octets) != size:
                raise EOFError(whole)
            whole += octets
        return whole[:-2].decode("latin-1")

    def until(self, tag):
        lines = []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        return lines, line[len(tag) + 1:]

    def command(self, text):
        """Untagged lines, and the tagged one without its tag."""
        return self.until(self.send(text))

    def ok(self, text):
        lines, tagged = self.command(text)
        assert tagged.startswith("OK"), f"{text}: {lines} {tagged}"
        return lines

    def append(self, mailbox, message, arguments=""):
        message = message if isinstance(message, bytes) else message.encode()
        self.number += 1
        tag = f"t{self.number}"
        self.raw(f"{tag} APPEND {mailbox} {arguments}{{{len(message)}+}}\r\n".encode() + message + b"\r\n")
        return self.until(tag)

    def close(self):
        self.file.close()
        self.socket.close()


def message(subject, body="text\r\n"):
    return (f"From: Anna <anna@a.test>\r\nTo: bert@b.test\r\nSubject: {subject}\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <{subject}@a.test>\r\n\r\n{body}")
