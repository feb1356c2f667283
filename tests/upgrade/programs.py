"""Programs of two versions: those of this tree, and those of the version before, built from history once and kept outside the tree."""
import os
import pathlib
import shutil
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
OLD_COMMIT, OLD_VERSION = (pathlib.Path(__file__).parent / "OLD").read_text().split()
ROLES = ("directory", "mailbox_store", "outbound_relay", "fetcher", "smtp_ingress", "imap_gateway", "pop3_gateway")
NAMES = ("mailmesh", *(f"mailmesh-{role}" for role in ROLES))


def old():
    """The folder with the programs of OLD; made if it is not there. ccache, where it is installed, knows most of the objects."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "mailmesh/versions"
    kept = cache / OLD_COMMIT
    if kept.exists():
        return kept
    work = cache / f"{OLD_COMMIT}.{os.getpid()}"
    source = work / "source"
    if subprocess.run(["git", "-C", PROJECT, "cat-file", "-e", f"{OLD_COMMIT}^{{commit}}"]).returncode != 0:
        raise SystemExit(f"the history has no {OLD_COMMIT} (tests/upgrade/OLD): git fetch --unshallow")
    print(f"building {OLD_COMMIT[:12]}, the version before, into {kept}", flush=True)
    try:
        work.mkdir(parents=True)
        # A checkout of its own: the program tells the commit that it was built from.
        run("git", "clone", "--quiet", "--shared", "--no-checkout", PROJECT, source)
        run("git", "-C", source, "checkout", "--quiet", OLD_COMMIT)
        run("cmake", "--preset", "release", "-Wno-dev", cwd=source, stdout=subprocess.DEVNULL)
        run("ninja", "-C", source / "build/release", *NAMES, stdout=subprocess.DEVNULL)
        programs = work / "programs"
        programs.mkdir()
        for name in NAMES:
            shutil.copy2(source / "build/release/bin" / name, programs / name)
        programs.rename(kept)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return kept


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


class Programs:
    """The folder that a mesh starts its programs from; each of them is of the one version or the other."""

    def __init__(self, folder, new):
        self.folder, self.versions = folder, {"old": old(), "new": new}
        folder.mkdir()
        for name in NAMES:
            self.put(name, "old")

    def put(self, name, version):
        """What is started from now on. Processes that run keep theirs."""
        fresh = self.folder / f"{name}.next"
        source = self.versions[version] / name
        try:
            os.link(source, fresh)
        except OSError:
            shutil.copy2(source, fresh)
        fresh.replace(self.folder / name)
