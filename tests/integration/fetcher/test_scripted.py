"""The fetcher against POP3 servers that refuse, break off, lie or lack what others have."""
import imaplib
import json
import re
import unittest

from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.ports import wait_until
from tests.support.scripted import DROP, SILENT, Pop3Server

PASSWORD = "correct horse"
LIMIT = 65536


def drop_of(count, prefix="m"):
    return {f"{prefix}{i}": messages.simple(f"{prefix}{i}") for i in range(1, count + 1)}


class FetchCase(unittest.TestCase):
    settings = ""

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh(cls.settings))
        cls.mesh.run("domain", "add", "a.test")

    def setUp(self):
        self.user = self._testMethodName.removeprefix("test_").replace("_", "-")[:60] + "@a.test"
        self.mesh.add_account(self.user, PASSWORD)

    def server(self, *arguments, **more):
        server = Pop3Server(*arguments, **more)
        self.addCleanup(server.close)
        return server

    def add_job(self, server, *options):
        row = self.mesh.run("fetch", "add", self.user, "--host", "127.0.0.1", "--port", server.port, "--user", "remote", "--tls", "none",
                            "--allow-plaintext", "--interval", 604800, "--password-stdin", "-o", "json", *options, input="secret\n")
        return json.loads(row.stdout)["job_id"]

    def run_job(self, job):
        """What `fetch run` says: "", its note or its error; the first run of a job is under way already."""
        return self.mesh.run("fetch", "run", job, check=False).stderr

    def row(self, job):
        return [r for r in self.mesh.json("fetch", "list", self.user) if r["job_id"] == job][0]

    def subjects(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context(), timeout=60)
        client.login(self.user, PASSWORD)
        found = []
        if int(client.select("INBOX", readonly=True)[1][0]):
            for item in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if isinstance(item, tuple):
                    found.append(item[1].decode().split(":", 1)[1].strip())
        client.logout()
        return sorted(found)


class StoreLimit(FetchCase):
    settings = f"fetcher: {{command_timeout: 3s}}\nmailbox_store: {{max_message_bytes: {LIMIT}}}\n"

    def test_ones_that_are_too_large_for_the_store(self):
        drop = drop_of(1)
        drop["inline"] = messages.simple("inline", 3 * LIMIT)
        drop["m2"] = messages.simple("m2")
        drop["uploaded"] = messages.simple("uploaded", 30 * LIMIT)
        # More of them than a run takes connections for.
        drop |= {f"big{i}": messages.simple(f"big{i}", (4 + i) * LIMIT) for i in range(12)}
        drop["m3"] = messages.simple("m3")
        server = self.server(drop=drop)
        job = self.add_job(server)
        self.assertIn("14 messages are larger", self.run_job(job))
        self.assertEqual(self.subjects(), ["m1", "m2", "m3"])
        self.assertEqual(list(server.drop), ["inline", "uploaded", *(f"big{i}" for i in range(12))])


