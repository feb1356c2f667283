"""The scenario that proves the idea: site A stores nothing and relays all to B; A's fetcher downloads from B by POP3; A's
users read over IMAP. There A is an SMTP server, an SMTP client, a POP3 client and an IMAP server."""
import collections
import imaplib
import pathlib
import shutil
import smtplib
import tempfile
import unittest

from tests.support import messages, peers
from tests.support.mesh import BIN, Mesh
from tests.support.octets import split_submitted, trace_field_names
from tests.support.ports import wait_until

PASSWORD = "correct horse"

# What Postfix and Dovecot themselves change of a message on its way, by name. Nothing else may differ.
POSTFIX_CHANGES = {
    "msg_35": "Postfix puts a blank line before the first line that is no header field",
}


def corpus():
    return {**messages.python_suite(), **messages.real_world()}


class RelaySite:
    """What both forms of site B have in common; `cls.a` is site A, `cls.b_*` say where B is."""

    @classmethod
    def prepare_a(cls):
        cls.a.run("domain", "add", "b.test", "--relay")
        cls.a.run("route", "add", "b.test", f"127.0.0.1:{cls.b_smtp}")
        cls.a.add_account("bert@b.test", PASSWORD)
        cls.a.run("domain", "add", "a.test")
        cls.a.add_account("anna@a.test", PASSWORD)

    def submit_all(self, sent):
        with smtplib.SMTP("127.0.0.1", self.a.port("submission"), timeout=120) as smtp:
            smtp.starttls(context=self.a.tls_context())
            smtp.login("anna@a.test", PASSWORD)
            for name, octets in sent.items():
                needs_utf8 = name == "utf8_header"
                options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_utf8 else ["BODY=8BITMIME"]
                refused = smtp.sendmail("anna@a.test", ["bert@b.test"], octets, mail_options=options)
                self.assertEqual(refused, {})

    def read_all_at_a(self, expected):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.a.port("imaps"), ssl_context=self.a.tls_context(), timeout=120)
        client.login("bert@b.test", PASSWORD)
        wait_until(lambda: int(client.select("INBOX")[1][0]) >= expected, f"{expected} messages at A", seconds=60)
        self.assertEqual(int(client.select("INBOX")[1][0]), expected)
        stored = [client.fetch(str(i), "(BODY.PEEK[])")[1][0][1] for i in range(1, expected + 1)]
        client.logout()
        return stored


class ThroughMailmeshAlone(RelaySite, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = cls.enterClassContext(Mesh())
        cls.b.run("domain", "add", "b.test")
        cls.b.add_account("bert@b.test", "b-secret")
        cls.b_smtp = cls.b.port("mx")
        cls.a = cls.enterClassContext(Mesh(f"fetcher: {{trust_anchors: {cls.b.ca}}}\n"))
        cls.prepare_a()

    def test_all_octets_arrive(self):
        sent = corpus()
        self.submit_all(sent)
        wait_until(lambda: not self.a.json("queue", "list"), "A's queue is empty", seconds=120)
        self.assertEqual(sum(int(m["messages"]) for m in self.a.json("mailbox", "list", "bert@b.test")), 0,
                         "A stores nothing of what passes")
        job = self.a.run("fetch", "add", "bert@b.test", "--host", "127.0.0.1", "--port", self.b.port("pop3s"), "--user",
                         "bert@b.test", "--interval", 3600, "--password-stdin", "-o", "json", input="b-secret\n")
        self.assertIn("job_id", job.stdout)
        stored = self.read_all_at_a(len(sent))
        missing = dict(sent)
        completed = collections.Counter()
        for octets in stored:
            name = next((n for n, s in missing.items() if split_submitted(octets, s) is not None), None)
            self.assertIsNotNone(name, f"not the octets of any message sent: {octets[:600]!r}")
            trace, changes = split_submitted(octets, missing.pop(name))
            self.assertEqual(trace_field_names(trace), ["Return-Path", "Received", "Received"], name)
            completed.update(changes)
        self.assertEqual(missing, {})
        print(f"\n    {len(sent)} messages, all octets equal through Mailmesh alone, but for what submission completes (RFC 6409, "
              f"8): {dict(completed)}", flush=True)
        wait_until(lambda: self.b.messages_in("bert@b.test") == 0,
                   "B's maildrop is empty after the fetch")


class WithPostfixInBetween(RelaySite, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        import subprocess
        subprocess.run([BIN / "mailmesh", "pki", "init", folder], check=True, capture_output=True)
        subprocess.run([BIN / "mailmesh", "pki", "issue", folder, "b", "--dns", "localhost", "--ip", "127.0.0.1"], check=True, capture_output=True)
        tls = (folder / "b.pem", folder / "b.key", folder / "ca.pem")
        try:
            cls.b = cls.enterClassContext(peers.Site(["b.test"], tls=tls))
        except peers.Unavailable as error:
            raise unittest.SkipTest(str(error)) from None
        cls.b_smtp = cls.b.smtp_port
        cls.a = cls.enterClassContext(Mesh(f"fetcher: {{trust_anchors: {folder}/ca.pem}}\n"))
        cls.prepare_a()

    def test_octets_arrive_but_for_what_postfix_changes(self):
        sent = corpus()
        self.submit_all(sent)
        wait_until(lambda: not self.a.json("queue", "list"), "A's queue is empty", seconds=120)
        wait_until(lambda: "empty" in self.b.run("postqueue", "-p").stdout, "Postfix's queue is empty", seconds=60)
        self.a.run("fetch", "add", "bert@b.test", "--host", "127.0.0.1", "--port", self.b.pop3s_port, "--user",
                   "bert@b.test", "--interval", 3600, "--password-stdin", input=self.b.password + "\n")
        stored = self.read_all_at_a(len(sent))
        missing = dict(sent)
        changed = []
        for octets in stored:
            name = next((n for n, s in missing.items() if split_submitted(octets, s) is not None), None)
            if name is None:
                name = next((n for n, s in missing.items()
                             if n in POSTFIX_CHANGES and self.equal_as_postfix_leaves_it(octets, s)), None)
                self.assertIsNotNone(name, f"not the octets of any message sent: {octets[:900]!r}")
                changed.append(name)
            missing.pop(name)
        self.assertEqual(missing, {})
        print(f"\n    {len(sent)} messages by Postfix and Dovecot, {len(sent) - len(changed)} octets equal; changed by Postfix: "
              f"{ {name: POSTFIX_CHANGES[name] for name in changed} }", flush=True)

    @staticmethod
    def equal_as_postfix_leaves_it(octets, sent):
        """Whether `octets` are what submission makes of `sent`, once one blank line is taken out."""
        lines = octets.split(b"\r\n")
        return any(not lines[i] and split_submitted(b"\r\n".join(lines[:i] + lines[i + 1:]), sent) is not None
                   for i in range(min(len(lines), 80)))


if __name__ == "__main__":
    unittest.main()
