"""Many clients in one mailbox: each that believes what it is told knows the mailbox; and what they see when roles go away."""
import random
import re
import select
import signal
import threading
import time
import unittest

from tests.integration.imap.fixture import PASSWORD, Client, Site, message
from tests.support.ports import wait_until


class Model:
    """Keeps (UID, flags) by number as the untagged responses say (RFC 3501, 7), and complains where they contradict it."""

    def __init__(self, client):
        self.client = client
        self.messages = []
        lines = client.ok("SELECT INBOX")
        for line in lines:
            self.apply(line, None)

    def apply(self, line, verb):
        if match := re.fullmatch(r"\* (\d+) EXISTS", line):
            count = int(match[1])
            assert count >= len(self.messages), f"EXISTS shrinks: {line}"
            self.messages += [[None, None] for _ in range(count - len(self.messages))]
        elif match := re.fullmatch(r"\* (\d+) EXPUNGE", line):
            number = int(match[1])
            assert 1 <= number <= len(self.messages), f"{line} of {len(self.messages)}"
            assert verb not in ("FETCH", "STORE", "SEARCH"), f"{line} within {verb}"
            del self.messages[number - 1]
        elif match := re.fullmatch(r"\* (\d+) FETCH \((?:UID (\d+) ?)?(?:FLAGS \(([^)]*)\))?\)", line):
            number = int(match[1])
            assert 1 <= number <= len(self.messages), f"{line} of {len(self.messages)}"
            known = self.messages[number - 1]
            if match[2]:
                assert known[0] in (None, int(match[2])), f"{line}: was UID {known[0]}"
                known[0] = int(match[2])
            if match[3] is not None:
                known[1] = set(match[3].split()) - {"\\Recent"}
        else:
            assert re.match(r"\* (\d+ RECENT|FLAGS |OK |SEARCH)", line), line

    def command(self, text):
        verb = text.split()[0]
        lines, tagged = self.client.command(text)
        for line in lines:
            self.apply(line, verb)
        assert not tagged.startswith("BAD"), f"{text}: {tagged}"
        return lines, tagged


