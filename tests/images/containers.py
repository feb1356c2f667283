"""podman for these tests: with what a machine with old control groups, and without the right to raise limits, can do."""
import json
import os
import pathlib
import resource
import subprocess

CONFIG = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


def configure(folder):
    """For every podman that is started from here on."""
    path = pathlib.Path(folder, "containers.conf")
    path.write_text(CONFIG.format(files=resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    os.environ["CONTAINERS_CONF"] = str(path)


def podman(*arguments, check=True, input=None, timeout=120):
    done = subprocess.run(["podman", *map(str, arguments)], text=True, capture_output=True, input=input, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done


def inspect(container):
    return json.loads(podman("container", "inspect", container).stdout)[0]


def logs(container):
    done = podman("logs", container, check=False)
    return done.stdout + done.stderr
