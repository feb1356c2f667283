"""Plays the client's lines of the conformance transcripts to a server and notes each command with what came back, without what
no two servers can have in common: texts, UIDVALIDITY, MODSEQ, dates."""
import re

from tests.conformance.patterns import put_in
from tests.conformance.player import Connection
from tests.differential.imap_values import parse

# That an answer may take. Dovecot and Postfix let those wait who have made a mistake.
SECONDS = 5
# Where a talk ends because a server waits for more, or closes.
LOST = ("TimeoutError", "EOFError", "(nothing)")
SKIPPED_STEPS = ("tls", "scram", "on", "run", "deliver", "C*")


def playable(case, listener):
    """Whether a case is a talk on one connection that needs nothing but this listener."""
    return all(step.kind not in SKIPPED_STEPS and not (step.kind == "connect" and step.text.split()[-1] not in (listener, "login", "hello"))
               and not (step.kind == "connect" and listener not in step.text.split()) for step in case.steps) and not any(
                   "AUTH" in step.text for step in case.steps if step.kind.startswith("C"))


class Side:
    """One server; `say` gives the answers of what was sent. Kinds of protocol below."""

    def __init__(self, port, user, password, transcript):
        self.port, self.user, self.password = port, user, password
        self.values = {"user": user, "password": password, "plain": ""}
        for name in transcript.accounts:
            self.values[name] = f"{name}-{user}"
        for name, octets in transcript.messages.items():
            self.values[name], self.values[name + ".size"] = octets.decode("latin-1"), str(len(octets))
        self.messages, self.connection = transcript.messages, None

    def connect(self, begun):
        self.connection = Connection("127.0.0.1", self.port, None, False)
        self.begin(begun)

    def play(self, case):
        """[(command, answer)] of the case."""
        self.connection, talk, steps = None, [], list(case.steps)
        while steps:
            step = steps.pop(0)
            if step.kind == "connect":
                self.connect(step.text.split()[-1] in ("login", "hello"))
            elif step.kind == "fill":
                mailbox, *names = step.text.split()
                self.fill(mailbox, [self.messages[name] for name in names])
            elif step.kind in ("C", "C."):
                octets = self.octets(step)
                while steps and steps[0].kind in ("C", "C."):
                    octets += self.octets(steps.pop(0))
                if "${" in octets:
                    break  # asks for a value that a server gave
                try:
                    talk += self.say(octets)
                except (OSError, EOFError) as error:
                    talk.append((octets.partition("\r\n")[0].partition(" ")[2][:60], "TimeoutError" if isinstance(error, TimeoutError) else "EOFError"))
                    break
        if self.connection:
            self.connection.close()
        return talk

    def octets(self, step):
        return put_in(step.text, self.values) + ("\r\n" if step.kind == "C" else "")

    def line(self):
        line = self.connection.line(SECONDS)
        if line is None:
            raise EOFError
        return line


class Imap(Side):
    pending = None  # (tag, command, size) whose literal is being sent
    refused = False  # the command whose literal would come was answered already

    def begin(self, begun):
        self.pending, self.refused = None, False
        self.line()
        if begun:
            self.say(f'login LOGIN "{self.user}" "{self.password}"\r\n')

    def fill(self, mailbox, messages):
        keep, self.connection = self.connection, None
        self.connect(True)
        self.say(f"f CREATE {mailbox}\r\n")
        for message in messages:
            self.say(f"f APPEND {mailbox} {{{len(message)}+}}\r\n" + message.decode("latin-1") + "\r\n")
        self.connection.close()
        self.connection = keep

    def say(self, octets):
        refused, self.refused = self.refused, False
        if refused and not re.match(r"[A-Za-z]+\d+ [A-Z]", octets):
            return []
        self.connection.send(octets.encode("latin-1"))
        talk = []
        while octets:
            if self.pending:
                tag, command, size = self.pending
                line, _, octets = octets[size:].partition("\r\n")
                self.pending = None
            else:
                line, _, octets = octets.partition("\r\n")
                tag, command = line.partition(" ")[::2]
            # Literals that do not wait belong to the command.
            while match := re.search(r"\{(\d+)(\+?)\}$", line):
                if not match.group(2):
                    self.pending = (tag, command, int(match.group(1)))
                    break
                octets = octets[int(match.group(1)):]
                line, _, octets = octets.partition("\r\n")
                command += " ..." + line
            talk += self.answer(tag, command)
        return talk

    def answer(self, tag, command):
        lines = []
        while True:
            line = self.line()
            while match := re.search(r"\{(\d+)\}$", line):
                line += "\r\n"
                size = len(line) + int(match.group(1))
                while len(line) < size:
                    line += self.line() + "\r\n"
                # The rest of the line stands behind the literal's last octets, or in the next line if those were CRLF.
                line = line.removesuffix("\r\n") if len(line) > size else line + self.line()
            if line.startswith("+"):
                if self.pending or command.upper().startswith(("IDLE", "AUTHENTICATE")):
                    return []
            elif line.startswith(tag + " ") or line.startswith("* BAD"):
                self.refused, self.pending = self.pending is not None, None
                return [(command, tuple(sorted(filter(None, map(untagged, lines)))) + (tagged(line),))]
            else:
                lines.append(line)


