"""The servers that are compared, each with the same accounts, on ports that the system chose.

Mailmesh is `mailmesh up`; the peer is Debian's Postfix and Dovecot in their own root, once with mdbox and once with sdbox. What
is changed from the defaults is written here, and why."""
import contextlib
import crypt
import os
import pathlib
import subprocess
import tempfile

from tests.bench.accounting import Account, command_of
from tests.support import peers
from tests.support.mesh import BIN, Mesh
from tests.support.ports import wait_until

DOMAIN = "bench.test"
SINK_DOMAIN = "sink.test"
PASSWORD = "peer-secret"
# Each load has accounts of its own, so that none changes what another reads. {name: how many}; 0: one, without a number.
ACCOUNTS = {"user": 200, "idle": 200, "mixed": 50, "append": 8, "drop": 8, "big": 0, "maildrop": 0, "watched": 0, "single": 0}


def local_parts():
    return [f"{name}{i}" for name, count in ACCOUNTS.items() for i in range(count)] + [
        name for name, count in ACCOUNTS.items() if not count]


def user(name):
    """What bench_client makes an account's address from: % is the number."""
    return f"{name}%@{DOMAIN}" if ACCOUNTS[name] else f"{name}@{DOMAIN}"


def by_role(programs):
    """{"mailmesh-directory": x} as {"directory": x}; what is no role's is left out."""
    return {name.removeprefix("mailmesh-"): figure for name, figure in programs.items() if name.startswith("mailmesh-")}


class Side:
    """name, accounting, port(protocol) and ca, from start() to stop()."""

    name = ""

    def __init__(self):
        self.filled = set()
        self.accounting = None

    def filling(self):
        """A context in which mailboxes are filled before anything is measured."""
        return contextlib.nullcontext()

    def close_accounting(self):
        if self.accounting:
            self.accounting.close()

    def cpu_by_role(self):
        """{role: seconds}, of a side that has roles."""
        return {}

    def await_queue_empty(self, seconds=600):
        """Returns when all mail that was taken has been stored or sent on."""
        wait_until(lambda: self.queued() == 0, f"{self.name}: the queue is empty", seconds, 0.02)


class Ours(Side):
    """`replicas`: {role: count} of those that are more than one."""
    name = "mailmesh"

    # Special-use mailboxes would make LIST longer than the peer's. The first log-in of an imported account hashes its password
    # anew: with the weakest parameters, as that is no part of any load.
    CONFIG = """mailbox_store: {special_mailboxes: false}
directory: {argon2_memory_kib: 8192, argon2_passes: 1, scram_iterations: 4096}
"""

    def __init__(self, sink, replicas=None):
        super().__init__()
        self.sink = sink
        self.replicas = replicas or {}
        counts = ", ".join(f"{role}: {count}" for role, count in self.replicas.items())
        self.mesh = Mesh(self.CONFIG + f"replicas: {{{counts}}}\n")

    def start(self):
        self.mesh.start()
        self.accounting = Account(self.name, self.mesh.process.pid)
        self.mesh.run("domain", "add", DOMAIN)
        self.mesh.run("domain", "add", SINK_DOMAIN, "--relay")
        self.mesh.run("route", "add", SINK_DOMAIN, f"127.0.0.1:{self.sink.port}")
        hashed = crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_SHA512, rounds=5000))
        self.mesh.run("account", "import", "-", input="".join(f"{name}@{DOMAIN}:{hashed}\n" for name in local_parts()))
        self.ca = self.mesh.ca
        return self

    def restart(self):
        """Fresh processes, with what is stored."""
        self.mesh.stop()
        self.accounting.close()
        self.mesh.start()
        self.accounting = Account(self.name, self.mesh.process.pid)

    def port(self, protocol):
        return self.mesh.port({"smtp": "mx"}.get(protocol, protocol))

    def instances(self, role):
        return [role if number == 0 else f"{role}.{number}" for number in range(self.replicas.get(role, 1))]

    def queued(self):
        return sum(self.mesh.metric(relay, "mailmesh_queue_messages") for relay in self.instances("outbound_relay"))

    def cpu_by_role(self):
        return by_role(self.accounting.cpu_by_program())

    def kib_by_role(self):
        return by_role(self.accounting.pss_by_program())

    def stop(self):
        self.mesh.__exit__(None)
        self.close_accounting()