class Scripted(FetchCase):
    settings = f"fetcher: {{command_timeout: 3s, max_message_bytes: {LIMIT}, max_listed_messages: 300, max_messages_per_run: 40}}\n"

    def test_every_stage_may_fail_and_nothing_is_lost_or_doubled(self):
        drop = drop_of(3)
        failing = {}

        def script(stage, argument, session):
            action = failing.get(stage)
            if action is not None and failing["times"] > 0 and (stage not in ("retr", "dele") or argument.endswith(" 2")):
                failing["times"] -= 1
                return action
            return None

        server = self.server(drop=drop, script=script)
        failing.update(connect=DROP, times=1)
        job = self.add_job(server, "--keep")
        wait_until(lambda: self.row(job)["last_run"] not in ("", "-") and self.row(job)["state"] != "running", "the first run has ended")
        stages = [("connect", "-ERR go away"), ("connect", SILENT), ("connect", b"HTTP/1.1 400\r\n"), ("user", "-ERR no"),
                  ("pass", "-ERR [AUTH] wrong"), ("pass", "-ERR [IN-USE] locked"), ("uidl", DROP), ("uidl", b"+OK\r\n1 a\r\n"),
                  ("uidl", b"+OK\r\n" + b"x" * 100_000), ("list", DROP), ("retr", DROP),
                  ("retr", b"+OK\r\nSubject: half\r\n\r\nonly"), ("quit", DROP)]
        errors = []
        for stage, action in stages:
            failing.clear()
            failing.update({stage: action, "times": 1})
            error = self.run_job(job)
            self.assertNotEqual(error, "", stage)
            errors.append((stage, error.strip()))
        self.assertGreaterEqual(len(errors), 13)
        failing.clear()
        self.assertEqual(self.run_job(job), "")
        self.assertEqual(self.subjects(), ["m1", "m2", "m3"])
        self.assertEqual(self.row(job)["state"], "ok")
        print(f"\n    {len(errors)} failures on the way, then 3 messages, each once", flush=True)

    def test_deleted_only_after_it_is_stored_and_only_by_quit(self):
        server = self.server(drop=drop_of(2), script=lambda stage, argument, session: DROP if stage == "quit" and session.number == 0 else None)
        job = self.add_job(server)
        self.run_job(job)
        self.assertEqual(self.run_job(job), "")
        self.assertEqual(server.drop, {})
        self.assertEqual(self.subjects(), ["m1", "m2"])
        # Stored by the first run, deleted by the second, fetched once.
        self.assertEqual(sorted(server.retrieved), ["m1", "m2"])

    def test_octet_by_octet(self):
        server = self.server(drop=drop_of(2), split=True)
        self.assertEqual(self.run_job(self.add_job(server)), "")
        self.assertEqual(self.subjects(), ["m1", "m2"])

    def test_a_server_without_uidl(self):
        server = self.server(drop=drop_of(5), uidl=False)
        job = self.add_job(server, "--keep")
        self.assertEqual(self.run_job(job), "")
        server.drop["m6"] = messages.simple("m6")
        self.assertEqual(self.run_job(job), "")
        self.assertEqual(self.run_job(job), "")
        self.assertEqual(self.subjects(), [f"m{i}" for i in range(1, 7)])
        self.assertEqual(len(server.retrieved), 6)

    def test_a_server_without_uidl_and_top(self):
        server = self.server(drop=drop_of(1), uidl=False, script=lambda stage, a, s: "-ERR unknown" if stage == "top" else None)
        job = self.add_job(server, "--keep")
        self.assertIn("neither UIDL nor TOP", self.run_job(job))
        self.assertIn("neither UIDL nor TOP", self.row(job)["state"])
        self.assertEqual(self.subjects(), [])

    def test_uidls_that_change(self):
        server = self.server(drop=drop_of(12))
        job = self.add_job(server, "--keep")
        self.assertEqual(self.run_job(job), "")
        server.drop = {f"new-{uid}": octets for uid, octets in server.drop.items()}
        self.assertIn("changed the ids", self.run_job(job))
        self.assertEqual(self.run_job(job), "")
        # They came again, once; what is gone is forgotten, what is there is known.
        self.assertEqual(len(self.subjects()), 24)
        self.assertEqual(len(server.retrieved), 24)

    def test_ids_and_numbers_that_come_twice(self):
        listing = b"+OK\r\n1 same\r\n2 same\r\n2 other\r\n3 m3\r\nnonsense\r\n0 zero\r\n.\r\n"
        server = self.server(drop=drop_of(3), script=lambda stage, a, s: listing if stage == "uidl" else None)
        job = self.add_job(server, "--keep")
        self.assertIn("2 messages have no unique id that can be read", self.run_job(job))
        self.assertEqual(self.subjects(), ["m1", "m3"])

    def test_one_that_the_server_does_not_give(self):
        def script(stage, argument, session):
            bad = stage == "retr" and session.messages[int(argument.split()[1]) - 1][0] == "m2"
            return "-ERR cannot read it" if bad else None

        server = self.server(drop=drop_of(3), script=script)
        job = self.add_job(server)
        error = self.run_job(job)
        self.assertIn("did not give 1 messages", error)
        self.assertIn("cannot read it", error)
        self.assertEqual(self.subjects(), ["m1", "m3"])
        self.assertEqual(list(server.drop), ["m2"])

    def test_one_that_is_too_large(self):
        drop = drop_of(3)
        drop["big"] = messages.simple("big", 3 * LIMIT)
        drop["m4"] = messages.simple("m4")
        server = self.server(drop=drop)
        job = self.add_job(server)
        self.assertIn("1 messages are larger", self.run_job(job))
        self.assertEqual(self.subjects(), ["m1", "m2", "m3", "m4"])
        self.assertEqual(list(server.drop), ["big"])
        self.assertNotIn("big", server.retrieved)

    def test_sizes_that_lie(self):
        drop = drop_of(2)
        drop["big"] = messages.simple("big", 30 * LIMIT)
        drop["m4"] = messages.simple("m4")
        server = self.server(drop=drop, lie_sizes=10)
        job = self.add_job(server)
        self.assertIn("1 messages are larger", self.run_job(job))
        # The one costs a connection; the others come all the same.
        self.assertEqual(self.subjects(), ["m1", "m2", "m4"])
        self.assertEqual(list(server.drop), ["big"])

    def test_an_id_that_cannot_be_read(self):
        drop = drop_of(1)
        drop[""] = messages.simple("nameless")
        drop["m3"] = messages.simple("m3")
        server = self.server(drop=drop)
        job = self.add_job(server)
        self.assertIn("1 messages have no unique id that can be read", self.run_job(job))
        self.assertEqual(self.subjects(), ["m1", "m3"])
        self.assertEqual(list(server.drop), [""])

    def test_a_run_has_an_end_and_the_next_goes_on(self):
        server = self.server(drop=drop_of(100))
        self.add_job(server)
        wait_until(lambda: not server.drop, "all three runs", 60)
        self.assertEqual(len(self.subjects()), 100)
        self.assertEqual(len(server.sessions), 3)

    def test_too_many_messages(self):
        server = self.server(drop=drop_of(301))
        job = self.add_job(server)
        self.assertIn("more than 300 messages", self.run_job(job))
        self.assertEqual(self.subjects(), [])

    def test_a_listing_without_end(self):
        server = self.server(script=lambda stage, a, s: b"+OK\r\n" + b"".join(b"%d x%d\r\n" % (i, i) for i in range(1, 50_000)) if stage == "uidl" else None)
        self.assertIn("more than 300 messages", self.run_job(self.add_job(server)))

    def test_the_end_of_a_run_is_logged_with_its_trace(self):
        server = self.server(drop=drop_of(1))
        job = self.add_job(server, "--keep")
        self.run_job(job)
        self.run_job(job)

        def ends():
            return [line for line in self.mesh.log().splitlines() if "fetch run ended" in line and job in line]

        wait_until(lambda: len(ends()) >= 2, "both runs are logged")
        traces = [re.findall(r"trace_id=([0-9a-f]{32})", line) for line in ends()]
        self.assertTrue(all(len(found) == 1 for found in traces), ends())
        self.assertEqual(len({found[0] for found in traces}), len(traces), "each run has its own")

    def test_failures_are_tried_again_later_and_later(self):
        server = self.server(script=lambda stage, a, s: "-ERR [AUTH] no" if stage == "pass" else None)
        job = self.add_job(server)
        self.run_job(job)
        self.run_job(job)
        row = self.row(job)
        self.assertIn("PASS refused", row["state"])
        self.assertNotIn("secret", self.mesh.log())


