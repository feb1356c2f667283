"""Many destinations that do not answer hold no more than their share of the connections, and others do not wait for them."""
import time

from tests.integration.relay.fixture import RelayTest
from tests.support.ports import wait_until
from tests.support.scripted import SILENT, SmtpServer

CONNECTIONS = 20
DEAD = 40


class Crowd(RelayTest):
    # Whoever hangs, hangs for longer than the test.
    settings = f"max_connections: {CONNECTIONS}, command_timeout: 300s, connection_idle: 0s, delay_warning: 0s"

    def turns(self):
        lines = self.mesh.metrics("outbound_relay").splitlines()
        return {word: next(float(line.split()[1]) for line in lines if line.startswith(f'mailmesh_queue_turns{{destination="{word}"}}'))
                for word in ("up", "new", "waiting", "failing")}

    def send_to_live(self, subject, within):
        started = time.monotonic()
        self.send(subject, "bert@live.test")
        self.wait_received(self.live, subject)
        self.assertLess(time.monotonic() - started, within)

    def test_the_dead_hold_their_share_and_no_more(self):
        dead = SmtpServer(script=lambda stage, a, s: SILENT if stage == "connect" else None)
        self.addCleanup(dead.close)
        self.live = SmtpServer()
        self.addCleanup(self.live.close)
        self.relay_for("live.test", self.live.address)
        self.send_to_live("before", 10)
        for i in range(DEAD):
            self.relay_for(f"dead{i}.test", dead.address)
            self.send(f"dead{i}", f"bert@dead{i}.test")
        # New destinations: three quarters, each with one attempt.
        wait_until(lambda: dead.open == CONNECTIONS * 3 // 4, "their share is taken")
        # One that is known to be up goes on beside them.
        for i in range(5):
            self.send_to_live(f"beside-{i}", 5)
        self.assertEqual(dead.most_open, CONNECTIONS * 3 // 4)
        self.assertEqual(self.turns()["new"], CONNECTIONS * 3 // 4)
        # After a start nothing is known of anybody: what waits from before it has a half, and new mail does not wait for that.
        self.mesh.kill_role("outbound_relay")
        wait_until(lambda: dead.open == 0, "the old connections are gone")
        dead.most_open = 0
        wait_until(lambda: dead.open == CONNECTIONS // 2, "the backlog's share is taken", 60)
        self.send_to_live("after", 5)
        for i in range(5):
            self.send_to_live(f"after-{i}", 5)
        self.assertEqual(dead.most_open, CONNECTIONS // 2)
        self.assertEqual(self.turns()["waiting"], CONNECTIONS // 2)
        # Now they are known to be down: a quarter.
        dead.script = lambda stage, a, s: "421 4.3.2 not now" if stage == "connect" else None
        for session in list(dead.sessions):
            session.hang_up()
        wait_until(lambda: all(int(row["attempts"]) > 0 for row in self.mesh.json("queue", "list")), "all of them were tried", 60)
        dead.script = lambda stage, a, s: SILENT if stage == "connect" else None
        wait_until(lambda: dead.open == CONNECTIONS // 4, "the failing ones' share is taken", 60)
        time.sleep(3)  # longer than their back-off: no more of them may begin
        self.assertLessEqual(dead.open, CONNECTIONS // 4)
        self.send_to_live("at last", 5)
