"""The table of values in helm/mailmesh/README.md, made from values.yaml and its comments; and values.yaml against the schema."""
import json
import re

import yaml

MARK = ("<!-- From here on made by tests/helm/run --write. -->\n", "<!-- End of what is made. -->\n")
# Objects of Kubernetes and of cert-manager: values.yaml shows the fields that the chart sets.
OF_OTHERS = ("resources", "startupProbe", "livenessProbe", "readinessProbe", "podSecurityContext", "containerSecurityContext", "privateKey")


def rows(text):
    """[(dotted key, default, description)] of each key that has a comment `# -- ...` above it, or is a leaf."""
    values, found, path, comment = yaml.safe_load(text), [], [], ""
    for line in text.splitlines():
        note = re.match(r"\s*# -- (.*)", line)
        key = re.match(r"( *)([A-Za-z]\w*):(.*)", line)  # in a list, "- key:" is part of its value
        if note:
            comment = note.group(1)
        elif key and len(key.group(1)) // 2 <= len(path):
            depth = len(key.group(1)) // 2
            path = path[:depth] + [key.group(2)]
            value = values
            for part in path:
                value = value[part]
            branch = isinstance(value, dict) and value and not key.group(3).strip()
            if comment or not branch:
                found.append((".".join(path), None if branch else json.dumps(value, ensure_ascii=False), comment))
            comment = ""
    return found


def table(text):
    out = ["| key | default | meaning |", "|---|---|---|"]
    for key, default, description in rows(text):
        cells = (f"`{key}`", f"`{default}`" if default is not None else "", description)
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out) + "\n"


def missing(values, schema, definitions, path=""):
    """Keys of values.yaml that the schema has not."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    for key, value in (values or {}).items():
        if "properties" not in schema:
            continue
        if key not in schema["properties"]:
            yield f"values.schema.json has no {path}{key}"
        elif isinstance(value, dict):
            yield from missing(value, schema["properties"][key], definitions, f"{path}{key}.")


def undescribed(schema, values, definitions, path=""):
    """Keys that the schema knows and values.yaml does not show; a role shows only what differs from `defaults`."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    for key, below in schema.get("properties", {}).items():
        if not isinstance(values, dict) or key not in values:
            yield f"values.yaml has no {path}{key}"
        elif isinstance(values[key], dict) and values[key] and key not in OF_OTHERS:
            yield from undescribed(below, values[key], definitions, f"{path}{key}.")


def open_objects(schema, path=""):
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False and path != "/properties/global":
            yield f"values.schema.json: {path} takes unknown keys"
        for key, below in schema.items():
            yield from open_objects(below, f"{path}/{key}")


def problems(chart, write):
    text = (chart / "values.yaml").read_text()
    readme = chart / "README.md"
    before, rest = readme.read_text().split(MARK[0])
    whole = before + MARK[0] + table(text) + MARK[1] + rest.split(MARK[1])[1]
    if write:
        readme.write_text(whole)
    found = [] if readme.read_text() == whole else ["the table is stale: tests/helm/run --write"]
    schema, values = json.loads((chart / "values.schema.json").read_text()), yaml.safe_load(text)
    found += missing(values, schema, schema["definitions"])
    roles = ("directory", "mailboxStore", "outboundRelay", "fetcher", "smtpIngress", "imapGateway", "pop3Gateway")
    found += [one for one in undescribed(schema, values, schema["definitions"]) if not one.split()[-1].split(".")[0] in roles]
    found += open_objects(schema)
    return found
