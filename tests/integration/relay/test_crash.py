"""kill -9 of the relay under load: every message arrives, and twice only what was under way at a kill."""
import collections
import re
import time

from tests.integration.relay.fixture import RelayTest
from tests.support.ports import wait_until
from tests.support.scripted import SmtpServer

MESSAGES = 400
KILLS = 4
WINDOW = 20


class Crash(RelayTest):
    settings = f"max_connections_per_destination: {WINDOW}"

    def test_nothing_is_lost_and_doubles_are_bounded(self):
        sink = SmtpServer(latency=0.01)
        self.addCleanup(sink.close)
        self.relay_for("sink.test", sink.address)
        kills = 0
        for i in range(MESSAGES):
            self.send(f"crash-{i}", "bert@sink.test")
            if (i + 1) % (MESSAGES // KILLS) == 0:
                self.mesh.kill_role("outbound_relay")
                kills += 1
                self.mesh.wait_all_serving()
                time.sleep(0.1)
        self.mesh.run("queue", "flush")
        wait_until(lambda: not self.items("sink.test"), "the queue is empty", 60)
        counts = collections.Counter(int(re.search(rb"Subject: crash-(\d+)", m[2]).group(1)) for m in sink.messages)
        missing = [i for i in range(MESSAGES) if counts[i] == 0]
        doubled = sum(n - 1 for n in counts.values())
        self.assertEqual(missing, [])
        self.assertLessEqual(doubled, kills * WINDOW)
        print(f"\n    {MESSAGES} acknowledged, {kills} kills, 0 missing, {doubled} sent twice (at most {kills * WINDOW} may be)", flush=True)
