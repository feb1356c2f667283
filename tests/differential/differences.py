"""Where Mailmesh answers otherwise than Dovecot or Postfix, and why. What nothing here explains fails.

Each rule is a function (where, item, ours, theirs, all that they said about it) whose text is the reason."""
import re

RULES = {}


def rule(part):
    def keep(function):
        RULES.setdefault(part, []).append(function)
        return function
    return keep


@rule("fetch")
def absent_is_nil(where, item, ours, theirs, context):
    """A part or section that is not there is NIL, which tells it from one that is empty; Dovecot gives an empty string."""
    return ours is None and theirs == "" and re.match(r"BODY\[\d", item)


@rule("fetch")
def no_part_in_a_part(where, item, ours, theirs, context):
    """RFC 3501, 6.4.5: only a message has a part 1 where there is no multipart; Dovecot gives the part itself for its part 1."""
    match = re.fullmatch(r"BODY\[([\d.]+)\.1\]", item)
    return ours is None and match and theirs == context.get(f"BODY[{match.group(1)}]")


# Differences of single messages or commands: {(part, where): [(items, reason)]}.
STRUCTURE = "BODY|BODYSTRUCTURE"
EXACT = {}
SEEN = set()


def exact(part, names, items, reason):
    for name in names.split():
        EXACT.setdefault((part, name), []).append((items.split("|"), reason))


exact("fetch", "msg_14 mime_type_without_subtype mime_type_empty mime_type_odd", STRUCTURE,
      "RFC 2045, 5.2: a Content-Type that is not one counts as text/plain, or its type as unknown; Dovecot gives empty strings.")
exact("fetch", "msg_16", STRUCTURE, "The type as the message writes it; Dovecot changes MESSAGE/RFC822 (and no other) to small letters.")
exact("fetch", "msg_29", STRUCTURE, "A parameter keeps its octets (RFC 2231); Dovecot decodes some of its percent signs.")
exact("fetch", "msg_12", "BODY[3.2.MIME]", "RFC 3501, 6.4.5: MIME ends with the blank line, which a part that has no body lacks.")
exact("fetch", "msg_35 header_only", "BODY[HEADER.FIELDS.NOT (SUBJECT FROM)]",
      "RFC 3501, 6.4.5: the subset of a header ends with a blank line, though the message has none.")
exact("fetch", "mime_rfc822_empty mime_rfc822_base64", "BODY[1.HEADER.FIELDS (SUBJECT)]",
      "RFC 3501, 6.4.5: the subset of a header ends with a blank line, though the message has none.")
exact("fetch", "msg_38 nested_multiparts mime_inner_boundary_prefix_of_outer mime_rfc822_in_parts",
      "BODY[1]|BODY[1.2]|BODY[1.TEXT]|BODY|BODYSTRUCTURE",
      "RFC 2046, 5.1.1: the line end before a boundary belongs to it, behind the end of an inner multipart too; Dovecot counts it in.")
exact("fetch", "address_empty_list_members", "ENVELOPE", "RFC 5322, 4.4: empty members of a list are none; Dovecot makes addresses of them.")
exact("fetch", "address_no_local address_name_only address_spaces address_unclosed_quote address_unclosed_angle "
      "address_unclosed_comment address_semicolon address_at_in_name address_backslash", "ENVELOPE",
      "An address that RFC 5322 does not know: as much of it as can be read is given; Dovecot gives other words for what is missing.")
exact("fetch", "mime_empty_boundary mime_boundary_spaces", "BODY|BODYSTRUCTURE|BODY[1]|BODY[1.MIME]",
      "RFC 2046, 5.1.1: a boundary has one character at least, and white space at its end is none of it in a line, but of the parameter.")
exact("fetch", "mime_empty_parts", "BODY[2.MIME]", "RFC 3501, 6.4.5: MIME ends with the blank line.")
exact("fetch", "mime_description_encoded", STRUCTURE, "Content-Description is text: encoded words are handed on; Dovecot leaves it out.")
exact("fetch", "mime_subject_spaces", "ENVELOPE", "The field's octets as they stand; Dovecot joins white space.")
exact("fetch", "mime_id_folded", "ENVELOPE", "Unfolded (RFC 5322, 2.2.3), white space in front left out; Dovecot keeps it.")


def explain(part, where, item, ours, theirs, context):
    """The reason, or None."""
    for function in RULES.get(part, ()):
        if function(where, item, ours, theirs, context):
            return " ".join(function.__doc__.split())
    for items, reason in EXACT.get((part, where), ()):
        if item in items:
            SEEN.add((part, where))
            return reason
    return None


def gone(part, names):
    """Which of `names` (of messages, commands) have an explanation here that explains nothing any more."""
    return sorted(where for kind, where in EXACT if kind == part and where in names and (part, where) not in SEEN)
