"""Some roles of a mesh as processes of their own, over Unix sockets, without the supervisor: for tests of one or two of them.

A subclass says which roles there are, by write() for each, and starts them."""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from tests.support.ports import wait_for_port, wait_until

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MAILMESH_BIN", PROJECT / "build/release/bin"))
PASSWORD = "correct horse"


class RoleSite:
    """`with`: set_up() of the subclass; at the end all processes are stopped and the folder goes (MAILMESH_KEEP=1 keeps it,
    MAILMESH_LOG=1 prints the logs of a test that failed)."""

    def __init__(self, prefix):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("TMPDIR", "/tmp")))
        self.processes = {}
        self.clients = []
        self.ports = {}
        self.roles = []

    def set_up(self):
        raise NotImplementedError

    def __enter__(self):
        try:
            self.set_up()
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

    def certificate(self, name="cert", host="mail.test", days=2):
        """Makes `name`.pem and `name`-key.pem, self-signed, for the host."""
        key = self.dir / f"{name}-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", self.dir / f"{name}.pem", "-days", str(days), "-subj", f"/CN={host}",
                        "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
        key.chmod(0o600)

    def tls(self, name="cert"):
        """A configuration's certificate entry."""
        return f"{{certificate: {self.dir}/{name}.pem, private_key: {self.dir}/{name}-key.pem}}"

    def tls_context(self, name="cert"):
        return ssl.create_default_context(cafile=self.dir / f"{name}.pem")

    def grpc(self, role):
        return f"unix:{self.dir}/{role}.sock"

    def write(self, role, text, peers=(), admin="127.0.0.1:0"):
        common = [f"  name: {role}", "  log: {level: debug, format: text}", f'  admin: {{listen: "{admin}"}}',
                  f'  grpc: {{listen: "{self.grpc(role)}"}}']
        if peers:
            common.append("  peers: {" + ", ".join(f'{peer}: {{endpoint: "{self.grpc(peer)}"}}' for peer in peers) + "}")
        (self.dir / f"{role}.yaml").write_text("common:\n" + "\n".join(common) + "\n" + text)
        self.roles.append(role)

    def write_directory(self):
        self.write("directory", f"""shards: {{"0": "{self.grpc('mailbox_store')}"}}
database: {{path: {self.dir}/directory.db, ballast_bytes: 0}}
argon2_memory_kib: 8192
argon2_passes: 1
scram_iterations: 4096
""")

    def write_store(self, admin="127.0.0.1:0"):
        self.write("mailbox_store", f"database: {{path: {self.dir}/store.db, ballast_bytes: 0}}\n", ["directory"], admin)

    def start_all(self, skip=()):
        endpoints = {f"{role}.grpc": self.grpc(role) for role in self.roles}
        (self.dir / "endpoints.json").write_text(json.dumps(endpoints))
        for role in self.roles:
            if role not in skip:
                self.start(role)

    def start(self, role):
        program = BIN / f"mailmesh-{role.split('.')[0]}"
        with open(self.dir / f"{role}.log", "ab") as log:
            self.processes[role] = subprocess.Popen([program, "--config", self.dir / f"{role}.yaml"], stdout=log, stderr=log)
        wait_until(lambda: self._listens(role), f"{role} serves: " + self.log(role))
        if role in self.ports:
            wait_for_port(self.ports[role])

    def log(self, role):
        return (self.dir / f"{role}.log").read_text(errors="replace")

    def _listens(self, role):
        if self.processes[role].poll() is not None:
            raise RuntimeError(f"{role} ended:\n" + self.log(role))
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
        done = subprocess.run([BIN / "mailmesh", "--dir", self.dir, *map(str, command)], input=input, text=True,
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"mailmesh {' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout

    def add_account(self, user):
        self.tool("account", "create", f"{user}@a.test", "--password-stdin", input=PASSWORD + "\n")