class Rotation(unittest.TestCase):
    def test_a_rotated_key_reseals_and_old_jobs_go_on(self):
        with Mesh("fetcher: {command_timeout: 3s}\n") as mesh, Pop3Server(drop=drop_of(1)) as server:
            mesh.run("domain", "add", "a.test")
            mesh.add_account("anna@a.test", PASSWORD)
            passwords = []
            server.script = lambda stage, a, s: passwords.append(a) if stage == "pass" else None
            add = ("fetch", "add", "anna@a.test", "--host", "127.0.0.1", "--port", server.port, "--user", "u", "--tls", "none",
                   "--allow-plaintext", "--interval", 604800, "--password-stdin")
            mesh.run(*add, input="secret\n")
            first = mesh.json("secrets", "rotate")
            self.assertEqual((first["resealed"], first["failed"]), ("1", "0"))
            again = mesh.json("secrets", "rotate", "--keep-key")
            self.assertEqual((again["resealed"], again["current"]), ("0", "1"))
            self.assertEqual(len((mesh.dir / "data/keys").read_text().splitlines()), 3)
            # The old key can go: nothing needs it any more.
            lines = (mesh.dir / "data/keys").read_text().splitlines(keepends=True)
            (mesh.dir / "data/keys").write_text(lines[0] + lines[2])
            mesh.kill_role("fetcher")
            mesh.wait_all_serving()
            job = mesh.json("fetch", "list")[0]["job_id"]
            before = len(passwords)
            mesh.run("fetch", "run", job)
            self.assertEqual(passwords[before:], ["PASS secret"])


if __name__ == "__main__":
    unittest.main()
