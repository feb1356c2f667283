"""A mesh of our own for a test: `mailmesh up` in a fresh folder, on ports that the system chooses."""
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request

from tests.support.ports import wait_until

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MAILMESH_BIN", PROJECT / "build/release/bin"))
ROLES = ("directory", "mailbox_store", "outbound_relay", "fetcher", "smtp_ingress", "imap_gateway", "pop3_gateway")


class Mesh:
    """`with Mesh(config_text) as mesh:` starts it; the folder goes away at the end (MAILMESH_KEEP=1 keeps it)."""

    def __init__(self, config="", arguments=(), directory=None, port_base=0):
        self.own_directory = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="mailmesh-test-"))
        self.arguments = ["--port-base", str(port_base), *arguments]
        if config:
            (self.dir / "up.yaml").write_text(config)
            self.arguments += ["--config", str(self.dir / "up.yaml")]
        self.process = None
        self.endpoints = {}
        self._log = []
        self._ready = threading.Event()

    def start(self, seconds=60):
        self._ready.clear()
        self.process = subprocess.Popen(
            [BIN / "mailmesh", "--dir", self.dir, "up", *self.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        end = time.monotonic() + seconds
        while not self._ready.wait(0.05):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("the mesh does not start:\n" + self.log())
        self.endpoints = json.loads((self.dir / "endpoints.json").read_text())
        return self

    def _read(self, process):
        for line in process.stdout:
            self._log.append(line)
            if line.strip() == "ready":
                self._ready.set()

    def log(self):
        """Everything that the supervisor and the roles printed so far."""
        return "".join(self._log)

    def stop(self):
        """Stops it cleanly and returns the supervisor's exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(5)
        self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop()
        if kind is not None and os.environ.get("MAILMESH_LOG"):
            print(self.log())
        if self.own_directory and not os.environ.get("MAILMESH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    # What tests ask of it.

    def address(self, name):
        """(host, port) of an endpoint such as "imaps" or "mailbox_store.admin"."""
        host, port = self.endpoints[name].rsplit(":", 1)
        return host, int(port)

    def port(self, name):
        return self.address(name)[1]

    @property
    def ca(self):
        return str(self.dir / "ca.pem")

    def tls_context(self):
        """Verifies the mesh's certificate against its own authority."""
        return ssl.create_default_context(cafile=self.ca)

    def run(self, *command, input=None, check=True):
        """Runs `mailmesh COMMAND...` on this mesh."""
        done = subprocess.run([BIN / "mailmesh", "--dir", self.dir, *map(str, command)], input=input, text=True,
                              capture_output=True, timeout=150)
        if check and done.returncode != 0:
            raise AssertionError(f"mailmesh {' '.join(map(str, command))}: code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *command):
        """The output of `mailmesh COMMAND... -o json`."""
        return json.loads(self.run(*command, "-o", "json").stdout)

    def messages_in(self, address, mailbox="INBOX"):
        """How many messages are in a mailbox of an account."""
        return next(int(m["messages"]) for m in self.json("mailbox", "list", address) if m["mailbox"] == mailbox)

    def add_account(self, address, password="correct horse"):
        self.run("account", "create", address, "--password-stdin", input=password + "\n")

    def metrics(self, role):
        """/metrics of a role, as text."""
        with urllib.request.urlopen(f"http://{self.endpoints[role + '.admin']}/metrics", timeout=10) as response:
            return response.read().decode()

    def metric(self, role, name):
        """Sum over all label sets of one metric of a role; 0.0 if it is not there."""
        total = 0.0
        for line in self.metrics(role).splitlines():
            match = re.match(rf"{re.escape(name)}(?:\{{.*\}})? (\S+)", line)
            if match:
                total += float(match.group(1))
        return total

    def process_id(self, role):
        """The process of a role, as `mailmesh status` tells it. One that ended is waited for, until it is started again."""
        def there():
            rows = json.loads(self.run("status", "-o", "json", check=False).stdout)
            process = next(row["process"] for row in rows if row["role"] == role)
            return None if process == "-" else int(process)

        return wait_until(there, f"a process of {role}")

    def kill_role(self, role):
        """kill -9; the supervisor starts it again."""
        os.kill(self.process_id(role), signal.SIGKILL)

    def wait_all_serving(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run("status", check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError(self.run("status", check=False).stdout)
