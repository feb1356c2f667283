"""The part of docs/operations/capacity.md that follows from the figures of tests/bench/replicas: what a unit costs, what N cores hold,
and an example."""
from tests.bench import report

BEGIN, END = "<!-- Made by tests/bench/replicas. -->", "<!-- End of what is made. -->"
# (load of replica_cases.py, what it is, the example's rate in a second)
WORK = (
    ("smtp_ingress_mail", "message taken by SMTP and stored (4 KiB)", 100),
    ("outbound_relay_mail", "message taken and sent on (4 KiB)", 20),
    ("imap_gateway_mixed", "IMAP command of the mixed load", 2000),
    ("imap_gateway_log_in", "IMAP log-in and log-out", 0),
    ("imap_gateway_log_in_tls", "the same with a TLS handshake", 50),
    ("pop3_gateway_download", "POP3 message downloaded (10 KiB)", 100),
    ("fetcher_download", "message fetched from a POP3 server (10 KiB)", 10),
)
CORES = (2, 4, 8, 16, 32, 64)
USED = 2 / 3  # of the processors' time


def _cost(name, row):
    """(ms in all, {role: ms}). The fetched maildrops are served by the same mesh: its POP3 gateway is not what fetching costs."""
    by_role = {role: ms for role, ms in row["cpu_ms_by_role"].items() if name != "fetcher_download" or role != "pop3_gateway"}
    served = row["cpu_ms_by_role"].get("pop3_gateway", 0) if name == "fetcher_download" else 0
    return row["cpu_ms"] - served, by_role


def section(rows):
    """Markdown, from the rows of replicas.json."""
    single = {row["name"]: row for row in rows if row["replicas"] == 1 and "cpu_ms" in row}
    work = [(what, rate, *_cost(name, single[name])) for name, what, rate in WORK if name in single]
    roles = sorted({role for *_, by_role in work for role, ms in by_role.items() if ms >= 0.001})
    lines = ["", report.made_by("tests/bench/replicas"), "", "ms of CPU for a unit, in all and by role:", ""]
    lines += report.table(["unit", "in all", *roles], ([what, report.number(cost), *(report.number(by_role.get(role, 0)) for role in roles)]
                                                       for what, _, cost, by_role in work))
    lines += ["", "Units a second that N cores hold of one kind alone, at two thirds of their time:", ""]
    lines += report.table(["unit", *(f"{cores} cores" for cores in CORES)],
                          ([what, *(f"{cores * USED * 1000 / cost:,.0f}" for cores in CORES)] for what, _, cost, _ in work))
    lines += ["", "An example, the busiest minute of some ten thousand users:", ""]
    busy = [(what, rate, cost) for what, rate, cost, _ in work if rate]
    lines += report.table(["in a second", "unit", "ms each", "ms a second"],
                          ([f"{rate:,}", what, report.number(cost), report.number(rate * cost)] for what, rate, cost in busy))
    total = sum(rate * cost for _, rate, cost in busy)
    lines += ["", f"Together {total:,.0f} ms of CPU a second: {total / 1000:.2f} cores' time, so {total / 1000 / USED:.1f} cores at two thirds.", ""]
    return "\n".join(lines)


def write(file, rows):
    before, rest = file.read_text().split(BEGIN)
    file.write_text(before + BEGIN + "\n" + section(rows) + END + rest.split(END)[1])
