"""A destination's servers in one attempt (RFC 5321, 5.1): what the first one does not take for now, the next one gets."""
import unittest

from tests.integration.relay.fixture import RelayTest, servers_on_one_port
from tests.support import messages, peers
from tests.support.nameserver import NameServer
from tests.support.ports import wait_until
from tests.support.scripted import DROP, SILENT

LIMIT = 3  # servers_per_attempt
SECOND = "127.0.0.3"
LINE = b"x" * 76 + b"\r\n"


def at(stage, action):
    return lambda where, argument, session: action if where == stage else None


def lost_in_content(stage, argument, session):
    if stage != "data":
        return None
    session.send("354 go ahead")
    session.file.read(30)
    return DROP


def silent_from_mail(stage, argument, session):
    if stage != "mail":
        return None
    session.file.read()  # until the other side hangs up
    return DROP


# name: what the first server of NAME.test does. The second one takes the message, in the same attempt.
NEXT = {
    "greeting-421": at("connect", "421 4.3.2 not now"),
    "greeting-554": at("connect", "554 5.3.2 no service"),
    "greeting-drop": at("connect", DROP),
    "greeting-silent": at("connect", SILENT),
    "ehlo-421": at("ehlo", "421 4.3.2 later"),
    "ehlo-451": at("ehlo", "451 4.3.2 later"),
    "ehlo-drop": at("ehlo", DROP),
    "after-ehlo-drop": at("mail", DROP),
    "mail-451": at("mail", "451 4.3.0 later"),
    "mail-421": at("mail", "421 4.3.0 going away"),
    "mail-silent": silent_from_mail,
    "rcpt-450": at("rcpt", "450 4.2.1 greylisted"),
    "rcpt-drop": at("rcpt", DROP),
    "data-451": at("data", "451 4.3.0 later"),
    "lost-in-content": lost_in_content,
    "end-451": at("end", "451 4.3.0 later"),
}

# The second server is not asked: it was refused for good ...
NEVER = {
    "mail-550": at("mail", "550 5.7.1 not from you"),
    "rcpt-550": at("rcpt", "550 5.1.1 unknown"),
    "data-554": at("data", "554 5.6.0 no"),
    "end-554": at("end", "554 5.7.1 spam"),
}

# ... or the first one may have it.
IN_DOUBT = {
    "end-drop": at("end", DROP),
    "end-silent": at("end", SILENT),
    "end-nonsense": at("end", b"+OK\r\n"),
}


def half(stage, argument, session):
    """Takes one recipient, not the other one, and not the third one ever."""
    if stage != "rcpt":
        return None
    return {"later": "450 4.2.1 greylisted", "never": "550 5.1.1 unknown"}.get(argument.split("<")[1].split("@")[0])


OTHERS = {"half": half, "both-later": at("rcpt", "450 4.2.1 the first one's word")}
FIRST = {name: script for cases in (NEXT, NEVER, IN_DOUBT, OTHERS) for name, script in cases.items()}


