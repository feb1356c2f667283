"""What operators do with the queue, and what one destination costs the others."""
import time

from tests.integration.relay.fixture import SENDER, RelayTest
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer


class Operators(RelayTest):
    settings = "connection_idle: 0s"

    def blocked(self, domain):
        """A server that puts everything off until `server.script` says otherwise."""
        server = SmtpServer(script=lambda stage, a, s: "450 4.2.1 later" if stage == "rcpt" else None)
        self.addCleanup(server.close)
        self.relay_for(domain, server.address)
        return server

    def change(self, *command, check=True):
        return self.mesh.run("queue", *command, "-o", "json", check=check)

    def test_hold_release_delete(self):
        server = self.blocked("hold.test")
        for name in ("one", "two", "three"):
            self.send(name, f"{name}@hold.test")
        wait_until(lambda: len(self.items("hold.test")) == 3, "three wait")
        wait_until(lambda: self.change("hold", "--domain", "hold.test", check=False).returncode == 0, "all are held")
        self.assertEqual(len(self.mesh.json("queue", "list", "--held", "--domain", "hold.test")), 3)
        ids = {row["recipients"]: row["queue_id"] for row in self.items("hold.test")}
        self.assertEqual([r["state"] for r in self.mesh.json("queue", "show", ids["one@hold.test"])], ["held"])
        server.script = lambda stage, a, s: None
        # Not even a flush moves what is held.
        self.mesh.run("queue", "flush")
        time.sleep(2.5)
        self.assertEqual(len(self.items("hold.test")), 3)
        self.assertEqual(server.messages, [])
        self.assertIn('"1"', self.change("release", ids["one@hold.test"]).stdout)
        self.wait_received(server, "one")
        self.assertIn('"1"', self.change("delete", ids["two@hold.test"]).stdout)
        self.change("delete", "--notify", ids["three@hold.test"])
        self.wait_gone("hold.test")
        report = self.notification("three@hold.test")
        self.assertIn("Status: 5.7.0", report)
        self.assertEqual([m for m in self.origin.messages if b"two@hold.test" in m[2]], [])
        self.assertEqual([server.received(n) for n in ("one", "two", "three")], [1, 0, 0])
        self.assertEqual(self.change("release", ids["two@hold.test"], check=False).returncode, 1)

    def test_reroute_and_back(self):
        server = self.blocked("old.test")
        other = SmtpServer()
        self.addCleanup(other.close)
        self.send("moved", "bert@old.test")
        self.wait_tried("old.test")
        wait_until(lambda: self.change("reroute", "--domain", "old.test", "--to", other.address, check=False).returncode == 0, "rerouted")
        self.wait_received(other, "moved")
        self.wait_gone("old.test")
        self.assertEqual(server.messages, [])
        closed = SmtpServer()
        closed.close()
        self.send("returned", "bert@old.test")
        self.wait_tried("old.test")
        wait_until(lambda: self.change("reroute", "--domain", "old.test", "--to", closed.address, check=False).returncode == 0, "rerouted")
        wait_until(lambda: "4.4.1" in self.recipients("old.test")["bert@old.test"]["last_reply"], "tried the other way")
        server.script = lambda stage, a, s: None
        wait_until(lambda: self.change("reroute", "--domain", "old.test", "--back", check=False).returncode == 0, "rerouted back")
        self.wait_received(server, "returned")
        self.assertEqual(self.change("reroute", "--all", "--to", "no-port", check=False).returncode, 1)

    def test_selections(self):
        self.blocked("pick.test")
        self.send("young", "young@pick.test")
        wait_until(lambda: len(self.items("pick.test")) == 1, "it waits")
        self.assertEqual(self.mesh.json("queue", "list", "--domain", "pick.test", "--older-than", "1h"), [])
        self.assertEqual(len(self.mesh.json("queue", "list", "--domain", "pick.test", "--sender", SENDER)), 1)
        self.assertEqual(len(self.mesh.json("queue", "list", "--domain", "pick.test", "--sender", "origin.test")), 1)
        self.assertEqual(self.mesh.json("queue", "list", "--domain", "pick.test", "--sender", "<>"), [])
        refused = self.change("delete", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nothing is selected", refused.stderr)
        self.assertIn("no time", self.change("delete", "--older-than", "soon", check=False).stderr)
        wait_until(lambda: self.change("delete", "--domain", "pick.test", "--sender", SENDER, check=False).returncode == 0, "deleted")
        self.assertEqual(self.items("pick.test"), [])

    def test_a_destination_that_is_down_costs_its_own_mail_only(self):
        # It takes connections and says nothing: the worst kind, each attempt lasts until the time-out.
        import socket
        silent = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.addCleanup(silent.close)
        self.relay_for("dead.test", f"127.0.0.1:{silent.getsockname()[1]}")
        live = SmtpServer()
        self.addCleanup(live.close)
        self.relay_for("live.test", live.address)

        def seconds(count, prefix):
            started = time.monotonic()
            for i in range(count):
                self.send(f"{prefix}-{i}", "bert@live.test")
            wait_until(lambda: sum(f"Subject: {prefix}-".encode() in m[2] for m in list(live.messages)) == count, "all are there", 60)
            return time.monotonic() - started

        alone = seconds(100, "alone")
        for i in range(300):
            self.send(f"dead-{i}", "bert@dead.test")
        attempts = self.mesh.metric("outbound_relay", "mailmesh_delivery_attempts_total")
        beside = seconds(100, "beside")
        attempts = self.mesh.metric("outbound_relay", "mailmesh_delivery_attempts_total") - attempts - 100
        self.assertEqual(len(self.items("dead.test")), 300)
        print(f"\n    100 messages: {alone:.2f} s alone, {beside:.2f} s beside 300 for a destination that is down "
              f"({attempts:.0f} attempts on it meanwhile)", flush=True)
        self.assertLess(beside, 2 * alone + 2)
        self.assertLess(attempts, 20)
        self.mesh.run("queue", "delete", "--domain", "dead.test", check=False)

    def test_concurrency_is_what_the_server_takes(self):
        # Five connections and no more: the sixth is refused.
        def script(stage, argument, session):
            return "421 4.7.0 too many connections" if stage == "connect" and server.open > 5 else None

        server = SmtpServer(script=script, latency=0.05)
        self.addCleanup(server.close)
        self.relay_for("narrow.test", server.address)
        for i in range(120):
            self.send(f"narrow-{i}", "bert@narrow.test")
        self.wait_gone("narrow.test", 60)
        self.assertEqual(len(server.messages), 120)
        print(f"\n    120 messages, {len(server.sessions)} connections, at most {server.most_open} at once", flush=True)
        self.assertGreater(server.most_open, 2)
