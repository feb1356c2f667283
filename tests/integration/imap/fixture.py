"""A directory, a mailbox_store and IMAP gateways as processes over Unix sockets, and an IMAP client that shows every line."""
import socket

from tests.support.ports import free_ports
from tests.support.site import PASSWORD, RoleSite


class Site(RoleSite):
    def __init__(self, gateways=1, gateway_settings="", plaintext=True):
        super().__init__("mm-imap-")
        self.plaintext = plaintext
        self.settings = gateway_settings
        self.names = ["imap_gateway"] + [f"imap_gateway.{i}" for i in range(1, gateways)]

    def set_up(self):
        self.certificate()
        self.write_directory()
        self.write_store()
        ports = free_ports(2 * len(self.names))
        for i, name in enumerate(self.names):
            self.ports[name] = ports[2 * i]
            self.ports[name + ".tls"] = ports[2 * i + 1]
            self.write(name, f"""hostname: mail.test
imap: {{listen: "127.0.0.1:{ports[2 * i]}"}}
imaps: {{listen: "127.0.0.1:{ports[2 * i + 1]}"}}
tls: {{certificates: [{self.tls()}]}}
auth: {{allow_plaintext_on_loopback: {str(self.plaintext).lower()}, max_failures: 5}}
{self.settings}""", ["directory"])
        self.start_all()
        self.tool("domain", "add", "a.test")
        self.add_account("anna")

    def client(self, user="anna", gateway="imap_gateway", select=None):
        client = Client(self.ports[gateway])
        self.clients.append(client)
        client.ok(f'LOGIN {user}@a.test "{PASSWORD}"')
        if select:
            client.ok(f"SELECT {select}")
        return client


class Client:
    """One connection. Lines come as str (latin-1), literals joined to the line that announces them."""

    def __init__(self, port, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.settimeout(30)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="mail.test")
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.greeting = self.line()

    def starttls(self, context):
        self.ok("STARTTLS")
        self.socket = context.wrap_socket(self.socket, server_hostname="mail.test")
        self.file = self.socket.makefile("rb")

    def raw(self, octets):
        self.socket.sendall(octets)

    def send(self, text):
        self.number += 1
        tag = f"t{self.number}"
        self.raw(f"{tag} {text}\r\n".encode("latin-1"))
        return tag

    def line(self, seconds=30):
        self.socket.settimeout(seconds)
        whole = b""
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError(whole)
            whole += line
            if not line.endswith(b"}\r\n"):
                break
            size = int(line[line.rindex(b"{") + 1:-3].rstrip(b"+"))
            octets = self.file.read(size)
            if len(octets) != size:
                raise EOFError(whole)
            whole += octets
        return whole[:-2].decode("latin-1")

    def until(self, tag):
        lines = []
        while not (line := self.line()).startswith(tag + " "):
            lines.append(line)
        return lines, line[len(tag) + 1:]

    def command(self, text):
        """Untagged lines, and the tagged one without its tag."""
        return self.until(self.send(text))

    def ok(self, text):
        lines, tagged = self.command(text)
        assert tagged.startswith("OK"), f"{text}: {lines} {tagged}"
        return lines

    def append(self, mailbox, message, arguments=""):
        message = message if isinstance(message, bytes) else message.encode()
        self.number += 1
        tag = f"t{self.number}"
        self.raw(f"{tag} APPEND {mailbox} {arguments}{{{len(message)}+}}\r\n".encode() + message + b"\r\n")
        return self.until(tag)

    def close(self):
        self.file.close()
        self.socket.close()


def message(subject, body="text\r\n"):
    return (f"From: Anna <anna@a.test>\r\nTo: bert@b.test\r\nSubject: {subject}\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <{subject}@a.test>\r\n\r\n{body}")
