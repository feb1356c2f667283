"""Reads a transcript: what a client says and what the server must answer (see README.md for the format)."""
import dataclasses
import re

CAPABILITY_TAG = re.compile(r"\[(works|refused): ([^\]]+)\]")


class TranscriptError(Exception):
    """The transcript itself is wrong; names its file and line."""


@dataclasses.dataclass
class Step:
    """One line: `kind` is "C", "C.", "C*", "S", "S~" or a directive's name; `text` is what follows."""
    line: int
    kind: str
    text: str


@dataclasses.dataclass
class Case:
    """What stands under one title."""
    line: int
    title: str
    steps: list


@dataclasses.dataclass
class Transcript:
    path: object
    mesh: str = "default"
    accounts: list = dataclasses.field(default_factory=list)
    messages: dict = dataclasses.field(default_factory=dict)  # name -> octets with CRLF
    cases: list = dataclasses.field(default_factory=list)
    works: set = dataclasses.field(default_factory=set)  # capability words that do their work here
    refused: set = dataclasses.field(default_factory=set)  # and those that are refused here


DIRECTIVES = ("connect", "on", "tls", "closed", "close", "fill", "deliver", "run", "scram")
TALK = re.compile(r"(C|C\.|C\*|S|S~):(?: (.*))?$", re.S)


def octets(lines):
    return "".join(line + "\r\n" for line in lines).encode()


def parse(path):
    transcript = Transcript(path)
    message = None  # lines of the message block that is being read
    # Split at LF alone: a transcript may hold other characters that Python takes for line ends.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if message is not None and line.startswith("|"):
            message.append(line[2:] if line.startswith("| ") else line[1:])
            transcript.messages[name] = octets(message)
            continue
        message = None
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            transcript.cases.append(Case(number, line[3:], []))
            for kind, word in CAPABILITY_TAG.findall(line):
                getattr(transcript, kind).add(word)
            continue
        if talk := TALK.match(line):
            step = Step(number, talk.group(1), talk.group(2) or "")
        else:
            word, _, rest = line.partition(" ")
            if word == "message":
                name, message = rest, []
                continue
            if word == "mesh" and not transcript.cases:
                transcript.mesh = rest
                continue
            if word == "account" and not transcript.cases:
                transcript.accounts.append(rest)
                continue
            if word not in DIRECTIVES:
                raise TranscriptError(f"{path.name}:{number}: what is this: {line}")
            step = Step(number, word, rest)
        if not transcript.cases:
            raise TranscriptError(f"{path.name}:{number}: stands before the first case (== title)")
        transcript.cases[-1].steps.append(step)
    return transcript
