"""A mesh and what tests need around programs that others wrote: run them with TLS and verification, print what came out."""
import imaplib
import os
import pathlib
import shlex
import shutil
import smtplib
import socket
import subprocess
import tempfile
import unittest

from tests.support.mesh import Mesh

PASSWORD = "correct horse"


def program(name):
    return unittest.skipUnless(shutil.which(name), f"{name} is not installed")


def _knows_localhost():
    try:
        return socket.gethostbyname("localhost") == "127.0.0.1"
    except OSError:
        return False


# For programs that compare certificates with host names only. A bare root has no /etc/hosts.
needs_localhost = unittest.skipUnless(_knows_localhost(), "localhost is not known here")


class ClientTest(unittest.TestCase):
    """One mesh for the class; USERS exist in a.test."""

    USERS = ("anna", "bert")

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh("directory: {argon2_memory_kib: 8192, argon2_passes: 1}\n"))
        cls.mesh.run("domain", "add", "a.test")
        for user in cls.USERS:
            cls.mesh.add_account(f"{user}@a.test", PASSWORD)

    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def sh(self, *command, input=None, env=None, show=6, code=0):
        """Runs a program, prints the command and the last `show` lines of what came out, and gives that."""
        command = [str(c) for c in command]
        done = subprocess.run(command, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              env={**os.environ, "HOME": str(self.scratch), **(env or {})})
        text = done.stdout.decode(errors="replace")
        print(f"\n    $ {shlex.join(command)}".replace(str(self.scratch), "~").replace(str(self.mesh.dir), "MESH"))
        for line in [line for line in text.splitlines() if line.strip()][-show:] if show else []:
            print(f"      {line[:150]}")
        self.assertEqual(done.returncode, code, f"{command}\n{text}")
        return text

    def file(self, name, text):
        """A file in the test's folder that only its owner may read, as programs ask for where a password is in it."""
        path = self.scratch / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path

    def deliver(self, to, message):
        """By SMTP to the MX port, in plain text, as another server would."""
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            smtp.sendmail("someone@elsewhere.test", [to], message)

    def imap(self, user, mailbox="INBOX"):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mesh.port("imaps"), ssl_context=self.mesh.tls_context())
        client.login(f"{user}@a.test", PASSWORD)
        self.addCleanup(client.shutdown)
        status, text = client.select(mailbox)
        self.assertEqual(status, "OK", text)
        return client

    def subjects(self, user, mailbox="INBOX"):
        """The subjects of a mailbox, sorted; as often as they are there."""
        client = self.imap(user, mailbox)
        found = []
        for item in client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(item, tuple):
                found.append(item[1].decode().split(":", 1)[1].strip())
        return sorted(found)
