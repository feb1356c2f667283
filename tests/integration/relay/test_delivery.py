"""The relay against servers that refuse, break off or talk nonsense at each stage of a transaction."""
import re
import time

from tests.integration.relay.fixture import SENDER, RelayTest
from tests.support import messages
from tests.support.ports import wait_until
from tests.support.scripted import DROP, SILENT, SmtpServer

LONG = b"250 " + b"x" * 100_000 + b"\r\n"
ENDLESS = b"250-more\r\n" * 20_000


def first_time(stage, action):
    """Does `action` the first time that `stage` comes, and well afterwards."""
    left = [action]
    return lambda at, argument, session: left.pop() if at == stage and left else None


# name: (stage, action): the first connection fails for the moment, the second one delivers.
TEMPORARY = {
    "greeting-421": ("connect", "421 4.3.2 not now"),
    "greeting-drop": ("connect", DROP),
    "greeting-silent": ("connect", SILENT),
    "greeting-nonsense": ("connect", b"SSH-2.0-OpenSSH_9.2\r\n"),
    "greeting-long": ("connect", LONG.replace(b"250", b"220", 1)),
    "greeting-endless": ("connect", ENDLESS.replace(b"250", b"220")),
    "ehlo-421": ("ehlo", "421 4.3.2 later"),
    "ehlo-drop": ("ehlo", DROP),
    "ehlo-long": ("ehlo", LONG),
    "ehlo-endless": ("ehlo", ENDLESS),
    "mail-451": ("mail", "451 4.3.0 later"),
    "mail-421": ("mail", "421 4.3.0 going away"),
    "mail-drop": ("mail", DROP),
    "rcpt-450": ("rcpt", "450 4.2.1 busy"),
    "rcpt-552": ("rcpt", "552 5.5.3 too many recipients"),
    "rcpt-421": ("rcpt", "421 4.3.0 going away"),
    "rcpt-drop": ("rcpt", DROP),
    "rcpt-nonsense": ("rcpt", b"+OK\r\n"),
    "data-451": ("data", "451 4.3.0 later"),
    "data-drop": ("data", DROP),
    "data-250": ("data", "250 2.0.0 what?"),
    "end-451": ("end", "451 4.3.0 later"),
    "end-421": ("end", "421 4.3.0 going away"),
    "end-drop": ("end", DROP),
    "end-silent": ("end", SILENT),
    "end-long": ("end", LONG),
}

# name: (stage, action): the message goes back to its sender with this status.
PERMANENT = {
    "greeting-554": ("connect", "554 5.3.2 no service", "5.3.2"),
    "mail-550": ("mail", "550 5.7.1 not from you", "5.7.1"),
    "rcpt-550": ("rcpt", "550 5.1.1 unknown", "5.1.1"),
    "rcpt-500": ("rcpt", "550 no enhanced code", "5.0.0"),
    "data-554": ("data", "554 5.6.0 no", "5.6.0"),
    "end-554": ("end", "554 5.7.1 spam", "5.7.1"),
    "end-552": ("end", "552 5.3.4 too large", "5.3.4"),
}

# name: (stage, action, extensions): it is delivered in spite of it, at once.
NO_MATTER = {
    "ehlo-502": ("ehlo", "502 5.5.1 old server"),
    "quit-drop": ("quit", DROP),
    "quit-421": ("quit", "421 4.0.0 whatever"),
}


