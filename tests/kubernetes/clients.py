"""Clients from outside the cluster that keep a ledger, and note what the servers told them and how long they had to wait.

A message is tried once. A client whose connection ends connects again at once, as a mail program does; its pause is the time from one
success to the next."""
import collections
import imaplib
import poplib
import random
import re
import smtplib
import socket
import threading
import time

from tests.durability import ledger as outcomes
from tests.durability.ledger import Message
from tests.kubernetes.release import DOMAIN, HOSTNAME, PASSWORD

TIMEOUT = 60  # for an answer
CONNECT_TIMEOUT = 5
DEAD_AFTER = 10  # seconds without a sign of life from the other machine
PROTOCOL_ERRORS = (smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)


def connect(address, context=None):
    """A connection that notices when the machine at its other end is gone. With a context: TLS, verified for the name that users know,
    wherever the connection goes."""
    plain = socket.create_connection(address, CONNECT_TIMEOUT)
    plain.settimeout(TIMEOUT)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 4), (socket.TCP_KEEPINTVL, 2), (socket.TCP_USER_TIMEOUT, DEAD_AFTER * 1000)):
        plain.setsockopt(socket.IPPROTO_TCP, option, value)
    return context.wrap_socket(plain, server_hostname=HOSTNAME) if context else plain


def words_of(error):
    """What the server said; None where it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"{code} {text.decode(errors='replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    if not isinstance(error, (imaplib.IMAP4.error, poplib.error_proto)):
        return None
    text = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error.args[0])
    if re.search(r"EOF|socket error", text):
        return None
    # imaplib gives the text of a BYE without the word.
    return f"BYE {text}" if isinstance(error, imaplib.IMAP4.abort) else text


def short(words):
    """The class of an error, for the table."""
    if match := re.search(r"\[(?:UNAVAILABLE|SYS/TEMP|IN-USE|INUSE)\]|BYE", words):
        return match[0]
    return words[:3] if words[:3].isdigit() else words[:60]


class TlsImap(imaplib.IMAP4):
    def __init__(self, address, context):
        self.context = context
        super().__init__(*address)

    def _create_socket(self, timeout):
        return connect((self.host, self.port), self.context)


class TlsPop3(poplib.POP3):
    def __init__(self, address, context):
        self.context = context
        super().__init__(*address)

    def _create_socket(self, timeout):
        return connect((self.host, self.port), self.context)


class PlainSmtp(smtplib.SMTP):
    def __init__(self, address):
        super().__init__(local_hostname="client.test")
        code, text = self.connect(*address)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, text)

    def _get_socket(self, host, port, timeout):
        return connect((host, port))


class Client(threading.Thread):
    """Works until stop(). successes: times; errors: (time, words)."""

    way = ""

    def __init__(self, number, balancer, context, ledger, pause):
        super().__init__(daemon=True, name=f"{self.way}{number}")
        self.balancer, self.context, self.ledger, self.pause = balancer, context, ledger, pause
        self.account = f"user{number}@{DOMAIN}"
        self.random = random.Random(f"{ledger.seed} {self.name}")
        self.successes, self.errors = [], []
        self._stopped = threading.Event()
        self.connection = None

    def stop(self):
        self._stopped.set()

    def run(self):
        try:
            self.successes.append(time.monotonic())
            while not self._stopped.is_set():
                try:
                    if self.connection is None:
                        self.connection = self.connect()
                    self.work()
                    self.successes.append(time.monotonic())
                    if self.random.random() < 0.1:  # sessions end, and new ones go where they are sent
                        self.leave()
                except (OSError, EOFError, *PROTOCOL_ERRORS) as error:
                    self.note(error)
                    self.drop()
                    self._stopped.wait(0.1)
                self._stopped.wait(self.pause * self.random.uniform(0.2, 1.8))
            self.leave()
        except Exception as error:  # a mistake of the test: it must not look like a quiet client
            self.ledger.fault(f"{self.name}: {type(error).__name__}: {error}")
            raise

    def note(self, error):
        words = self.last_words() or words_of(error) or ("cut off" if self.connection is not None else "not reached")
        if words == "cut off":
            self.ledger.event(f"{self.name} cut off: {error!r}")
        self.errors.append((time.monotonic(), words))

    def connect(self):
        raise NotImplementedError

    def work(self):
        raise NotImplementedError

    def quit(self):
        raise NotImplementedError

    def last_words(self):
        """What the server said unasked before it closed, where the client's library has it and does not say so."""
        return None

    def leave(self):
        if self.connection is not None:
            try:
                self.quit()
            except (OSError, EOFError, *PROTOCOL_ERRORS) as error:
                self.note(error)
        self.drop()

    def drop(self):
        connection, self.connection = self.connection, None
        if connection is not None and getattr(connection, "sock", None) is not None:
            connection.sock.close()

    def longest_pause(self):
        times = [*self.successes, time.monotonic()] if self.is_alive() else self.successes
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)

    def message(self):
        key = self.ledger.next_key(self.way)
        message = Message(key, self.random.randrange(1 << 10, 8 << 10), "someone@elsewhere.test", self.account, self.way)
        self.ledger.add(message, [self.account])
        return message

    def settle(self, message, outcome, reply=""):
        self.ledger.settle(message, self.account, outcome, reply)


