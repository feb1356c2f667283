"""`helm test`: a message in by SMTP, and back by IMAP and by POP3, over TLS with the certificate verified.

A gateway that is off is skipped by name; where SMTP is, the message comes in by IMAP. Settings are in the environment."""
import email.message
import email.utils
import imaplib
import os
import poplib
import smtplib
import socket
import ssl
import sys
import time
import uuid

NAME = os.environ["MAIL_NAME"]  # on the certificate
ADDRESS = os.environ["MAIL_ADDRESS"]
PASSWORD = open(os.environ["PASSWORD_FILE"]).read().strip()
SMTP, IMAPS, POP3S = (os.environ.get(name) for name in ("SMTP", "IMAPS", "POP3S"))  # host:port of what is on
PATIENCE = 60

authority = os.environ.get("CA_FILE", "")
tls = ssl.create_default_context(cafile=authority if os.path.exists(authority) else None)


def at(endpoint):
    host, port = endpoint.rsplit(":", 1)
    return host, int(port)


def connect(host, port):
    """A connection to the Service with TLS for the name that its certificate has."""
    return tls.wrap_socket(socket.create_connection((host, port), 30), server_hostname=NAME)


class Imap(imaplib.IMAP4):
    def _create_socket(self, timeout):
        return connect(self.host, self.port)


class Pop3(poplib.POP3):
    def _create_socket(self, timeout):
        return connect(self.host, self.port)


def by_smtp(message):
    with smtplib.SMTP(*at(SMTP), timeout=30) as client:
        client._host = NAME  # what the certificate is verified for
        client.starttls(context=tls)
        client.send_message(message, "", [ADDRESS])


def imap_session():
    client = Imap(*at(IMAPS))
    client.login(ADDRESS, PASSWORD)
    return client


def in_time(what, find):
    end = time.monotonic() + PATIENCE
    while not find():
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what}: the message is not there after {PATIENCE} s")
        time.sleep(0.5)
    print("ok:", what, flush=True)


def read_by_imap(mark):
    client = imap_session()
    client.select("INBOX", readonly=True)

    def find():
        client.noop()
        number = client.search(None, "HEADER", "Message-ID", mark)[1][0].split()
        return number and mark.encode() in client.fetch(number[0], "(BODY.PEEK[])")[1][0][1]

    in_time("read by IMAP", find)
    client.logout()


def read_by_pop3(mark):
    def find():
        client = Pop3(*at(POP3S))
        client.user(ADDRESS)
        client.pass_(PASSWORD)
        found = [n for n in range(client.stat()[0], 0, -1) if mark.encode() in b"\n".join(client.retr(n)[1])]
        for n in found:
            client.dele(n)
        client.quit()
        return found

    in_time("read by POP3, and removed", find)


def main():
    mark = f"<{uuid.uuid4()}@helm-test>"
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Message-ID"], message["Subject"] = ADDRESS, ADDRESS, mark, "helm test"
    message["Date"] = email.utils.formatdate()
    message.set_content("A message of `helm test`.\n")
    if SMTP:
        by_smtp(message)
        print("ok: taken by SMTP", flush=True)
    else:
        print("skipped: SMTP (smtpIngress is off)")
        if IMAPS:
            client = imap_session()
            client.append("INBOX", None, None, message.as_bytes().replace(b"\n", b"\r\n"))
            client.logout()
            print("ok: taken by IMAP")
    taken = SMTP or IMAPS
    for there, name, role, read in ((IMAPS, "IMAP", "imapGateway", read_by_imap), (POP3S, "POP3", "pop3Gateway", read_by_pop3)):
        if there and taken:
            read(mark)
        else:
            print(f"skipped: {name} ({'nothing brought a message in' if there else role + ' is off'})")


main()
