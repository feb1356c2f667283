"""The second life of a release, against a real API server without nodes: what an upgrade or a rollback keeps, and what is refused. Hooks that are
jobs do not run (there is nobody to run them); tests/kubernetes runs them."""
import base64
import json
import os
import subprocess

NAMESPACE = "mail"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
RING = f"{SECRETS}/mesh-mailmesh-key-ring"
MERGE = "application/merge-patch+json"
# With certificates that are there already the only hook before an installation is the key ring, which nobody must run.
CERTIFICATES = ("tls.public.source=existingSecret", "tls.public.existingSecret=public", "tls.mesh.source=existingSecrets") + tuple(
    f"tls.mesh.existingSecrets.{role}=roles" for role in ("directory", "mailboxStore", "outboundRelay", "fetcher", "smtpIngress", "imapGateway", "pop3Gateway", "operator"))


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
        """The guard's job, as an upgrade would run it: its arguments, and before what else it runs."""
        arguments = [str(self.chart), "-n", NAMESPACE, "--set", "hostname=mail.example.org", "--dry-run=server", "--hide-notes"]
        for one in sets:
            arguments += ["--set", one]
        done = self.run("upgrade", *arguments)
        if done.returncode:
            return done.stderr
        return next(job for job in done.stdout.split("\n---\n") if '"scale","check"' in job)

    def notes(self, *sets):
        """What an upgrade would say."""
        arguments = [str(self.chart), "-n", NAMESPACE, "--set", "hostname=mail.example.org", "--dry-run=server", "--output=json"]
        for one in sets:
            arguments += ["--set", one]
        done = self.run("upgrade", *arguments)
        return done.stderr if done.returncode else json.loads(done.stdout)["info"]["notes"]

    def rollback(self, revision):
        done = self.run("rollback", str(revision), "-n", NAMESPACE, "--no-hooks")
        return done.stdout + done.stderr if done.returncode else ""

    def replicas(self, kind, name):
        return self.server.get(f"{APPS}/{kind}/mesh-mailmesh-{name}")["spec"]["replicas"]

    def set_replicas(self, kind, name, count):
        status, answer = self.server.call("PATCH", f"{APPS}/{kind}/mesh-mailmesh-{name}", {"spec": {"replicas": count}}, MERGE)
        assert status == 200, answer

    def make_secret(self, name):
        status, answer = self.server.call("POST", SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})
        assert status == 201, answer


