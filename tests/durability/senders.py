"""Clients that bring mail: SMTP from another site, submission, LMTP; and what others put into the remote maildrop.

A message is tried once: an attempt that failed is not repeated, so that it may have left one copy at most."""
import base64
import smtplib

from tests.durability import ledger as outcomes
from tests.durability.ledger import Message
from tests.durability.population import DOMAIN, PASSWORD, Client
from tests.durability.wire import Cut, Lost, Smtp

NOBODY = f"nobody@{DOMAIN}"  # has no mailbox: refused for good
CUT_SHARE = 0.06


class Sender(Client):
    """SMTP to the MX port. One connection carries some messages."""

    way, endpoint, hello, flight = "smtp", "mx", "EHLO", ("smtp",)

    def connect(self):
        connection = Smtp(self.site.mesh.address(self.endpoint))
        try:
            if connection.reply()[0] != 220 or connection.command(f"{self.hello} client.test")[0] != 250:
                raise Lost("not served")
            self.log_in(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def log_in(self, connection):
        pass

    def sender(self):
        return "someone@elsewhere.test"

    def recipients(self):
        many = self.random.choice((1, 1, 1, 2, 3, len(self.site.inboxes)))
        found = self.random.sample(self.site.inboxes, many)
        if self.random.random() < 0.3:
            found.append(self.random.choice(self.site.maildrops))
        if self.random.random() < 0.05:
            found.append(NOBODY)
        return found

    def work(self):
        if self.client is None:
            self.client = self.connect()
        key = self.ledger.next_key(self.way)
        recipients = self.recipients()
        message = Message(key, self.size(), self.sender(), recipients[0], self.way)
        self.ledger.add(message, recipients)
        if self.random.random() < CUT_SHARE:
            # At every point of a transaction: by octets of what is sent, mostly in its commands.
            whole = message.size if self.random.random() < 0.4 else 30 * (len(recipients) + 3)
            self.client.cut_after = self.random.randrange(1, whole)
            self.client.reset = self.random.random() < 0.5
        self.ledger.note(key, f"{self.way} from {message.sender} to {', '.join(recipients)}, {message.size} octets"
                         + (f", cut after {self.client.cut_after}" if self.client.cut_after else ""))
        try:
            with self.ledger.in_flight(*self.flight):
                self.transact(message, recipients)
            self.client.cut_after = None
        except (Lost, Cut, ValueError) as error:
            self.ledger.note(key, f"the connection is gone: {error}")
            self.ledger.cuts += isinstance(error, Cut)
            self.lost()
            if isinstance(error, Lost):
                raise

    def transact(self, message, recipients):
        """Settles each recipient as soon as its outcome is known. Until DATA has ended, what is cut off was never sent."""
        undecided = list(recipients)
        try:
            code, reply = self.client.command(f"MAIL FROM:<{message.sender}>")
            if code != 250:
                self.no(message, undecided, code, reply, valid=True)
                self.client.command("RSET")
                return
            taken = []
            for recipient in recipients:
                code, reply = self.client.command(f"RCPT TO:<{recipient}>")
                if code == 250:
                    taken.append(recipient)
                    if recipient == NOBODY:
                        self.ledger.fault("a recipient that is unknown was taken", message.key)
                else:
                    undecided.remove(recipient)
                    self.no(message, [recipient], code, reply, valid=recipient != NOBODY)
            if not taken:
                self.client.command("RSET")
                return
            code, reply = self.client.command("DATA")
            if code != 354:
                self.no(message, undecided, code, reply, valid=True)
                self.client.command("RSET")
                return
            self.client.send(Smtp.stuffed(message.octets()))
        except (Lost, Cut) as error:
            # The end of the data did not go out: nobody may have taken it. A kill in the midst of it is not known so well.
            complete = isinstance(error, Cut) and error.complete
            for recipient in undecided:
                self.ledger.settle(message, recipient, outcomes.UNKNOWN if complete else outcomes.NEVER_SENT)
            raise
        self.replies(message, taken)

    def replies(self, message, taken):
        code, reply = self.client.reply()
        if code == 250:
            for recipient in taken:
                self.ledger.settle(message, recipient, outcomes.ACKNOWLEDGED, reply)
        else:
            self.no(message, taken, code, reply, valid=True)

    def no(self, message, recipients, code, reply, valid):
        for recipient in recipients:
            self.ledger.settle(message, recipient, outcomes.REFUSED if code >= 500 else outcomes.UNKNOWN, reply)
        if code >= 500 and valid:
            self.ledger.fault(f"refused for good, though nothing is wrong with it: {reply}", message.key)
        if code == 421:
            raise Lost("closing")


class LmtpSender(Sender):
    way, endpoint, hello, flight = "lmtp", "lmtp", "LHLO", ("lmtp",)

    def replies(self, message, taken):
        # RFC 2033, 4.2: one reply for each recipient that was taken, in their order.
        for recipient in taken:
            code, reply = self.client.reply()
            if code == 250:
                self.ledger.settle(message, recipient, outcomes.ACKNOWLEDGED, reply)
            else:
                self.no(message, [recipient], code, reply, valid=True)


class Submitter(Sender):
    """Mail of an account to another site, and to ours."""

    way, endpoint, flight = "submission", "submission", ("submission",)

    def log_in(self, connection):
        if connection.command("STARTTLS")[0] != 220:
            raise Lost("no TLS")
        connection.start_tls(self.site.tls)
        if connection.command("EHLO client.test")[0] != 250:
            raise Lost("not served")
        token = base64.b64encode(f"\0{self.sender()}\0{PASSWORD}".encode()).decode()
        code, reply = connection.command(f"AUTH PLAIN {token}")
        if code == 535:
            self.ledger.fault(f"the right password was refused: {reply}")
        if code != 235:
            raise Lost("no log-in")

    def sender(self):
        return f"submitter@{DOMAIN}"

    def recipients(self):
        found = self.random.sample(self.site.remote_inboxes, self.random.choice((1, 2)))
        if self.random.random() < 0.3:
            found.append(self.random.choice(self.site.inboxes))
        return found


class RemoteSender(Client):
    """Puts mail into the maildrop at the other site, from where the fetcher gets it. That site is never away."""

    def work(self):
        message = Message(self.ledger.next_key("fetched"), self.size(), "someone@elsewhere.test", self.site.remote_drop, "fetched")
        self.ledger.add(message, [self.site.fetched])
        self.ledger.note(message.key, f"to the remote maildrop, {message.size} octets")
        with smtplib.LMTP("127.0.0.1", self.site.peer.lmtp_port, timeout=60) as lmtp:
            lmtp.sendmail(message.sender, [self.site.remote_drop], message.octets())
        self.ledger.settle(message, self.site.fetched, outcomes.ACKNOWLEDGED, "taken by the other site")
        self.site.waiting_for_fetch = True
