"""A directory, a store, a relay, a POP3 gateway to read with, and the SMTP ingress on its four ports; a client that shows every
line."""
import base64
import poplib
import re
import socket
import urllib.request

from tests.support.ports import free_ports
from tests.support.site import PASSWORD, RoleSite

LISTENERS = ("mx", "submission", "submissions", "lmtp")


class Site(RoleSite):
    def __init__(self, settings="", tls_settings="", users=("anna", "bert"), listen="127.0.0.1"):
        super().__init__("mm-smtp-")
        self.settings = settings
        self.tls_settings = tls_settings
        self.users = users
        self.listen = listen

    def set_up(self):
        self.certificate()
        self.write_directory()
        self.write_store()
        self.write("outbound_relay", f"hostname: mail.test\nspool: {{path: {self.dir}/relay.db, ballast_bytes: 0}}\n",
                   ["directory"])
        ports = free_ports(len(LISTENERS) + 3)
        self.ports = dict(zip((*LISTENERS, "pop3_gateway", "pop3s", "admin"), ports))
        self.ports["smtp_ingress"] = self.ports["mx"]
        listeners = "".join(f'{name}: {{listen: "{self.listen}:{self.ports[name]}"}}\n' for name in LISTENERS)
        self.write("smtp_ingress", f"hostname: mail.test\n{listeners}"
                   f"tls: {{certificates: [{self.tls()}]{self.tls_settings}}}\n"
                   f"auth: {{allow_plaintext_on_loopback: true, max_failures: 3}}\n{self.settings}",
                   ["directory", "outbound_relay"], admin=f"127.0.0.1:{self.ports['admin']}")
        self.write("pop3_gateway", f"""pop3: {{listen: "127.0.0.1:{self.ports['pop3_gateway']}"}}
pop3s: {{listen: "127.0.0.1:{self.ports['pop3s']}"}}
tls: {{certificates: [{self.tls()}]}}
auth: {{allow_plaintext_on_loopback: true}}
""", ["directory"])
        self.start_all()
        self.tool("domain", "add", "a.test")
        for user in self.users:
            self.add_account(user)

    def client(self, listener="mx", hello=True, **more):
        client = Client(self.ports[listener], **more)
        self.clients.append(client)
        if hello:
            client.hello("LHLO" if listener == "lmtp" else "EHLO")
        return client

    def submitter(self, user="anna", listener="submission"):
        client = self.client(listener)
        client.expect(f"AUTH PLAIN {plain(user)}", 235)
        return client

    def inbox(self, user):
        """The octets of all messages that the user has, and they are removed."""
        pop = poplib.POP3("127.0.0.1", self.ports["pop3_gateway"], timeout=30)
        pop.user(f"{user}@a.test")
        pop.pass_(PASSWORD)
        found = []
        for number in range(1, pop.stat()[0] + 1):
            found.append(b"\r\n".join(pop.retr(number)[1]) + b"\r\n")
            pop.dele(number)
        pop.quit()
        return found

    def metric(self, name, labels="", port="admin"):
        """The value of one series of the ingress, or of another role by the name of its port; 0.0 if it is not there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}/metrics", timeout=10) as response:
            text = response.read().decode()
        found = re.search(rf"^{re.escape(name + labels)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0


def plain(user, password=PASSWORD):
    return base64.b64encode(f"\0{user}@a.test\0{password}".encode()).decode()


class Client:
    """One connection. A reply is (code, [texts])."""

    def __init__(self, port, host="127.0.0.1", source=None):
        self.socket = socket.create_connection((host, port), 30, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.greeting = None
        self.extensions = {}

    def hello(self, verb="EHLO"):
        if self.greeting is None:
            self.greeting = self.reply()
        code, lines = self.command(f"{verb} client.test")
        assert code == 250, lines
        self.extensions = {line.split()[0]: line.split()[1:] for line in lines[1:]}
        return self.extensions

    def raw(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise EOFError(lines + [line])
            lines.append(line[4:-2].decode())
            if line[3:4] == b" ":
                return int(line[:3]), lines

    def command(self, line):
        self.raw(line.encode() + b"\r\n" if isinstance(line, str) else line + b"\r\n")
        return self.reply()

    def expect(self, line, code, text=""):
        got, lines = self.command(line)
        assert got == code and text in " ".join(lines), f"{line}: {got} {lines}, not {code} {text}"
        return lines

    def transaction(self, content, sender="s@b.test", to=("anna@a.test",), mail="", rcpt=""):
        """A whole message; the replies after its content."""
        self.expect(f"MAIL FROM:<{sender}>{mail}", 250)
        for address in to:
            self.expect(f"RCPT TO:<{address}>{rcpt}", 250)
        self.expect("DATA", 354)
        self.raw(content + b".\r\n")
        return self.reply()

    def starttls(self, context):
        self.expect("STARTTLS", 220)
        self.wrap(context)

    def wrap(self, context, name="mail.test"):
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.file = self.socket.makefile("rb")

    def ended(self):
        """Whether the server has closed, with nothing more to say."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def message(subject, body="text\r\n", extra=""):
    return (f"From: s@b.test\r\nTo: anna@a.test\r\nSubject: {subject}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n"
            f"Message-ID: <{subject}@b.test>\r\n{extra}\r\n{body}").encode()
