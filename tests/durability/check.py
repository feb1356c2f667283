"""After the run: what the ledger says against what is there. Finds; it does not repair or forgive."""
import collections
import imaplib
import re

from tests.durability import ledger as outcomes
from tests.durability.check_octets import same
from tests.durability.population import DOMAIN, PASSWORD
from tests.durability.wire import Imap

KINDS = ("missing", "doubled", "wrong")
_SUBJECT = re.compile(rb"(?m)^Subject: (\S+)\r?$")


class Findings:
    def __init__(self):
        self.found = {kind: [] for kind in KINDS}
        self.copies = 0  # acknowledged and found
        self.errors = []  # exceptions of what could not be looked at

    def add(self, kind, text, key=None):
        self.found[kind].append((text, key))

    def add_error(self, what, error):
        self.errors.append(error)
        self.add("wrong", f"{what}: {type(error).__name__}: {error}")

    def guard(self, what, step, *arguments):
        """Not being able to look is a finding too, and the rest is looked at all the same. What the step returns; None then."""
        try:
            return step(*arguments)
        except Exception as error:
            self.add_error(f"{what} could not be checked", error)
            return None

    def count(self):
        return sum(len(all_) for all_ in self.found.values())


def key_of(octets):
    match = _SUBJECT.search(octets[:8192])
    return match.group(1).decode(errors="replace") if match else None


