"""Thunderbird, as Debian ships it, without a screen, driven over Marionette.

It is in a root of its own and in mount and pid namespaces of its own, as Postfix and Dovecot are, and is killed with them. The
only thing that its profile knows of the mesh is its authority's certificate, imported by certutil. With MAILMESH_KEEP=1 its folder
stays, build/peers/thunderbird-*, with its log of IMAP.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from tests.support.peers import PROJECT, require_root
from tests.support.ports import wait_until

ROOT = PROJECT / "build/peers/thunderbird"
# Settings of a user who has been here before: no first steps, nothing asked or reported of its maker.
SETTINGS = {
    "marionette.port": 0,
    "app.update.enabled": False,
    "mail.accounthub.addressbook.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mailnews.start_page.enabled": False,
    "mailnews.default_view_flags": 0,  # a row for each message, not for each thread
    "mail.biff.show_alert": False,
    "mail.SpellCheckBeforeSend": False,
    "network.proxy.type": 0,
    "toolkit.telemetry.enabled": False,
}


class Marionette:
    """Its remote protocol: JSON, each message with its length in front. One command at a time."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.settimeout(120)
        self._buffer = b""
        self._last = 0
        hello = self._receive()
        if hello.get("marionetteProtocol") != 3:
            raise RuntimeError(f"not Marionette: {hello}")

    def _receive(self):
        while b":" not in self._buffer or len(self._buffer.partition(b":")[2]) < int(self._buffer.partition(b":")[0]):
            octets = self._socket.recv(65536)
            if not octets:
                raise ConnectionError("Thunderbird is gone")
            self._buffer += octets
        length, _, rest = self._buffer.partition(b":")
        self._buffer = rest[int(length):]
        return json.loads(rest[:int(length)])

    def command(self, name, **parameters):
        """The result; a command that fails raises with Thunderbird's own words."""
        self._last += 1
        octets = json.dumps([0, self._last, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(octets), octets))
        kind, number, error, result = self._receive()
        if (kind, number) != (1, self._last):
            raise RuntimeError(f"an answer to another command: {number}")
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result.get("value") if isinstance(result, dict) else result

    def close(self):
        self._socket.close()


class Thunderbird:
    """`with Thunderbird(ca, steps) as thunderbird:` starts it with an empty profile; `thunderbird.name(...)` then runs the function
    `name` of the JavaScript file `steps` in its main window. `ca`: the authority that it trusts beside its maker's, or None."""

    def __init__(self, ca, steps):
        require_root("thunderbird")
        self._ca = ca
        self._steps = pathlib.Path(steps)
        self._process = None
        self._marionette = None

    def _script(self):
        trust = "certutil -A -d sql:/tmp/profile -n mesh -t C,, -i /tmp/ca.pem" if self._ca else "true"
        log = "MOZ_LOG=IMAP:4 MOZ_LOG_FILE=/tmp/imap" if os.environ.get("MAILMESH_KEEP") else ""
        # Its own /tmp, shared memory and process table: nothing of it is left on the machine.
        return f"""
set -e
mount --make-rprivate /
root={ROOT}
mount --bind $root $root
mount -t proc proc $root/proc
mount --bind /dev $root/dev
mount -t tmpfs tmpfs $root/dev/shm
mount --bind {self.dir} $root/tmp
chroot $root certutil -N -d sql:/tmp/profile --empty-password
chroot $root {trust}
exec chroot $root env -i HOME=/tmp PATH=/usr/bin:/bin LANG=C.UTF-8 TZ=UTC MOZ_CRASHREPORTER_DISABLE=1 {log} \
  /usr/lib/thunderbird/thunderbird --headless --marionette --remote-allow-system-access --no-remote --profile /tmp/profile
"""

    def start(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="thunderbird-", dir=PROJECT / "build/peers"))
        profile = self.dir / "profile"
        profile.mkdir()
        (profile / "user.js").write_text("".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in SETTINGS.items()))
        if self._ca:
            shutil.copy(self._ca, self.dir / "ca.pem")
        self._log = open(self.dir / "thunderbird.log", "w")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "bash", "-c", self._script()],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self._marionette = Marionette(wait_until(lambda: self._port(profile / "MarionetteActivePort"), "Marionette's port", 60))
            self._marionette.command("WebDriver:NewSession")
            self._marionette.command("Marionette:SetContext", value="chrome")
            self._marionette.command("WebDriver:SetTimeouts", script=90000)
            self._run(self._steps.read_text())
        except BaseException as error:
            text = self.log()
            self.stop()
            raise RuntimeError(f"Thunderbird does not start: {error}\n{text}") from error
        return self

    def _port(self, file):
        if self._process.poll() is not None:
            raise RuntimeError(f"it ended with {self._process.returncode}")
        return int(file.read_text() or 0) if file.exists() else 0

    def _run(self, script, *arguments):
        return self._marionette.command("WebDriver:ExecuteScript", script=script, args=list(arguments), sandbox="system",
                                        newSandbox=False)

    def __getattr__(self, name):
        return lambda *arguments: self._run(f"return steps.{name}(...arguments)", *arguments)

    def confirm(self):
        """Presses OK in the question that the last step brought up."""
        self._marionette.command("WebDriver:AcceptAlert")

    def log(self):
        return (self.dir / "thunderbird.log").read_text(errors="replace")[-4000:]

    def stop(self):
        if self._marionette:
            self._marionette.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
        if not os.environ.get("MAILMESH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
