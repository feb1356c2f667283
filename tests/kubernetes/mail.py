"""Phase 2: mail from outside the cluster and to it, with Postfix and Dovecot as the other site."""
import imaplib
import json
import secrets
import smtplib

from tests.kubernetes import clients, outside
from tests.kubernetes.balancer import Balancer
from tests.kubernetes.install import public_context
from tests.kubernetes.release import DOMAIN, PASSWORD, Failed, tool
from tests.support import messages, peers
from tests.support.ports import wait_until

REMOTE = "remote.test"


def subjects(connection):
    if connection.select("INBOX", readonly=True)[1] == [b"0"]:
        return []
    data = connection.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    return [item[1].decode().split(":", 1)[1].strip() for item in data if isinstance(item, tuple)]


class Users:
    """Those of the other site, and ours with their mail programs."""

    def __init__(self):
        self.context = public_context()
        self.balancers = {c: Balancer(c) for c in ("smtp-ingress", "imap-gateway", "pop3-gateway")}
        certificate, key = outside.certificate()
        self.peer = peers.Site([REMOTE], users=("anna", "drop"), address=outside.ADDRESS, tls=(certificate, key, certificate))

    def __enter__(self):
        self.peer.start()
        for balancer in self.balancers.values():
            balancer.__enter__()
        return self

    def __exit__(self, *_):
        for balancer in self.balancers.values():
            balancer.__exit__()
        self.peer.stop()

    def imap(self, account):
        connection = clients.TlsImap(self.balancers["imap-gateway"].address("imaps"), self.context)
        connection.login(account, PASSWORD)
        return connection

    def arrived(self, account, subject, seconds=60):
        def there():
            connection = self.imap(account)
            try:
                return subject in subjects(connection)
            finally:
                connection.logout()
        wait_until(there, f"{subject} in {account}", seconds, 0.5)

    def comes_in(self, account=f"user0@{DOMAIN}"):
        """SMTP in; IMAP and POP3 out."""
        subject = f"in-{secrets.token_hex(4)}"
        with clients.PlainSmtp(self.balancers["smtp-ingress"].address("mx")) as smtp:
            smtp.sendmail("someone@elsewhere.test", [account], messages.simple(subject, 3000))
        self.arrived(account, subject)
        pop3 = clients.TlsPop3(self.balancers["pop3-gateway"].address("pop3s"), self.context)
        pop3.user(account)
        pop3.pass_(PASSWORD)
        text = b"\n".join(pop3.retr(pop3.stat()[0])[1])
        pop3.quit()
        if subject.encode() not in text:
            raise Failed(f"POP3's last message is not {subject}")
        return "SMTP in, IMAP and POP3 out"

    def goes_out(self):
        """Submission with STARTTLS and a log-in; the relay brings it to the other site's Postfix, where Dovecot has it."""
        subject = f"out-{secrets.token_hex(4)}"
        host, port = self.balancers["smtp-ingress"].address("submission")
        with smtplib.SMTP(timeout=30, local_hostname="client.test") as smtp:
            smtp.connect(host, port)
            smtp._host = clients.HOSTNAME  # the name to verify
            smtp.starttls(context=self.context)
            smtp.login(f"user0@{DOMAIN}", PASSWORD)
            smtp.sendmail(f"user0@{DOMAIN}", [f"anna@{REMOTE}"], messages.simple(subject, 3000, sender=f"user0@{DOMAIN}"))

        def there():
            with imaplib.IMAP4(outside.ADDRESS, self.peer.imap_port, timeout=10) as connection:
                connection.login(f"anna@{REMOTE}", self.peer.password)
                return subject in subjects(connection)

        wait_until(there, f"{subject} at the other site", 60, 0.5)
        return "submission, relay, Postfix outside"

    def is_fetched(self):
        """A maildrop at the other site's Dovecot, which the fetcher empties into an account of ours."""
        subject = f"fetched-{secrets.token_hex(4)}"
        with smtplib.SMTP(outside.ADDRESS, self.peer.smtp_port, timeout=30) as smtp:
            smtp.sendmail("someone@elsewhere.test", [f"drop@{REMOTE}"], messages.simple(subject, 3000))
        account = f"user1@{DOMAIN}"
        if jobs := json.loads(tool("fetch", "list", "-o", "json")):
            # Its pauses have grown while the other site was away.
            tool("fetch", "run", jobs[0]["job_id"])
        else:
            tool("fetch", "add", account, "--host", outside.ADDRESS, "--user", f"drop@{REMOTE}", "--interval", "10", "--password-stdin", input=self.peer.password + "\n")
        self.arrived(account, subject, 90)
        return "fetcher, Dovecot outside"


def main():
    tool("domain", "add", REMOTE, "--relay", check=False)
    tool("route", "add", REMOTE, f"{outside.ADDRESS}:25", check=False)
    with Users() as users:
        for step in (users.comes_in, users.goes_out, users.is_fetched):
            print(f"  {step()}: ok", flush=True)
