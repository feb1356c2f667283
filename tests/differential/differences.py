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


def without(answer, expression):
    """The lines of an answer in which nothing matches."""
    return tuple(line for line in answer if not re.match(expression, str(line)))


@rule("imap")
@rule("pop3")
def not_offered(where, item, ours, theirs, context):
    """Dovecot, as it is set up here, has no APPENDLIMIT, QUOTA, special uses, UTF8 and LANG."""
    return where in ("appendlimit", "quota", "special_use", "utf8_lang")


@rule("imap")
def modseq_is_told(where, item, ours, theirs, context):
    """RFC 7162, 3.1.2.1: HIGHESTMODSEQ is told to every client; Dovecot tells it to those that have enabled CONDSTORE."""
    return without(ours, r"OK \[HIGHESTMODSEQ") == without(theirs, r"OK \[HIGHESTMODSEQ")


@rule("imap")
def codes(where, item, ours, theirs, context):
    """RFC 5530: a code tells why; Dovecot has none here, or another."""
    return [re.sub(r"^(NO|BAD) \[.*", r"\1", line) for line in ours] == [re.sub(r"^(NO|BAD) \[.*", r"\1", line) for line in theirs]


@rule("imap")
def the_grammar(where, item, ours, theirs, context):
    """RFC 3501, 9 and the grammars of the extensions: what they do not know is BAD; Dovecot passes over it, or says NO."""
    return ours[-1].startswith("BAD") and len(ours) == 1 and not theirs[-1].startswith("BAD") and where not in ("enable",)


def mailboxes(answer):
    """LIST lines without the attributes that depend on how mailboxes are stored."""
    return sorted(re.sub(r"'\\\\+(HasChildren|HasNoChildren|Marked|Noselect|NonExistent|UnMarked)',? ?", "", line).replace(", )", ",)")
                  for line in answer)


@rule("imap")
def attributes(where, item, ours, theirs, context):
    """CREATE makes the superior names as mailboxes (RFC 3501, 6.3.3 leaves it open) and LIST says of all whether they have
    children; Dovecot makes folders that cannot be selected, and says \\Marked."""
    return item.startswith("L") and mailboxes(ours) == mailboxes(theirs)


@rule("imap")
def order_of_expunge(where, item, ours, theirs, context):
    """EXPUNGE in ascending order, RECENT only where it has grown; Dovecot begins with the last, and tells RECENT. Both tell the same."""
    ours, theirs = without(ours, r"\d+ RECENT"), without(theirs, r"\d+ RECENT")
    return without(ours, r"\d+ EXPUNGE") == without(theirs, r"\d+ EXPUNGE") and len(ours) == len(theirs)


@rule("imap")
def uid_beside_modseq(where, item, ours, theirs, context):
    """RFC 7162, 3.2.4 asks for UID beside MODSEQ where QRESYNC is; it is told always."""
    strip = lambda lines: [re.sub(r", \('UID', \d+\)", "", line) for line in lines]
    return "MODSEQ" in str(ours) and strip(ours) == strip(theirs)


@rule("imap")
def capability_at_login(where, item, ours, theirs, context):
    """RFC 3501, 7.1: the capabilities stand in the code of the tagged OK; Dovecot sends them as a line of their own."""
    return item.startswith("LOGIN") and theirs == ("CAPABILITY", *ours)


@rule("imap")
def waits_or_closes(where, item, ours, theirs, context):
    """Where Mailmesh answers BAD or NO at once, Dovecot waits for the rest of the command, or closes the connection."""
    return theirs in ("TimeoutError", "EOFError") and ours[-1].startswith(("BAD", "NO"))


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


exact("imap", "condstore", "SELECT box (CONDSTORE)", "A keyword of a STORE that changed nothing is known to the mailbox; Dovecot drops it.")
exact("imap", "create", "CREATE INBOX|CREATE owatagusiam", "RFC 3501, 6.3.3: it is an error to create a mailbox that is there; Dovecot's boxes keep "
      "folders and mailboxes apart.")
exact("imap", "create", 'CREATE "~peter/mail/&U,BTFw-/&ZeVnLIqe-"|LIST "" "~peter/mail/&U,BTFw-/*"', "A name that begins with ~ is one here.")
exact("imap", "enable", "ENABLE X-NONE", "RFC 5161, 3.1: ENABLED is sent even if nothing was enabled.")
exact("imap", "enable", "ENABLE CONDSTORE|ENABLE", "RFC 5161, 3.1: in the authenticated state only, and with a word at least.")
exact("imap", "expunge select uidplus", "EXPUNGE|STORE 1 +FLAGS (\\Flagged)|UID EXPUNGE 1",
      "RFC 3501, 6.3.2: nothing changes in a mailbox opened with EXAMINE: NO; Dovecot says OK and does nothing.")
exact("imap", "condstore", "STORE 1 +FLAGS.SILENT (\\Seen)", "RFC 7162, 3.1.3: MODSEQ is told after .SILENT too; the flags are with it here.")
exact("imap", "move", "UID MOVE 1:2 foo|MOVE 1 foo",
      "RFC 6851, 4.4: HIGHESTMODSEQ is in the tagged OK; Dovecot leaves it out. It numbers from the end, and tells RECENT.")
exact("imap", "move", "STATUS box (HIGHESTMODSEQ)", "RFC 3501, 6.3.10: STATUS of the selected mailbox SHOULD NOT be asked; Dovecot says so by a code.")
exact("imap", "move", "MOVE 1 box", "RFC 3501, 6.3.2: nothing changes in a mailbox opened with EXAMINE: NO; Dovecot moves.")
exact("imap", "fetch", "FETCH 2 BODYSTRUCTURE", EXACT[("fetch", "msg_38")][0][1])
exact("imap", "fetch", "FETCH 2 BODY.PEEK[4]", " ".join(absent_is_nil.__doc__.split()))
exact("imap", "list_extended", 'SUBSCRIBE Fruit/Banana|LIST (SUBSCRIBED) "Fruit/" "*"',
      "RFC 3501, 6.3.6: a name may be subscribed that is not there; Dovecot asks for the mailbox.")