class Stages(RelayTest):
    def setUp(self):
        self.servers = {}

    def tearDown(self):
        for server in self.servers.values():
            server.close()

    def add(self, name, script, **more):
        self.servers[name] = SmtpServer(script=script, **more)
        self.relay_for(f"{name}.test", self.servers[name].address)

    def test_temporary_failures_are_tried_again(self):
        for name, (stage, action) in TEMPORARY.items():
            self.add(name, first_time(stage, action))
        for name in TEMPORARY:
            self.send(name, f"bert@{name}.test")
        for name in TEMPORARY:
            with self.subTest(name):
                self.wait_received(self.servers[name], name, seconds=60)
                self.wait_gone(f"{name}.test")
        # None of it was told to anybody.
        told = [name for name in TEMPORARY for m in self.origin.messages if f"bert@{name}.test".encode() in m[2]]
        self.assertEqual(told, [])
        print(f"\n    {len(TEMPORARY)} failures for the moment, each delivered once afterwards", flush=True)

    def test_permanent_failures_go_back(self):
        for name, (stage, action, _) in PERMANENT.items():
            self.add("no-" + name, lambda at, a, s, stage=stage, action=action: action if at == stage else None)
        for name in PERMANENT:
            self.send("no-" + name, f"bert@no-{name}.test")
        for name, (_, _, status) in PERMANENT.items():
            with self.subTest(name):
                report = self.notification(f"bert@no-{name}.test")
                self.assertRegex(report, rf"\r\nFinal-Recipient: rfc822; bert@no-{name}\.test\r\n")
                self.assertRegex(report, rf"\r\nAction: failed\r\nStatus: {re.escape(status)}\r\n")
                self.wait_gone(f"no-{name}.test")
                self.assertEqual(len(self.servers["no-" + name].messages), 0)

    def test_what_does_not_matter(self):
        for name, (stage, action) in NO_MATTER.items():
            self.add(name, lambda at, a, s, stage=stage, action=action: action if at == stage else None)
            self.send(name, f"bert@{name}.test")
        for name in NO_MATTER:
            with self.subTest(name):
                self.wait_received(self.servers[name], name)
                self.wait_gone(f"{name}.test")

    def test_replies_that_come_octet_by_octet(self):
        self.add("split", None, split=True)
        self.send("split", "bert@split.test", "anna@split.test")
        self.wait_received(self.servers["split"], "split")
        self.assertEqual(sorted(self.servers["split"].messages[0][1]), ["anna@split.test", "bert@split.test"])

    def test_a_reply_that_drips_is_given_up(self):
        """Each octet comes in time, the reply never does."""
        def script(stage, argument, session):
            while stage == "ehlo" and session.number == 0:
                for octet in b"250-drip\r\n":
                    session.socket.sendall(bytes([octet]))
                    time.sleep(0.2)
            return None

        self.add("drip", script)
        self.send("drip", "bert@drip.test")
        self.wait_received(self.servers["drip"], "drip")
        self.assertGreater(len(self.servers["drip"].sessions), 1)

    # RFC 5321, 4.5.3.1.9: a server that has had enough says so, and may hang up, while the content still comes.
    def test_a_refusal_in_the_middle_of_the_content(self):
        ends = []

        def hangs_up(stage, argument, session):
            if stage != "data":
                return None
            session.send("354 go ahead")
            session.file.read(100_000)
            session.send("552 5.3.4 too large")
            return DROP

        def reads_on(stage, argument, session):
            answer = hangs_up(stage, argument, session)
            if answer is DROP:
                time.sleep(0.3)
                ends.append(session.file.read()[-5:])
            return answer

        def first_chunk(stage, argument, session):
            if stage != "bdat":
                return None
            session.send("552 5.3.4 too large")
            time.sleep(0.3)
            return b""

        for name, script, extension in (("hangs-up", hangs_up, "8BITMIME"), ("reads-on", reads_on, "8BITMIME"), ("first-chunk", first_chunk, "CHUNKING")):
            self.add(name, script, extensions=("PIPELINING", "8BITMIME", extension))
            self.send(name, f"bert@{name}.test", octets=messages.simple(name) + (b"x" * 76 + b"\r\n") * 200_000)
        for name in list(self.servers):
            with self.subTest(name):
                report = self.notification(f"bert@{name}.test")
                self.assertIn("\r\nStatus: 5.3.4\r\n", report)
                self.assertIn("\r\nDiagnostic-Code: smtp; 552 5.3.4 too large\r\n", report)
                self.assertEqual(len(self.servers[name].sessions), 1)
        # The end of the content was not sent any more.
        self.assertNotIn(b"\r\n.\r\n", ends)
        chunks = [line for session in self.servers["first-chunk"].sessions for line in session.log if line.startswith("BDAT")]
        self.assertFalse([line for line in chunks if line.endswith("LAST")])

    def test_some_recipients_of_many(self):
        answers = {"later": "450 4.2.1 busy", "never": "550 5.1.1 unknown"}

        def script(stage, argument, session):
            if stage != "rcpt":
                return None
            user = argument.split("<")[1].split("@")[0]
            return answers.get(user)

        self.add("some", script)
        self.send("some", *(f"{user}@some.test" for user in ("now", "later", "never", "too")))
        server = self.servers["some"]
        self.wait_received(server, "some")
        self.assertEqual(sorted(server.messages[0][1]), ["now@some.test", "too@some.test"])
        rows = self.wait_tried("some.test")
        self.assertEqual({r: rows[r]["state"] for r in rows},
                         {"now@some.test": "delivered", "too@some.test": "delivered", "later@some.test": "queued", "never@some.test": "bounced"})
        report = self.notification("never@some.test")
        self.assertNotIn("later@some.test", report)
        self.assertNotIn("now@some.test", report)
        del answers["later"]
        self.wait_received(server, "some", 2)
        self.assertEqual(server.messages[1][1], ["later@some.test"])
        self.wait_gone("some.test")

    def test_nobody_listens(self):
        server = SmtpServer()
        address = server.address
        server.close()
        self.relay_for("closed.test", address)
        self.send("closed", "bert@closed.test")
        row = self.wait_tried("closed.test")["bert@closed.test"]
        self.assertEqual(row["state"], "queued")
        self.assertRegex(row["last_reply"], "^451 4.4.")
        self.mesh.run("route", "delete", "closed.test")
        self.servers["closed"] = SmtpServer()
        self.mesh.run("route", "add", "closed.test", self.servers["closed"].address)
        self.mesh.run("queue", "flush", "--domain", "closed.test")
        self.wait_received(self.servers["closed"], "closed")

    def test_tls_that_is_broken_is_done_without_where_nobody_insists(self):
        answers = {
            "starttls-454": "454 4.7.0 no TLS today",
            "starttls-no-handshake": b"220 go\r\n",  # what comes then is no command, and is answered in plain text
            "starttls-injected": b"220 go\r\n250 and what is more\r\n",
            "starttls-drop": DROP,
        }
        for name, answer in answers.items():
            self.add(name, lambda at, a, s, answer=answer: answer if at == "starttls" else None, extensions=("STARTTLS", "8BITMIME"))
        names = list(self.servers)
        for name in names:
            self.send(name, f"bert@{name}.test")
        for name in names:
            with self.subTest(name):
                self.wait_received(self.servers[name], name)
        for policy in ("required", "verified"):
            for name in names:
                with self.subTest(f"{name} {policy}"):
                    domain = f"{policy}-{name}.test"
                    self.relay_for(domain, self.servers[name].address, options=("--tls", policy))
                    self.send(f"{policy}-{name}", f"bert@{domain}")
                    row = self.wait_tried(domain)[f"bert@{domain}"]
                    self.assertEqual(row["state"], "queued")
                    self.assertEqual(self.servers[name].received(f"{policy}-{name}"), 0)

    def test_a_connection_is_used_again_and_replaced_when_the_server_ends_it(self):
        # 421 instead of taking the second message of a connection.
        def script(stage, argument, session):
            if stage == "mail" and len(session.log) > 6:
                return "421 4.3.2 enough"
            return None

        self.add("reuse", script)
        for i in range(6):
            self.send(f"reuse-{i}", "bert@reuse.test")
        for i in range(6):
            self.wait_received(self.servers["reuse"], f"reuse-{i}")
        self.wait_gone("reuse.test")

    def test_a_connection_without_tls_is_not_for_mail_that_asks_for_it(self):
        self.servers["plain"] = SmtpServer()
        closed = SmtpServer()
        address = closed.address
        closed.close()
        for name, policy in (("tls-none", "none"), ("tls-required", "required")):
            self.relay_for(f"{name}.test", address)
            self.send(name, f"bert@{name}.test")
            self.wait_tried(f"{name}.test")
        for name, policy in (("tls-none", "none"), ("tls-required", "required")):
            self.mesh.run("queue", "reroute", "--domain", f"{name}.test", "--to", self.servers["plain"].address, "--tls", policy)
            self.mesh.run("queue", "flush", "--domain", f"{name}.test")
            if policy == "none":
                self.wait_received(self.servers["plain"], name)
        wait_until(lambda: "no TLS" in self.recipients("tls-required.test")["bert@tls-required.test"]["last_reply"], "it was tried", 30)
        self.assertEqual(self.servers["plain"].received("tls-required"), 0)

    def test_a_reply_too_many_ends_the_connection(self):
        def script(stage, argument, session):
            return b"250 2.0.0 taken\r\n250 2.0.0 and again\r\n" if stage == "end" and session.number == 0 else None

        self.add("toomany", script)
        self.send("toomany-0", "bert@toomany.test")
        self.wait_gone("toomany.test")
        self.send("toomany-1", "bert@toomany.test")
        self.wait_received(self.servers["toomany"], "toomany-1")
        self.assertEqual(len(self.servers["toomany"].sessions), 2)

    def test_the_null_sender_is_told_nothing(self):
        self.add("void", lambda at, a, s: "550 5.1.1 unknown" if at == "rcpt" else None)
        import smtplib
        with smtplib.SMTP(*self.mesh.address("mx"), timeout=30) as smtp:
            smtp.sendmail("", ["bert@void.test"], b"Subject: void\r\n\r\n")
        self.wait_gone("void.test")
        self.assertEqual([m for m in self.origin.messages if b"bert@void.test" in m[2]], [])
        self.assertNotEqual(SENDER, "")
