"""Reads IMAP response data (RFC 3501, 9) into Python values, so that two servers can be compared whatever form of string
each of them uses: lists are tuples, strings and literals are String, numbers int, NIL is None, other words are str."""
import re



class String(str):
    """What was quoted or a literal; a word that was not is a plain str."""

    def __repr__(self):
        return '"' + str(self) + '"'


def parse(text, at=0):
    """The values of `text` from `at`, as a list."""
    values, stack = [], []
    while at < len(text):
        c = text[at]
        if c == " ":
            at += 1
        elif c == "(":
            stack.append(values)
            values = []
            at += 1
        elif c == ")":
            if not stack:
                raise ValueError(f"a ) too many at {at}: {text[:200]!r}")
            done = tuple(values)
            values = stack.pop()
            values.append(done)
            at += 1
        elif c == '"':
            out, at = "", at + 1
            while text[at] != '"':
                if text[at] == "\\":
                    at += 1
                out += text[at]
                at += 1
            values.append(String(out))
            at += 1
        elif c == "{":
            end = text.index("}", at)
            size = int(text[at + 1:end])
            start = end + 3
            values.append(String(text[start:start + size]))
            at = start + size
        else:
            at = word(text, at, values)
    if stack:
        raise ValueError(f"a ) is missing: {text[:200]!r}")
    return values


def word(text, at, values):
    """An atom, or the name of a section: BODY[1.HEADER.FIELDS (From)]<0>."""
    start = at
    if text.startswith("BODY[", at):
        at = text.index("]", at) + 1
        if text[at:at + 1] == "<":
            at = text.index(">", at) + 1
    else:
        while at < len(text) and text[at] not in ' ()"':
            at += 1
    token = text[start:at]
    values.append(None if token.upper() == "NIL" else int(token) if token.isdigit() else token)
    return at


def fetched(line):
    """(number, {item: value}) of an untagged FETCH line."""
    match = re.match(r"\* (\d+) FETCH ", line)
    items, = parse(line, match.end())
    return int(match.group(1)), dict(zip(items[::2], items[1::2]))
