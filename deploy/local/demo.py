"""The main job, where the user can see it: two meshes on this machine, and real mail through every role.

Site A is the one that people use. Mail for b.test is submitted to A by SMTP, relayed to site B, downloaded from B by A's
fetcher over POP3, and read at A over IMAP. A has accounts of its own domain too."""
import argparse
import imaplib
import json
import os
import pathlib
import poplib
import random
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = PROJECT / "build/release/bin"
PASSWORD = "mailmesh"
# Not "localhost": a bare Debian root has no /etc/hosts. The certificates name both.
HOST = "127.0.0.1"


def say(text):
    print(f"demo: {text}", flush=True)


class Site:
    """One `mailmesh up`."""

    def __init__(self, name, folder, port_base=0, config=""):
        self.name, self.dir, self.ready = name, folder, threading.Event()
        folder.mkdir(parents=True)
        (folder / "up.yaml").write_text(config or "{}\n")
        self.log = open(folder.parent / f"{name}.log", "w")
        self.process = subprocess.Popen(
            [BIN / "mailmesh", "--dir", folder, "up", "--port-base", str(port_base), "--config", folder / "up.yaml"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        end = time.monotonic() + 90
        while not self.ready.wait(0.1):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"demo: site {name} does not start; see {self.log.name}")
        self.endpoints = json.loads((folder / "endpoints.json").read_text())

    def _read(self):
        for line in self.process.stdout:
            self.log.write(line)
            self.log.flush()
            if line.strip() == "ready":
                self.ready.set()

    def port(self, name):
        return int(self.endpoints[name].rsplit(":", 1)[1])

    def tls(self):
        return ssl.create_default_context(cafile=self.dir / "ca.pem")

    def run(self, *command, input=None):
        done = subprocess.run([BIN / "mailmesh", "--dir", self.dir, *map(str, command)], input=input, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"demo: mailmesh {' '.join(map(str, command))} failed: {done.stderr}")
        return done.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def header(subject):
    return (f"From: Anna <anna@a.test>\r\nTo: Bert <bert@b.test>\r\nSubject: {subject}\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <{random.getrandbits(64):x}@a.test>\r\n").encode()


def messages():
    """Mail as people send it: plain, 8-bit, nested, large, odd."""
    attachment = random.Random(1).randbytes(3 * 1024 * 1024).hex().encode()
    lines = b"\r\n".join(attachment[i:i + 76] for i in range(0, len(attachment), 76))
    return {
        "a short note": header("a short note") + b"\r\nHello Bert,\r\n\r\nshort and plain.\r\n",
        "8-bit text": header("8-bit text") + "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße aus Köln\r\n".encode(),
        "nested parts": header("nested parts") + (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; "
            b"boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--i--\r\n--o--\r\n"),
        "6 MiB attachment": header("6 MiB attachment") + b"\r\n" + lines + b"\r\n",
        "dots and no text": header("dots and no text") + b"\r\n.\r\n..\r\n.a line\r\n",
    }


def submit(site, sent):
    with smtplib.SMTP(HOST, site.port("submission"), timeout=60) as smtp:
        smtp.starttls(context=site.tls())
        smtp.login("anna@a.test", PASSWORD)
        for name, octets in sent.items():
            smtp.sendmail("anna@a.test", ["bert@b.test"], octets, mail_options=["BODY=8BITMIME"])
            say(f"submitted to A by SMTP (STARTTLS, AUTH): {name}, {len(octets)} octets")


def read_at_a(site, expected):
    client = imaplib.IMAP4_SSL(HOST, site.port("imaps"), ssl_context=site.tls(), timeout=60)
    client.login("bert@b.test", PASSWORD)
    end = time.monotonic() + 60
    while int(client.select("INBOX")[1][0]) < expected and time.monotonic() < end:
        time.sleep(0.2)
    count = int(client.select("INBOX")[1][0])
    stored = [client.fetch(str(i), "(BODY.PEEK[])")[1][0][1] for i in range(1, count + 1)]
    client.logout()
    return stored


def main_job(a, b):
    """True when every octet arrived."""
    for site, domain, user in ((a, "a.test", "anna@a.test"), (b, "b.test", "bert@b.test")):
        site.run("domain", "add", domain)
        site.run("account", "create", user, "--password-stdin", input=PASSWORD + "\n")
    a.run("domain", "add", "b.test", "--relay")
    a.run("route", "add", "b.test", f"127.0.0.1:{b.port('mx')}")
    a.run("account", "create", "bert@b.test", "--password-stdin", input=PASSWORD + "\n")

    sent = messages()
    submit(a, sent)
    say("A's outbound_relay sends them on to B by SMTP")
    end = time.monotonic() + 60
    while json.loads(a.run("queue", "list", "-o", "json")) and time.monotonic() < end:
        time.sleep(0.1)
    with smtplib.SMTP(HOST, a.port("mx")) as smtp:
        smtp.sendmail("someone@elsewhere.test", ["anna@a.test"], b"Subject: welcome\r\n\r\nThis came to A from outside.\r\n")
    say("and one message came to A from outside, for anna@a.test")
    pop = poplib.POP3_SSL(HOST, a.port("pop3s"), context=a.tls())
    pop.user("anna@a.test")
    pop.pass_(PASSWORD)
    say(f"anna reads it by POP3: {pop.stat()[0]} message")
    pop.quit()

    out = a.run("fetch", "add", "bert@b.test", "--host", HOST, "--port", b.port("pop3s"), "--user", "bert@b.test",
                "--interval", 60, "--password-stdin", "-o", "json", input=PASSWORD + "\n")
    say(f"A's fetcher downloads B's maildrop by POP3 over TLS (job {json.loads(out)['job_id']})")
    stored = read_at_a(a, len(sent))
    equal = 0
    for name, octets in sent.items():
        if any(s.endswith(octets) for s in stored):
            equal += 1
        else:
            say(f"NOT FOUND at A: {name}")
    say(f"bert reads at A over IMAP: {len(stored)} messages, {equal} of {len(sent)} equal octet for octet")
    print(a.run("status"))
    return equal == len(sent) == len(stored)


def how_to_connect(a):
    print(f"""
Connect with any mail program (host localhost, certificate from {a.dir}/ca.pem):
  user anna@a.test or bert@b.test, password {PASSWORD}
  IMAP  {a.port('imaps')} (TLS)       {a.port('imap')} (STARTTLS)
  POP3  {a.port('pop3s')} (TLS)       {a.port('pop3')} (STARTTLS)
  SMTP  {a.port('submissions')} (TLS)       {a.port('submission')} (STARTTLS)
For example:
  curl --cacert {a.dir}/ca.pem --user bert@b.test:{PASSWORD} 'imaps://localhost:{a.port('imaps')}/INBOX;MAILINDEX=1'
  build/release/bin/mailmesh --dir {a.dir} status
""", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--dir", type=pathlib.Path, default=PROJECT / "build/local")
    parser.add_argument("--port-base", type=int, default=None)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    # With --once nobody connects: any port will do, and nothing is in the way.
    base = arguments.port_base if arguments.port_base is not None else 0 if arguments.once else 10000
    b = Site("b", arguments.dir / "b")
    say(f"site B serves (log: {b.log.name})")
    try:
        a = Site("a", arguments.dir / "a", base, f"fetcher: {{trust_anchors: {arguments.dir}/b/ca.pem}}\n")
        say(f"site A serves (log: {a.log.name})")
        try:
            worked = main_job(a, b)
            say("the main job is done" if worked else "the main job FAILED")
            if not arguments.once:
                how_to_connect(a)
                say("serving until Ctrl-C")
                try:
                    a.process.wait()
                except KeyboardInterrupt:
                    say("stopping")
        finally:
            a.stop()
    finally:
        b.stop()
    return 0 if worked else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.chdir(PROJECT)
    sys.exit(main())
