"""What time does to mail that cannot be delivered: reports of delay, and the end."""
import socket

from tests.integration.relay.fixture import RelayTest
from tests.support.ports import wait_until


class Ages(RelayTest):
    settings = "delay_warning: 3s, max_age: 8s"

    def test_a_destination_that_is_never_tried_is_told_of_all_the_same(self):
        # The first of them uses up the attempts: a server that accepts and says nothing.
        silent = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.addCleanup(silent.close)
        self.relay_for("late.test", f"127.0.0.1:{silent.getsockname()[1]}")
        users = ["a", "b", "c", "d", "e", "f"]
        for user in users:
            self.send(f"late-{user}", f"{user}@late.test")

        def reports(user, action):
            return [m for m in list(self.origin.messages) if f"{user}@late.test".encode() in m[2] and f"Action: {action}".encode() in m[2]]

        for user in users:
            with self.subTest(user):
                wait_until(lambda user=user: reports(user, "failed"), "the report of failure", 40)
                delayed, failed = reports(user, "delayed"), reports(user, "failed")
                self.assertEqual((len(delayed), len(failed)), (1, 1))
                self.assertIn(b"Will-Retry-Until:", delayed[0][2])
                self.assertIn(b"Status: 4.4.7", failed[0][2])
        self.wait_gone("late.test")
