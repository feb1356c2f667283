"""The operators' tool against a real mesh: what each command does is looked at from another side (a client, the log)."""
import imaplib
import json
import os
import pathlib
import smtplib
import tempfile
import unittest

from tests.support import messages
from tests.support.mesh import ROLES, Mesh
from tests.support.ports import wait_until

ANNA = "anna@a.test"
PASSWORD = "correct horse"


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh().start()
        cls.mesh.run("domain", "add", "a.test")

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__(None)

    def setUp(self):
        self.account = f"{self._testMethodName.replace('_', '-')[:60]}@a.test"
        self.mesh.add_account(self.account, PASSWORD)

    def imap(self):
        client = imaplib.IMAP4_SSL("localhost", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context())
        client.login(self.account, PASSWORD)
        self.addCleanup(client.shutdown)
        return client

    def deliver(self, *texts):
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            for text in texts:
                self.assertEqual(smtp.sendmail("x@elsewhere.test", [self.account], messages.simple(text)), {})

    def fails(self, *command, code=1, text=None, input=None):
        done = self.mesh.run(*command, check=False, input=input)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        if text:
            self.assertIn(text, done.stderr)

    # Sessions, logs, configuration.

    def test_sessions_are_listed_and_ended(self):
        client = self.imap()
        client.select("INBOX")
        rows = self.mesh.json("session", "list", "--account", self.account)
        self.assertEqual([(r["role"], r["protocol"], r["tls"]) for r in rows], [("imap_gateway", "imap", "yes")])
        self.assertEqual(self.mesh.json("session", "list", "--account", self.account, "--protocol", "pop3"), [])
        self.assertEqual(self.mesh.json("session", "kick", rows[0]["session_id"])["kicked"], "1")
        with self.assertRaises(imaplib.IMAP4.abort):
            for _ in range(2):
                client.noop()
        wait_until(lambda: not self.mesh.json("session", "list", "--account", self.account), "the session's end", 10)
        second, third = self.imap(), self.imap()
        self.assertEqual(self.mesh.json("session", "kick", "--account", self.account)["kicked"], "2")
        for client in (second, third):
            with self.assertRaises(imaplib.IMAP4.abort):
                for _ in range(2):
                    client.noop()
        self.fails("session", "kick", "nosuchsession", text="no such session")
        self.fails("session", "kick")
        self.fails("session", "list", "--role", "pigeon", text="this mesh has no pigeon")

    def test_log_level_is_shown_and_set(self):
        self.assertEqual({r["role"]: r["level"] for r in self.mesh.json("log", "level")}, {role: "info" for role in ROLES})
        self.assertEqual(self.mesh.json("log", "level", "fetcher", "debug"), [{"role": "fetcher", "level": "debug"}])
        self.assertEqual(self.mesh.json("log", "level", "fetcher"), [{"role": "fetcher", "level": "debug"}])
        self.assertEqual({r["level"] for r in self.mesh.json("log", "level", "all", "info")}, {"info"})
        self.fails("log", "level", "all", "loud", code=2)

    def test_config_is_shown_and_checked(self):
        shown = {r["role"]: r["config"] for r in self.mesh.json("config", "show")}
        self.assertEqual(set(shown), set(ROLES))
        self.assertIn("max_message_bytes: 50MiB", shown["smtp_ingress"])  # a default that no file names
        self.assertTrue(self.mesh.run("config", "show", "directory").stdout.startswith("# directory\n"))
        self.assertEqual({r["result"] for r in self.mesh.json("config", "check")}, {"good"})
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "up.yaml")
            file.write_text("smtp_ingress: {max_message_bytes: 40MiB}\n")
            self.assertEqual({r["result"] for r in self.mesh.json("config", "check", file)}, {"good"})
            file.write_text("smtp_ingress: {max_mesage_bytes: 40MiB}\nimap_gateway: {common: {log: {level: loud}}}\n")
            done = self.mesh.run("config", "check", file, "-o", "json", check=False)
            self.assertEqual(done.returncode, 1)
            wrong = {r["role"]: r["problem"] for r in json.loads(done.stdout) if r["result"] == "wrong"}
            self.assertEqual(set(wrong), {"smtp_ingress", "imap_gateway"})
            self.assertIn("max_mesage_bytes", wrong["smtp_ingress"])
            file.write_text("pigeon: {}\n")
            self.fails("config", "check", file, text="unknown key: pigeon")

    # Accounts and log-in.

    def test_auth_test_logs_in_as_a_gateway_does(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"):
            with self.subTest(mechanism):
                done = self.mesh.run("auth", "test", self.account, "--mechanism", mechanism, "--password-stdin", "-o", "json",
                                     input=PASSWORD + "\n", check=False)
                if done.returncode != 0 and "no such mechanism" in done.stderr:
                    continue  # not offered here
                self.assertEqual(done.returncode, 0, done.stderr)
                answer = json.loads(done.stdout)
                self.assertEqual((answer["address"], answer["mechanism"]), (self.account, mechanism))
        self.fails("auth", "test", self.account, "--mechanism", "PLAIN", "--password-stdin", input="wrong\n",
                   text="UNAUTHENTICATED")
        self.fails("auth", "test", self.account, "--mechanism", "NTLM", "--password-stdin", input="x\n", text="cannot test NTLM")

    def test_disabled_account_neither_logs_in_nor_receives(self):
        self.mesh.run("account", "disable", self.account)
        states = {r["address"]: r["state"] for r in self.mesh.json("account", "list")}
        self.assertEqual(states[self.account], "disabled")
        self.fails("auth", "test", self.account, "--mechanism", "PLAIN", "--password-stdin", input=PASSWORD + "\n")
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                smtp.sendmail("x@elsewhere.test", [self.account], messages.simple("no"))
        self.mesh.run("account", "enable", self.account)
        self.mesh.run("auth", "test", self.account, "--mechanism", "PLAIN", "--password-stdin", input=PASSWORD + "\n")
        self.fails("account", "disable", "nobody@a.test", text="NOT_FOUND")

    # Mailboxes and messages.

    def test_mailboxes_come_and_go(self):
        mesh, account = self.mesh, self.account
        created = mesh.json("mailbox", "create", account, "Arbeit/Büro", "--subscribe")
        client = self.imap()
        self.assertIn(b'"/" Arbeit', b" ".join(client.list()[1]))
        self.assertIn(b"B&APw-ro", b" ".join(client.lsub()[1]))
        status = mesh.json("mailbox", "status", account, "Arbeit/Büro")
        self.assertEqual((status["uid_validity"], status["messages"]), (created["uid_validity"], "0"))
        self.fails("mailbox", "create", account, "Arbeit/Büro", text="ALREADY_EXISTS")
        mesh.run("mailbox", "rename", account, "Arbeit", "Work")
        self.assertIn("Work/Büro", [r["mailbox"] for r in mesh.json("mailbox", "list", account)])
        mesh.run("mailbox", "delete", account, "Work/Büro")
        self.fails("mailbox", "status", account, "Work/Büro", text="no mailbox")
        self.fails("mailbox", "delete", account, "INBOX")
        self.fails("mailbox", "list", "nobody@a.test", text="NOT_FOUND")

    def test_messages_are_looked_at_and_removed_and_it_is_in_the_log(self):
        mesh, account = self.mesh, self.account
        self.deliver("one", "two", "three")
        client = self.imap()
        client.select("INBOX")
        client.store("2", "+FLAGS", r"(\Seen $Label1)")
        rows = mesh.json("message", "list", account)
        self.assertEqual([(r["uid"], r["subject"]) for r in rows], [("1", "one"), ("2", "two"), ("3", "three")])
        self.assertEqual(rows[1]["flags"], r"\Seen $Label1")
        self.assertEqual([r["uid"] for r in mesh.json("message", "list", account, "--unseen", "--limit", "1")], ["3"])
        self.assertEqual([r["uid"] for r in mesh.json("message", "list", account, "--subject", "tw")], ["2"])
        self.assertEqual(mesh.json("message", "list", account, "--since", "2200-01-01"), [])
        shown = mesh.json("message", "show", account, "2")
        self.assertIn("Subject: two", shown["header"])
        raw = mesh.run("message", "show", account, "2", "--raw").stdout
        self.assertEqual(len(raw.encode()), int(shown["octets"]) - raw.count("\n"))  # text mode: CRLF became LF
        # Looking does not mark as read.
        self.assertNotIn(rb"\Seen", client.fetch("1", "(FLAGS)")[1][0])
        client.store("1", "+FLAGS", r"(\Deleted)")
        self.assertEqual(mesh.json("message", "expunge", account, "2:3,9")["expunged"], "2")
        self.assertEqual([r["uid"] for r in mesh.json("message", "list", account)], ["1"])
        self.fails("message", "expunge", account, "7", text="none of these")
        self.fails("message", "expunge", account, "one", text="no set of UIDs")
        self.fails("message", "show", account, "7", text="no message with UID 7")
        account_id = next(r["account_id"] for r in mesh.json("account", "list") if r["address"] == account)
        user = os.environ.get("SUDO_USER") or __import__("pwd").getpwuid(os.getuid()).pw_name

        def audited(command):
            return [line for line in mesh.log().splitlines() if "operator request" in line and f"operator={user}@" in line
                    and f"command={command} " in line and f"account={account_id}" in line]
        wait_until(lambda: any("uids=2:3" in line for line in audited("ExpungeMessages")), "the audit line", 10)
        self.assertTrue(audited("FetchContent"))
        # What clients do is no operator's request.
        self.assertFalse([line for line in audited("StoreFlags") if "uids=1 " in line])


if __name__ == "__main__":
    unittest.main()
