"""POP3 clients that take mail away: RETR, DELE, QUIT. What QUIT acknowledged is gone; nothing else is."""
import poplib
import re

from tests.durability.population import PASSWORD, Client
from tests.durability.check_octets import same


class Deleter(Client):
    def work(self):
        user = self.random.choice(self.site.maildrops)
        popped = self.ledger.popped[user]
        with self.ledger.in_flight("pop3"):
            self.session(user, popped)

    def session(self, user, popped):
        client, keys = None, []
        try:
            client = poplib.POP3(*self.site.mesh.address("pop3"), timeout=25)
            client.user(user)
            client.pass_(PASSWORD)
            count = client.stat()[0]
            for number in range(1, min(count, 4) + 1):
                octets = b"".join(line + b"\r\n" for line in client.retr(number)[1])
                key = self.look(user, octets, popped)
                if key is not None and self.random.random() < 0.8:
                    client.dele(number)
                    keys.append(key)
            for key in keys:
                popped[key] = "maybe"
                self.ledger.note(key, f"{user}: POP3 QUIT after DELE")
            client.quit()
            for key in keys:
                popped[key] = "gone"
                self.ledger.note(key, f"{user}: POP3 QUIT +OK")
        except (poplib.error_proto, OSError, EOFError) as error:
            if re.search(r"\[AUTH\]|no such message", str(error)):
                self.ledger.fault(f"{user}: POP3 {error}", keys[0] if keys else None)
        finally:
            if client is not None:
                client.close()

    def look(self, user, octets, popped):
        match = re.search(rb"(?m)^Subject: (\S+)\r$", octets)
        message = self.ledger.messages.get(match.group(1).decode()) if match else None
        if message is None:
            self.ledger.fault(f"{user}: a message that nobody sent, by POP3")
            return None
        if popped.get(message.key) == "gone":
            self.ledger.fault(f"{user}: deleted by POP3, and there again", message.key)
        if not same(octets, message.octets()):
            self.ledger.fault(f"{user}: other octets by POP3", message.key)
        return message.key
