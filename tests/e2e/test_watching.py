"""What a mesh says of itself, while it does every kind of work: metrics, dashboards, rules, logs, traces. Run this file with --write
to make the tables of docs/operations/monitoring.md anew."""
import collections
import json
import math
import pathlib
import re
import smtplib
import sys
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "deploy/monitoring")]
import panels  # noqa: E402
from tests.support import messages, operator_call  # noqa: E402
from tests.support.mesh import ROLES  # noqa: E402
from tests.support.ports import wait_until  # noqa: E402
from tests.support.prometheus import MONITORING, Prometheus  # noqa: E402
from tests.support.traffic import ANNA, BERT, MAILDROP, PASSWORD, Traffic  # noqa: E402

DOCUMENT = PROJECT / "docs/operations/monitoring.md"
LOGS = PROJECT / "docs/operations/logs.md"
RUNBOOKS = PROJECT / "docs/operations/runbooks"
ROUNDS = 20

SERIES = re.compile(r"^(\w+?)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Exposition:
    """/metrics of one role: {name: (type, help)}, {name: set of labels}, {(name, label): values}."""

    def __init__(self, text):
        self.kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
        self.labels, self.values = collections.defaultdict(set), collections.defaultdict(set)
        for line in text.splitlines():
            match = SERIES.match(line)
            if not match or line.startswith("#"):
                continue
            name = match.group(1)
            if name not in self.kinds:
                name = re.sub(r"_(bucket|sum|count)$", "", name)
            for label, value in LABEL.findall(match.group(2) or ""):
                if label == "le" and self.kinds[name] == "histogram":
                    continue
                self.labels[name].add(label)
                self.values[name, label].add(value)

    def rows(self):
        """{name: its line of the table}"""
        return {name: f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in sorted(self.labels[name])) or '-'} | {self.helps.get(name, '')} |"
                for name, kind in self.kinds.items()}


def tables(mesh):
    """Metrics by the roles that have them."""
    by_row = collections.defaultdict(list)
    for role in sorted(ROLES):
        for row in Exposition(mesh.metrics(role)).rows().values():
            by_row[row].append(role)
    by_roles = collections.defaultdict(list)
    for row, roles in by_row.items():
        by_roles[tuple(roles)].append(row)
    out = ""
    for roles, rows in sorted(by_roles.items(), key=lambda item: (-len(item[0]), item[0])):
        title = "Every role" if len(roles) == len(ROLES) else ", ".join(f"`{role}`" for role in roles)
        out += f"\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n" + "".join(f"{row}\n" for row in sorted(rows))
    return out


def targets(dashboard):
    """(panel, expression) of a dashboard's JSON."""
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", ())]


