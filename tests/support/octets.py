"""Compares a stored message with the one that was sent."""
import re

# What submission puts at the end of a header where it is missing (RFC 6409, 8.2 and 8.3).
_ADDED = {"Date": rb"Date: [A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\r\n", "Message-ID": rb"Message-ID: <[^\r\n<>]+@[^\r\n<>]+>\r\n"}


def split_trace(stored, sent):
    """The trace fields on top of `stored` if the rest is `sent`, octet for octet; None if it is not."""
    if not stored.endswith(sent):
        return None
    return stored[: len(stored) - len(sent)]


def split_submitted(stored, sent):
    """As split_trace for a message that went through submission: (trace fields, names of the changes that submission made);
    None if anything else differs."""
    blank = 0 if sent.startswith(b"\r\n") else sent.find(b"\r\n\r\n") + 2
    head, rest = (sent, b"") if blank == 1 else (sent[:blank], sent[blank:])
    fields = re.findall(rb"(?s)[^\n]*\n(?:[ \t][^\n]*\n)*", head)
    names = [re.split(rb"[ \t]*:", field)[0].lower() for field in fields]
    kept = [field for field, name in zip(fields, names) if name not in (b"bcc", b"resent-bcc")]
    changes = ["without Bcc"] * (len(kept) < len(fields))
    missing = [name for name in _ADDED if name.lower().encode() not in names]
    if not stored.endswith(rest):
        return None
    before = stored[: len(stored) - len(rest)]
    added = re.search(b"".join(_ADDED[name] for name in missing) + rb"\Z", before[-1000:])
    if added is None:
        return None
    before = before[: len(before) - len(added.group())]
    if not before.endswith(b"".join(kept)):
        return None
    return before[: len(before) - len(b"".join(kept))], changes + [f"{name} added" for name in missing]


def trace_field_names(trace):
    """Names of the header fields in a block of trace fields, folded lines joined."""
    names = []
    for line in trace.split(b"\r\n"):
        if line and not line[:1].isspace():
            names.append(line.split(b":")[0].decode())
    return names