class Smtp(Client):
    way = "smtp"

    def connect(self):
        return PlainSmtp(self.balancer.address("mx"))

    def work(self):
        message = self.message()
        try:
            self.connection.sendmail(message.sender, [self.account], message.octets())
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            words = words_of(error)
            self.settle(message, outcomes.REFUSED if words.startswith("5") else outcomes.UNKNOWN, words)
            if words.startswith("5"):
                self.ledger.fault(f"refused for good: {words}", message.key)
            raise
        self.settle(message, outcomes.ACKNOWLEDGED)

    def quit(self):
        self.connection.quit()


class Imap(Client):
    """Appends a message and reads it back."""
    way = "imap"

    def connect(self):
        connection = TlsImap(self.balancer.address("imaps"), self.context)
        self.ok(connection, connection.login(self.account, PASSWORD))
        self.ok(connection, connection.select("INBOX"))
        return connection

    @staticmethod
    def ok(connection, answer):
        status, data = answer
        if status != "OK":
            raise imaplib.IMAP4.error(f"{status} {data[-1].decode(errors='replace') if data and data[-1] else ''}")
        return data

    def work(self):
        message = self.message()
        self.ok(self.connection, self.connection.append("INBOX", None, None, message.octets()))
        self.settle(message, outcomes.ACKNOWLEDGED)
        found = self.ok(self.connection, self.connection.search(None, "HEADER", "Message-ID", f"<{message.key}@durability.test>"))
        if len(found[0].split()) != 1:
            self.ledger.fault(f"{self.name}: was told that it is appended, and finds {found[0].split()}", message.key)

    def last_words(self):
        # imaplib that waits for the continuation of APPEND reads a BYE, goes on waiting and reports the end alone.
        bye = self.connection.untagged_responses.get("BYE") if self.connection is not None else None
        return f"BYE {bye[-1].decode()}" if bye else None

    def quit(self):
        self.connection.logout()


class Pop3(Client):
    way = "pop3"

    def connect(self):
        connection = TlsPop3(self.balancer.address("pop3s"), self.context)
        connection.user(self.account)
        connection.pass_(PASSWORD)
        return connection

    def work(self):
        if self.connection.stat()[0]:
            self.connection.retr(1)
        # A maildrop is locked by its session: short ones, as they are in life.
        self.quit()
        self.drop()

    def quit(self):
        self.connection.quit()


def errors_of(clients):
    return collections.Counter(short(words) for client in clients for _, words in client.errors)


class Reader:
    """Reads what came into an account's INBOX since it was made."""

    def __init__(self, balancer, context, account):
        self.balancer, self.context, self.account = balancer, context, account
        with self._connect() as connection:
            text = Imap.ok(connection, connection.status("INBOX", "(UIDNEXT)"))[0].decode()
        self.first = int(re.search(r"UIDNEXT (\d+)", text)[1])

    def _connect(self):
        connection = TlsImap(self.balancer.address("imaps"), self.context)
        Imap.ok(connection, connection.login(self.account, PASSWORD))
        return connection

    def messages(self):
        """{key: [octets]}, by the key in their Message-ID."""
        found = collections.defaultdict(list)
        with self._connect() as connection:
            Imap.ok(connection, connection.select("INBOX", readonly=True))
            for item in Imap.ok(connection, connection.uid("FETCH", f"{self.first}:*", "(BODY.PEEK[])")):
                if isinstance(item, tuple) and (match := re.search(rb"(?mi)^Message-ID: <([^@]+)@durability\.test>", item[1])):
                    found[match[1].decode()].append(item[1])
        return found
