"""The directory is away for 20 s under use: mail for known recipients is taken, sessions go on, a log-in is told to come again,
and afterwards everything goes on by itself. What each protocol's client saw, and how long it took, is printed."""
import imaplib
import os
import poplib
import signal
import smtplib
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
AWAY = 20


class Session:
    """One client of each kind, logged in, and what it was told."""

    def __init__(self, mesh):
        self.mesh = mesh
        self.seen = []

    def ask(self, what, function, *arguments):
        """Calls it, notes how long it took and returns the reply, an exception of the client's library counted as one."""
        begin = time.monotonic()
        try:
            reply = function(*arguments)
        except (smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto) as error:
            reply = error.args
        text = str(reply)
        self.seen.append((what, time.monotonic() - begin, text if len(text) < 100 else text[:97] + "..."))
        return text

    def summary(self):
        lines = []
        for what in dict.fromkeys(what for what, _, _ in self.seen):
            seen = [(seconds, text) for other, seconds, text in self.seen if other == what]
            lines.append(f"    {what:32} {len(seen):3}  {max(seconds for seconds, _ in seen):5.2f} s  {seen[-1][1]}")
        return "\n".join(lines)

    def imap(self):
        return imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=60)

    def pop3(self):
        return poplib.POP3_SSL("127.0.0.1", self.mesh.port("pop3s"), context=self.mesh.tls_context(), timeout=60)

    def submission(self):
        return smtplib.SMTP_SSL("127.0.0.1", self.mesh.port("submissions"), context=self.mesh.tls_context(), timeout=60)

    def pop3_login(self, user):
        client = self.pop3()
        client.user(user)
        try:
            return client.pass_(PASSWORD)
        finally:
            client.close()

    def send(self, to, subject):
        """To the MX port, as another server would; the code and text of the first refusal, or of the final reply."""
        with smtplib.SMTP(*self.mesh.address("mx"), timeout=60) as client:
            client.ehlo()
            client.mail("someone@elsewhere.test")
            code, text = client.rcpt(to)
            if code == 250:
                code, text = client.data(messages.simple(subject, to=to))
            return code, text


class DirectoryAway(unittest.TestCase):
    def test_stopped(self):
        def take_away(mesh):
            process = mesh.process_id("directory")
            os.kill(process, signal.SIGSTOP)
            return lambda: os.kill(process, signal.SIGCONT)

        self.run_scenario("stopped (SIGSTOP)", take_away)

    def test_killed_and_kept_away(self):
        def take_away(mesh):
            # It starts again at once; without its configuration it does not come far.
            config = mesh.dir / "config/directory.yaml"
            aside = config.rename(config.with_suffix(".aside"))
            mesh.kill_role("directory")
            return lambda: aside.rename(config)

        self.run_scenario("killed (SIGKILL), kept away", take_away)

    def run_scenario(self, name, take_away):
        with Mesh() as mesh:
            mesh.run("domain", "add", "a.test")
            for user in ("anna", "bert", "cleo"):
                mesh.add_account(f"{user}@a.test", PASSWORD)
            mesh.run("alias", "add", "team@a.test", "anna@a.test", "bert@a.test")
            session = Session(mesh)
            reader, dropper, sender = self.begin(session)
            give_back = take_away(mesh)
            begin = time.monotonic()
            taken = self.while_away(session, begin, reader, dropper, sender)
            self.assertGreater(time.monotonic() - begin, AWAY - 1)
            longest = max(seconds for what, seconds, _ in session.seen if what == "mail to one never asked for")
            self.assertLess(longest, 8, "nobody waits long for a directory that says nothing: 4 s, and what a busy machine adds")
            give_back()
            self.afterwards(session, reader, taken)
            print(f"\n  {name}: what clients saw (how often, the longest it took, one reply)\n{session.summary()}")

    def begin(self, session):
        """Everybody logs in, and the recipients become known."""
        for to in ("anna@a.test", "team@a.test"):
            self.assertIn("250", session.ask(f"before: mail to {to}", session.send, to, "before"))
        reader = session.imap()
        reader.login("anna@a.test", PASSWORD)
        wait_until(lambda: int(reader.select("INBOX")[1][0]) == 2, "both messages in anna's INBOX")
        dropper = session.pop3()
        dropper.user("bert@a.test")
        dropper.pass_(PASSWORD)
        sender = session.submission()
        sender.login("anna@a.test", PASSWORD)
        self.assertEqual(sender.sendmail("anna@a.test", ["bert@a.test"], messages.simple("before", to="bert@a.test")), {})
        return reader, dropper, sender

    def while_away(self, session, begin, reader, dropper, sender):
        """Returns the subjects that were taken for anna."""
        taken = []
        # Longer than answers of the directory are fresh, so that older ones must do.
        while time.monotonic() - begin < AWAY or len(taken) < 2:
            subject = f"away-{len(taken)}"
            self.assertIn("250", session.ask("mail to a known recipient", session.send, "anna@a.test", subject))
            taken.append(subject)
            self.assertIn("250", session.ask("mail to a known alias", session.send, "team@a.test", subject))
            self.assertIn("451", session.ask("mail to one never asked for", session.send, "cleo@a.test", subject))
            self.assertEqual(session.ask("submission, logged in", sender.sendmail, "anna@a.test", ["bert@a.test"],
                                         messages.simple(subject, to="bert@a.test")), "{}")
            self.assertIn("OK", session.ask("IMAP, logged in: NOOP", reader.noop))
            self.assertIn("OK", session.ask("IMAP, logged in: FETCH", reader.fetch, "1", "(BODY.PEEK[])"))
            self.assertIn("+OK", session.ask("POP3, logged in: RETR", dropper.retr, 1))
            # At once, as each may wait until the directory counts as away.
            with ThreadPoolExecutor() as pool:
                imap = pool.submit(session.ask, "IMAP, LOGIN", session.imap().login, "cleo@a.test", PASSWORD)
                pop3 = pool.submit(session.ask, "POP3, USER and PASS", session.pop3_login, "cleo@a.test")
                submission = pool.submit(session.ask, "submission, AUTH", session.submission().login, "cleo@a.test", PASSWORD)
            self.assertIn("UNAVAILABLE", imap.result())
            self.assertIn("[SYS/TEMP]", pop3.result())
            self.assertIn("454", submission.result())
            self.assertIn("4.7.0", submission.result())
            time.sleep(0.5)
        return taken

    def afterwards(self, session, reader, taken):
        begin = time.monotonic()
        wait_until(lambda: "250" in str(session.send("cleo@a.test", "after")), "the directory is back", 60)
        session.seen.append(("back", time.monotonic() - begin, "mail to one never asked for was taken"))
        # Each gateway connects to the directory again in its own time.
        wait_until(lambda: "OK" in session.ask("after: IMAP, LOGIN", session.imap().login, "cleo@a.test", PASSWORD), "IMAP log-in", 60)
        wait_until(lambda: "+OK" in session.ask("after: POP3, USER and PASS", session.pop3_login, "cleo@a.test"), "POP3 log-in", 60)
        wait_until(lambda: "235" in session.ask("after: submission, AUTH", session.submission().login, "cleo@a.test", PASSWORD),
                   "submission log-in", 60)
        # Each once to anna, and once by the alias.
        expected = 2 + 2 * len(taken)
        wait_until(lambda: int(reader.select("INBOX")[1][0]) >= expected, "all that was taken is in anna's INBOX")
        self.assertEqual(int(reader.select("INBOX")[1][0]), expected)


if __name__ == "__main__":
    unittest.main()
