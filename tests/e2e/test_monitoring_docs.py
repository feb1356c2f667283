"""docs/operations/monitoring.md lists every metric of every role. Run this file with --write to make its tables anew."""
import pathlib
import re
import sys
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
from tests.support.mesh import ROLES, Mesh  # noqa: E402

DOCUMENT = PROJECT / "docs/operations/monitoring.md"


def metrics_of(mesh, role):
    """{name: (type, help)} of what a role shows."""
    text = mesh.metrics(role)
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
    return {name: (kind, helps.get(name, "")) for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)}


def tables(mesh):
    mesh.run("status")
    by_role = {role: metrics_of(mesh, role) for role in ROLES}
    common = set.intersection(*(set(metrics) for metrics in by_role.values()))
    parts = [("Every role", {name: by_role[ROLES[0]][name] for name in common})]
    parts += [(f"`{role}`", {n: m for n, m in metrics.items() if n not in common}) for role, metrics in by_role.items()]
    out = ""
    for title, metrics in parts:
        out += f"\n## {title}\n\n| metric | type | meaning |\n|---|---|---|\n"
        out += "".join(f"| `{name}` | {kind} | {text} |\n" for name, (kind, text) in sorted(metrics.items()))
    return out


class MonitoringDocs(unittest.TestCase):
    def test_every_metric_is_listed_and_has_help(self):
        document = DOCUMENT.read_text()
        with Mesh() as mesh:
            mesh.run("status")
            for role in ROLES:
                for name, (_, text) in metrics_of(mesh, role).items():
                    self.assertTrue(f"`{name}`" in document, f"{role}: {name} is not in {DOCUMENT.name}")
                    self.assertTrue(text, f"{role}: {name} has no help")


if __name__ == "__main__":
    if "--write" in sys.argv:
        with Mesh() as the_mesh:
            head = DOCUMENT.read_text().split("\n## Every role")[0] if DOCUMENT.exists() else ""
            DOCUMENT.write_text(head.rstrip("\n") + "\n" + tables(the_mesh))
    else:
        unittest.main()
