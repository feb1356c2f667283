"""How processes end, as their clients see it: the order of a drain for each role, what sessions may finish, how goodbyes are spread, and
that nobody is cut. The roles run by themselves, with listeners of their own, as in a pod."""
import collections
import signal
import smtplib
import socket
import threading
import time
import unittest
import urllib.error
import urllib.request

from tests.integration.imap.fixture import Client as ImapClient
from tests.integration.pop3.fixture import Client as Pop3Client
from tests.integration.smtp.fixture import Client as SmtpClient
from tests.support import messages, operator_call, scripted, steady
from tests.support.ports import free_ports, wait_until
from tests.support.site import PASSWORD, RoleSite

DELAY, WINDOW = 4, 10
SERVING, NOT_SERVING = 1, 2
# The listener by which clients find out; roles that have none are called by gRPC.
LISTENERS = {"smtp_ingress": "mx", "imap_gateway": "imap", "pop3_gateway": "pop3"}
PEERS = {"directory": (), "mailbox_store": ("directory",), "outbound_relay": ("directory",), "fetcher": ("directory",),
         "smtp_ingress": ("directory", "outbound_relay"), "imap_gateway": ("directory",), "pop3_gateway": ("directory",)}


class Site(RoleSite):
    """Every role. `delay` and `window` are those of all."""

    def __init__(self, delay=DELAY, window=WINDOW):
        super().__init__("mm-drain-")
        self.delay, self.window = delay, window

    def set_up(self):
        self.certificate()
        names = [*LISTENERS.values(), *PEERS]
        chosen = dict(zip(names, free_ports(len(names))))
        self.admin = {role: chosen[role] for role in PEERS}
        for role, listener in LISTENERS.items():
            self.ports[role] = self.ports[listener] = chosen[listener]
        self.write_directory()
        self.write_store()
        self.write("outbound_relay", f"hostname: mail.test\nspool: {{path: {self.dir}/relay.db, ballast_bytes: 0}}\n", ["directory"])
        self.write("fetcher", f"key_ring: {self.dir}/keys\n", ["directory"])
        for role, listener in LISTENERS.items():
            self.write(role, f"hostname: mail.test\n{listener}: {{listen: \"127.0.0.1:{chosen[listener]}\"}}\n"
                       f"tls: {{certificates: [{self.tls()}]}}\nauth: {{allow_plaintext_on_loopback: true}}\n", PEERS[role])
        self.start_all()
        self.tool("domain", "add", "a.test")

    def write(self, role, text, peers=(), admin=None):
        super().write(role, text, peers, f"127.0.0.1:{self.admin[role]}")
        path = self.dir / f"{role}.yaml"
        path.write_text(path.read_text().replace("common:\n", f"common:\n  drain: {{delay: {self.delay}s, window: {self.window}s}}\n", 1))

    def address(self, name):
        """As steady clients ask for it."""
        return "127.0.0.1", self.ports[name]

    # What others see of a role.

    def health(self, role):
        """grpc.health.v1: of the whole server; None where nobody answers."""
        try:
            answer, = operator_call.call(self.grpc(role), "grpc.health.v1.Health/Check", seconds=5)
        except operator_call.CallFailed:
            return None
        return operator_call.fields(answer)[1][0]

    def readyz(self, role):
        """(code, text); (0, "") where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[role]}/readyz", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, role, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[role]}/metrics", timeout=5) as response:
            for line in response.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)

    def takes(self, role):
        """Whether a new connection is taken, and greeted or answered."""
        if role in LISTENERS:
            try:
                with socket.create_connection(("127.0.0.1", self.ports[role]), 5) as connection:
                    return bool(connection.recv(1))
            except OSError:
                return False
        try:
            return bool(operator_call.call(self.grpc(role), "mailmesh.control.v1.ControlService/GetInfo", seconds=5))
        except operator_call.CallFailed:
            return False


class Watch(threading.Thread):
    """Asks again and again until the process is gone; `seen`: [(seconds since the signal, health, /readyz, new connections taken)]."""

    def __init__(self, site, role):
        super().__init__(daemon=True)
        self.site, self.role, self.seen = site, role, []
        self.process = site.processes[role]
        self.start_time = None

    def run(self):
        self.start_time = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            asked = time.monotonic() - self.start_time
            self.seen.append((asked, self.site.health(self.role), self.site.readyz(self.role), self.site.takes(self.role)))


class Order(unittest.TestCase):
    """Of SIGTERM, for each role."""

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())
        cls.site.add_account("anna")

    def keep_busy(self, role):
        """A session that lasts for a while after the listeners are closed."""
        if role == "smtp_ingress":
            client = SmtpClient(self.site.ports["mx"])
            client.hello("EHLO")
            client.expect("MAIL FROM:<x@elsewhere.test>", 250)
        elif role == "imap_gateway":
            client = ImapClient(self.site.ports["imap"])
            client.raw(b"a LOGIN anna@a.test ")
        elif role == "pop3_gateway":
            client = Pop3Client(self.site.ports["pop3"])
            client.log_in("anna")
        else:
            return
        self.addCleanup(client.close)

    def drain(self, role):
        wait_until(lambda: self.site.health(role) == SERVING and self.site.readyz(role)[0] == 200, f"{role} serves")
        self.keep_busy(role)
        watch = Watch(self.site, role)
        watch.start()
        watch.join(DELAY + WINDOW + 30)
        self.assertEqual(watch.process.returncode, 0, self.site.log(role)[-2000:])
        self.site.processes.pop(role)
        self.site.start(role)
        return watch.seen

    def test_order(self):
        for role in PEERS:
            with self.subTest(role):
                seen = self.drain(role)
                within = [row for row in seen if 0.3 < row[0] < DELAY - 0.8]
                self.assertGreater(len(within), 3, seen)
                for asked, health, ready, taken in within:
                    self.assertEqual((health, ready[0], taken), (NOT_SERVING, 200, True), f"{asked:.1f} s after SIGTERM")
                after = [row for row in seen if row[0] > DELAY + 0.3]
                if role in LISTENERS:
                    # The admin port is the last that closes; the process may take a moment more.
                    answered = [row for row in after if row[2][0] != 0]
                    self.assertGreater(len(answered), 0, seen)
                    self.assertEqual(after[:len(answered)], answered)
                    self.assertFalse(any(taken for *_, taken in after), after)
                    for asked, _, ready, _ in answered:
                        self.assertEqual((ready[0], "closing" in ready[1]), (503, True), f"{asked:.1f} s after SIGTERM")
                print(f"\n    {role}: {len(within)} looks within the delay: NOT_SERVING, ready, new ones taken; {len(after)} after it, "
                      f"gone {seen[-1][0]:.1f} s after SIGTERM", end="", flush=True)

    def test_a_second_signal_ends_at_once(self):
        for role in LISTENERS:
            self.keep_busy(role)
            process = self.site.processes.pop(role)
            process.send_signal(signal.SIGTERM)
            wait_until(lambda r=role: self.site.health(r) == NOT_SERVING, "it drains", step=0.01)
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 1)
            self.assertLess(time.monotonic() - begin, 1.5)
            self.site.start(role)


class Sessions(unittest.TestCase):
    def setUp(self):
        self.site = self.enterContext(Site(delay=1, window=WINDOW))
        self.site.add_account("anna")

    def test_goodbyes_are_spread(self):
        """IDLE sessions are told one after the other, over the first half of a short window."""
        count = 50
        clients = [ImapClient(self.site.ports["imap"]) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
            client.ok(f'LOGIN anna@a.test "{PASSWORD}"')
            client.ok("SELECT INBOX")
            client.send("IDLE")
            self.assertTrue(client.line().startswith("+ "))
        told, cut = {}, []

        def listen(number, client):
            try:
                line = client.line(60)
                (told.__setitem__(number, time.monotonic()) if line.startswith("* BYE [UNAVAILABLE]") else cut.append(line))
            except (OSError, EOFError) as error:
                cut.append(repr(error))

        threads = [threading.Thread(target=listen, args=entry) for entry in enumerate(clients)]
        for thread in threads:
            thread.start()
        begin = time.monotonic()
        process = self.site.processes.pop("imap_gateway")
        process.terminate()
        wait_until(lambda: len(told) > count // 2, "half of them are told")
        self.assertEqual(self.site.metric("imap_gateway", "mailmesh_draining"), 1)
        self.assertGreater(self.site.metric("imap_gateway", 'mailmesh_drain_sessions_closed_total{reason="told"}'), 0)
        for thread in threads:
            thread.join(60)
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(cut, [])
        times = sorted(t - begin - 1.0 for t in told.values())
        seconds = collections.Counter(int(t) for t in times)
        print(f"\n    {count} IDLE sessions told between {times[0]:.1f} and {times[-1]:.1f} s after the delay, by second: {dict(seconds)}; 0 cut", flush=True)
        self.assertEqual(len(times), count)
        # The window is 10 s, its first half is for telling: 10 a second.
        self.assertTrue(-0.2 < times[0] < 1.0 and 4.0 < times[-1] < 6.0, times)
        self.assertLessEqual(max(seconds.values()), 2 * count // 5)
        self.assertIn('told=50', self.site.log("imap_gateway").replace('"', ""))

    def test_nobody_is_cut_under_load(self):
        """Clients that come again and again, until nobody takes them: also those that come while the listeners close."""
        kinds = {"smtp_ingress": (steady.Smtp, 12), "imap_gateway": (steady.Imap, 8), "pop3_gateway": (steady.Pop3, 8)}
        self.site.add_account("smtp")
        table = []
        for role, (kind, count) in kinds.items():
            clients = []
            for number in range(count):
                if kind is steady.Smtp:
                    clients.append(kind(self.site, f"smtp{number}"))
                    continue
                user = f"{kind.endpoint}{number}"
                self.site.add_account(user)
                with smtplib.SMTP("127.0.0.1", self.site.ports["mx"]) as smtp:
                    self.assertEqual(smtp.sendmail("x@elsewhere.test", [f"{user}@a.test"], messages.simple("first", 20_000)), {})
                clients.append(kind(self.site, user, f"{user}@a.test", PASSWORD))
            for client in clients:
                client.start()
            wait_until(lambda c=clients: sum(client.sessions for client in c) > 20, "they work", 60)
            process = self.site.processes.pop(role)
            process.terminate()
            self.assertEqual(process.wait(40), 0)
            wait_until(lambda c=clients: all(client.refused for client in c), "the listener is closed")
            for client in clients:
                client.stop()
            for client in clients:
                client.join(60)
            cut = [entry for client in clients for entry in client.cut]
            table.append((role, sum(c.sessions for c in clients), sum(len(c.done) for c in clients), sum(c.told for c in clients), len(cut)))
            self.assertEqual(cut, [], role)
            self.assertEqual(sum((client.other for client in clients), collections.Counter()), {}, role)
            self.site.start(role)
        for row in table:
            print("\n    {}: {} sessions, {} transactions acknowledged, {} told between two, {} cut".format(*row), end="")
        print(flush=True)

    def test_a_session_that_begins_in_the_delay_is_told_goodbye(self):
        process = self.site.processes.pop("smtp_ingress")
        process.terminate()
        wait_until(lambda: self.site.health("smtp_ingress") == NOT_SERVING, "it drains", step=0.01)
        late = [SmtpClient(self.site.ports["mx"]) for _ in range(20)]
        for client in late:
            self.addCleanup(client.close)
            self.assertEqual(client.reply()[0], 220)
        for client in late:
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())
        self.assertEqual(process.wait(20), 0)


class RelayInFlight(unittest.TestCase):
    def test_a_message_whose_final_dot_was_sent_waits_for_its_reply(self):
        entered, go_on = threading.Event(), threading.Event()

        def script(stage, _argument, _session):
            if stage == "end":
                entered.set()
                go_on.wait(30)

        with Site(delay=0, window=WINDOW) as site, scripted.SmtpServer(script=script) as server:
            site.tool("domain", "add", "away.test", "--relay")
            site.tool("route", "add", "away.test", server.address)
            with smtplib.SMTP("127.0.0.1", site.ports["mx"]) as smtp:
                smtp.sendmail("x@elsewhere.test", ["bert@away.test"], messages.simple("first"))
                self.assertTrue(entered.wait(30))
                process = site.processes.pop("outbound_relay")
                process.terminate()
                time.sleep(1)
                # It is closing, and takes no message that it would have to begin.
                self.assertIsNone(process.poll())
            go_on.set()
            self.assertEqual(process.wait(20), 0)
            site.start("outbound_relay")
            wait_until(lambda: "[]" in site.tool("queue", "list", "-o", "json"), "nothing is queued")
            self.assertEqual(len(server.messages), 1)


if __name__ == "__main__":
    unittest.main()
