"""The `${...}` of transcripts: values that are put in, and patterns that an expected line may have.

All text is octets as latin-1, so that a transcript can hold any octet."""
import base64
import re

PLACEHOLDER = re.compile(r"\$\{([^${}]*)\}")

# What an expected line may have instead of octets that nobody can know beforehand.
PATTERNS = {
    "number": r"\d+",
    "word": r"\S+",
    "text": r".*",
    "set": r"[\d:,*]+",
    "base64": r"[A-Za-z0-9+/]*={0,2}",
    # RFC 3501, 9: date-time
    "date-time": r'"[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [-+]\d{4}"',
    # RFC 5322, 3.3
    "date": r"[A-Z][a-z]{2}, [ \d]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [-+]\d{4}(?: \([A-Z]+\))?",
}


def latin(text):
    """UTF-8 of a transcript as octets in latin-1."""
    return text.encode("utf-8").decode("latin-1")


def function(name, argument):
    """`${name:argument}`, for what can be computed; None for what is not one of them."""
    if name == "base64":
        return base64.b64encode(argument.encode("latin-1")).decode()
    if name == "x":
        return bytes.fromhex(argument).decode("latin-1")
    if name == "times":  # ${times:300 x}
        count, _, what = argument.partition(" ")
        return what * int(count)
    return None


def value_of(inside, values):
    if inside in values:
        return values[inside]
    name, colon, argument = inside.partition(":")
    return function(name, argument) if colon else None


def put_in(text, values):
    """`text` of a transcript, as latin-1, with all values that are known in their places, innermost first."""
    text = latin(text)
    position = 0
    while match := PLACEHOLDER.search(text, position):
        value = value_of(match.group(1), values)
        if value is None:
            position = match.end()
            continue
        text = text[:match.start()] + value + text[match.end():]
        position = 0
    return text


def fill_in(text, values):
    """`text` as octets to send. Raises KeyError for a name that nobody has given."""
    text = put_in(text, values)
    if match := PLACEHOLDER.search(text):
        raise KeyError(match.group(1))
    return text


def pattern_of(inside):
    """(regular expression, name to keep the match under or None). Raises KeyError where it is no pattern."""
    name, equals, kind = inside.partition("=")
    if equals and kind in PATTERNS:
        return PATTERNS[kind], name
    if inside in PATTERNS:
        return PATTERNS[inside], None
    kind, colon, argument = inside.partition(":")
    if colon and kind == "oneof":
        return "(?:" + "|".join(re.escape(a) for a in argument.split("|")) + ")", None
    if colon and kind == "without":  # anything in which these words do not stand
        return "".join(rf"(?!.*{re.escape(a)})" for a in argument.split("|")) + ".*", None
    raise KeyError(inside)


class Expected:
    """One expected line. `match` gives the values that it keeps, or None."""

    def __init__(self, text, values):
        text = put_in(text, values)
        any_end = text.endswith("...")
        if any_end:
            text = text[:-3]
        expression, self.names, position = "", [], 0
        for match in PLACEHOLDER.finditer(text):
            found, name = pattern_of(match.group(1))
            if name:
                self.names.append(name)
                found = f"({found})"
            expression += re.escape(text[position:match.start()]) + found
            position = match.end()
        expression += re.escape(text[position:]) + (".*" if any_end else "")
        self.expression = re.compile(expression, re.S)

    def match(self, line):
        match = self.expression.fullmatch(line)
        return dict(zip(self.names, match.groups())) if match else None
