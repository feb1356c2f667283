"""The operators' tool against a real mesh: what each command does is looked at from another side (a client, the log)."""
import imaplib
import json
import mailbox
import os
import pathlib
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
import unittest

from tests.support import messages
from tests.support.mesh import BIN, ROLES, Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh())
        cls.mesh.run("domain", "add", "a.test")

    def setUp(self):
        self.account = f"{self._testMethodName.replace('_', '-')[:60]}@a.test"
        self.mesh.add_account(self.account, PASSWORD)

    def imap(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context())
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
            wrong = [r for r in json.loads(done.stdout) if r["result"] == "wrong"]
            self.assertEqual({r["role"] for r in wrong}, {"smtp_ingress", "imap_gateway"})
            self.assertIn("max_mesage_bytes", " ".join(r["problem"] for r in wrong if r["role"] == "smtp_ingress"))
            file.write_text("pigeon: {}\n")
            self.fails("config", "check", file, text="unknown key: pigeon")

    # Accounts and log-in.

    def test_upgrade_tells_versions_and_asks_everyone_before_it_is_finalized(self):
        version = self.mesh.run("--version").stdout.strip()
        told = self.mesh.json("upgrade", "status")
        rows = {row["process"]: row for row in told["processes"]}
        self.assertEqual(set(rows), set(ROLES))
        for row in rows.values():
            self.assertEqual((row["standing"], row["version"]), ("current", version))
        # A new mesh has nothing to finalize.
        self.assertEqual({role: (row["schema"], row["newest"], row["step_left"]) for role, row in rows.items() if row["schema"] != "-"},
                         {"directory": ("1", "1", "0"), "mailbox_store": ("3", "3", "0"), "outbound_relay": ("2", "2", "0")})
        self.assertEqual(told["summary"]["finalize"], "done")
        process = self.mesh.process_id("fetcher")
        os.kill(process, signal.SIGSTOP)
        try:
            self.fails("upgrade", "finalize", code=69, text="fetcher at ")
            done = self.mesh.run("upgrade", "finalize", "--gone", "fetcher")
            self.assertIn("is not seen", done.stderr)
        finally:
            os.kill(process, signal.SIGCONT)
        self.deliver("one")
        self.assertNotEqual(self.mesh.json("mailbox", "status", self.account, "INBOX")["last_arrival"], "-")

    def test_auth_test_logs_in_as_a_gateway_does(self):
        def log_in(*more):
            return json.loads(self.mesh.run("auth", "test", self.account, "--password-stdin", "-o", "json", *more,
                                            input=PASSWORD + "\n").stdout)
        offered = log_in()["offered"].split()
        self.assertIn("PLAIN", offered)
        for mechanism in {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"} & set(offered):
            with self.subTest(mechanism):
                answer = log_in("--mechanism", mechanism)
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

    def test_accounts_of_another_system_come_with_their_hashes(self):
        hashed = subprocess.run(["openssl", "passwd", "-6", "-salt", "saltsalt", PASSWORD], capture_output=True, text=True,
                                check=True).stdout.strip()
        lines = f"# a comment\n\nimported@a.test:{hashed}:1000:1000::/home/x\nlocal-part:{{SHA512-CRYPT}}{hashed}\nlocked@a.test:!\n"
        done = json.loads(self.mesh.run("account", "import", "-", "--domain", "a.test", "-o", "json", input=lines).stdout)
        self.assertEqual((done["created"], done["failed"]), ("3", "0"))
        self.mesh.run("auth", "test", "imported@a.test", "--mechanism", "PLAIN", "--password-stdin", input=PASSWORD + "\n")
        # That log-in showed the password: its SCRAM keys are made in the background, and SCRAM works from then on.
        wait_until(lambda: self.mesh.run("auth", "test", "imported@a.test", "--mechanism", "SCRAM-SHA-256", "--password-stdin",
                                         input=PASSWORD + "\n", check=False).returncode == 0, "the keys of SCRAM", 30, 0.5)
        self.fails("auth", "test", "locked@a.test", "--mechanism", "PLAIN", "--password-stdin", input="!\n")
        done = json.loads(self.mesh.run("account", "import", "-", "-o", "json", input=f"imported@a.test:{hashed}\n").stdout)
        self.assertEqual((done["created"], done["already_there"]), ("0", "1"))
        bad = self.mesh.run("account", "import", "-", input="no-hash\nx@a.test:not-a-hash\n", check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("line 1: not ADDRESS:HASH", bad.stderr)
        self.assertIn("line 2: ", bad.stderr)
        self.assertNotIn("not-a-hash", bad.stderr)

    def test_quota_is_shown_set_and_kept(self):
        self.deliver("one")
        used = self.mesh.json("account", "quota", self.account)[0]
        self.assertEqual((used["messages"], used["messages_limit"].split()[0]), ("1", "none"))
        limited = self.mesh.json("account", "quota", self.account, "--messages", "1", "--octets", "5MiB")[0]
        self.assertEqual((limited["messages_limit"], limited["octets_limit"]), ("1", str(5 << 20)))
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            with self.assertRaises(smtplib.SMTPResponseException) as refused:
                smtp.sendmail("x@elsewhere.test", [self.account], messages.simple("two"))
        self.assertEqual(refused.exception.smtp_code, 552)
        self.assertIn(self.account, [r["account"] for r in self.mesh.json("account", "quota") if r["messages_limit"] == "1"])
        freed = self.mesh.json("account", "quota", self.account, "--messages", "none", "--octets", "default")[0]
        self.assertEqual(freed["messages_limit"], "none")
        self.deliver("two")
        self.fails("account", "quota", self.account, "--messages", "many", text="is no limit")
        self.fails("account", "quota", "--messages", "5")

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
        user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name

        def audited(command):
            return [line for line in mesh.log().splitlines() if "operator request" in line and f"operator={user}@" in line
                    and f"command={command} " in line and f"account={account_id}" in line]
        wait_until(lambda: any("uids=2:3" in line for line in audited("ExpungeMessages")), "the audit line", 10)
        self.assertTrue(audited("FetchContent"))
        # What clients do is no operator's request.
        self.assertFalse([line for line in audited("StoreFlags") if "uids=1 " in line])

    # What becomes of a message.

    def test_trace_follows_a_message_over_the_roles(self):
        mesh, account = self.mesh, self.account
        with smtplib.SMTP(*mesh.address("submission")) as smtp:
            smtp.starttls(context=mesh.tls_context())
            smtp.login(account, PASSWORD)
            smtp.mail(account)
            smtp.rcpt(account)
            smtp.rcpt("x@unreachable.invalid")
            code, text = smtp.data(messages.simple("trace me"))
            self.assertEqual(code, 250)
        # The reply has the id, and so has the Received field.
        uid = wait_until(lambda: mesh.json("message", "list", account, "--subject", "trace me"), "the message", 10)[0]["uid"]
        header = mesh.json("message", "show", account, uid)["header"]
        ident = re.search(r"\bid ([0-9a-f]{32})", header).group(1)
        self.assertIn(ident, text.decode())

        def traced():
            answer = json.loads(mesh.run("trace", ident, "-o", "json", check=False).stdout)
            roles = {row["role"] for row in answer["events"]}
            return answer if {"smtp_ingress", "mailbox_store", "outbound_relay"} <= roles and answer["copies"] else None
        answer = wait_until(traced, "lines of three roles", 20)
        times = [row["time"] for row in answer["events"]]
        self.assertEqual(times, sorted(times))
        self.assertIn((account, uid, "there"), [(c["account"], c["uid"], c["state"]) for c in answer["copies"]])
        queued = next(row for row in answer["events"] if row["event"] == "message queued")
        queue_id = re.search(r"queue_id=(\S+)", queued["details"]).group(1)
        # The same by its queue id, from the logs of a folder, with what a user did since.
        mesh.json("message", "expunge", account, uid)
        answer = json.loads(mesh.run("trace", queue_id, "--log", mesh.dir / "log", "-o", "json").stdout)
        self.assertIn((account, uid, "moved or removed"), [(c["account"], c["uid"], c["state"]) for c in answer["copies"]])
        self.assertIn("message queued", mesh.run("trace", ident).stdout)
        self.fails("trace", "nosuchidanywhere", text="in no log and in no queue")

    # Archives.

    def fill(self):
        """Real messages in three mailboxes, one of them large, with flags, keywords and dates; what IMAP says of them."""
        client = self.imap()
        corpus = list(messages.python_suite().values())[:12] or [messages.simple("only one")]
        corpus += [messages.nested_multiparts(), messages.simple("large") + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 20000,
                   b"Subject: From lines\r\n\r\nFrom me\r\n>From you\r\n\r\n\r\n", b"Subject: no end\r\n\r\nno line end"]
        for name in ("Work/2024.old", "&2D3eAA-"):
            client.create(f'"{name}"')
        flags = ["", r"(\Seen)", r"(\Seen \Answered $Label1)", r"(\Flagged \Draft Work-Item)", r"(\Deleted $Forwarded)"]
        for number, octets in enumerate(corpus):
            for mailbox in ("INBOX", '"Work/2024.old"', '"&2D3eAA-"'):
                date = f'"{number % 28 + 1:02}-Feb-2026 08:{number:02}:00 +0{number % 9}30"'
                code, answer = client.append(mailbox, flags[number % len(flags)], date, octets)
                self.assertEqual(code, "OK", answer)
        return self.everything(client)

    def everything(self, client):
        """{mailbox: [(flags, date, octets)]} as a client sees it."""
        found = {}
        for line in client.list()[1]:
            name = re.search(rb'"/" (.*)$', line).group(1).strip(b'"').decode()
            if rb"\Noselect" in line or client.select(f'"{name}"', readonly=True)[1][0] == b"0":
                continue
            rows = []
            for part in client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    flags = set(re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).split()) - {rb"\Recent"}
                    rows.append((sorted(flags), re.search(rb'INTERNALDATE "([^"]+)"', part[0]).group(1), part[1]))
            found[name] = rows
        return found

    def test_export_and_import_give_back_every_octet(self):
        mesh = self.mesh
        before = self.fill()
        count = sum(len(rows) for rows in before.values())
        self.assertEqual(len(before), 3)
        for kind in ("maildir", "mbox"):
            with self.subTest(kind), tempfile.TemporaryDirectory() as folder:
                archive = pathlib.Path(folder, "archive")
                done = mesh.json("export", self.account, archive, "--format", kind)
                self.assertEqual((done["messages"], done["already_there"], done["lost_keywords"]), (str(count), "0", "0"))
                target = f"{kind}-target@a.test"
                mesh.add_account(target, PASSWORD)
                for run in range(2):  # the second run stores nothing twice
                    done = mesh.json("import", target, archive)
                    self.assertEqual((done["messages"], done["refused"]), (str(count), "0"))
                client = imaplib.IMAP4_SSL("127.0.0.1", mesh.port("imaps"), ssl_context=mesh.tls_context())
                client.login(target, PASSWORD)
                self.addCleanup(client.shutdown)
                after = self.everything(client)
                self.assertEqual(set(after), set(before))
                for name, rows in before.items():
                    self.assertEqual(after[name], rows, name)
                subscribed = b" ".join(client.lsub()[1])
                self.assertIn(b"Work/2024.old", subscribed)
                if kind == "maildir":
                    # A second export has nothing to do, and brings flags up to date.
                    client = self.imap()
                    client.select("INBOX")
                    client.store("1", "+FLAGS", r"(\Flagged)")
                    done = mesh.json("export", self.account, archive)
                    self.assertEqual((done["already_there"], done["octets"]), (str(count), "0"))
                    client.store("1", "-FLAGS", r"(\Flagged)")
        self.fails("import", self.account, "/nowhere", code=2)
        self.fails("export", self.account, "/proc/nowhere")

    def test_archives_are_what_pythons_library_reads_and_writes(self):
        mesh = self.mesh
        self.fill()
        with tempfile.TemporaryDirectory() as folder:
            mesh.run("export", self.account, pathlib.Path(folder, "maildir"))
            theirs = mailbox.Maildir(pathlib.Path(folder, "maildir"), create=False)
            self.assertLessEqual({"Work.2024&AC4-old", "&2D3eAA-"}, set(theirs.list_folders()))
            self.assertEqual(len(theirs), int(mesh.json("mailbox", "status", self.account, "INBOX")["messages"]))
            self.assertIn("RSa", {message.get_flags() for message in theirs})
            mesh.run("export", self.account, pathlib.Path(folder, "mbox"), "--format", "mbox", "--mailbox", "INBOX")
            self.assertEqual(len(mailbox.mbox(pathlib.Path(folder, "mbox", "INBOX.mbox"))), len(theirs))
            # And the other way: what Python writes.
            box = mailbox.mbox(pathlib.Path(folder, "python"))
            for number in range(3):
                message = mailbox.mboxMessage(messages.simple(f"python {number}").replace(b"\r\n", b"\n"))
                message.set_flags("RF" if number == 1 else "")
                message.set_from("x@y.test", time.gmtime(1700000000 + number))
                box.add(message)
            box.close()
            mesh.run("import", self.account, pathlib.Path(folder, "python"), "--mailbox", "Python")
            rows = mesh.json("message", "list", self.account, "--mailbox", "Python")
            self.assertEqual([(r["subject"], r["flags"]) for r in rows],
                             [("python 0", ""), ("python 1", r"\Seen \Flagged"), ("python 2", "")])
            self.assertEqual(rows[0]["date"], "2023-11-14 22:13:20")
            raw = subprocess.run([BIN / "mailmesh", "--dir", mesh.dir, "message", "show", self.account, "1", "--mailbox", "Python",
                                  "--raw"], stdout=subprocess.PIPE, check=True).stdout
            self.assertEqual(raw, messages.simple("python 0"))


class Backup(unittest.TestCase):
    def test_a_backup_is_made_while_serving_and_put_back(self):
        with Mesh() as mesh:
            account = "anna@a.test"
            mesh.run("domain", "add", "a.test")
            mesh.add_account(account, PASSWORD)

            def deliver(*texts):
                with smtplib.SMTP(*mesh.address("mx")) as smtp:
                    for text in texts:
                        smtp.sendmail("x@elsewhere.test", [account], messages.simple(text))
            deliver("one", "two")
            made = mesh.json("backup", "create", "first")
            self.assertEqual([(r["shard"], r["name"]) for r in made], [("0", "first")])
            self.assertEqual([r["name"] for r in mesh.json("backup", "list")], ["first"])
            again = mesh.run("backup", "create", "first", check=False)
            self.assertEqual((again.returncode, "ALREADY_EXISTS" in again.stderr), (1, True))
            deliver("three")
            before = mesh.json("message", "list", account)
            running = mesh.run("restore", "first", check=False)
            self.assertEqual((running.returncode, "another `mailmesh up` runs" in running.stderr), (1, True), running.stderr)
            self.assertEqual(mesh.stop(), 0)
            self.assertEqual(mesh.run("restore", "nothing", check=False).returncode, 1)
            mesh.run("restore", "first")
            mesh.start()
            deliver("four")
            after = mesh.json("message", "list", account)
            self.assertEqual([r["subject"] for r in after], ["one", "two", "four"])
            # What was given after the backup is not given again.
            self.assertGreater(int(after[2]["uid"]), int(before[2]["uid"]))
            verified = mesh.json("store", "verify", "--contents")
            self.assertEqual((verified["findings"], verified["summary"]["findings"]), ([], "0"))
            self.assertEqual(verified["summary"]["messages"], "3")
            mesh.run("backup", "delete", "first")
            self.assertEqual(mesh.json("backup", "list"), [])


class Documents(unittest.TestCase):
    """Man pages and completion: they need no mesh."""

    @classmethod
    def setUpClass(cls):
        cls.share = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        subprocess.run([BIN / "mailmesh", "docs", cls.share], check=True)

    def test_man_pages_render_without_warnings(self):
        pages = sorted((self.share / "man/man1").glob("*.1"))
        self.assertIn("mailmesh-account.1", [page.name for page in pages])
        for tool in (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-man", "-Tutf8", "-ww", "-z"]):
            if shutil.which(tool[0]) is None:
                continue
            for page in pages:
                done = subprocess.run([*tool, page], capture_output=True, text=True)
                self.assertEqual((done.stdout if tool[0] == "mandoc" else "") + done.stderr, "", page.name)
        text = (self.share / "man/man1/mailmesh-account.1").read_text()
        for word in ("create", "disable", "password\\-stdin"):
            self.assertIn(word, text)

    def complete(self, *words):
        """What bash offers after these words."""
        script = self.share / "bash-completion/completions/mailmesh"
        line = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(["bash", "-c", f"source {script}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
                               "_mailmesh; printf '%s\\n' \"${COMPREPLY[@]}\""], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes(self):
        subprocess.run(["bash", "-n", self.share / "bash-completion/completions/mailmesh"], check=True)
        self.assertEqual(self.complete("mailmesh", "acc"), ["account"])
        self.assertIn("create", self.complete("mailmesh", "--dir", "/x", "account", ""))
        self.assertIn("--password-stdin", self.complete("mailmesh", "account", "create", "--"))
        self.assertEqual(sorted(self.complete("mailmesh", "status", "--output", "")), ["json", "table"])
        self.assertEqual(self.complete("mailmesh", "mailbox", "create", "a@b", "x", "--special-use", "D"), ["Drafts"])
        self.assertEqual(self.complete("mailmesh", "log", "level", "all", "de"), ["debug"])
        self.assertNotIn("docs", self.complete("mailmesh", ""))

    def test_zsh_and_fish_take_theirs(self):
        for shell, script in (("zsh", "zsh/site-functions/_mailmesh"), ("fish", "fish/vendor_completions.d/mailmesh.fish")):
            with self.subTest(shell):
                if shutil.which(shell) is None:
                    self.skipTest(f"{shell} is not installed")
                subprocess.run([shell, "-n", self.share / script], check=True)
        if shutil.which("fish"):
            done = subprocess.run(["fish", "-c", f"source {self.share}/fish/vendor_completions.d/mailmesh.fish; "
                                   "complete -C 'mailmesh account cr'"], capture_output=True, text=True, check=True)
            self.assertTrue(done.stdout.startswith("create"), done.stdout)

    def test_every_command_has_help(self):
        def walk(words):
            text = subprocess.run([BIN / "mailmesh", *words, "--help"], capture_output=True, text=True, check=True).stdout
            self.assertIn("Usage:", text)
            if "Subcommands:" in text:
                for name in re.findall(r"^  (\S+)", text.split("Subcommands:")[1], re.M):
                    walk([*words, name])
        walk([])


if __name__ == "__main__":
    unittest.main()
