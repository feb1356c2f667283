"""FETCH of every item, section and part of every message of the corpus, at both servers."""
from tests.differential.imap_values import fetched

ITEMS = ["ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE"]
# Sections of the whole message.
SECTIONS = ["", "HEADER", "TEXT", "HEADER.FIELDS (Subject From)", "HEADER.FIELDS.NOT (Subject From)", "HEADER.FIELDS (X-None)"]
# Sections of a part.
PART_SECTIONS = ["", ".MIME", ".HEADER", ".TEXT", ".HEADER.FIELDS (Subject)", ".1", ".2"]
# Mailmesh answers 100 sections in one FETCH.
AT_ONCE = 90
PARTIALS = ["<0.10>", "<5.7>", "<100000.5>"]


def part_numbers(structure, prefix=""):
    """The part numbers of a BODYSTRUCTURE (RFC 3501, 6.4.5)."""
    if not structure:
        return
    if isinstance(structure[0], tuple):
        number = 0
        for child in structure:
            if not isinstance(child, tuple) or not child:
                break
            number += 1
            here = f"{prefix}{number}"
            yield here
            yield from inner(child, here)
    elif not prefix:
        yield "1"
        yield from inner(structure, "1")


def inner(structure, here):
    if isinstance(structure[0], tuple):
        yield from part_numbers(structure, here + ".")
    elif str(structure[0]).lower() == "message" and str(structure[1]).lower() == "rfc822" and len(structure) > 8:
        body = structure[8]
        if isinstance(body, tuple) and body:
            if isinstance(body[0], tuple):
                yield from part_numbers(body, here + ".")
            else:
                yield here + ".1"
                yield from inner(body, here + ".1")


def ask(client, number, items):
    """{item: value}, or the tagged reply where it is not OK."""
    found = {}
    for start in range(0, len(items), AT_ONCE):
        found |= ask_once(client, number, items[start:start + AT_ONCE])
    return found


def ask_once(client, number, items):
    lines, tagged = client.command(f"FETCH {number} ({' '.join(items)})")
    if not tagged.startswith("OK"):
        return {item.upper(): "refused: " + tagged.split()[0] for item in items}
    found = {}
    for line in lines:
        if " FETCH (" in line:
            # Names of header fields: Dovecot gives them back in capitals, which says the same.
            found |= {item.upper(): value for item, value in fetched(line)[1].items()}
    return found


def questions(structures):
    """All FETCH items for a message whose BODYSTRUCTUREs (of each server) these are."""
    parts = sorted({number for structure in structures for number in part_numbers(structure)})[:60]
    wanted = [f"BODY.PEEK[{section}]" for section in SECTIONS]
    wanted += [f"BODY.PEEK[TEXT]{partial}" for partial in PARTIALS]
    wanted += [f"BODY.PEEK[{part}{section}]" for part in parts for section in PART_SECTIONS]
    return wanted
