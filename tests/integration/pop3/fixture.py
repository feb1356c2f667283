"""A directory, a store, an SMTP ingress (LMTP, to bring mail in) and two POP3 gateways; a client that shows every line."""
import base64
import smtplib
import socket
import urllib.request

from tests.support.ports import free_ports
from tests.support.site import PASSWORD, RoleSite


class Site(RoleSite):
    def __init__(self, settings=""):
        super().__init__("mm-pop3-")
        self.settings = settings

    def set_up(self):
        self.certificate()
        self.write_directory()
        names = ("smtp_ingress", "pop3_gateway", "pop3s", "pop3_gateway.1", "store_admin")
        self.ports = dict(zip(names, free_ports(len(names))))
        self.write_store(admin=f"127.0.0.1:{self.ports['store_admin']}")
        self.write("outbound_relay", f"hostname: mail.test\nspool: {{path: {self.dir}/relay.db, ballast_bytes: 0}}\n",
                   ["directory"])
        self.write("smtp_ingress", f"hostname: mail.test\nlmtp: {{listen: \"127.0.0.1:{self.ports['smtp_ingress']}\"}}\n"
                   f"tls: {{certificates: [{self.tls()}]}}\n", ["directory", "outbound_relay"])
        for name in ("pop3_gateway", "pop3_gateway.1"):
            second = "" if name.endswith("1") else f'pop3s: {{listen: "127.0.0.1:{self.ports["pop3s"]}"}}\n'
            self.write(name, f'pop3: {{listen: "127.0.0.1:{self.ports[name]}"}}\n{second}'
                       f"tls: {{certificates: [{self.tls()}]}}\nauth: {{allow_plaintext_on_loopback: true, max_failures: 3}}\n"
                       f"{self.settings}", ["directory"])
        self.start_all()
        self.tool("domain", "add", "a.test")

    def store_metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['store_admin']}/metrics", timeout=10) as response:
            return response.read().decode()

    def deliver(self, user, *messages, utf8=False):
        """Brings messages in, octet for octet but for the trace fields."""
        with smtplib.LMTP("127.0.0.1", self.ports["smtp_ingress"]) as lmtp:
            lmtp.timeout = 30
            for octets in messages:
                lmtp.ehlo_or_helo_if_needed()
                options = ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []
                assert lmtp.sendmail("s@b.test", [f"{user}@a.test"], octets, options) == {}

    def client(self, user=None, gateway="pop3_gateway"):
        client = Client(self.ports[gateway])
        self.clients.append(client)
        if user:
            client.log_in(user)
        return client


def plain(user, password=PASSWORD):
    return base64.b64encode(f"\0{user}@a.test\0{password}".encode()).decode()


class Client:
    """One connection. Lines come as octets without CRLF."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.greeting = self.line()

    def raw(self, octets):
        self.socket.sendall(octets)

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(line)
        return line[:-2]

    def command(self, text):
        self.raw((text.encode() if isinstance(text, str) else text) + b"\r\n")
        return self.line().decode()

    def ok(self, text):
        answer = self.command(text)
        assert answer.startswith("+OK"), f"{text}: {answer}"
        return answer[4:]

    def err(self, text, code=None):
        answer = self.command(text)
        assert answer.startswith(f"-ERR [{code}] " if code else "-ERR ") and (code or "[" not in answer), f"{text}: {answer}"
        return answer

    def rest(self):
        """The lines of a multi-line response after its first, without dot-stuffing."""
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        return lines

    def multi(self, text):
        self.ok(text)
        return self.rest()

    def log_in(self, user):
        self.ok(f"USER {user}@a.test")
        self.ok(f"PASS {PASSWORD}")

    def wrap(self, context):
        self.socket = context.wrap_socket(self.socket, server_hostname="mail.test")
        self.file = self.socket.makefile("rb")

    def ended(self):
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def message(subject, body="text\r\n"):
    return (f"From: s@b.test\r\nTo: anna@a.test\r\nSubject: {subject}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n"
            f"Message-ID: <{subject}@b.test>\r\n\r\n{body}").encode()
