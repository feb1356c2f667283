"""Where mail goes by the DNS (RFC 5321, 5.1; RFC 7505), with a real name server and several hosts on 127.0.0.0/8."""
import unittest

from tests.integration.relay.fixture import RelayTest, servers_on_one_port
from tests.support import peers
from tests.support.nameserver import NameServer
from tests.support.scripted import SmtpServer

OWN = "127.0.0.99"
HOSTS = {"mx1": "127.0.0.2", "mx2": "127.0.0.3", "mx3": "127.0.0.4"}
DEAD = "127.0.0.9"
REFUSING = "127.0.0.10"

ZONES = {
    "hosts.test": "".join(f"{name} IN A {address}\n" for name, address in HOSTS.items()) + f"""
dead IN A {DEAD}
own IN A {OWN}
refusing IN A {REFUSING}
several IN A {DEAD}
several IN A {HOSTS['mx2']}
alias IN CNAME mx3
""",
    "preference.test": "@ IN MX 20 mx2.hosts.test.\n@ IN MX 10 mx1.hosts.test.\n@ IN MX 30 mx3.hosts.test.\n",
    "equal.test": "@ IN MX 10 mx1.hosts.test.\n@ IN MX 10 mx2.hosts.test.\n",
    "dead.test": "@ IN MX 10 dead.hosts.test.\n@ IN MX 20 mx2.hosts.test.\n",
    "several.test": "@ IN MX 10 several.hosts.test.\n",
    "nomx.test": f"@ IN A {HOSTS['mx1']}\n",
    "v6.test": "@ IN AAAA ::1\n",
    "null.test": f"@ IN MX 0 .\n@ IN A {HOSTS['mx1']}\n",
    "address.test": f"@ IN MX 10 {HOSTS['mx1']}.\n@ IN A {HOSTS['mx1']}\n",
    "mixed.test": f"@ IN MX 10 {HOSTS['mx1']}.\n@ IN MX 20 mx2.hosts.test.\n",
    "empty.test": "@ IN TXT nothing\n",
    "nowhere.test": "@ IN MX 10 missing.hosts.test.\n",
    "cname.test": "@ IN MX 10 alias.hosts.test.\nwww IN CNAME preference.test.\n",
    "self.test": f"@ IN MX 10 relay.origin.test.\n@ IN A {HOSTS['mx1']}\n",
    "selfaddress.test": "@ IN MX 10 own.hosts.test.\n@ IN MX 20 mx1.hosts.test.\n",
    "backup.test": "@ IN MX 10 mx1.hosts.test.\n@ IN MX 20 relay.origin.test.\n@ IN MX 20 mx2.hosts.test.\n@ IN MX 30 mx3.hosts.test.\n",
    "backupdown.test": "@ IN MX 10 dead.hosts.test.\n@ IN MX 20 own.hosts.test.\n@ IN MX 20 mx2.hosts.test.\n@ IN MX 30 mx3.hosts.test.\n",
    "aself.test": f"@ IN A {OWN}\n",
    "downrefuses.test": "@ IN MX 10 dead.hosts.test.\n@ IN MX 20 refusing.hosts.test.\n",
}

# domain: (status in the notification, a word of it)
BOUNCED = {
    "null.test": ("5.1.10", "takes no mail"),
    "address.test": ("5.4.4", "no mail server"),
    "empty.test": ("5.4.4", "no mail server"),
    "nowhere.test": ("5.4.4", "no mail server"),
    "missing.hosts.test": ("5.1.2", "does not exist"),
    "self.test": ("5.4.6", "loops back"),
    "selfaddress.test": ("5.4.6", "loops back"),
    "aself.test": ("5.4.6", "loops back"),
}

# domain: the host that gets it.
DELIVERED = {
    "preference.test": "mx1",
    "dead.test": "mx2",
    "several.test": "mx2",
    "nomx.test": "mx1",
    "mixed.test": "mx2",
    "cname.test": "mx3",
    "www.cname.test": "mx1",
    "backup.test": "mx1",
}


