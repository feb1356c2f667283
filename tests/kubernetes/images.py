"""Where the test's images come from. They are built from the programs of build/release, and then put onto the nodes of our own cluster, or
pushed to MAILMESH_IMAGES, from where the nodes of another one pull them."""
import os
import pathlib
import subprocess
import time

from tests.kubernetes.release import PROJECT, ROLES, own_cluster, run
from tests.support.kube_api import CACHE

BUILT_AS = "mailmesh.invalid/test"  # nothing is pulled from there
PREFIX = BUILT_AS if own_cluster() else os.environ["MAILMESH_IMAGES"]
# A Debian with Python and Prometheus.
DEBIAN = ("mailmesh.invalid/cluster" if own_cluster() else PREFIX) + "/debian"
DEBIAN_TAG = "1"
# The same programs under both tags; a time of its own gives the second another digest.
TIMES = {"first": None, "second": 1}


def build(tag):
    """Builds all images where a program is newer than they are; their archives."""
    programs = pathlib.Path(os.environ.get("MAILMESH_BIN", PROJECT / "build/release/bin"))
    folder = PROJECT / "build/kubernetes" / tag
    newest = max(program.stat().st_mtime for program in programs.glob("mailmesh*"))
    archives = list(folder.glob("*.tar"))
    if len(archives) < len(ROLES) + 1 or any(archive.stat().st_mtime < newest for archive in archives):
        began = time.monotonic()
        environment = os.environ | ({"SOURCE_DATE_EPOCH": str(TIMES[tag])} if TIMES[tag] else {})
        subprocess.run([PROJECT / "deploy/docker/build", "--with", "buildah", "--binaries", programs, "--base", "mmdebstrap", "--prefix", BUILT_AS,
                        "--tag", tag, "--output", folder], check=True, env=environment, stdout=subprocess.DEVNULL)
        print(f"images {tag}: built in {time.monotonic() - began:.0f} s", flush=True)
    return list(folder.glob("*.tar"))


def push(archive, image):
    run("skopeo", "copy", "--quiet", f"oci-archive:{archive}", f"docker://{image}")


def provide(tag):
    """The nodes have the images with this tag, or can pull them."""
    archives = build(tag)
    if own_cluster():
        run(own_cluster() / "import", *archives)
        return
    run(PROJECT / "tests/kubernetes/cluster/build-images", "debian")
    push(CACHE / "images/debian.tar", f"{DEBIAN}:{DEBIAN_TAG}")
    for archive in archives:
        push(archive, f"{PREFIX}/{archive.stem}:{tag}")


def values(tag):
    """What the chart is told of them. A pushed tag is another image the next time."""
    pairs = {"image.repository": PREFIX, "image.tag": tag, "image.pullPolicy": "IfNotPresent" if own_cluster() else "Always",
             "tests.image.repository": DEBIAN, "tests.image.tag": DEBIAN_TAG}
    return [word for name, value in pairs.items() for word in ("--set-string", f"{name}={value}")]
