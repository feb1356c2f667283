"""A mesh whose mail for others goes to scripted servers, with a name server of its own where MX records are wanted."""
import smtplib
import unittest

from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer

SENDER = "sender@origin.test"


def servers_on_one_port(hosts, scripts=None):
    """{name: SmtpServer} on {name: address}: MX records know no ports."""
    scripts = scripts or {}
    for _ in range(20):
        servers, port = {}, 0
        try:
            for name, host in hosts.items():
                servers[name] = SmtpServer(host=host, port=port, script=scripts.get(name))
                port = servers[name].port
            return servers
        except OSError:
            for server in servers.values():
                server.close()
    raise OSError("no port is free on all of the addresses")


class RelayTest(unittest.TestCase):
    """`cls.mesh`, and `cls.origin`: the server that notifications to SENDER arrive at."""

    settings = ""  # of outbound_relay, a YAML flow mapping without braces
    retry = "min_retry: 1s, max_retry: 2s"

    @classmethod
    def setUpClass(cls):
        cls.origin = cls.enterClassContext(SmtpServer())
        settings = cls.retry + ", command_timeout: 3s, data_timeout: 5s, connect_timeout: 3s"
        if cls.settings:
            settings += ", " + cls.settings
        cls.mesh = cls.enterClassContext(Mesh(f"hostname: relay.origin.test\noutbound_relay: {{{settings}}}\n"))
        cls.relay_for("origin.test", cls.origin.address)

    @classmethod
    def relay_for(cls, domain, *next_hops, options=()):
        """Makes it a domain whose mail is sent on: to these, or by MX."""
        cls.mesh.run("domain", "add", domain, "--relay")
        if next_hops:
            cls.mesh.run("route", "add", domain, *next_hops, *options)

    def send(self, subject, *recipients, octets=None, mail_options=(), rcpt_options=()):
        with smtplib.SMTP(*self.mesh.address("mx"), timeout=30) as smtp:
            smtp.ehlo()
            if rcpt_options and not smtp.has_extn("dsn"):
                self.skipTest("the mesh's MX listener does not offer DSN")
            refused = smtp.sendmail(SENDER, list(recipients), octets or messages.simple(subject), mail_options=list(mail_options),
                                    rcpt_options=list(rcpt_options))
        self.assertEqual(refused, {})

    def items(self, domain):
        return self.mesh.json("queue", "list", "--domain", domain)

    def recipients(self, domain):
        """{recipient: row of `queue show`} of the one message for the domain."""
        rows = self.items(domain)
        self.assertEqual(len(rows), 1, rows)
        return {row["recipient"]: row for row in self.mesh.json("queue", "show", rows[0]["queue_id"])}

    def wait_tried(self, domain, attempts=1):
        """Waits until the domain's one message was tried, and is not being tried at the moment; {recipient: row}."""
        def tried():
            rows = self.items(domain)
            return rows and int(rows[0]["attempts"]) >= attempts
        wait_until(tried, f"mail for {domain} was tried", 30)
        return self.recipients(domain)

    def wait_gone(self, domain, seconds=30):
        wait_until(lambda: not self.items(domain), f"no mail for {domain} waits", seconds)

    def wait_received(self, server, subject, times=1, seconds=30):
        wait_until(lambda: server.received(subject) >= times, f"{subject} arrives", seconds)
        self.assertEqual(server.received(subject), times)

    def notification(self, text, seconds=30):
        """The one notification to SENDER that has this text in it."""
        def found():
            return [octets for _, to, octets, _ in list(self.origin.messages) if to == [SENDER] and text.encode() in octets]
        wait_until(found, f"a notification with {text}", seconds)
        self.assertEqual(len(found()), 1)
        return found()[0].decode("utf-8", "replace")
