"""The second life of a release, against a real API server without nodes: what an upgrade keeps, and what it refuses. Hooks do not run (there is
nobody to run them); tests/kubernetes runs them."""
import os
import subprocess

NAMESPACE = "mail"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"


class Release:
    def __init__(self, helm, chart, server):
        self.helm, self.chart, self.server = helm, chart, server

    def run(self, verb, *arguments):
        return subprocess.run([self.helm, verb, "mesh", *arguments], capture_output=True, text=True,
                              env=os.environ | {"KUBECONFIG": str(self.server.kubeconfig)})

    def upgrade(self, *sets, hooks=False):
        """What helm said where it refused, else nothing."""
        arguments = [str(self.chart), "--install", "-n", NAMESPACE, "--create-namespace", "--set", "hostname=mail.example.org", *([] if hooks else ["--no-hooks"])]
        for one in sets:
            arguments += ["--set", one]
        done = self.run("upgrade", *arguments)
        return done.stdout + done.stderr if done.returncode else ""

    def guard(self, *sets):
        """Arguments of the guard's job, as an upgrade would run it."""
        arguments = [str(self.chart), "-n", NAMESPACE, "--set", "hostname=mail.example.org", "--dry-run=server", "--hide-notes"]
        for one in sets:
            arguments += ["--set", one]
        done = self.run("upgrade", *arguments)
        assert done.returncode == 0, done.stderr
        return next(line for line in done.stdout.splitlines() if '"scale","check"' in line)

    def replicas(self, kind, name):
        return self.server.get(f"{APPS}/{kind}/mesh-mailmesh-{name}")["spec"]["replicas"]

    def set_replicas(self, kind, name, count):
        status, answer = self.server.call("PATCH", f"{APPS}/{kind}/mesh-mailmesh-{name}", {"spec": {"replicas": count}}, "application/merge-patch+json")
        assert status == 200, answer


def results(helm, chart, server):
    """[(what, problem)]"""
    release = Release(helm, chart, server)

    def expect(what, found, wanted):
        return what, "" if found == wanted else f"{found!r} instead of {wanted!r}"

    def refused(what, said, *words):
        return what, "" if said and all(word in said for word in words) else f"it said {said!r}"

    base = ("mailboxStore.shards=2", "outboundRelay.replicas=3", "smtpIngress.replicas=4")
    yield expect("installs", release.upgrade(*base), "")
    ring = f"/api/v1/namespaces/{NAMESPACE}/secrets/mesh-mailmesh-key-ring"
    before = server.get(ring)["data"]
    yield expect("upgrades", release.upgrade(*base), "")
    yield expect("an upgrade keeps the key ring", server.get(ring)["data"] == before, True)

    scaled = base + ("smtpIngress.autoscaling.enabled=true",)
    yield expect("autoscaling is switched on", release.upgrade(*scaled), "")
    yield expect("and leaves the pods that there are", release.replicas("deployments", "smtp-ingress"), 4)
    release.set_replicas("deployments", "smtp-ingress", 7)
    yield expect("an upgrade under an autoscaler", release.upgrade(*scaled), "")
    yield expect("and leaves what the autoscaler chose", release.replicas("deployments", "smtp-ingress"), 7)

    said = release.upgrade(*base, "mailboxStore.persistence.size=99Gi")
    yield refused("another volume's size is refused", said, 'mailboxStore: the volume claim "data"', "20Gi", "99Gi", "--cascade=orphan")
    yield refused("another class is refused", release.upgrade(*base, "directory.persistence.storageClass=other"), "directory: the volume claim", "class other")
    yield refused("a volume for backups is refused", release.upgrade(*base, "mailboxStore.backup.volume.enabled=true"), 'the volume claim "backup"', "it is (none)")
    yield refused("another pod management is refused", release.upgrade(*base, "outboundRelay.podManagementPolicy=OrderedReady"), "outboundRelay.podManagementPolicy cannot be changed")
    yield expect("another size of the mesh is none of these", release.upgrade(*base, "size=medium"), "")

    yield expect("the guard passes while nothing shrinks", "--pass-when-away" in release.guard(*base), True)
    smaller = release.guard("mailboxStore.shards=1", "outboundRelay.replicas=3")
    yield expect("the guard is strict where a shard goes", ("--shards=1" in smaller, "--pass-when-away" in smaller), (True, False))
    without = release.guard("mailboxStore.shards=2", "outboundRelay.enabled=false")
    yield expect("and where the relay is switched off", ("--relays=0" in without, "--relays-now=3" in without, "--pass-when-away" in without), (True, True, False))
    own = release.guard(*base, "outboundRelay.autoscaling.enabled=true", "outboundRelay.autoscaling.customMetrics=true", "outboundRelay.replicas=1")
    yield expect("a relay that scales by itself does not shrink", ("--relays=3" in own, "--pass-when-away" in own), (True, True))

    # A first installation that failed: its only revision was never deployed.
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    for secret in server.get(f"{path}?labelSelector=owner%3Dhelm,name%3Dmesh")["items"]:
        server.call("PATCH", f"{path}/{secret['metadata']['name']}", {"metadata": {"labels": {"status": "failed"}}}, "application/merge-patch+json")
    yield expect("after a first installation that failed it asks nobody in vain", "--pass-when-away" in release.guard("mailboxStore.shards=1"), True)
    done = release.run("uninstall", "-n", NAMESPACE, "--no-hooks")
    yield expect("uninstalls", done.returncode, 0)
    yield expect("and leaves the key ring", server.get(ring)["data"] == before, True)