class Watching(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.traffic = cls.enterClassContext(Traffic())
        cls.mesh = cls.traffic.a
        cls.prometheus = cls.enterClassContext(Prometheus(cls.mesh))
        cls.traffic.wait_rounds(ROUNDS, 300)

    def tearDown(self):
        self.assertIsNone(self.traffic.failure, "the work ended early")

    # Metrics.

    def test_every_metric_is_in_the_document_as_it_is(self):
        document = DOCUMENT.read_text().split("\n## Every role")[1]
        shown = tables(self.mesh)
        self.assertEqual(set(re.findall(r"^\| `.*$", shown, re.M)), set(re.findall(r"^\| `.*$", document, re.M)),
                         f"run {pathlib.Path(__file__).relative_to(PROJECT)} --write")
        print(f"{len(set(re.findall(r'^. `(.*?)`', shown, re.M)))} metrics")

    def test_names_and_labels_keep_the_rules(self):
        units = ("_seconds", "_bytes", "_total", "_info", "_ratio", "_timestamp_seconds")
        # Numbers of things have no unit.
        for role in ROLES:
            shown = Exposition(self.mesh.metrics(role))
            for name, kind in shown.kinds.items():
                with self.subTest(role=role, metric=name):
                    self.assertRegex(name, r"^(mailmesh|grpc|process|rocksdb)_[a-z0-9_]+$")
                    self.assertTrue(shown.helps.get(name), "no help")
                    self.assertEqual(kind == "counter", name.endswith("_total"), kind)
                    if kind == "histogram" and name != "mailmesh_kv_group_commits":
                        self.assertTrue(name.endswith(units), "a unit is missing")
                    self.assertNotRegex(name, r"_(ms|millis|minutes|hours|kib|mib|kb|mb)(_|$)")
                    for label in shown.labels[name]:
                        values = shown.values[name, label]
                        self.assertLessEqual(len(values), 80, label)
                        for value in values:
                            self.assertNotRegex(value, r"@|\d+\.\d+\.\d+\.\d+|\.test\b|^[0-9a-f]{16,}$|^[0-9a-z]{26}$", label)

    # Dashboards and rules.

    def test_prometheus_reads_every_role(self):
        rows = self.prometheus.api("targets")["activeTargets"]
        self.assertEqual({row["health"] for row in rows}, {"up"}, rows)
        self.assertEqual(len(rows), len(ROLES))
        roles = {labels["role"] for labels, _ in self.prometheus.query('mailmesh_build_info{job="mailmesh"}')}
        self.assertEqual(roles, set(ROLES))
        print("targets:", ", ".join(sorted(row["scrapeUrl"] for row in rows)))

    def test_every_rule_is_evaluated(self):
        groups = self.prometheus.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertEqual([rule["name"] for rule in rules if rule["health"] != "ok"], [])
        recorded = {rule["name"] for rule in rules if rule["type"] == "recording"}
        empty = {name for name in recorded if not self.prometheus.query(name)}
        self.assertEqual(empty, set(), "records without data under load")
        firing = sorted({rule["name"] for rule in rules if rule["type"] == "alerting" and any(a["state"] == "firing" for a in rule["alerts"])})
        critical = {rule["name"] for rule in rules if rule.get("labels", {}).get("severity") == "critical"}
        self.assertEqual(set(firing) & critical, set(), "a mesh that works well is in no danger")
        print(f"{len(rules)} rules, {len(recorded)} records with data, firing: {', '.join(firing) or 'none'}")

    def test_every_query_of_every_dashboard_has_data(self):
        instances = {}
        for labels, _ in self.prometheus.query("mailmesh_build_info"):
            instances.setdefault(labels["role"], set()).add(labels["instance"])
        asked, empty, still = 0, [], []
        for uid, (_, role, rows) in panels.DASHBOARDS.items():
            quiet = {panels.expression(query, role) for row in rows.values() for panel in row for query in panel.queries if query.quiet}
            among = "|".join(map(re.escape, sorted(instances[role]))) if role else ".+"
            for title, expression in targets(json.loads((MONITORING / f"dashboards/{uid}.json").read_text())):
                self.assertNotIn("vector(", expression)
                text = expression.replace("$job", "mailmesh").replace("$instance", among.replace("\\", "\\\\")).replace("$__rate_interval", "1m")
                values = [value for _, value in self.prometheus.query(text) if not math.isnan(value)]
                asked += 1
                if not values:
                    empty.append(f"{uid}: {title}: {text}")
                elif "rate(" in expression and expression not in quiet and max(values) <= 0:  # a gauge may be 0 at the moment
                    still.append(f"{uid}: {title}: {text}")
        print(f"{len(panels.DASHBOARDS)} dashboards, {asked} queries, {asked - len(empty)} with data")
        self.assertEqual(empty, [], "\n".join(["without data:", *empty]))
        self.assertEqual(still, [], "\n".join(["stands still while its work is done:", *still]))

    # Logs.

    def lines(self, role):
        text = "".join(path.read_text() for path in sorted(self.mesh.dir.glob(f"log/{role}.log*")))
        return [json.loads(line) for line in text.splitlines() if line]

    def test_every_line_is_one_object_with_an_event_of_the_document(self):
        known = set(re.findall(r"^\| `([^`]+)` \|", LOGS.read_text(), re.M))
        count, events = 0, set()
        for role in ROLES:
            for line in self.lines(role):
                count += 1
                events.add(line["msg"])
                self.assertEqual(list(line)[:4], ["ts", "level", "service", "msg"], line)
                self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.assertEqual(line["service"], role)
                self.assertIn(line["msg"], known, f"not in {LOGS.name}")
        self.assertNotEqual(events & {"message stored", "delivered", "logged in", "message fetched"}, set())
        print(f"{count} lines, {len(events)} events")

    def test_the_level_changes_while_it_runs(self):
        mesh = self.mesh
        self.addCleanup(mesh.run, "log", "level", "imap_gateway", "info")
        self.assertFalse([line for line in self.lines("imap_gateway") if line["level"] == "debug"])
        mesh.run("log", "level", "imap_gateway", "debug")
        wait_until(lambda: [line for line in self.lines("imap_gateway") if line["level"] == "debug"], "a line of level debug", 30)

    # Traces.

    def test_one_message_has_one_trace_in_all_roles(self):
        mesh, reader = self.mesh, "dora@a.test"  # nobody removes her mail
        mesh.add_account(reader, PASSWORD)
        with smtplib.SMTP(*mesh.address("submission"), timeout=30) as smtp:
            smtp.starttls(context=mesh.tls_context())
            smtp.login(ANNA, PASSWORD)
            smtp.mail(ANNA)
            for to in (reader, MAILDROP):
                self.assertEqual(smtp.rcpt(to)[0], 250)
            code, reply = smtp.data(messages.simple("traced"))
            self.assertEqual(code, 250)
        trace_id = re.search(r"accepted as ([0-9a-f]{32})$", reply.decode()).group(1)

        def events():
            found = {(role, line["msg"]): line for role in ROLES for line in self.lines(role) if line.get("trace_id") == trace_id}
            wanted = {("smtp_ingress", "message"), ("mailbox_store", "message stored"), ("outbound_relay", "message queued"), ("outbound_relay", "delivered")}
            return found if wanted <= set(found) else None

        found = wait_until(events, "the trace in ingress, store and relay", 30)
        spans = {role: line["span_id"] for (role, _), line in found.items()}
        self.assertEqual(len(set(spans.values())), len(spans), "each process has a span of its own")
        for span in spans.values():
            self.assertRegex(span, r"^[0-9a-f]{16}$")
        traced = json.loads(mesh.run("trace", trace_id, "-o", "json").stdout)
        self.assertEqual({row["role"] for row in traced["events"]}, {"smtp_ingress", "mailbox_store", "outbound_relay"})
        self.assertIn((reader, "there"), [(copy["account"], copy["state"]) for copy in traced["copies"]])

    def traces(self, role, event, **fields):
        return {line["trace_id"] for line in self.lines(role)
                if line["msg"] == event and "trace_id" in line and fields.items() <= line.items()}

    def test_a_session_and_its_log_in_have_one_trace(self):
        wait_until(lambda: self.traces("imap_gateway", "logged in", account=BERT) & self.traces("directory", "log-in") &
                   self.traces("mailbox_store", "message stored", operation="append"),
                   "a trace from the IMAP gateway through directory and store", 30)
        wait_until(lambda: self.traces("pop3_gateway", "logged in", account=ANNA) & self.traces("directory", "log-in") &
                   self.traces("pop3_gateway", "session ended", account=ANNA),
                   "a trace from the POP3 gateway through the directory", 30)

    def test_a_fetched_message_has_one_trace(self):
        both = wait_until(lambda: self.traces("fetcher", "message fetched") & self.traces("mailbox_store", "message stored"),
                          "a trace from the fetcher through the store", 30)
        traced = json.loads(self.mesh.run("trace", min(both), "-o", "json").stdout)
        self.assertEqual({row["role"] for row in traced["events"]}, {"fetcher", "mailbox_store"})

    def test_every_line_of_a_request_names_its_trace(self):
        """A line that knows a session, a message or an operator knows its trace."""
        bare = collections.Counter()
        for role in ROLES:
            for line in self.lines(role):
                if line.keys() & {"session_id", "queue_id", "message_id", "operator"} and "trace_id" not in line:
                    bare[role, line["msg"]] += 1
        self.assertEqual(bare, {})

    def test_a_command_of_an_operator_is_one_trace(self):
        self.mesh.run("account", "create", "traced@a.test", "--password-stdin", input=PASSWORD + "\n")
        changed = [line for line in self.lines("directory") if line["msg"] == "directory changed" and line["command"] == "CreateAccount"]
        self.assertTrue(changed[-1]["operator"])
        self.assertRegex(changed[-1]["trace_id"], r"^[0-9a-f]{32}$")
        self.mesh.run("queue", "hold", "--domain", "away.test", check=False)  # some are busy
        self.mesh.run("queue", "release", "--domain", "away.test", check=False)
        for word in ("hold", "release"):
            wait_until(lambda word=word: self.traces("outbound_relay", "queue changed", what=word), f"{word} is in the log with its trace")

    def test_the_trace_of_an_operators_program_goes_on(self):
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        operator_call.call(self.mesh.endpoints["mailbox_store.grpc"], "mailmesh.control.v1.ControlService/FinalizeUpgrade",
                           metadata=[f"traceparent: 00-{trace_id}-00f067aa0ba902b7-01"])
        wait_until(lambda: trace_id in self.traces("mailbox_store", "upgrade finalized by an operator"), "the program's trace in the log", 10)

    # Runbooks.

    def test_the_commands_of_the_runbooks_are_there(self):
        wanted = set()
        for path in [*RUNBOOKS.glob("*.md"), *(PROJECT / "docs/operations").glob("*.md")]:
            for command in re.findall(r"`mailmesh ((?:[a-z][a-z0-9-]*)(?: [a-z][a-z-]+)?)", path.read_text()):
                wanted.add((command, path.name))
        unknown = []
        for command in sorted({command for command, _ in wanted}):
            words = command.split()
            if self.mesh.run(*words, "--help", check=False).returncode:
                unknown.append((command, sorted(name for known, name in wanted if known == command)))
        self.assertEqual(unknown, [])


if __name__ == "__main__":
    if "--write" in sys.argv:
        with Traffic() as the_traffic:
            the_traffic.wait_rounds(ROUNDS, 300)
            head = DOCUMENT.read_text().split("\n## Every role")[0]
            DOCUMENT.write_text(head.rstrip("\n") + "\n" + tables(the_traffic.a))
    else:
        unittest.main()
