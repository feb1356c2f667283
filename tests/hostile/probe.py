"""Ordinary users beside an attack: one session each of SMTP, IMAP and POP3 that is kept, and new connections now and then.

`probe.py DIR` prints a line of JSON for each answer: {"at": monotonic time, "what": ..., "seconds": ...}, or "error"."""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.hostile.client import Client  # noqa: E402
from tests.support import messages  # noqa: E402
from tests.support.mesh import Mesh  # noqa: E402

PASSWORD = "correct horse"
PAUSE = 0.02


class Users:
    def __init__(self, directory):
        self.mesh = Mesh(directory=directory)
        self.mesh.endpoints = json.loads((pathlib.Path(directory) / "endpoints.json").read_text())
        self.clients = {}
        self.number = 0

    def client(self, protocol):
        if protocol not in self.clients:
            client = Client(self.mesh, "mx" if protocol == "smtp" else protocol, protocol, False)
            client.greet()
            if protocol != "smtp":
                client.log_in(f"probe-{protocol}@a.test", PASSWORD)
            self.clients[protocol] = client
            if protocol == "imap":
                self.ask("imap", b"APPEND INBOX {%d+}\r\n%s" % (len(self.message()), self.message()), "OK")
                self.ask("imap", b"SELECT INBOX", "OK")
        return self.clients[protocol]

    def message(self):
        return messages.simple("probe", 1000)

    def ask(self, protocol, command, good):
        reply = self.client(protocol).command(command)
        if reply is None or not reply.startswith(good):
            raise EOFError(f"{protocol} {command[:20]!r}: {reply}")

    def measured(self, what, function, *arguments):
        begin = time.monotonic()
        try:
            function(*arguments)
        except (OSError, EOFError) as error:
            self.clients.pop(what.split()[0], None)
            self.tell(at=time.monotonic(), error=f"{what}: {type(error).__name__}: {error}")
            time.sleep(0.2)
            return
        self.tell(at=time.monotonic(), what=what, seconds=time.monotonic() - begin)

    @staticmethod
    def tell(**entry):
        print(json.dumps(entry), flush=True)

    def fetch(self):
        octets, reply = self.client("imap").fetch(b"FETCH 1 (FLAGS BODY.PEEK[])")
        if not reply.startswith("OK") or self.message() not in octets:
            raise EOFError(reply)

    def deliver(self):
        reply = self.client("smtp").deliver(self.message(), sender="x@elsewhere.test", recipients=["probe-smtp@a.test"])
        if reply is None or not reply.startswith("250"):
            raise EOFError(reply)

    def connect(self, listener, protocol):
        client = Client(self.mesh, listener, protocol, False)
        if not client.line():
            raise EOFError("no greeting")
        client.close()

    def cycle(self):
        self.number += 1
        self.measured("imap noop", self.ask, "imap", b"NOOP", "OK")
        self.measured("imap fetch", self.fetch)
        self.measured("smtp delivery", self.deliver)
        self.measured("pop3 stat", self.ask, "pop3", b"STAT", "+OK")
        if self.number % 10 == 0:
            for listener, protocol in (("mx", "smtp"), ("imap", "imap"), ("pop3", "pop3")):
                self.measured(f"{protocol} connection", self.connect, listener, protocol)

    def run(self):
        for protocol in ("smtp", "imap", "pop3"):
            self.client(protocol)
        while True:
            self.cycle()
            time.sleep(PAUSE)


if __name__ == "__main__":
    Users(sys.argv[1]).run()