def results(helm, chart, server):
    """[(what, problem)]"""
    release = Release(helm, chart, server)

    def expect(what, found, wanted):
        return what, "" if found == wanted else f"{found!r} instead of {wanted!r}"

    def refused(what, said, *words):
        return what, "" if said and all(word in said for word in words) else f"it said {said!r}"

    base = ("mailboxStore.shards=2", "outboundRelay.replicas=3", "smtpIngress.replicas=4")
    yield expect("installs", release.upgrade(*base, *CERTIFICATES, hooks=True), "")
    made = base64.b64decode(server.get(RING)["data"]["keys"])
    yield expect("and has made a key ring", made.startswith(b"mailmesh-key-ring 1\n"), True)
    added = {"keys": base64.b64encode(made + b"0123456789abcdef AAAA 1\n").decode()}
    server.call("PATCH", RING, {"data": added}, MERGE)
    yield expect("upgrades", release.upgrade(*base), "")
    yield expect("an upgrade keeps the key ring", server.get(RING)["data"] == added, True)
    yield refused("another key of the ring's Secret is refused", release.upgrade(*base, "keyRing.existingSecretKey=other"), 'has no key "other"; it has keys')

    scaled = base + ("smtpIngress.autoscaling.enabled=true", "smtpIngress.autoscaling.maxReplicas=8")
    yield expect("autoscaling is switched on", release.upgrade(*scaled), "")
    yield expect("and leaves the pods that there are", release.replicas("deployments", "smtp-ingress"), 4)
    release.set_replicas("deployments", "smtp-ingress", 7)
    yield expect("an upgrade under an autoscaler", release.upgrade(*scaled), "")
    yield expect("and leaves what the autoscaler chose", release.replicas("deployments", "smtp-ingress"), 7)
    more = scaled + ("smtpIngress.autoscaling.minReplicas=9", "smtpIngress.autoscaling.maxReplicas=10")
    yield expect("more at least than the autoscaler chose", release.upgrade(*more), "")
    yield expect("makes so many", release.replicas("deployments", "smtp-ingress"), 9)

    gateway = base + ("imapGateway.autoscaling.enabled=true", "imapGateway.autoscaling.minReplicas=3")
    yield expect("a role goes", release.upgrade(*base, "imapGateway.enabled=false"), "")
    yield expect("and comes back with an autoscaler", release.upgrade(*gateway), "")
    yield expect("with the pods that it has at least", release.replicas("deployments", "imap-gateway"), 3)
    lacking = release.notes(*gateway, "outboundRelay.autoscaling.enabled=true", "outboundRelay.autoscaling.customMetrics=true")
    yield refused("NOTES warns of signals that the cluster does not serve", lacking, "imapGateway.autoscaling: this cluster does not serve metrics.k8s.io",
                  "outboundRelay.autoscaling: this cluster does not serve custom.metrics.k8s.io")
    yield expect("and of none where nothing scales", "does not serve" in release.notes(*base), False)
    revision = json.loads(release.run("history", "-n", NAMESPACE, "-o", "json").stdout)[-1]["revision"]
    release.set_replicas("deployments", "imap-gateway", 4)
    yield expect("an upgrade under its autoscaler", release.upgrade(*gateway), "")
    yield expect("rolls back", release.rollback(revision), "")
    yield expect("to the pods that the revision had, not to one", release.replicas("deployments", "imap-gateway"), 3)
    yield expect("a rollback keeps the key ring", server.get(RING)["data"] == added, True)
    yield expect("upgrades again", release.upgrade(*base), "")


    said = release.upgrade(*base, "mailboxStore.persistence.size=99Gi")
    yield refused("another volume's size is refused", said, 'mailboxStore: the volume claim "data"', "20Gi", "99Gi", "--cascade=orphan")
    yield refused("another class is refused", release.upgrade(*base, "directory.persistence.storageClass=other"), "directory: the volume claim", "class other")
    yield refused("a volume for backups is refused", release.upgrade(*base, "mailboxStore.backup.volume.enabled=true"), 'the volume claim "backup"', "it is (none)")
    yield refused("another pod management is refused", release.upgrade(*base, "outboundRelay.podManagementPolicy=OrderedReady"), "outboundRelay.podManagementPolicy cannot be changed")
    yield refused("an annotation of claims is refused", release.upgrade(*base, "directory.persistence.annotations.a=b"), "directory: the volume claim", "a=b")
    yield expect("another size of the mesh is none of these", release.upgrade(*base, "size=medium"), "")
    yield expect("nor the same size in other words", release.upgrade(*base, "mailboxStore.persistence.size=20480Mi"), "")

    yield expect("without the operator's certificate the guard is for rollbacks alone", "helm.sh/hook: pre-rollback\n" in release.guard(*base), True)
    yield refused("and nothing is made smaller then", release.guard("mailboxStore.shards=1"), "scaleGuard: this makes the mesh smaller", "mesh-mailmesh-pki-operator")
    release.make_secret("mesh-mailmesh-pki-operator")
    yield expect("with it for upgrades, too", "helm.sh/hook: pre-upgrade,pre-rollback\n" in release.guard(*base), True)
    yield expect("the guard passes while nothing shrinks", "--pass-when-away" in release.guard(*base), True)
    smaller = release.guard("mailboxStore.shards=1", "outboundRelay.replicas=3")
    yield expect("the guard is strict where a shard goes", ("--shards=1" in smaller, "--pass-when-away" in smaller), (True, False))
    without = release.guard("mailboxStore.shards=2", "outboundRelay.enabled=false")
    yield expect("and where the relay is switched off", ("--relays=0" in without, "--relays-now=3" in without, "--pass-when-away" in without), (True, True, False))
    scales = base + ("outboundRelay.autoscaling.enabled=true", "outboundRelay.autoscaling.customMetrics=true", "outboundRelay.replicas=1")
    own = release.guard(*scales)
    yield expect("a relay that scales by itself does not shrink", ("--relays=3" in own, "--pass-when-away" in own), (True, True))
    fewer = release.guard(*scales, "outboundRelay.autoscaling.maxReplicas=2")
    yield expect("but for an autoscaler that may have fewer", ("--relays=2" in fewer, "--pass-when-away" in fewer), (True, False))

    # A first installation that failed: its only revision was never deployed.
    for secret in server.get(f"{SECRETS}?labelSelector=owner%3Dhelm,name%3Dmesh")["items"]:
        server.call("PATCH", f"{SECRETS}/{secret['metadata']['name']}", {"metadata": {"labels": {"status": "failed"}}}, MERGE)
    yield expect("after a first installation that failed it asks nobody in vain", "--pass-when-away" in release.guard("mailboxStore.shards=1"), True)
    done = release.run("uninstall", "-n", NAMESPACE, "--no-hooks")
    yield expect("uninstalls", done.returncode, 0)
    yield expect("and leaves the key ring", server.get(RING)["data"] == added, True)