class Concurrency(unittest.TestCase):
    def test_clients_that_believe_know_the_mailbox(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        with Site(gateways=2) as site:
            failures = []

            def work(index):
                try:
                    rng = random.Random(seed + index)
                    client = site.client(gateway=site.names[index % 2])
                    model = Model(client)
                    end = time.monotonic() + 6
                    while time.monotonic() < end:
                        self.step(rng, model)
                    models[index] = model
                except Exception as error:  # noqa: BLE001: shown below
                    failures.append(f"client {index}: {error!r}")

            models = {}
            threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertFalse(failures)
            truth = site.client()
            want = Model(truth)
            if want.messages:
                want.command("UID FETCH 1:* (FLAGS)")

            def same(model):
                model.command("NOOP")
                if len(model.messages) != len(want.messages):
                    return False
                # What it was never told of it may ask for; what it was told must be right.
                return all(uid in (None, real[0]) and flags in (None, real[1])
                           for (uid, flags), real in zip(model.messages, want.messages))

            for index, model in models.items():
                wait_until(lambda m=model: same(m), f"client {index} knows the mailbox: {model.messages} {want.messages}", 10)

    def step(self, rng, model):
        count = len(model.messages)
        number = rng.randint(1, count) if count else 0
        kind = rng.choice(["append", "flags", "flags", "silent", "expunge", "fetch", "fetch", "uid", "noop", "search", "move"])
        if kind == "append" or not number:
            lines, tagged = model.client.append("INBOX", message("x"))
            for line in lines:
                model.apply(line, "APPEND")
            assert tagged.startswith("OK"), tagged
        elif kind == "flags":
            model.command(f"STORE {number} {rng.choice('+-')}FLAGS ({rng.choice(['Flagged', 'Seen', 'Deleted', 'Draft'])})".replace("(", "(\\"))
        elif kind == "silent":
            sign = rng.choice("+-")
            lines, tagged = model.command(f"STORE {number} {sign}FLAGS.SILENT (\\Answered)")
            # The client takes it as done only where the server said so; what it knew before is then out of date.
            if number <= len(model.messages) and model.messages[number - 1][1] is not None and tagged.startswith("OK"):
                flags = model.messages[number - 1][1]
                if not any(line.startswith(f"* {number} FETCH") for line in lines):
                    (flags.add if sign == "+" else flags.discard)("\\Answered")
        elif kind == "expunge":
            model.command("EXPUNGE")
        elif kind == "fetch":
            model.command(f"FETCH {number}:* (UID FLAGS)")
        elif kind == "uid":
            model.command(f"UID FETCH {rng.randint(1, 50)}:* (FLAGS)")
        elif kind == "noop":
            model.command("NOOP")
        elif kind == "search":
            model.command("SEARCH UNSEEN")
        elif kind == "move" and rng.random() < 0.3:
            model.command(f"MOVE {number} INBOX")


class Outages(unittest.TestCase):
    def test_a_store_that_restarts_keeps_the_sessions(self):
        with Site() as site:
            one, two = site.client(), site.client()
            one.append("INBOX", message("before"))
            one.ok("SELECT INBOX")
            two.ok("SELECT INBOX")
            site.end("mailbox_store", signal.SIGKILL)
            # What the view knows is answered; what needs the store is temporary.
            self.assertTrue(one.ok("FETCH 1 FLAGS"))
            start = time.monotonic()
            self.assertTrue(one.command("STORE 1 +FLAGS (\\Seen)")[1].startswith("NO [UNAVAILABLE]"))
            self.assertLess(time.monotonic() - start, 15)
            self.assertTrue(one.command("FETCH 1 BODY.PEEK[]")[1].startswith("NO [UNAVAILABLE]"))
            tag = two.send("IDLE")
            two.line()
            site.start("mailbox_store")
            wait_until(lambda: one.command("STORE 1 +FLAGS (\\Seen)")[1].startswith("OK"), "STORE works again")
            self.assertEqual(two.line(10), "* 1 FETCH (FLAGS (\\Seen))")
            self.assertTrue(one.append("INBOX", message("after"))[1].startswith("OK"))
            self.assertEqual(two.line(10), "* 2 EXISTS")
            two.raw(b"DONE\r\n")
            two.until(tag)

    def test_a_command_waits_for_a_short_restart(self):
        with Site() as site:
            one = site.client()
            site.end("mailbox_store", signal.SIGKILL)
            starter = threading.Timer(1.0, lambda: site.start("mailbox_store"))
            starter.start()
            lines, tagged = one.append("INBOX", message("patient"))
            starter.join()
            self.assertTrue(tagged.startswith("OK"), tagged)

    def test_a_literal_goes_on_after_a_restart(self):
        with Site() as site:
            one = site.client()
            large = message("large", "0123456789abcdef" * 1_500_000).encode()
            one.append("INBOX", large)
            one.ok("SELECT INBOX")
            tag = one.send("FETCH 1 BODY.PEEK[]")
            head = one.file.readline()
            self.assertEqual(head, b"* 1 FETCH (BODY[] {%d}\r\n" % len(large))
            octets = one.file.read(1_000_000)
            site.end("mailbox_store", signal.SIGKILL)
            starter = threading.Timer(0.5, lambda: site.start("mailbox_store"))
            starter.start()
            octets += one.file.read(len(large) - len(octets))
            starter.join()
            self.assertTrue(octets == large)
            self.assertEqual(one.until(tag), ([")"], "OK Fetch completed."))

    def test_a_directory_that_is_away(self):
        with Site() as site:
            one = site.client(select="INBOX")
            site.end("directory", signal.SIGKILL)
            one.ok("NOOP")
            self.assertTrue(one.append("INBOX", message("x"))[1].startswith("OK"))
            other = Client(site.ports["imap_gateway"])
            self.addCleanup(other.close)
            self.assertTrue(other.command(f'LOGIN anna@a.test "{PASSWORD}"')[1].startswith("NO [UNAVAILABLE]"))
            site.start("directory")
            wait_until(lambda: other.command(f'LOGIN anna@a.test "{PASSWORD}"')[1].startswith("OK"), "log-in works again")

    def test_drain(self):
        with Site() as site:
            idle, selected = site.client(select="INBOX"), site.client(select="INBOX")
            idle.send("IDLE")
            idle.line()
            process = site.processes["imap_gateway"]
            process.terminate()
            self.assertTrue(idle.line(10).startswith("* BYE"))
            self.assertTrue(selected.line(10).startswith("* BYE"))
            self.assertEqual(process.wait(15), 0)

    def test_a_drain_takes_the_message_that_is_on_its_way(self):
        with Site() as site:
            whole, silent = site.client(select="INBOX"), site.client(select="INBOX")
            octets = message("drained").encode()
            for client in (whole, silent):
                client.raw(f"a APPEND INBOX {{{len(octets)}}}\r\n".encode())
                self.assertTrue(client.line().startswith("+ "))
                client.raw(octets[:20])
            idle = site.client(select="INBOX")
            process = site.processes["imap_gateway"]
            process.terminate()
            # Sessions are drained one after the other, in any order: this client goes on slowly until all of them are.
            rest = octets[20:]
            while not select.select([idle.socket], [], [], 0.5)[0]:
                whole.raw(rest[:1])
                rest = rest[1:]
            self.assertTrue(idle.line(10).startswith("* BYE"))
            whole.raw(rest + b"\r\n")
            lines = [whole.line(10)]
            while not lines[-1].startswith("* BYE"):
                lines.append(whole.line(10))
            self.assertTrue(lines[-2].startswith("a OK"), lines)
            # One that does not come to its end holds nobody up.
            self.assertTrue(silent.line(10).startswith("* BYE"))
            self.assertEqual(process.wait(15), 0)
            site.start("imap_gateway")
            self.assertIn("* STATUS INBOX (MESSAGES 1)", site.client().command("STATUS INBOX (MESSAGES)")[0])


if __name__ == "__main__":
    unittest.main()
