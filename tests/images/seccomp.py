"""The system calls that the units of deploy/systemd allow, as a profile for containers."""
import json
import re
import subprocess

from tests.support.mesh import PROJECT

ARCHITECTURES = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]


def members(name):
    """The calls of a set such as @system-service, those of sets in it too."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True, capture_output=True, text=True).stdout
    words = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(members(word) for word in words if word and not word.startswith("#")))


def profile():
    lines = re.findall(r"^SystemCallFilter=(.*)$", (PROJECT / "deploy/systemd/mailmesh-.service.d/10-common.conf").read_text(), re.M)
    # systemd.exec(5): what a first line without "~" allows, later ones with it take away; @default is always allowed.
    allowed = members("@default")
    for line in lines:
        sets = set().union(*(members(word) for word in line.lstrip("~").split()))
        allowed = allowed - sets if line.startswith("~") else allowed | sets
    return json.dumps({
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ARCHITECTURES,
        "syscalls": [{"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"}],
    })
