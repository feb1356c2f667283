"""The machine's clock is set back: what was queued before is not left until it comes there again."""
import json
import os
import pathlib
import signal
import socket
import tempfile
import unittest
from unittest import mock

from tests.durability.site import programs
from tests.support import messages
from tests.support.mesh import BIN, Mesh
from tests.support.ports import free_ports, wait_until
from tests.support.scripted import SmtpServer

AHEAD = 7200


class SetBack(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="mailmesh-test-")))
        # The roles that own a database, with a clock that can be set.
        programs(BIN.parent, folder / "bin")
        self.faults = folder / "faults"
        self.faults.mkdir()
        self.enterContext(mock.patch("tests.support.mesh.BIN", folder / "bin"))
        self.enterContext(mock.patch.dict(os.environ, {"MAILMESH_FAULTS": str(self.faults), "MAILMESH_SABOTAGE": ""}))
        self.mesh = self.enterContext(Mesh("outbound_relay: {min_retry: 1s, max_retry: 2s}\n"))

    def relay(self):
        for entry in self.faults.iterdir():
            try:
                if b"outbound_relay" in pathlib.Path(f"/proc/{entry.name}/cmdline").read_bytes():
                    return int(entry.name)
            except OSError:
                continue
        return None

    def set_clock(self, seconds):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(self.faults / str(self.relay())))
            peer.sendall(f"set clock_seconds {seconds}\n".encode())
            self.assertEqual(peer.recv(100).strip(), b"ok")

    def queued(self):
        """Messages in the queue; None while the relay does not answer."""
        done = self.mesh.run("queue", "list", "-o", "json", check=False)
        return len(json.loads(done.stdout)) if done.returncode == 0 else None

    def fill(self, count):
        """Mail for a server that is away, while the relay's clock is ahead; gives the server's port."""
        port = free_ports(1)[0]
        self.mesh.run("domain", "add", "target.test", "--relay")
        self.mesh.run("route", "add", "target.test", f"127.0.0.1:{port}")
        self.set_clock(AHEAD)
        for i in range(count):
            self.mesh.run("send", "-", "--from", "sender@origin.test", "--to", f"r{i}@target.test", input=messages.simple(f"m{i}").decode())
        wait_until(lambda: self.queued() == count, "all are queued")
        return port

    def await_mail(self, port, count):
        server = self.enterContext(SmtpServer(port=port))
        wait_until(lambda: len(server.messages) >= count, "all are sent", 60)
        self.assertEqual(len(server.messages), count)
        wait_until(lambda: self.queued() == 0, "the queue is empty")

    def test_while_the_relay_was_away(self):
        # More than are read at once.
        port = self.fill(130)
        pid = self.relay()
        os.kill(pid, signal.SIGKILL)
        (self.faults / str(pid)).unlink(missing_ok=True)
        wait_until(lambda: self.queued() is not None, "the relay is there again")
        self.assertEqual(self.queued(), 130)
        self.await_mail(port, 130)

    def test_under_the_relay(self):
        port = self.fill(3)
        self.set_clock(0)
        self.assertEqual(self.queued(), 3)
        self.await_mail(port, 3)


if __name__ == "__main__":
    unittest.main()