class Routing(RelayTest):
    @classmethod
    def setUpClass(cls):
        try:
            cls.names = cls.enterClassContext(NameServer(ZONES))
        except peers.Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.hosts = servers_on_one_port(HOSTS)
        for server in cls.hosts.values():
            cls.addClassCleanup(server.close)
        port = cls.hosts["mx1"].port
        cls.settings = (f'dns: {{forwarders: ["{cls.names.address}"]}}, smtp_port: {port}, own_addresses: ["{OWN}"], '
                        "connection_idle: 0s")
        super().setUpClass()
        for domain in {*ZONES, *BOUNCED, *DELIVERED} - {"hosts.test"}:
            cls.relay_for(domain)

    def where(self, subject):
        return [name for name, server in self.hosts.items() if server.received(subject)]

    def test_the_host_that_the_dns_names(self):
        for domain in DELIVERED:
            self.send(f"to-{domain}", f"bert@{domain}")
        for domain, host in DELIVERED.items():
            with self.subTest(domain):
                self.wait_received(self.hosts[host], f"to-{domain}")
                self.assertEqual(self.where(f"to-{domain}"), [host])
                self.wait_gone(domain)

    def test_what_has_no_host_goes_back(self):
        for domain in BOUNCED:
            self.send(f"to-{domain}", f"bert@{domain}")
        for domain, (status, word) in BOUNCED.items():
            with self.subTest(domain):
                report = self.notification(f"bert@{domain}")
                self.assertIn(f"\r\nStatus: {status}\r\n", report)
                self.assertIn(word, report.replace("\r\n ", " "))
                self.assertEqual(self.where(f"to-{domain}"), [])

    def test_equal_preferences_share_the_mail(self):
        for i in range(24):
            self.send(f"equal-{i}", "bert@equal.test")
        self.wait_gone("equal.test")
        shares = {name: sum(server.received(f"equal-{i}") for i in range(24)) for name, server in self.hosts.items()}
        self.assertEqual(shares["mx1"] + shares["mx2"], 24)
        self.assertGreater(min(shares["mx1"], shares["mx2"]), 0)
        print(f"\n    24 messages to two hosts of one preference: {shares['mx1']} and {shares['mx2']}", flush=True)

    def test_nobody_who_is_not_preferred_to_us(self):
        self.send("backupdown", "bert@backupdown.test")
        row = self.wait_tried("backupdown.test")["bert@backupdown.test"]
        self.assertEqual(row["state"], "queued")
        self.assertEqual(self.where("backupdown"), [])

    # RFC 5321, 5.1: 554 from the second host is no answer for the first, which may be back.
    def test_a_refusal_of_one_host_is_not_that_of_all(self):
        refusing = self.enterContext(SmtpServer(host=REFUSING, port=self.hosts["mx1"].port,
                                                script=lambda at, a, s: "554 5.3.2 no service" if at == "connect" else None))
        self.send("downrefuses", "bert@downrefuses.test")
        row = self.wait_tried("downrefuses.test", attempts=2)["bert@downrefuses.test"]
        self.assertEqual(row["state"], "queued")
        self.assertIn("4.4.1", row["last_reply"])
        self.assertGreater(len(refusing.sessions), 0)

    def test_ipv6(self):
        try:
            server = SmtpServer(host="::1", port=self.hosts["mx1"].port)
        except OSError as error:
            self.skipTest(f"no ::1 here: {error}")
        with server:
            self.send("v6", "bert@v6.test")
            self.wait_received(server, "v6")

    def test_a_name_server_that_is_away_bounces_nothing(self):
        # Nobody answers for this zone: NSD refuses what it has not.
        self.relay_for("unknown.example")
        self.send("unknown", "bert@unknown.example")
        row = self.wait_tried("unknown.example")["bert@unknown.example"]
        self.assertEqual(row["state"], "queued")
        self.assertIn("4.4.3", row["last_reply"])


