"""How long a session may last, and how it ends: slow clients, ones that do nothing, ones that an operator ends."""
import threading
import time
import unittest

from tests.integration.smtp.fixture import Site, message
from tests.support.slow import drip


class Times(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site(settings="command_timeout: 2s\ndata_timeout: 2s\ntransaction_timeout: 5s\n"))

    def connect(self, listener="mx", hello=True):
        client = self.site.client(listener, hello)
        self.addCleanup(client.close)
        return client

    # RFC 5321, 4.5.3.2.7: for a command, not for each of its octets.
    def test_a_command_that_never_ends(self):
        said, took = drip(self.connect().socket, b"x")
        self.assertRegex(said, rb"^421 4\.4\.2 .*\r\n$")
        self.assertTrue(1.5 < took < 5, took)

    def test_a_handshake_that_never_ends(self):
        client = self.connect("submissions", hello=False)
        client.raw(b"\x16\x03\x01\x02\x00")  # a record of 512 octets
        _, took = drip(client.socket, b"\x00")
        self.assertTrue(1.5 < took < 5, took)

    def test_commands_without_a_message(self):
        client = self.connect()
        begin = time.monotonic()
        code = 250
        while code == 250 and time.monotonic() - begin < 15:
            code = client.command("NOOP")[0]
            time.sleep(0.1)
        self.assertEqual(code, 421)
        self.assertTrue(4 < time.monotonic() - begin < 9, time.monotonic() - begin)
        self.assertTrue(client.ended())

    def test_each_message_gives_time_again(self):
        client = self.connect()
        begin = time.monotonic()
        while time.monotonic() - begin < 8:
            self.assertEqual(client.transaction(message("again"))[0], 250)
            time.sleep(1)
        client.expect("QUIT", 221)

    def test_a_content_that_stops(self):
        client = self.connect()
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.expect("RCPT TO:<anna@a.test>", 250)
        client.expect("DATA", 354)
        client.raw(b"Subject: x\r\n")
        begin = time.monotonic()
        self.assertEqual(client.file.read(1), b"", "within a content there is nothing to say")
        self.assertTrue(1.5 < time.monotonic() - begin < 5)

    def test_a_slow_content_is_taken(self):
        client = self.connect()
        client.expect("MAIL FROM:<s@b.test>", 250)
        client.expect("RCPT TO:<bert@a.test>", 250)
        client.expect("DATA", 354)
        self.assertEqual(drip(client.socket, b"Subject: slow\r\n\r\nslow\r\n", 4)[0], b"")
        client.socket.settimeout(30)
        client.raw(b"\r\n.\r\n")
        self.assertEqual(client.reply()[0], 250)


class Kicks(unittest.TestCase):
    """`mailmesh session kick` ends a session with 421 at once, also in the middle of a content: nothing of that was acknowledged, and
    nothing of it stays."""

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def submitter(self):
        client = self.site.submitter("anna")
        self.addCleanup(client.close)
        return client

    def kick(self):
        self.assertEqual(self.site.tool("session", "kick", "--account", "anna@a.test", "-o", "json").count('"1"'), 1)

    def begin(self, client):
        client.expect("MAIL FROM:<anna@a.test>", 250)
        client.expect("RCPT TO:<bert@a.test>", 250)

    def test_between_commands(self):
        client = self.submitter()
        self.begin(client)
        self.kick()
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())

    def test_within_data(self):
        client = self.submitter()
        self.begin(client)
        client.expect("DATA", 354)
        client.raw(b"Subject: kicked\r\n\r\nbefore")
        self.kick()
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())
        self.assertEqual(self.site.inbox("bert"), [])

    def test_within_a_chunk(self):
        client = self.submitter()
        self.begin(client)
        client.raw(b"BDAT 20\r\nSubject: c")
        self.kick()
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())
        self.assertEqual(self.site.inbox("bert"), [])

    def test_within_a_content_that_never_pauses(self):
        client = self.submitter()
        self.begin(client)
        client.expect("DATA", 354)
        client.raw(b"Subject: flood\r\n\r\n")
        self.kick()
        begin = time.monotonic()
        with self.assertRaises(OSError):
            while time.monotonic() - begin < 30:
                client.raw(b"x" * 70 + b"\r\n")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(self.site.inbox("bert"), [])

    def test_password_and_disabling_end_sessions(self):
        self.site.add_account("cleo")
        for command in (("account", "password", "cleo@a.test", "--password-stdin"), ("account", "disable", "cleo@a.test")):
            client = self.site.submitter("cleo")
            self.addCleanup(client.close)
            said = self.site.tool(*command, "-o", "json", input="correct horse\n")
            self.assertIn('"sessions_ended":"1"', said.replace(" ", ""))
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())


