"""What the population lives in: a mesh whose databases forget what was not synced, on small disks that are real, and another site
(Postfix and Dovecot) that takes its mail and has the remote maildrop."""
import os
import pathlib
import shutil
import socket

from tests.durability.population import DOMAIN, PASSWORD
from tests.support import disk, peers
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PROJECT = pathlib.Path(__file__).resolve().parents[2]
OWNERS = ("mailbox_store", "outbound_relay", "directory")
REMOTE = "remote.test"
DISK = 320 << 20
# A long run needs more: of what its clients bring, all stays there.
DISK_OF_A_KILL = 8 << 20
CONFIG = """
directory: {argon2_memory_kib: 8192, argon2_passes: 1,
  database: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
mailbox_store: {database: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
outbound_relay: {min_retry: 1s, max_retry: 2s, delay_warning: 0s,
  spool: {free_space_floor_bytes: 32MiB, ballast_bytes: 8MiB, write_buffer_bytes: 8MiB}}
"""


def programs(build, folder):
    """The programs of the mesh in one folder, the owners of databases from the faulty build: `mailmesh up` starts what lies
    beside it."""
    folder.mkdir()
    for source in [*(build / "bin").glob("mailmesh*"), *(build / "faulty").glob("mailmesh-*")]:
        target = folder / source.name
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


class Site:
    def __init__(self, folder, sabotage=None, writers=3, kills=0, config=CONFIG):
        self.dir = pathlib.Path(folder)
        self.faults = self.dir / "faults"
        self.faults.mkdir()
        self.sabotage, self.config = sabotage, config
        self.disk_bytes = max(DISK, kills * DISK_OF_A_KILL)
        self.inboxes = [f"inbox{i}@{DOMAIN}" for i in range(4)]
        self.maildrops = [f"drop{i}@{DOMAIN}" for i in range(4)]
        self.writers = [f"writer{i}" for i in range(writers)]
        self.fetched = f"fetched@{DOMAIN}"
        self.remote_drop = f"drop@{REMOTE}"
        self.remote_inboxes = [f"{name}@{REMOTE}" for name in ("out1", "out2", "out3")]
        self.waiting_for_fetch = False
        self.disks, self.peer, self.mesh = {}, None, None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        mesh_folder = self.dir / "mesh"
        mesh_folder.mkdir()
        # Below tmpfs data goes to memory, so that syncs cost nothing: what is tested is their order, not the disk.
        try:
            disk.own_mounts()
            self.disks = {role: disk.Disk(mesh_folder / "data" / role, self.disk_bytes) for role in OWNERS}
        except disk.Unavailable:
            pass  # without full disks
        try:
            self.peer = peers.Site([REMOTE], users=("drop", "out1", "out2", "out3"), keep_octets=False).start()
        except peers.Unavailable:
            self.peer = None
        os.environ["MAILMESH_FAULTS"] = str(self.faults)
        os.environ["MAILMESH_SABOTAGE"] = self.sabotage or ""
        self.mesh = Mesh(self.config, directory=mesh_folder).start()
        self.tls = self.mesh.tls_context()
        self.tls.check_hostname = True
        self._fill()

    def _fill(self):
        mesh = self.mesh
        mesh.run("domain", "add", DOMAIN)
        for user in (*self.inboxes, *self.maildrops, *(f"{w}@{DOMAIN}" for w in self.writers), self.fetched, f"submitter@{DOMAIN}"):
            mesh.add_account(user, PASSWORD)
        if self.peer is None:
            return
        mesh.run("domain", "add", REMOTE, "--relay")
        mesh.run("route", "add", REMOTE, f"127.0.0.1:{self.peer.smtp_port}")
        mesh.run("fetch", "add", self.fetched, "--host", "127.0.0.1", "--port", self.peer.pop3_port, "--user", self.remote_drop,
                 "--tls", "none", "--allow-plaintext", "--interval", "10", "--password-stdin", input=self.peer.password + "\n")
        self.job = mesh.json("fetch", "list")[0]["job_id"]

    def __exit__(self, *_):
        if self.mesh is not None:
            for small in self.disks.values():
                small.empty()
            self.mesh.stop()
        if self.peer is not None:
            self.peer.stop()
        for small in self.disks.values():
            small.close()

    # What the chaos asks.

    def processes(self, role):
        """Processes of a role now."""
        found = []
        try:
            children = pathlib.Path(f"/proc/{self.mesh.process.pid}/task/{self.mesh.process.pid}/children").read_text().split()
        except OSError:
            return found
        for pid in children:
            try:
                name = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
            except OSError:
                continue
            if name.endswith(f"/mailmesh-{role}".encode()) and state != "Z":
                found.append(int(pid))
        return found

    def tell(self, pid, *lines):
        """Lines for a process's faults; False if it does not listen (it is gone, or not one of the faulty)."""
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(5)
                peer.connect(str(self.faults / str(pid)))
                stream = peer.makefile("rw")
                for line in lines:
                    stream.write(line + "\n")
                    stream.flush()
                    answer = "" if line == "die" else stream.readline().strip()
                    if answer not in ("ok", ""):  # nothing: it ended meanwhile
                        raise AssertionError(f"the faulty process {pid} does not know {line!r}: {answer}")
            return True
        except OSError:
            return False

    def wait_serving(self, seconds=60):
        def serving():
            return self.mesh.run("status", check=False).returncode == 0

        wait_until(serving, "all roles serve again", seconds, 0.2)

    def connections_to_peer(self):
        """How many SMTP connections to the other site there are: each may have been told 250 that nobody noted."""
        port = f":{self.peer.smtp_port:04X}"
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(fields[2].endswith(port) and fields[3] == "01" for fields in (line.split() for line in lines))