class NextServer(RelayTest):
    retry = "min_retry: 10m, max_retry: 10m"  # so that what arrives was delivered in the first attempt

    @classmethod
    def setUpClass(cls):
        hosts = {"second": SECOND}
        hosts.update({name: f"127.0.1.{i + 1}" for i, name in enumerate(FIRST)})
        hosts.update({f"many{i}": f"127.0.2.{i + 1}" for i in range(LIMIT + 2)})
        hosts.update({"home1": "127.0.3.1", "home2": "127.0.3.2", "busy": "127.0.3.3", "plain": "127.0.3.4"})
        refused = []

        def home(stage, argument, session):
            """Whichever comes first is busy."""
            if stage == "connect" and not refused:
                refused.append(session)
                return "421 4.3.2 not now"
            return None

        def second(stage, argument, session):
            return "450 4.2.1 the second one's word" if stage == "rcpt" and "both-later" in argument else None

        scripts = {**FIRST, "home1": home, "home2": home, "busy": at("connect", "421 4.3.2 not now"), "second": second}
        scripts.update({f"many{i}": at("connect", "421 4.3.2 not now") for i in range(LIMIT + 2)})
        zones = {"hosts.test": "".join(f"{name} IN A {address}\n" for name, address in hosts.items() if "home" not in name)}
        zones["hosts.test"] += "home IN A 127.0.3.1\nhome IN A 127.0.3.2\n"
        for name in FIRST:
            zones[f"{name}.test"] = f"@ IN MX 10 {name}.hosts.test.\n@ IN MX 20 second.hosts.test.\n"
        zones["many.test"] = "".join(f"@ IN MX {10 * (i + 1)} many{i}.hosts.test.\n" for i in range(LIMIT + 2))
        zones["multihomed.test"] = "@ IN MX 10 home.hosts.test.\n"
        try:
            names = cls.enterClassContext(NameServer(zones))
        except peers.Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.servers = servers_on_one_port(hosts, scripts)
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        cls.second = cls.servers["second"]
        cls.settings = (f'dns: {{forwarders: ["{names.address}"]}}, smtp_port: {cls.second.port}, servers_per_attempt: {LIMIT}')
        super().setUpClass()
        for domain in zones.keys() - {"hosts.test"}:
            cls.relay_for(domain)

    def asked_second(self, domain):
        return any(domain in line for session in list(self.second.sessions) for line in list(session.log))

    def test_the_next_server_gets_what_the_first_one_does_not_take_now(self):
        before = self.mesh.metric("outbound_relay", "mailmesh_delivery_next_servers_total")
        for name in NEXT:
            # Of a small one the end would be on its way before the loss is seen.
            octets = messages.simple(f"next-{name}") + (LINE * 200_000 if name == "lost-in-content" else b"")
            self.send(f"next-{name}", f"anna@{name}.test", f"bert@{name}.test", octets=octets)
        for name in NEXT:
            with self.subTest(name):
                self.wait_received(self.second, f"next-{name}")
                self.wait_gone(f"{name}.test")
                taken = [m for m in self.second.messages if f"Subject: next-{name}\r\n".encode() in m[2]]
                self.assertEqual(sorted(taken[0][1]), [f"anna@{name}.test", f"bert@{name}.test"])
                self.assertEqual(len(self.servers[name].messages), 0)
                self.assertEqual(len(self.servers[name].sessions), 1)
        told = [name for name in NEXT for m in self.origin.messages if f"@{name}.test".encode() in m[2]]
        self.assertEqual(told, [])
        more = self.mesh.metric("outbound_relay", "mailmesh_delivery_next_servers_total") - before
        self.assertGreaterEqual(more, len(NEXT))
        print(f"\n    {len(NEXT)} failures of a first server, each delivered once at the second, in the same attempt", flush=True)

    def test_each_recipient_once(self):
        self.send("half", "now@half.test", "later@half.test", "never@half.test")
        self.wait_gone("half.test")
        self.assertEqual([m[1] for m in self.servers["half"].messages], [["now@half.test"]])
        self.assertEqual([m[1] for m in self.second.messages if b"Subject: half\r\n" in m[2]], [["later@half.test"]])
        report = self.notification("never@half.test")
        self.assertIn("\r\nRemote-MTA: dns; half.hosts.test\r\n", report)
        self.assertNotIn("later@half.test", report)

    def test_a_refusal_for_good_is_that_of_all(self):
        for name in NEVER:
            self.send(f"never-{name}", f"bert@{name}.test")
        for name in NEVER:
            with self.subTest(name):
                self.notification(f"bert@{name}.test")
                self.wait_gone(f"{name}.test")
                self.assertFalse(self.asked_second(f"{name}.test"))

    def test_what_a_server_may_have_goes_to_no_other_one(self):
        for name in IN_DOUBT:
            self.send(f"doubt-{name}", f"bert@{name}.test")
        for name in IN_DOUBT:
            with self.subTest(name):
                row = self.wait_tried(f"{name}.test")[f"bert@{name}.test"]
                self.assertEqual(row["state"], "queued")
                self.assertFalse(self.asked_second(f"{name}.test"))

    def test_what_no_server_takes_waits(self):
        self.send("both-later", "bert@both-later.test")
        row = self.wait_tried("both-later.test")["bert@both-later.test"]
        self.assertEqual(row["state"], "queued")
        self.assertIn("the second one's word", row["last_reply"])
        self.assertEqual(row["next_hop"], "second.hosts.test")

    def test_not_more_servers_than_an_attempt_may_ask(self):
        self.send("many", "bert@many.test")
        row = self.wait_tried("many.test")["bert@many.test"]
        self.assertEqual(row["state"], "queued")
        asked = [len(self.servers[f"many{i}"].sessions) for i in range(LIMIT + 2)]
        self.assertEqual(asked, [1] * LIMIT + [0] * 2)

    def test_the_other_address_of_the_same_host(self):
        self.send("multihomed", "bert@multihomed.test")
        homes = [self.servers["home1"], self.servers["home2"]]
        wait_until(lambda: sum(home.received("multihomed") for home in homes) == 1, "it arrives", 30)
        self.assertEqual([len(home.sessions) for home in homes], [1, 1])

    def test_the_next_hops_of_a_route(self):
        self.relay_for("routed.test", self.servers["busy"].address, self.second.address)
        self.send("routed", "bert@routed.test")
        self.wait_received(self.second, "routed")

    def test_a_server_that_offers_more(self):
        """The first one has no SMTPUTF8, which this message cannot do without."""
        self.servers["plain"].extensions = ["PIPELINING", "8BITMIME"]
        self.relay_for("utf8.test", self.servers["plain"].address, self.second.address)
        self.send("utf8", "bert@utf8.test", octets=messages.utf8_header(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        wait_until(lambda: any(m[1] == ["bert@utf8.test"] for m in list(self.second.messages)), "it arrives", 30)
        self.assertEqual(len(self.servers["plain"].messages), 0)