class Drain(unittest.TestCase):
    """SIGTERM ends sessions with 421, but none between MAIL and the reply to its content, where its client goes on."""

    def setUp(self):
        self.site = self.enterContext(Site())

    def client(self, *commands):
        client = self.site.client()
        for command, code in commands:
            client.expect(command, code)
        return client

    def test_a_transaction_is_finished_first(self):
        mail, rcpt, data = ("MAIL FROM:<s@b.test>", 250), ("RCPT TO:<anna@a.test>", 250), ("DATA", 354)
        steps = [mail, rcpt, data]
        clients = [self.client(*steps[:done]) for done in range(4)]
        chunks = self.client(mail, rcpt)
        half, rest = message("chunked")[:30], message("chunked")[30:]
        chunks.raw(f"BDAT {len(half)}\r\n".encode() + half)
        self.assertEqual(chunks.reply()[0], 250)
        silent = self.client(mail)
        process = self.site.processes["smtp_ingress"]
        process.terminate()
        idle = clients.pop(0)
        self.assertEqual(idle.reply()[0], 421)
        self.assertTrue(idle.ended())
        for done, client in enumerate(clients, 1):
            for command, code in steps[done:]:
                client.expect(command, code)
            client.raw(message(f"drained-{done}") + b".\r\n")
            self.assertEqual(client.reply()[0], 250)
            self.assertEqual(client.reply()[0], 421)
            self.assertTrue(client.ended())
        chunks.raw(f"BDAT {len(rest)} LAST\r\n".encode() + rest)
        self.assertEqual(chunks.reply()[0], 250)
        self.assertEqual(chunks.reply()[0], 421)
        # One that says nothing holds nobody up, and is told.
        self.assertEqual(silent.reply()[0], 421)
        self.assertEqual(process.wait(15), 0)
        self.assertEqual(len(self.site.inbox("anna")), 4)

    def test_one_that_is_never_between_two_transactions_with_nothing_more_to_say(self):
        """Its input is used up within a transaction only: it is told all the same, behind the reply to a content."""
        client = self.client(("MAIL FROM:<s@b.test>", 250), ("RCPT TO:<anna@a.test>", 250))
        octets = message("pipelined")
        turn = b"BDAT %d LAST\r\n" % len(octets) + octets + b"MAIL FROM:<s@b.test>\r\nRCPT TO:<anna@a.test>\r\n"
        process = self.site.processes["smtp_ingress"]
        process.terminate()
        begin, accepted, codes = time.monotonic(), 0, []
        while 421 not in codes:
            client.raw(turn)
            codes = [client.reply()[0]]
            self.assertEqual(codes, [250], "a content whose transaction was begun")
            accepted += 1
            while len(codes) < 3 and 421 not in codes:
                codes.append(client.reply()[0])
        self.assertLess(time.monotonic() - begin, 5, "the last call would come after 8 s")
        self.assertEqual(codes, [250, 421])
        self.assertTrue(client.ended())
        self.assertEqual(process.wait(15), 0)
        self.assertEqual(len(self.site.inbox("anna")), accepted)

    def test_one_that_pipelines_without_end_loses_no_reply(self):
        client = self.client()
        octets = message("flood")
        turn = b"MAIL FROM:<s@b.test>\r\nRCPT TO:<anna@a.test>\r\nBDAT %d LAST\r\n" % len(octets) + octets
        told, cut = threading.Event(), []

        def send():
            try:
                while not told.is_set():
                    client.raw(turn)
                    # Faster than they are served, and yet less than what is read away at the end.
                    time.sleep(0.0005)
            except OSError as error:
                cut.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        codes = [client.reply()[0] for _ in range(30)]
        process = self.site.processes["smtp_ingress"]
        process.terminate()
        while codes[-1] == 250:
            codes.append(client.reply()[0])
        told.set()
        sender.join()
        self.assertEqual(codes.pop(), 421)
        self.assertEqual(client.file.read(), b"")
        self.assertEqual(cut, [], "an end, and no reset")
        client.close()
        self.assertEqual(process.wait(15), 0)
        self.assertEqual(len(codes) % 3, 0, "between two transactions")
        self.assertEqual(len(self.site.inbox("anna")), len(codes) // 3)

    def test_a_content_that_does_not_come_to_its_end_hears_the_last_call(self):
        client = self.client(("MAIL FROM:<s@b.test>", 250), ("RCPT TO:<anna@a.test>", 250), ("DATA", 354))
        client.raw(b"Subject: endless\r\n\r\n")
        process = self.site.processes["smtp_ingress"]
        begin = time.monotonic()
        process.terminate()
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(5 < time.monotonic() - begin < 10, "the drain's window is 10 s, its last call 2 s before")
        self.assertTrue(client.ended())
        self.assertEqual(process.wait(15), 0)
        self.assertEqual(self.site.inbox("anna"), [])


if __name__ == "__main__":
    unittest.main()