class Check:
    def __init__(self, site, ledger):
        self.site, self.ledger, self.findings = site, ledger, Findings()

    def run(self, relay_window):
        guard = self.findings.guard
        for text, key in self.ledger.faults:
            self.findings.add("wrong", text, key)
        guard("deliveries", self.deliveries)
        for user in (f"{writer}@{DOMAIN}" for writer in self.site.writers):
            guard(user, self.writer, user)
        for user in self.site.inboxes:
            guard(user, self.inbox, user)
        repeats = guard("the other site", self.remote, relay_window) if self.site.peer is not None else 0
        guard("the store", self.verify)
        return repeats or 0

    def inbox(self, user):
        """From each earlier state that a watcher saw."""
        client = self.connect(user)
        for owner, validity in list(self.ledger.snapshots):
            if owner == user:
                self.catch_up(client, user, "INBOX", validity, may_be_gone=False)
        client.close()

    def connect(self, user):
        return Imap(self.site.mesh.address("imap"), user, PASSWORD)

    def read(self, client, mailbox, where):
        """{key: [(uid, flags)]} of all that is in a mailbox; looks at the octets too."""
        found = collections.defaultdict(list)
        status = client.select(mailbox, "EXAMINE")
        if not status["EXISTS"]:
            return found, status
        uids = sorted(client.uids())
        for at in range(0, len(uids), 50):
            part = uids[at:at + 50]
            contents = client.contents(",".join(map(str, part)))
            if "refused" in contents:  # one that cannot be read takes the others with it
                for uid in part:
                    contents |= client.contents(str(uid))
            for uid in part:
                flags, octets = contents.get(uid, (None, None))
                if octets is None:
                    self.findings.add("missing", f"{where}: UID {uid} has no content ({contents.get('refused', 'nothing was sent')})")
                    continue
                key = key_of(octets)
                message = self.ledger.messages.get(key)
                if message is None:
                    self.findings.add("wrong", f"{where}: UID {uid} is a message that nobody sent: {octets[:300]!r}")
                    continue
                if not same(octets, message.octets()):
                    self.findings.add("wrong", f"{where}: UID {uid} has other octets than were sent", key)
                found[key].append((uid, flags))
                self.meant_another(where, status["UIDVALIDITY"], uid, key)
        return found, status

    def meant_another(self, where, validity, uid, key):
        """A UID that a client saw before its message was even sent was another message's then."""
        shown, history = self.ledger.first_shown.get((where, validity, uid)), self.ledger.history_[key]
        if shown is not None and history and shown < history[0][0]:
            self.findings.add("wrong", f"{where}: UID {uid} was shown at {shown:.3f} s, before its message was sent", key)

    def deliveries(self):
        """Each recipient of each message."""
        users = (*self.site.inboxes, *self.site.maildrops, self.site.fetched, f"submitter@{DOMAIN}")
        seen = {user: self.findings.guard(user, self.inbox_of, user) for user in users}
        there = {user: keys for user, keys in seen.items() if keys is not None}
        expected = collections.defaultdict(set)
        for message in list(self.ledger.messages.values()):
            for recipient, outcome in message.outcomes.items():
                if recipient in there:
                    expected[recipient].add(message.key)
                    self.delivery(message, recipient, outcome, len(there[recipient].get(message.key, ())))
                elif recipient not in users and recipient.endswith("@" + DOMAIN) and any(message.key in keys for keys in there.values()) \
                        and len(message.outcomes) == 1:
                    self.findings.add("wrong", f"{recipient}: refused, and yet somewhere", message.key)
        for user, keys in there.items():
            for key in keys.keys() - expected[user]:
                self.findings.add("wrong", f"{user}: not one of its recipients", key)

    def inbox_of(self, user):
        client = self.connect(user)
        seen, _ = self.read(client, "INBOX", user)
        client.close()
        return seen

    def delivery(self, message, recipient, outcome, count):
        popped = self.ledger.popped[recipient].get(message.key)
        if popped == "gone":
            if count:
                self.findings.add("wrong", f"{recipient}: deleted by POP3, and there again", message.key)
            else:
                self.findings.copies += outcome == outcomes.ACKNOWLEDGED
            return
        self.count(message.key, recipient, outcome, count, may_be_gone=popped == "maybe")

    def count(self, key, place, outcome, count, may_be_gone=False):
        if outcome == outcomes.ACKNOWLEDGED:
            if count == 0 and not may_be_gone:
                self.findings.add("missing", f"{place}: acknowledged, and not there", key)
            else:
                self.findings.copies += 1
        elif outcome in (outcomes.REFUSED, outcomes.NEVER_SENT) and count:
            self.findings.add("wrong", f"{place}: {outcome}, and there", key)
        if count > 1:
            self.findings.add("doubled", f"{place}: {count} times there ({outcome})", key)

    # What an IMAP writer did.

    def writer(self, user):
        client = self.connect(user)
        client.run('LIST "" "box-*"')
        names = {match.group(1).decode() for parts in client.told if (match := re.search(rb'"?(box-\d+)"?$', parts[0]))}
        there = {}
        for box in self.ledger.boxes[user]:
            name = self.name_of(user, box, names)
            if name is not None:
                there[box], status = self.read(client, name, f"{user} {name}")
                self.box(user, box, name, status, there[box])
                self.catch_up(client, user, name, status["UIDVALIDITY"], may_be_gone=True)
        client.close()
        for held in self.ledger.held[user]:
            if held.box in there:
                self.held(user, held, there[held.box].get(held.key, []))
        for old, new in self.ledger.either:
            if old in self.ledger.held[user] and old.box in there and new.box in there:
                places = sum(held.key in there[held.box] for held in (old, new))
                if places != 1:
                    self.findings.add("missing" if places == 0 else "doubled",
                                      f"{user}: moved, and in {places} of the two mailboxes", old.key)
        known = collections.defaultdict(set)
        for held in self.ledger.held[user]:
            known[held.box].add(held.key)
        for box, keys in there.items():
            for key in keys.keys() - known[box]:
                self.findings.add("wrong", f"{user} {box.names}: was never put here", key)

    def name_of(self, user, box, names):
        """The name under which a box is; None if it need not be, or is not."""
        here = [name for name in box.names if name in names]
        if box.sure and not here:
            self.findings.add("missing", f"{user}: mailbox {box.names[0]} is not there", f"{user} {box.names[0]}")
        if len(here) > 1:
            self.findings.add("doubled", f"{user}: renamed, and there under both names {box.names}", f"{user} {box.names[0]}")
        if len(box.names) > 1 and not here:
            self.findings.add("missing", f"{user}: renamed, and there under neither name {box.names}", f"{user} {box.names[0]}")
        return here[0] if here else None

    def box(self, user, box, name, status, found):
        if box.uid_validity is not None and box.uid_validity != status["UIDVALIDITY"]:
            self.findings.add("wrong", f"{user} {name}: UIDVALIDITY was {box.uid_validity} and is {status['UIDVALIDITY']}")
        for key, places in found.items():
            for uid, _ in places:
                if box.uids.get(uid, key) != key:
                    self.findings.add("wrong", f"{user} {name}: UID {uid} was {box.uids[uid]} and is {key}", key)
        if box.uids and status["UIDNEXT"] <= max(box.uids):
            self.findings.add("wrong", f"{user} {name}: UIDNEXT {status['UIDNEXT']}, and UID {max(box.uids)} was given")

    def held(self, user, held, places):
        where = f"{user} {held.box.names[0]}"
        if held.state == "gone" and places:
            self.findings.add("wrong", f"{where}: expunged, moved or refused, and there", held.key)
        if held.state == "there" and not places:
            self.findings.add("missing", f"{where}: acknowledged, and not there", held.key)
        if len(places) > 1:
            self.findings.add("doubled", f"{where}: {len(places)} times there ({held.state})", held.key)
        if places and held.state == "there":
            self.findings.copies += 1
            uid, flags = places[0]
            if held.uid is not None and uid != held.uid:
                self.findings.add("wrong", f"{where}: UID was {held.uid} and is {uid}", held.key)
            if flags not in held.flags:
                wanted = " or ".join(str(sorted(flags_)) for flags_ in held.flags)
                self.findings.add("wrong", f"{where}: flags are {sorted(flags)}, not {wanted}", held.key)

    # What clients were shown must hold, and from each earlier point they must be able to catch up.

    def catch_up(self, client, user, mailbox, validity, may_be_gone):
        where = f"{user} {mailbox}"
        status = client.select(mailbox, "EXAMINE")
        if status["UIDVALIDITY"] != validity:
            self.findings.add("wrong", f"{where}: UIDVALIDITY was {validity} and is {status['UIDVALIDITY']}")
            return
        now = client.flags() if status["EXISTS"] else {}
        self.shown(where, self.ledger.shown[user, validity], now, status, may_be_gone)
        for modseq, flags in self.ledger.snapshots[user, validity]:
            if modseq > status["HIGHESTMODSEQ"]:
                self.findings.add("wrong", f"{where}: HIGHESTMODSEQ was shown as {modseq} and is {status['HIGHESTMODSEQ']}")
                continue
            changed = client.flags("1:*", f" (CHANGEDSINCE {modseq})") if status["EXISTS"] else {}
            state = dict(flags) | {uid: words for uid, (_, words) in changed.items()}
            state = {uid: words for uid, words in state.items() if uid in now}
            if state != {uid: words for uid, (_, words) in now.items()}:
                self.findings.add("wrong", f"{where}: catching up from MODSEQ {modseq} does not give the present state")

    def shown(self, user, shown, now, status, may_be_gone):
        for uid, (modseq, flags) in shown.items():
            if uid not in now:
                if not may_be_gone:
                    self.findings.add("wrong", f"{user}: UID {uid} was shown (MODSEQ {modseq}), and is not there")
            elif now[uid][0] < modseq:
                self.findings.add("wrong", f"{user}: UID {uid} was shown with MODSEQ {modseq}, and has {now[uid][0]}")
            elif now[uid][0] == modseq and now[uid][1] != flags:
                self.findings.add("wrong", f"{user}: UID {uid} was shown with other flags at the same MODSEQ {modseq}")
            if uid >= status["UIDNEXT"]:
                self.findings.add("wrong", f"{user}: UID {uid} was shown, and UIDNEXT is {status['UIDNEXT']}")

    # The other site, and the store's own accounts.

    def remote(self, window):
        """Repeats in SMTP's window: from the other site's 250 to our next sync, at most as many as connections were open."""
        repeats = 0
        for address in self.site.remote_inboxes:
            counts = collections.Counter()
            with imaplib.IMAP4("127.0.0.1", self.site.peer.imap_port, timeout=60) as client:
                client.login(address, self.site.peer.password)
                for number in range(1, int(client.select("INBOX", readonly=True)[1][0]) + 1):
                    octets = client.fetch(str(number), "(BODY.PEEK[])")[1][0][1]
                    key = key_of(octets)
                    message = self.ledger.messages.get(key)
                    counts[key] += 1
                    if message is None or address not in message.outcomes:
                        self.findings.add("wrong", f"{address}: a message that was not sent to it", key)
                    elif not same(octets, message.octets()):
                        self.findings.add("wrong", f"{address}: other octets than were sent", key)
            for message in list(self.ledger.messages.values()):
                if address in message.outcomes:
                    count = counts[message.key]
                    repeats += max(0, count - 1)
                    self.count(message.key, address, message.outcomes[address], min(count, 1))
        if repeats > window:
            self.findings.add("doubled", f"{repeats} repeats at the other site, and {window} connections were open at kills")
        return repeats

    def verify(self):
        done = self.site.mesh.run("store", "verify", "--contents", check=False)
        if done.returncode != 0:
            self.findings.add("wrong", f"mailmesh store verify: {(done.stdout + done.stderr).strip()[:1500]}")
