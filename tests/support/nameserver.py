"""A real name server (NSD) on 127.0.0.1, from the peers' root, for as long as the object lives."""
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from tests.support import peers
from tests.support.ports import free_ports, wait_until


class NameServer:
    """zones: {"mail.test": records}; SOA and NS are put before them; change() gives a zone others. Raises peers.Unavailable where
    there is no NSD."""

    FIRST_SERIAL = 0x4d4d0000  # no other four octets of an answer are like it

    def __init__(self, zones):
        peers.require_root()
        self.port = free_ports(1)[0]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="nsd-"))
        self._serial = self.FIRST_SERIAL
        config = [f'server:\n  ip-address: 127.0.0.1@{self.port}\n  username: ""\n  database: ""\n  zonesdir: "{self.dir}"',
                  f'  pidfile: ""\n  logfile: "{self.dir}/log"\n  xfrdfile: "{self.dir}/xfrd"\n  zonelistfile: "{self.dir}/zones"',
                  f'  xfrdir: "{self.dir}"\n  server-count: 1\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no']
        for name, records in zones.items():
            self._write(name, records)
            config.append(f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"')
        (self.dir / "nsd.conf").write_text("\n".join(config) + "\n")
        libraries = f"{peers.ROOT}/usr/lib/x86_64-linux-gnu"
        self._log = open(self.dir / "stderr", "w")
        self._process = subprocess.Popen([f"{peers.ROOT}/usr/sbin/nsd", "-d", "-c", self.dir / "nsd.conf"],
                                         env={"LD_LIBRARY_PATH": libraries}, stdout=self._log, stderr=self._log,
                                         start_new_session=True)
        try:
            wait_until(self._answers, "NSD answers", 20)
        except BaseException:
            print((self.dir / "stderr").read_text(), (self.dir / "log").read_text() if (self.dir / "log").exists() else "")
            self.close()
            raise

    def _write(self, name, records):
        head = (f"$ORIGIN {name}.\n$TTL 5\n@ IN SOA ns hostmaster {self._serial} 3600 600 86400 1\n@ IN NS ns\n"
                "ns IN A 127.0.0.1\n")
        (self.dir / f"{name}.zone").write_text(head + records)

    def change(self, name, records):
        """Returns when the server answers from the new records."""
        self._serial += 1
        self._write(name, records)
        # The server reads changed zones again.
        self._process.send_signal(signal.SIGHUP)
        serial = struct.pack(">I", self._serial)
        wait_until(lambda: serial in (self._answers(name) or b""), f"the new zone {name}", 20)

    def _answers(self, name=""):
        # RFC 1035, 4.1: one question for the name's SOA; whatever the answer for the root is, somebody reads.
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
        question = struct.pack(">6H", 1, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.sendto(question, ("127.0.0.1", self.port))
                return probe.recv(512)
            except OSError:
                return None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        self._log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
