"""The events that the sources log: every call of telemetry::Info and its like, with the fields that it gives."""
import re

CALL = re.compile(r"telemetry::(Debug|Info|Warning|Error|Log)\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
LEVELS = ("debug", "info", "warning", "error")
# Whose events a library's are.
WHOSE = {"kv": "roles with a database", "net": "every role", "rpc": "every role", "service": "every role", "telemetry": "every role"}


def arguments(text, start):
    """The arguments of a call whose parenthesis opens before `start`, split at its commas."""
    parts, depth, begin, i = [], 0, start, start
    while True:
        c = text[i]
        if c == '"':
            i = LITERAL.match(text, i).end()
            continue
        if c in "({[":
            depth += 1
        elif c in ")}]":
            if depth == 0:
                return [*parts, text[begin:i]]
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[begin:i])
            begin = i + 1
        i += 1


def fields_of(text):
    names = re.findall(r'\{\s*"(\w+)"\s*,', text)
    # A trace stands among the fields without a name of its own.
    first = re.match(r"\s*\{\s*[^{\s]", text)
    return (["trace_id", "span_id"] if first else []) + names


def events(project, problems):
    """{event: (levels, whose, fields)}"""
    found = {}
    for top in ("services", "common"):
        for path in sorted((project / top).rglob("*.cc")) + sorted((project / top).rglob("*.h")):
            part = path.relative_to(project).parts[1]
            text = path.read_text()
            for call in CALL.finditer(text):
                if text[text.rfind("\n", 0, call.start()) + 1:call.start()].lstrip().startswith("//"):
                    continue
                parts = arguments(text, call.end())
                level = [call.group(1).lower()]
                if level == ["log"]:
                    level = [name.lower() for name in re.findall(r"Level::k(\w+)", parts.pop(0))] or list(LEVELS)
                names = LITERAL.findall(parts[0])
                if not names:
                    problems.append(f"{path.relative_to(project)}: the name of an event is no constant: {parts[0].strip()}")
                whose = WHOSE.get(part, part) if top == "common" else f"`{part}`"
                for name in names:
                    levels, roles, fields = found.setdefault(name, (set(), set(), []))
                    levels.update(level)
                    roles.add(whose)
                    fields += [field for field in fields_of(parts[1] if len(parts) > 1 else "") if field not in fields]
    return found


def table(project, problems):
    out = "| event | level | whose | fields |\n|---|---|---|---|\n"
    for name, (levels, roles, fields) in sorted(events(project, problems).items()):
        order = ", ".join(level for level in LEVELS if level in levels)
        out += f"| `{name}` | {order} | {', '.join(sorted(roles))} | {' '.join(f'`{field}`' for field in fields) or '-'} |\n"
    return out