def tagged(line):
    """The condition, and the code without numbers that are a server's own."""
    match = re.match(r"\S+ (OK|NO|BAD)(?: \[([^\]]*)\])?", line)
    code = match.group(2) or ""
    if code.startswith("CAPABILITY"):
        code = ""
    code = re.sub(r"^(APPENDUID|COPYUID|HIGHESTMODSEQ|UIDVALIDITY) \d+", r"\1 N", code)
    return f"{match.group(1)} [{code}]" if code else match.group(1)


def untagged(line):
    """An untagged line in a form that can be compared; None for what says nothing."""
    rest = line.removeprefix("* ")
    word = rest.split()[0] if rest.split() else ""
    if word == "OK":
        code = re.search(r"\[([^\]]*)\]", rest)
        return "OK [" + re.sub(r"^(UIDVALIDITY|HIGHESTMODSEQ|COPYUID) \d+", r"\1 N", code.group(1)) + "]" if code else None
    if word in ("CAPABILITY", "ID", "BYE"):
        return word
    values = parse(rest)
    if word in ("LIST", "LSUB", "FLAGS"):
        values[1] = tuple(sorted(values[1]))
        return repr([str(v) if isinstance(v, str) else v for v in values])
    if len(values) == 3 and values[1] == "FETCH":
        items = dict(zip(values[2][::2], values[2][1::2]))
        for name, replacement in (("MODSEQ", "N"), ("INTERNALDATE", "D")):
            if name in items:
                items[name] = replacement
        if "FLAGS" in items:
            items["FLAGS"] = tuple(sorted(items["FLAGS"]))
        return f"{values[0]} FETCH {sorted((k.upper(), str(v).lower() if 'BODY' == k[:4] and '[' not in k else v) for k, v in items.items())}"
    text = re.sub(r"(UIDVALIDITY|HIGHESTMODSEQ|MODSEQ) \d+", r"\1 N", rest)
    return re.sub(r"STATUS (\S+) \((.*)\)", lambda m: f"STATUS {m.group(1)} {sorted(re.findall(r'[A-Z]+ [0-9N]+', m.group(2)))}", text)


class Pop3(Side):
    MULTILINE = re.compile(r"(?i)(RETR \d+|TOP \d+ \d+|LIST|UIDL|CAPA|LANG)$")

    def begin(self, begun):
        self.line()
        if begun:
            self.say(f"USER {self.user}\r\nPASS {self.password}\r\n")

    def fill(self, mailbox, messages):
        self.filler(self.user, messages)

    def say(self, octets):
        self.connection.send(octets.encode("latin-1"))
        return [(command, self.answer(command)) for command in octets.removesuffix("\r\n").split("\r\n")]

    def answer(self, command):
        line = self.line()
        if not line.startswith("+OK"):
            code = re.search(r"\[[^\]]*\]", line)
            return line.split()[0] + (" " + code.group() if code else "")
        lines = []
        if self.MULTILINE.match(command):
            while (text := self.line()) != ".":
                lines.append(re.sub(r"^(\d+) \S+$", r"\1 U", text) if command.upper() == "UIDL" else text)
        if command.upper() == "CAPA":
            lines = []
        numbers = re.match(r"\+OK (\d+ \d+)", line) if not command.upper().startswith("UIDL") else None
        return ("+OK " + numbers.group(1) if numbers else "+OK", *lines)


class Smtp(Side):
    in_data = False

    def begin(self, begun):
        self.in_data = False
        self.reply()
        if begun:
            self.say("EHLO client.test\r\n")

    def reply(self):
        while (line := self.line())[3:4] == "-":
            pass
        match = re.match(r"(\d{3})(?: (\d\.\d+\.\d+))?", line)
        return " ".join(filter(None, match.groups()))

    def say(self, octets):
        self.connection.send(octets.encode("latin-1"))
        talk = []
        while octets:
            if self.in_data:
                content, _, octets = ("\r\n" + octets).partition("\r\n.\r\n")
                self.in_data = False
                talk.append(("(content)" + ("" if len(content) > 2 else " empty"), self.reply()))
                continue
            command, _, octets = octets.partition("\r\n")
            if size := re.match(r"BDAT (\d+)", command):
                octets = octets[int(size.group(1)):]
            answer = self.reply()
            self.in_data = answer.startswith("354")
            talk.append((command, answer))
        return talk
