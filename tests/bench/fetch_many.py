#!/usr/bin/python3
"""A maildrop of 50,000 messages at a real Dovecot, fetched once: how long, and what memory the fetcher takes.

    tests/bench/fetch_many.py [--messages 50000] [--octets 2000]

Prints one line a figure. Ends with 1 where what was fetched is not what was there: every message once, octet for octet."""
import argparse
import collections
import hashlib
import imaplib
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.bench.figures import cpu_seconds, memory_kib, say  # noqa: E402
from tests.support import messages, peers  # noqa: E402
from tests.support.mesh import Mesh  # noqa: E402
from tests.support.ports import wait_until  # noqa: E402

USER = "anna@b.test"
MAIL = 8  # user and group "mail" of Debian


def fill(site, count, octets):
    """Puts messages into the maildir as a delivery would; a Counter of their digests."""
    folder = site.dir / "srv/mail" / USER
    digests = collections.Counter()
    for name in ("", "cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        os.chown(folder / name, MAIL, MAIL)
    for i in range(count):
        content = messages.simple(f"many-{i}", octets)
        path = folder / "cur" / f"{1_700_000_000 + i}.M{i}P1.bench,S={len(content)},W={len(content)}:2,"
        path.write_bytes(content)
        os.chown(path, MAIL, MAIL)
        digests[hashlib.sha256(content).digest()] += 1
    return digests


def stored(mesh):
    """A Counter of the digests of what is in the mailbox."""
    client = imaplib.IMAP4_SSL("127.0.0.1", mesh.port("imaps"), ssl_context=mesh.tls_context(), timeout=600)
    client.login("anna@a.test", "correct horse")
    total = int(client.select("INBOX", readonly=True)[1][0])
    digests = collections.Counter()
    for first in range(1, total + 1, 1000):
        for item in client.fetch(f"{first}:{min(total, first + 999)}", "(BODY.PEEK[])")[1]:
            if isinstance(item, tuple):
                digests[hashlib.sha256(item[1]).digest()] += 1
    client.logout()
    return digests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--octets", type=int, default=2000)
    options = parser.parse_args()
    with Mesh("fetcher: {command_timeout: 10m}\n") as mesh, peers.Site(["b.test"]) as site:
        mesh.run("domain", "add", "a.test")
        mesh.add_account("anna@a.test")
        sent = fill(site, options.messages, options.octets)
        # Its first look at a maildir of this size takes Dovecot minutes; that is not what is measured.
        started = time.monotonic()
        site.run("doveadm", "index", "-u", USER, "INBOX", check=True)
        say("Dovecot's own index of them, seconds", f"{time.monotonic() - started:.1f}")
        say("memory of the fetcher before, KiB", memory_kib(mesh, "fetcher", "VmRSS"))
        started = time.monotonic()
        mesh.run("fetch", "add", "anna@a.test", "--host", "127.0.0.1", "--port", site.pop3_port, "--user", USER, "--tls", "none",
                 "--allow-plaintext", "--interval", 3600, "--keep", "--password-stdin", input=site.password + "\n")
        wait_until(lambda: int((job := mesh.json("fetch", "list")[0])["fetched"]) >= options.messages and job["state"] != "running",
                   "all are fetched", 3600, 1)
        took = time.monotonic() - started
        say(f"{options.messages} messages of {options.octets} octets, seconds", f"{took:.1f}")
        say("messages a second", f"{options.messages / took:.0f}")
        say("greatest memory of the fetcher, KiB", memory_kib(mesh, "fetcher", "VmHWM"))
        for role in ("fetcher", "mailbox_store"):
            say(f"CPU of {role}, ms a message", f"{1000 * cpu_seconds(mesh, role) / options.messages:.3f}")
        job = mesh.json("fetch", "list")[0]
        say("state of the job", job["state"])
        started = time.monotonic()
        again = mesh.json("fetch", "run", job["job_id"], "--wait", 600)
        say("a run that finds nothing new, seconds", f"{time.monotonic() - started:.1f}")
        found = stored(mesh)
        equal = found == sent
        say("stored, different, all equal", f"{sum(found.values())}, {len(found)}, {equal}")
    return 0 if equal and job["state"] == "ok" and int(again["fetched"]) == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
