"""Figures of all rounds become medians, ratios and a table; what is kept goes to results.json, results.md and plot.svg."""
import dataclasses
import json
import os
import platform
import statistics
import time

from tests.bench import plot

OURS = "mailmesh"
METRICS = ("per_second", "cpu_ms", "p50_ms", "p99_ms", "kib")
# Of these less is better.
COSTS = ("cpu_ms", "p50_ms", "p99_ms", "kib")
HEADINGS = ("work", "side", "per second", "CPU ms per unit", "p50 ms", "p99 ms", "KiB each", "ours / theirs", "budget")


def median(rounds, metric):
    values = [value for figures in rounds if (value := getattr(figures, metric)) is not None]
    return statistics.median(values) if values else None


def cpu_ms_by_role(rounds):
    """{role: ms of CPU for each unit}, of a side that has roles; medians, so that their sum is not exactly the whole."""
    roles = {role for figures in rounds for role in figures.by_role or {}}
    return {role: statistics.median((figures.by_role or {}).get(role, 0) * 1000 / figures.count for figures in rounds)
            for role in sorted(roles)}


def result(case, rounds_by_side):
    """One case as it is written to results.json."""
    return {
        "name": case.name, "title": case.title, "unit": case.unit, "bar": case.bar,
        "budget": {key: value for key, value in dataclasses.asdict(case.budget).items() if value is not None},
        "sides": {side: {"count": rounds[0].count, "rounds": len(rounds), **{m: median(rounds, m) for m in METRICS},
                         "cpu_ms_by_role": cpu_ms_by_role(rounds),
                         "all": [{m: getattr(figures, m) for m in METRICS} for figures in rounds]}
                  for side, rounds in rounds_by_side.items()},
    }


def ratio(done, side, metric):
    """Ours by theirs, or None: also where a side's memory shrank in a short run, as a ratio with less than nothing says nothing."""
    ours, theirs = done["sides"].get(OURS, {}).get(metric), done["sides"][side].get(metric)
    return ours / theirs if side != OURS and ours and theirs and min(ours, theirs) > 0 else None


def met(done):
    """[(metric, budget, ours, whether it is met)]"""
    ours = done["sides"].get(OURS)
    if not ours:
        return []
    return [(metric, wanted, ours[metric], ours[metric] <= wanted if metric in COSTS else ours[metric] >= wanted)
            for metric, wanted in done["budget"].items()]


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratios(done, side):
    named = {"cpu_ms": "CPU", "per_second": "per second", "p50_ms": "p50", "kib": "KiB"}
    wanted = [done["bar"]] + [m for m in ("cpu_ms", "per_second") if m != done["bar"]]
    return ", ".join(f"{named[m]} {value:.2f}" for m in wanted if (value := ratio(done, side, m)) is not None)


def rows(done):
    """The lines of one case in the table."""
    units = {"cpu_ms": "ms CPU", "per_second": "/s", "p50_ms": "ms", "kib": "KiB"}
    verdicts = ", ".join(f"{number(wanted)} {units[m]}: {'met' if good else 'MISSED'}" for m, wanted, _, good in met(done))
    for side, figures in done["sides"].items():
        yield [done["title"] if side == next(iter(done["sides"])) else "", side, *(number(figures[m]) for m in METRICS),
               _ratios(done, side), verdicts if side == OURS else ""]


def say(done):
    """A case on the terminal, as soon as it is known."""
    print(done["title"], flush=True)
    for row in rows(done):
        named = [f"{value} {heading}" for heading, value in zip(HEADINGS[2:7], row[2:7]) if value]
        more = [f"{heading}: {value}" for heading, value in zip(HEADINGS[7:], row[7:]) if value]
        print(f"  {row[1]:9} " + ", ".join(named) + "".join(f"   [{text}]" for text in more), flush=True)


def machine():
    """What the figures depend on."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"date": time.strftime("%Y-%m-%d", time.gmtime()), "processor": model, "cores": os.cpu_count(),
            "kernel": platform.release()}


def made_by(command):
    """The first words of a table: where its figures come from."""
    where = machine()
    return (f"Made by `{command}` on {where['date']}: {where['cores']} cores ({where['processor']}), Linux {where['kernel']}, the load "
            "on the same cores. Medians of the rounds.")


def table(headings, lines):
    """Markdown."""
    return ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings), *("| " + " | ".join(line) + " |" for line in lines)]


def write(folder, results):
    """Cases that were not run now keep what the file has of them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    kept = json.loads(path.read_text())["cases"] if path.exists() else []
    now = {done["name"]: done for done in results}
    cases = [now.pop(done["name"], done) for done in kept] + list(now.values())
    path.write_text(json.dumps({"machine": machine(), "cases": cases}, indent=1) + "\n")
    (folder / "results.md").write_text(_markdown(cases))
    (folder / "plot.svg").write_text(plot.svg(cases, ratio))


def _markdown(cases):
    missed = [f"{done['title']}: {number(value)} for {number(wanted)} ({metric})"
              for done in cases for metric, wanted, value, good in met(done) if not good]
    lines = ["# Figures", "", made_by("tests/bench/run --peers") + " [What each case is](README.md).", "",
             *table(HEADINGS, (row for done in cases for row in rows(done)))]
    lines += ["", "![CPU, time and memory beside the peer's](plot.svg)", ""]
    lines += ["Budgets missed:", "", *(f"- {text}" for text in missed)] if missed else []
    return "\n".join(lines) + "\n"
