"""IMAP clients that change mailboxes: one writer an account, and a watcher that only looks.

The writer keeps its model of the account. What ended without an answer is in one of two states; it is not touched again, so that
both stay possible until the check."""
import re

from tests.durability.ledger import Box, Held, Message
from tests.durability.population import DOMAIN, PASSWORD, Client
from tests.durability.wire import Cut, Imap, Lost, Refused

FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Label", "work")
CUT_SHARE = 0.03


class Writer(Client):
    def __init__(self, name, site, ledger, pause):
        super().__init__(name, site, ledger, pause)
        self.user = f"{name}@{DOMAIN}"
        self.boxes = ledger.boxes[self.user]
        self.held = ledger.held[self.user]
        self.numbers = 0
        self.status, self.last = {}, ""  # of the last SELECT; the text of the last OK

    def work(self):
        if self.client is None:
            try:
                self.client = Imap(self.site.mesh.address("imap"), self.user, PASSWORD)
            except Refused as error:
                self.seen_refusal(error)
                raise Lost("no log-in") from None
        known = [box for box in self.boxes if box.sure]
        if len(known) < 2:
            return self.create()
        steps = {self.append: 40, self.store: 22, self.copy: 9, self.move: 9, self.expunge: 9, self.create: 3, self.rename: 4, self.look: 5}
        step = self.random.choices(list(steps), list(steps.values()))[0]
        try:
            return step(self.random.choice(known)) if step != self.create else step()
        except Refused as error:  # of a look; what a change saw is noted there
            self.seen_refusal(error)
            raise Lost(str(error)) from None

    def seen_refusal(self, error, key=None):
        # What no outage may make a client believe. BAD is for what a client did wrong; we do nothing wrong.
        if re.match(r"BAD|NO \[(AUTHENTICATIONFAILED|NONEXISTENT|TRYCREATE|ALREADYEXISTS|CANNOT|NOPERM)", str(error)):
            self.ledger.fault(f"{self.user}: {error}", key)

    def change(self, key, command, literal=None, cut=True):
        """Whether its OK was seen. If not, nobody knows what became of it: a refusal for the moment may have been done too."""
        client = self.client
        self.ledger.note(key, f"{self.user}: {command}" + ("" if literal is None else f" {{{len(literal)}}}"))
        if cut and self.random.random() < CUT_SHARE:
            client.cut_after = len(command) + 8 + (len(literal) if literal else 0)
            if self.random.random() < 0.5:
                client.cut_after = self.random.randrange(1, client.cut_after)
            client.reset = self.random.random() < 0.5
        try:
            with self.ledger.in_flight("imap"):
                text = client.run(command, literal)
            client.cut_after = None
            self.ledger.note(key, f"{self.user}: {text}")
            return True
        except Refused as error:
            client.cut_after = None
            self.ledger.note(key, f"{self.user}: {error}")
            self.seen_refusal(error, key)
        except (Lost, Cut) as error:
            self.ledger.note(key, f"{self.user}: {type(error).__name__} {error}")
            self.ledger.cuts += isinstance(error, Cut)
            self.lost()
        return False

    def answer(self, code):
        """Numbers of the response code that the last answer has, such as APPENDUID."""
        for line in [b" ".join(parts) for parts in (self.client.told if self.client else [])] + [self.last.encode()]:
            if match := re.search(rb"\[" + code.encode() + rb" ([^\]]*)\]", line):
                return match.group(1).decode().split()
        return None

    def select(self, box):
        """Looks that UIDVALIDITY has held. False: not now."""
        if self.client.selected == box.names[0]:
            return True
        try:
            self.status = self.client.select(box.names[0])
        except Refused as error:
            self.seen_refusal(error)
            return False
        self.uid_validity(box, self.status.get("UIDVALIDITY"))
        return True

    def uid_validity(self, box, value):
        if box.uid_validity is None:
            box.uid_validity = value
        elif value is not None and box.uid_validity != value:
            self.ledger.fault(f"{self.user} {box.names[0]}: UIDVALIDITY was {box.uid_validity} and is {value}")

    def gave(self, box, uid, key):
        """The server said that this UID is this message. Only this client adds messages, one at a time: each is a greater one."""
        known = box.uids.get(uid)
        if known not in (None, key):
            self.ledger.fault(f"{self.user} {box.names[0]}: UID {uid} was given to {known} and to {key}", key)
        elif known is None and box.uids and uid <= max(box.uids):
            self.ledger.fault(f"{self.user} {box.names[0]}: UID {uid} after {max(box.uids)}", key)
        box.uids[uid] = key

    def pick(self, box):
        here = [held for held in self.held if held.box is box and held.state == "there" and len(held.flags) == 1 and held.uid]
        return self.random.choice(here) if here else None

    # Each step: the request is in the model's history before it is sent; its outcome after.

    def create(self):
        self.numbers += 1
        box = Box(f"box-{self.numbers}")
        self.boxes.append(box)
        box.sure = self.change(f"{self.user} {box.names[0]}", f'CREATE "{box.names[0]}"')

    def rename(self, box):
        self.numbers += 1
        new = f"box-{self.numbers}"
        old = box.names[0]
        box.sure = False
        box.names.append(new)
        if self.change(f"{self.user} {old}", f'RENAME "{old}" "{new}"'):
            box.names.remove(old)
            box.sure = True
            if self.client.selected == old:
                self.client.selected = None

    def append(self, box):
        key = self.ledger.next_key("append")
        message = Message(key, self.size(), self.user, self.user, "append")
        with self.ledger.lock:
            self.ledger.messages[key] = message
        flags = frozenset(self.random.sample(FLAGS, self.random.choice((0, 0, 1, 2))))
        held = Held(key, box, "maybe", flags=flags)
        self.held.append(held)
        if self.told(key, f'APPEND "{box.names[0]}" ({" ".join(sorted(flags))})', message.octets()):
            held.state = "there"
            validity, uid = map(int, self.answer("APPENDUID"))
            self.uid_validity(box, validity)
            held.uid = uid
            self.gave(box, uid, key)

    def told(self, key, command, literal=None):
        """change(), and keeps the tagged text for answer()."""
        self.last = ""
        done = self.change(key, command, literal)
        if done:
            self.last = self.ledger.history_[key][-1][1]
        return done

    def store(self, box):
        held = self.pick(box)
        if held is None or not self.select(box):
            return
        flag, sign = self.random.choice(FLAGS), self.random.choice("++-")
        before = held.flags[0]
        after = before | {flag} if sign == "+" else before - {flag}
        held.flags = [before, after]
        if self.change(held.key, f"UID STORE {held.uid} {sign}FLAGS ({flag})"):
            held.flags = [after]

    def copy(self, box):
        self.transfer(box, "COPY")

    def move(self, box):
        self.transfer(box, "MOVE")

    def transfer(self, box, verb):
        held = self.pick(box)
        if held is None:
            return
        # A key comes to a box once in its life: then the check knows what its being there means.
        others = [other for other in self.boxes if other.sure and other is not box
                  and not any(h.key == held.key and h.box is other for h in self.held)]
        if not others or not self.select(box):
            return
        target = self.random.choice(others)
        new = Held(held.key, target, "maybe", flags=held.flags[0])
        self.held.append(new)
        if verb == "MOVE":
            held.state = "maybe"
        if not self.told(held.key, f'UID {verb} {held.uid} "{target.names[0]}"'):
            if verb == "MOVE":
                self.ledger.either.append((held, new))
            return
        new.state = "there"
        if verb == "MOVE":
            held.state = "gone"
        given = self.answer("COPYUID")
        if given is None:
            self.ledger.fault(f"{self.user}: {verb} did nothing, though the message was there", held.key)
            return
        self.uid_validity(target, int(given[0]))
        new.uid = int(given[2])
        self.gave(target, new.uid, held.key)

    def expunge(self, box):
        held = self.pick(box)
        if held is None or not self.select(box):
            return
        before = held.flags[0]
        held.flags = [before, before | {"\\Deleted"}]
        if not self.change(held.key, f"UID STORE {held.uid} +FLAGS.SILENT (\\Deleted)"):
            return
        held.flags = [before | {"\\Deleted"}]
        held.state = "maybe"
        if self.change(held.key, f"UID EXPUNGE {held.uid}"):
            held.state = "gone"

    def look(self, box):
        """Notes all that is there: from each such point the check catches up. Nobody else changes this mailbox."""
        self.client.selected = None
        if not self.select(box):
            return
        flags = self.client.flags() if self.status.get("EXISTS") else {}
        at = (self.user, self.status["UIDVALIDITY"])
        self.ledger.snapshots[at].append((self.status["HIGHESTMODSEQ"], {uid: words for uid, (_, words) in flags.items()}))
        self.ledger.shown[at] |= flags


