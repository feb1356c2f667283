"""A line for each figure, and what a role of a mesh uses."""
import pathlib
import re


def say(name, value):
    print(f"{name:<58} {value}", flush=True)


def memory_kib(mesh, role, which="VmRSS"):
    status = pathlib.Path(f"/proc/{mesh.process_id(role)}/status").read_text()
    return int(re.search(rf"{which}:\s+(\d+)", status).group(1))


def cpu_seconds(mesh, role):
    fields = pathlib.Path(f"/proc/{mesh.process_id(role)}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
