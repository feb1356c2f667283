"""Every kind of work that a mesh does, round and round, so that all that is counted moves: two sites, of which `a` is looked at.

Site B takes what A relays and has the maildrop that A fetches from. Each round is short; what happens once (a backup) is done at
the start."""
import imaplib
import json
import poplib
import smtplib
import socket
import threading
import time

from tests.support import messages
from tests.support.mesh import ROLES, Mesh
from tests.support.ports import free_ports

PASSWORD = "correct horse"
ANNA, BERT, MAILDROP = "anna@a.test", "bert@a.test", "carol@b.test"
HASHING = "argon2_memory_kib: 8192, argon2_passes: 1"


def config(more=None):
    """Of `mailmesh up`: JSON logs, and what `more` says of a role."""
    return "".join(f"{role}: {json.dumps({'common': {'log': {'format': 'json'}}, **(more or {}).get(role, {})})}\n" for role in ROLES)


class Traffic:
    """`with Traffic() as traffic:` starts both sites and the rounds. `traffic.failure` is what ended them early."""

    def __enter__(self):
        self.stopping, self.failure, self.rounds = threading.Event(), None, 0
        self.b = Mesh(f"directory: {{{HASHING}}}\n").start()
        try:
            self.proxy = dict(zip(("mx_proxy", "imap_proxy", "pop3_proxy"), free_ports(3)))
            mx, imap, pop3 = ({name: {"listen": f"127.0.0.1:{port}", "trusted_networks": ["127.0.0.1/32"]}} for name, port in self.proxy.items())
            self.a = Mesh(config({
                "smtp_ingress": mx, "imap_gateway": imap, "pop3_gateway": pop3,
                "directory": {"argon2_memory_kib": 8192, "argon2_passes": 1, "max_login_delay": "100ms"},
                "fetcher": {"trust_anchors": self.b.ca}, "outbound_relay": {"min_retry": "1s"},
            })).start()
        except BaseException:
            self.b.__exit__(None, None, None)
            raise
        self.prepare()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *reason):
        self.stopping.set()
        self.thread.join(60)
        self.a.__exit__(*reason)
        self.b.__exit__(*reason)

    def prepare(self):
        a, b = self.a, self.b
        b.run("domain", "add", "b.test")
        b.add_account(MAILDROP, PASSWORD)
        a.run("domain", "add", "a.test")
        for address in (ANNA, BERT):
            a.add_account(address, PASSWORD)
        # To B; and to where nobody listens.
        for domain, port in (("b.test", b.port("mx")), ("away.test", free_ports(1)[0])):
            a.run("domain", "add", domain, "--relay")
            a.run("route", "add", domain, f"127.0.0.1:{port}")
        out = a.run("fetch", "add", BERT, "--host", "127.0.0.1", "--port", b.port("pop3s"), "--user", MAILDROP, "--interval", 10,
                    "--mailbox", "Fetched", "--password-stdin", "-o", "json", input=PASSWORD + "\n").stdout
        self.job = json.loads(out)["job_id"]
        a.run("backup", "create")
        a.run("store", "verify")

    def run(self):
        try:
            while not self.stopping.is_set():
                start = time.monotonic()
                for work in (self.come_in, self.submit, self.read_by_imap, self.read_by_pop3, self.look_up, self.come_by_a_balancer, self.fail):
                    work(self.rounds)
                self.rounds += 1
                self.stopping.wait(max(0.0, 1 - (time.monotonic() - start)))
        except Exception as error:  # noqa: BLE001: told by the test
            self.failure = error

    def wait_rounds(self, count, seconds=120):
        end = time.monotonic() + seconds
        while self.rounds < count and self.failure is None and time.monotonic() < end:
            time.sleep(0.1)
        if self.failure is not None:
            raise self.failure
        if self.rounds < count:
            raise TimeoutError(f"{self.rounds} rounds in {seconds} s")

    def come_in(self, number):
        with smtplib.SMTP(*self.a.address("mx"), timeout=30) as smtp:
            for to in (ANNA, BERT):
                smtp.sendmail("x@elsewhere.test", [to], messages.simple(f"in {number}", sender="x@elsewhere.test", to=to))
            smtp.mail("x@elsewhere.test")
            smtp.rcpt("nobody@a.test")
            smtp.rset()

    def submit(self, number):
        bare = f"From: {ANNA}\r\nSubject: out {number}\r\n\r\nno Date, no Message-ID\r\n".encode()
        with smtplib.SMTP(*self.a.address("submission"), timeout=30) as smtp:
            smtp.starttls(context=self.a.tls_context())
            smtp.login(ANNA, PASSWORD)
            smtp.sendmail(ANNA, [MAILDROP], bare)
            smtp.sendmail(ANNA, ["nobody@b.test"], bare)  # comes back
            smtp.sendmail(ANNA, ["x@nowhere.invalid"], bare)  # too: the DNS has no such name (RFC 6761, 6.4), which needs no server
            if number % 5 == 0:
                smtp.sendmail(ANNA, ["x@away.test"], bare)  # waits
            # The relay reports what the store has taken: it delivers it once more.
            smtp.sendmail(ANNA, [BERT], bare, rcpt_options=["NOTIFY=SUCCESS"])
        with smtplib.SMTP_SSL(*self.a.address("submissions"), timeout=30, context=self.a.tls_context()) as smtp:
            smtp.login(ANNA, PASSWORD)
            smtp.sendmail(ANNA, [BERT], bare)

    def read_by_imap(self, number):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.a.port("imaps"), ssl_context=self.a.tls_context(), timeout=30)
        client.login(BERT, PASSWORD)
        client.select("INBOX")
        client.append("INBOX", r"(\Seen)", None, messages.simple(f"appended {number}"))
        client.fetch("1:*", "(FLAGS ENVELOPE)")
        client.fetch("*", "(BODY.PEEK[])")
        client.search(None, "SUBJECT", "in")
        client.store("1", "+FLAGS", r"(\Flagged)")
        client.copy("1", "Archive")
        client.select("Nowhere")  # NO
        client.select("INBOX")
        self.idle(client, number)
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.logout()

    def idle(self, client, number):
        """Until the next message is told of."""
        tag = client._new_tag()
        client.send(tag + b" IDLE\r\n")
        client.readline()  # "+ idling"
        with smtplib.SMTP(*self.a.address("mx"), timeout=30) as smtp:
            smtp.sendmail("x@elsewhere.test", [BERT], messages.simple(f"told {number}", to=BERT))
        while b" EXISTS" not in client.readline():
            pass
        client.send(b"DONE\r\n")
        while not client.readline().startswith(tag):
            pass

    def read_by_pop3(self, number):
        client = poplib.POP3_SSL("127.0.0.1", self.a.port("pop3s"), context=self.a.tls_context(), timeout=30)
        client.user(ANNA)
        client.pass_(PASSWORD)
        count = client.stat()[0]
        for i in range(1, count + 1):
            client.retr(i)
            client.dele(i)
        try:
            client.retr(count + 7)
        except poplib.error_proto:
            pass
        client.quit()

    def look_up(self, number):
        self.a.run("fetch", "run", self.job)
        # A password that nobody has shown before is hashed.
        address = f"u{number}@a.test"
        self.a.add_account(address, PASSWORD)
        self.a.run("auth", "test", address, "--password-stdin", input=PASSWORD + "\n")

    def come_by_a_balancer(self, number):
        """Greeted with a header of version 1, closed without one, checked with LOCAL of version 2."""
        header = b"PROXY TCP4 203.0.113.7 203.0.113.1 4000 25\r\n"
        local = b"\r\n\r\n\0\r\nQUIT\n" + b"\x20\0\0\0"
        for port in self.proxy.values():
            for first in (header, b"QUIT\r\n", local):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
                    raw.sendall(first)
                    try:
                        raw.recv(200)
                    except ConnectionResetError:
                        pass

    def fail(self, number):
        """A log-in with a wrong password, and a command that nobody knows."""
        if number % 3:
            return
        client = imaplib.IMAP4_SSL("127.0.0.1", self.a.port("imaps"), ssl_context=self.a.tls_context(), timeout=30)
        try:
            client.login(ANNA, "wrong")
        except imaplib.IMAP4.error:
            pass
        client.shutdown()
        with socket.create_connection(self.a.address("mx"), timeout=30) as raw:
            raw.recv(200)
            raw.sendall(b"NONSENSE\r\n")
            raw.recv(200)