class Watcher(Client):
    """Looks at one mailbox after the other and notes what it is told, and now and then all that is there."""

    def __init__(self, name, site, ledger, pause, user, mailbox):
        super().__init__(name, site, ledger, pause)
        self.user, self.mailbox = user, mailbox
        self.validity, self.seen, self.greatest = None, 0, 0  # greatest: MODSEQ that was told

    def work(self):
        try:
            if self.client is None:
                self.client = Imap(self.site.mesh.address("imap"), self.user, PASSWORD)
                self.snapshot()
            self.client.idle(1.5)
            told = self.client.flags_told()
            if any(re.match(rb"\* \d+ EXISTS", parts[0]) for parts in self.client.told):
                told |= self.client.flags(f"{self.seen + 1}:*")
            self.note(told)
            if self.random.random() < 0.1:
                self.snapshot()
        except Refused:
            self.lost()
            self.stopped.wait(0.2)

    def note(self, told):
        shown = self.ledger.shown[self.user, self.validity]
        for uid, (modseq, flags) in told.items():
            before = shown.get(uid)
            if before is not None and modseq < before[0]:
                self.ledger.fault(f"{self.user} {self.mailbox}: MODSEQ of UID {uid} was {before[0]} and is {modseq}")
            if before is None or modseq >= before[0]:
                shown[uid] = (modseq, flags)
            self.ledger.first_shown.setdefault((self.user, self.validity, uid), self.ledger.now())
            self.seen, self.greatest = max(self.seen, uid), max(self.greatest, modseq)

    def snapshot(self):
        """All that is there now: from each the check catches up by CHANGEDSINCE."""
        status = self.client.select(self.mailbox, "EXAMINE")
        validity = (self.user, status["UIDVALIDITY"])
        if self.validity not in (None, status["UIDVALIDITY"]):
            self.ledger.fault(f"{self.user} {self.mailbox}: UIDVALIDITY was {self.validity} and is {status['UIDVALIDITY']}")
        self.validity = status["UIDVALIDITY"]
        flags = self.client.flags() if status["EXISTS"] else {}
        self.greatest = max(self.greatest, status["HIGHESTMODSEQ"])
        if status["HIGHESTMODSEQ"] < self.greatest:
            self.ledger.fault(f"{self.user} {self.mailbox}: MODSEQ {self.greatest} was shown, and the highest is {status['HIGHESTMODSEQ']}")
        # What came between the two commands has a greater MODSEQ than the status says, and is in the catch-up again.
        self.ledger.snapshots[validity].append((status["HIGHESTMODSEQ"], {uid: words for uid, (modseq, words) in flags.items()}))
        self.note(flags)
