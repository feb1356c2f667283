"""Compares a stored message with the one that was sent."""


def split_trace(stored, sent):
    """The trace fields on top of `stored` if the rest is `sent`, octet for octet; None if it is not."""
    if not stored.endswith(sent):
        return None
    return stored[: len(stored) - len(sent)]


def trace_field_names(trace):
    """Names of the header fields in a block of trace fields, folded lines joined."""
    names = []
    for line in trace.split(b"\r\n"):
        if line and not line[:1].isspace():
            names.append(line.split(b":")[0].decode())
    return names
