"""`mailmesh up` itself: deep folders, replicas, restarts that refuse nobody, a clean end; and LMTP."""
import imaplib
import os
import pathlib
import shutil
import signal
import smtplib
import tempfile
import threading
import time
import unittest

from tests.support import messages
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"


class Up(unittest.TestCase):
    def test_deep_folder_and_clean_end(self):
        top = tempfile.mkdtemp(prefix="mailmesh-deep-")
        self.addCleanup(shutil.rmtree, top, True)
        deep = pathlib.Path(top, *["a-folder-with-a-long-name"] * 6)
        deep.mkdir(parents=True)
        self.assertGreater(len(str(deep)), 150)
        mesh = Mesh(directory=deep).start()
        try:
            mesh.run("domain", "add", "a.test")
            mesh.add_account("anna@a.test", PASSWORD)
            mode = os.stat(deep / "run").st_mode & 0o777
            self.assertEqual(mode, 0o700)
        finally:
            self.assertEqual(mesh.stop(), 0)
        self.assertFalse((deep / "endpoints.json").exists())
        # What was there is there again.
        mesh.start()
        try:
            self.assertEqual([a["address"] for a in mesh.json("account", "list")], ["anna@a.test"])
        finally:
            mesh.stop()

    def test_one_folder_one_mesh(self):
        with Mesh() as mesh:
            second = Mesh(directory=mesh.dir)
            with self.assertRaises(RuntimeError) as caught:
                second.start()
            self.assertIn("another `mailmesh up` runs on", str(caught.exception))

    def test_replicas_and_shards_serve_the_same_mailboxes(self):
        with Mesh("replicas: {imap_gateway: 2, pop3_gateway: 2, smtp_ingress: 2, mailbox_store: 2}\n") as mesh:
            self.assertIn("mailbox_store.1.grpc", mesh.endpoints)
            mesh.run("domain", "add", "a.test")
            users = [f"user{i}@a.test" for i in range(4)]
            for user in users:
                mesh.add_account(user, PASSWORD)
            self.assertEqual({a["shard"] for a in mesh.json("account", "list")}, {"0", "1"})
            for number in range(8):
                with smtplib.SMTP(*mesh.address("mx")) as smtp:
                    self.assertEqual(smtp.sendmail("x@elsewhere.test", users, messages.simple(f"m{number}")), {})
            for user in users:
                for _ in range(3):  # whichever replica takes the connection
                    client = imaplib.IMAP4_SSL("127.0.0.1", mesh.port("imaps"), ssl_context=mesh.tls_context())
                    client.login(user, PASSWORD)
                    self.assertEqual(client.select("INBOX")[1], [b"8"])
                    client.logout()

    def test_a_role_that_restarts_refuses_nobody(self):
        with Mesh() as mesh:
            mesh.run("domain", "add", "a.test")
            mesh.add_account("anna@a.test", PASSWORD)
            refused, stop = [], threading.Event()

            def connect_again_and_again():
                while not stop.is_set():
                    try:
                        with smtplib.SMTP(*mesh.address("mx"), timeout=30) as smtp:
                            smtp.noop()
                    except ConnectionRefusedError as error:
                        refused.append(error)
                    except (smtplib.SMTPException, OSError):
                        pass  # cut off by the restart: that client was served, and comes again
                    time.sleep(0.01)

            thread = threading.Thread(target=connect_again_and_again)
            thread.start()
            for number in (signal.SIGTERM, signal.SIGKILL):
                old = mesh.process_id("smtp_ingress")
                os.kill(old, number)
                wait_until(lambda: str(old) not in mesh.run("status", check=False).stdout, "a new process", 30)
                mesh.wait_all_serving()
            stop.set()
            thread.join()
            self.assertEqual(refused, [])

    def test_lmtp_answers_for_each_recipient(self):
        with Mesh() as mesh:
            mesh.run("domain", "add", "a.test")
            for user in ("anna@a.test", "bert@a.test"):
                mesh.add_account(user, PASSWORD)
            mesh.run("alias", "add", "both@a.test", "anna@a.test", "bert@a.test")
            with smtplib.LMTP(*mesh.address("lmtp")) as lmtp:
                lmtp.ehlo_or_helo_if_needed()
                for recipients, at_rcpt in ((["anna@a.test", "nobody@a.test", "bert@a.test"], [250, 550, 250]), (["both@a.test"], [250])):
                    self.assertEqual(lmtp.mail("x@elsewhere.test")[0], 250)
                    self.assertEqual([lmtp.rcpt(recipient)[0] for recipient in recipients], at_rcpt)
                    self.assertEqual(lmtp.docmd("DATA")[0], 354)
                    lmtp.send(messages.simple("lmtp") + b".\r\n")
                    # RFC 2033, 4.2: one reply for each recipient that was accepted.
                    self.assertEqual([lmtp.getreply()[0] for _ in range(at_rcpt.count(250))], [250] * at_rcpt.count(250))
            for user in ("anna@a.test", "bert@a.test"):
                self.assertEqual(mesh.messages_in(user), 2)


if __name__ == "__main__":
    unittest.main()