exact("imap", "list_extended", 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "Fru%"', " ".join(attributes.__doc__.split()))
exact("imap", "list_extended", "SUBSCRIBE Nuts/Almond", "RFC 3501, 6.3.6: a name may be subscribed that is not there; Dovecot asks for the mailbox.")
exact("imap", "list_extended", 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "Fruit*"|LIST (SUBSCRIBED RECURSIVEMATCH) "" "Nut%"',
      "RFC 5258, 3.1: a name that is subscribed and not there is told, and a parent of it; Dovecot could not subscribe it.")
exact("imap", "list_extended", 'LIST "Fruit" ("" "/Apple")|LIST "Fruit" ("")',
      "RFC 5258, 3: an empty pattern asks for nothing in an extended LIST; Dovecot answers as in a basic one.")
exact("imap", "list_status", "DELETE top", "RFC 3501, 6.3.4: a mailbox with children becomes \\Noselect; for Dovecot it was a folder before.")
exact("imap", "logout", "NOOP", "RFC 3501, 9: LOGOUT has no argument, so this session is still there.")
exact("imap", "rename", "STATUS INBOX/bar (MESSAGES)", "RFC 3501, 6.3.5: inferior names of INBOX stay when it is renamed; Dovecot renames them too.")
exact("imap", "search", "STORE 1 +FLAGS.SILENT (\\Flagged \\Seen)|STORE 3 +FLAGS.SILENT (\\Draft $Work)",
      "Commands in one piece: the new keyword is told with the command that made it; Dovecot tells it with an earlier one.")
exact("imap", "status", "STATUS blurdybloop (UNSEEN)", "RFC 3501, 6.3.10: STATUS of the selected mailbox SHOULD NOT be asked; Dovecot says so by a code.")
exact("imap", "subscribe", 'LSUB "" *', "INBOX is subscribed from the beginning.")

exact("pop3", "capa noop stat_list", "CAPA now|NOOP 1|STAT 1", "RFC 1939, 3 and 9: these commands have no arguments; Dovecot passes over them.")
exact("pop3", "user_pass", "USER", "RFC 1939, 7: a name is required; Dovecot takes an empty one and refuses at PASS.")
exact("smtp", "chunking", "BDAT x", "RFC 3030, 2: a size that is none ends the connection; Postfix says so with 521, Mailmesh with 501 and 421.")
exact("smtp", "data", "(content)", "RFC 5321, 2.3.8 and 4.1.1.4: a bare LF is refused; Postfix 3.7 takes it as a line end. A loop is 5.4.6 (RFC 3463).")
exact("smtp", "data", "NOOP", "RFC 5248: NOOP is 2.0.0; Postfix says 2.1.0 for it here.")
exact("smtp", "eightbitmime smtputf8", "MAIL FROM:<a@elsewhere.test> BODY=9BITMIME|MAIL FROM:<a@elsewhere.test> BODY|"
      "MAIL FROM:<a@elsewhere.test> SMTPUTF8=yes", "RFC 5321, 4.1.1.11: 555 is for a parameter that is not known; a wrong value is 501.")
exact("smtp", "etrn", "ETRN relay.test|ETRN @elsewhere.test|ETRN #queue|ETRN",
      "RFC 1985: ETRN is known and not implemented (502), without a name it is wrong (501); Postfix has it for domains that it relays.")
exact("smtp", "greeting", "MAIL FROM:<a@elsewhere.test>", "RFC 5321, 4.1.4: EHLO or HELO comes first; Postfix asks for it where smtpd_helo_required is set.")
exact("smtp", "greeting", "QUIT now", "RFC 5321, 4.1.1.10: QUIT has no argument; Postfix passes over it.")
exact("smtp", "mail", "RCPT TO:<someone@elsewhere.test>|RCPT TO:someone",
      "RFC 5321, 3.6.2: relaying is refused for good; Postfix defers it by default. A path without brackets is no path.")
exact("smtp", "mail", "MAIL FROM:a@elsewhere.test|MAIL TO:<a@elsewhere.test>", "RFC 5321, 4.1.2: a path stands in brackets; Postfix takes it without, and "
      "so has begun a transaction.")
exact("smtp", "smtputf8", "MAIL FROM:<\u00c3\u00a4rger@elsewhere.test>|MAIL FROM:<a@elsewhere.test>|RCPT TO:<niemand-\u00c3\u00bc@a.test>",
      "RFC 6531, 3.4 and 3.5: an address beyond ASCII needs SMTPUTF8 said; Postfix asks for it later, or not.")
exact("smtp", "vrfy_expn_help", "VRFY smtp-vrfy_expn_help@a.test|VRFY nobody@a.test",
      "RFC 5321, 3.5.3 and 7.3: nobody is told who exists; Postfix tells.")
exact("smtp", "vrfy_expn_help", "EXPN list|HELP|HELP MAIL|HELP XYZZY|HELP \x01", "RFC 5321, 4.5.1 and 4.2.4: EXPN is known and not implemented (502), HELP is; Postfix knows neither.")


def explain(part, where, item, ours, theirs, context):
    """The reason, or None."""
    for function in RULES.get(part, ()):
        if isinstance(ours, str) and part == "imap" or isinstance(theirs, str) and function is not waits_or_closes and part == "imap":
            continue
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