class Peer(Side):
    """Postfix hands over to Dovecot by LMTP. Both sync before they reply: Postfix always does, Dovecot with its default,
    `mail_fsync = optimized`, where a message is saved."""

    POSTFIX = {
        "default_process_limit": "200",
        # No pause when the queue grows faster than it is emptied: it is emptied within the measured time anyway.
        "in_flow_delay": "0",
        "virtual_destination_concurrency_limit": "32",
        "lmtp_destination_concurrency_limit": "32",
        "smtp_destination_concurrency_limit": "32",
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "private/auth",
        "smtpd_tls_auth_only": "yes",
        "smtpd_recipient_limit": "1000",
        "smtpd_junk_command_limit": "10000",
    }

    # Log-in processes that serve many connections each, mail processes that are used again, and kept at hand.
    DOVECOT = """
mail_location = {format}:/srv/mail/%u/{format}
auth_cache_size = 16 M
auth_cache_ttl = 1 hour
auth_cache_verify_password_with_worker = no
mail_max_userip_connections = 10000
mdbox_rotate_size = 32 M
default_client_limit = 10000
default_vsz_limit = 2 G
service imap-login {{
  service_count = 0
  process_min_avail = 2
  process_limit = 2
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  process_limit = 2
}}
service imap {{
  service_count = 10000
  process_min_avail = 8
  process_limit = 4096
}}
service pop3 {{
  service_count = 10000
  process_min_avail = 2
  process_limit = 256
}}
service lmtp {{
  service_count = 10000
  process_min_avail = 8
  process_limit = 256
}}
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    mode = 0666
  }}
}}
"""

    def __init__(self, box_format, sink):
        super().__init__()
        self.name = box_format
        self.sink = sink
        self.keys = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.keys.name)
        for command in (("init", folder), ("issue", folder, "peer", "--dns", "localhost", "--ip", "127.0.0.1")):
            subprocess.run([BIN / "mailmesh", "pki", *command], check=True, capture_output=True)
        self.ca = str(folder / "ca.pem")
        self.site = peers.Site(
            [DOMAIN], routes={SINK_DOMAIN: ("127.0.0.1", sink.port)}, tls=(folder / "peer.pem", folder / "peer.key", self.ca),
            password=PASSWORD, users=local_parts(), postfix=self.POSTFIX,
            dovecot=self.DOVECOT.format(format=box_format))
        # The port of its LMTP server is known only now.
        with open(self.site.dir / "etc-postfix/main.cf", "a") as main:
            main.write(f"virtual_transport = lmtp:inet:127.0.0.1:{self.site.lmtp_port}\n")

    def start(self):
        self.site.start()
        self.accounting = Account(self.name, self.site._process.pid)
        return self

    def restart(self):
        """Of Dovecot's processes: Postfix has no part in what is measured after a restart."""
        before = self._imap_processes()
        self.site.run("doveadm", "reload", check=True)
        wait_until(lambda: not before & self._imap_processes(), f"{self.name}: new processes")

    @contextlib.contextmanager
    def filling(self):
        """Without syncs: sdbox would pay one for each message of a mailbox, where Mailmesh pays one for each APPEND of many."""
        file = self.site.dir / "etc-dovecot/dovecot.conf"
        settings = file.read_text()
        file.write_text(settings + "mail_fsync = never\n")
        self.restart()
        try:
            yield
        finally:
            file.write_text(settings)
            self.restart()
            os.sync()

    def _imap_processes(self):
        return {process for process in self.accounting.processes() if command_of(process) in ("imap", "imap-login")}

    def port(self, protocol):
        return {
            "smtp": self.site.smtp_port, "submission": self.site.smtp_port, "lmtp": self.site.lmtp_port,
            "imap": self.site.imap_port, "imaps": self.site.imaps_port, "pop3": self.site.pop3_port,
        }[protocol]

    def queued(self):
        """Files in Postfix's queue, seen from outside: asking Postfix would be work for it."""
        folders = ("maildrop", "incoming", "active", "deferred")
        return sum(1 for name in folders for path in (self.site.dir / "spool" / name).rglob("*") if path.is_file())

    def stop(self):
        self.site.stop()
        self.close_accounting()
        self.keys.cleanup()


class Sink:
    """Postfix's smtp-sink, where relayed mail ends. It counts what it was given."""

    def __init__(self, port):
        self.port = port
        self.output = tempfile.TemporaryFile()

    def start(self):
        self.process = subprocess.Popen(
            ["chroot", peers.ROOT, "smtp-sink", "-c", "-u", "nobody", f"127.0.0.1:{self.port}", "1000"],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)
        return self

    def messages(self):
        """The last line of its counters: `sess=1 quit=0 mesg=7`."""
        self.output.seek(0)
        counters = self.output.read().decode(errors="replace").split("mesg=")
        return int(counters[-1].split()[0]) if len(counters) > 1 else 0

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.output.close()
