"""Phase 4: NetworkPolicies. What they forbid is refused and what the mesh needs passes, between pods and to the outside; and the edges that
they allow are those that the mesh has: its connections are read from the sockets of every pod while mail flows. Only on our own cluster: it
looks into the nodes, and knows that there is somebody who enforces policies."""
import collections
import json
import threading
import time

from tests.kubernetes import mail, outside
from tests.kubernetes.cluster.network_policy import Pod, Table
from tests.kubernetes.release import (DOMAIN, NAMESPACE, ROLES, Failed, component_of, get, kubectl, nodes, on_node, own_cluster,
                                      tool)

GRPC, ADMIN = "grpc", "admin"
# The mesh, said once more and by hand: who calls whose gRPC port (docs/architecture.md). The tool calls all.
CALLS = {
    "smtp-ingress": {"directory", "mailbox-store", "outbound-relay"},
    "imap-gateway": {"directory", "mailbox-store"},
    "pop3-gateway": {"directory", "mailbox-store"},
    "fetcher": {"directory", "mailbox-store"},
    "outbound-relay": {"directory", "mailbox-store"},
    "directory": set(),
    "mailbox-store": set(),
    "tool": set(ROLES),
}
# What is not of the release, and who needs it: names are looked up by those who call somebody.
SMTP, POP3, POP3S, DNS = "smtp", "pop3", "pop3s", "dns"
OUTSIDE = {SMTP: 25, "dns elsewhere": 53, POP3: 110, "imap": 143, "https": 443, POP3S: 995, "kubernetes": 6443}
KUBELET = 10250
GOES_OUT = {"outbound-relay": {SMTP}, "fetcher": {POP3, POP3S}}
STRANGERS = """
apiVersion: v1
kind: Namespace
metadata: {name: strangers}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: strangers}
spec: {containers: [{name: pause, image: "mailmesh.invalid/cluster/pause:1"}], terminationGracePeriodSeconds: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: %s, labels: {stranger: "yes"}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
  - {name: pause, image: "mailmesh.invalid/cluster/pause:1",
     securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
""" % NAMESPACE
# Connects to each address given, or asks there by UDP whether DNS knows this cluster, and says whether that went. Runs in a pod's network
# namespace.
PROBE = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
QUESTION = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\7cluster\\5local\\0\\0\\1\\0\\1"
def passes(target):
    address, port, protocol = target
    try:
        if protocol == "TCP":
            socket.create_connection((address, port), 1.5).close()
            return True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1.5)
            s.connect((address, port))
            s.send(QUESTION)
            return bool(s.recv(512))
    except ConnectionRefusedError:
        return True  # the packet came there and back
    except OSError:
        return False
with ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(passes, json.load(sys.stdin)))))
"""
# Established TCP connections and listeners of each pod on this node, by its network namespace.
SOCKETS = """
import json, os, subprocess
found = []
for name in os.listdir("/run/netns"):
    enter = ["nsenter", f"--net=/run/netns/{name}", "ss", "-Hnt"]
    listening = [line.split()[3].rsplit(":", 1)[1] for line in subprocess.run([*enter, "-l"], capture_output=True, text=True).stdout.splitlines()]
    for line in subprocess.run([*enter, "state", "connected"], capture_output=True, text=True).stdout.splitlines():
        local, remote = line.split()[3:5]
        found.append([local, remote, local.rsplit(":", 1)[1] in listening])
print(json.dumps(found))
"""


def name_of(pod):
    if pod["metadata"]["namespace"] == NAMESPACE:
        return component_of(pod) or "stranger in the namespace"
    return pod["metadata"]["labels"].get("app", "stranger elsewhere") if pod["metadata"]["namespace"] != "kube-system" else "kube-system"


def ports_of(pod):
    """{name: number} of the ports that a pod says it has."""
    return {p["name"]: p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports", []) if "name" in p}


def running(namespace):
    return [p for p in get("-n", namespace, "pods")["items"] if p["status"].get("podIP") and p["status"]["phase"] == "Running"
            and "deletionTimestamp" not in p["metadata"]]


def in_pod(pod, program, input):
    """Runs a Python program in a pod's network namespace: found by its address."""
    script = ('for n in /run/netns/*; do nsenter --net=$n ip -o addr show eth0 2>/dev/null | grep -q " $0/" && '
              'exec nsenter --net=$n /usr/bin/python3 -c "$1"; done; exit 3')
    return json.loads(on_node(pod["spec"]["nodeName"], "bash", "-c", script, pod["status"]["podIP"], program, input=input))


# Refused and passed.

def between_pods(source, target, port):
    """Whether the mesh needs this connection."""
    if port == GRPC:
        return target in CALLS.get(source, set())
    if port == ADMIN:
        return source == "prometheus"
    return source not in ROLES  # a mail port: everybody may be a client, and no role is one


def beyond(source, what):
    """The same for what is not of the release. Who is no pod of it has no policy."""
    if source not in CALLS:
        return True
    return bool(CALLS[source]) if what == DNS else what in GOES_OUT.get(source, set())


def targets_of(source, roles, dns):
    """(kind, what, whether it must pass, [address, port, protocol]) of all that is tried from a pod."""
    name = name_of(source)
    for pod in roles:
        if pod["status"]["podIP"] != source["status"]["podIP"]:
            for port, number in ports_of(pod).items():
                component = component_of(pod)
                yield "between pods", f"{component} {port}", between_pods(name, component, port), [pod["status"]["podIP"], number, "TCP"]
    for what, number in OUTSIDE.items():
        yield "to the outside", what, beyond(name, what), [outside.ADDRESS, number, "TCP"]
    for address in nodes().values():
        yield "to the outside", "kubelet", beyond(name, "kubelet"), [address, KUBELET, "TCP"]
    for address in dns:
        for protocol in ("TCP", "UDP"):
            yield "to DNS", f"dns by {protocol}", beyond(name, DNS), [address, 53, protocol]


def refused_and_passed():
    kubectl("apply", "-f", "-", input=STRANGERS)
    for namespace in (NAMESPACE, "strangers"):
        kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    time.sleep(2)  # the enforcer knows them
    sources = [*running(NAMESPACE), *running("strangers"), *running("monitoring")]
    roles = [p for p in running(NAMESPACE) if component_of(p) in ROLES]
    dns = [get("-n", "kube-system", "service", "kube-dns")["spec"]["clusterIP"]]
    dns += [p["status"]["podIP"] for p in running("kube-system") if p["metadata"]["labels"].get("k8s-app") == "kube-dns"]
    wrong, count = [], collections.Counter()
    for source in sources:
        targets = list(targets_of(source, roles, dns))
        for (kind, what, wanted, _), passes in zip(targets, in_pod(source, PROBE, json.dumps([target for *_, target in targets]))):
            count[kind, wanted] += 1
            count[kind] += passes == wanted
            if passes != wanted:
                wrong.append(f"{name_of(source)} -> {what}: {'passes' if passes else 'is refused'}")
    for kind in ("between pods", "to the outside", "to DNS"):
        must, must_not = count[kind, True], count[kind, False]
        print(f"  {kind}: {count[kind]} of {must + must_not} as they should be: {must} that must pass, {must_not} that must not")
    return wrong


# Edges.

def allowed_edges():
    """(from, to, port) between the release's pods that the policies let through, as the enforcer reads them."""
    items = running(NAMESPACE) + running("monitoring")
    wrapped = [(item, Pod(item)) for item in items]
    namespaces = {n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in get("namespaces")["items"]}
    table = Table([pod for _, pod in wrapped], namespaces, get("networkpolicies", "-A")["items"])

    def lets(rules, other, number):
        if rules is None:
            return True
        return any(rule.split()[2] in (other, "0.0.0.0/0") and (f"dport {number} " in rule or "dport" not in rule) for rule in rules)

    found = set()
    for source, from_pod in wrapped:
        for target, to_pod in wrapped:
            if source is target or target["metadata"]["namespace"] != NAMESPACE or component_of(target) not in ROLES:
                continue
            for port, number in ports_of(target).items():
                if port in (GRPC, ADMIN) and lets(table.rules(from_pod, "Egress"), to_pod.address, number) \
                        and lets(table.rules(to_pod, "Ingress"), from_pod.address, number):
                    found.add((name_of(source), name_of(target), port))
    return {edge for edge in found if not edge[0].startswith("stranger")}


class Watch(threading.Thread):
    """`with`: reads the sockets of all pods again and again until the end. An error in it is raised there."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.error = set(), None
        self._ended = threading.Event()

    def run(self):
        try:
            while not self._ended.wait(0.3):
                for node in nodes():
                    for local, remote, incoming in json.loads(on_node(node, "/usr/bin/python3", "-c", SOCKETS)):
                        self.seen.add((remote, local) if incoming else (local, remote))
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self._ended.set()
        self.join()
        if self.error and kind is None:
            raise Failed(f"the sockets were not read to the end: {self.error}") from self.error


def plain(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]").removeprefix("::ffff:"), int(port)


def real_edges():
    by_address = {}

    def learn():
        for pod in running(NAMESPACE) + running("monitoring"):
            by_address[pod["status"]["podIP"]] = pod
    learn()
    with Watch() as watch:
        mail.main()
        # Also what is rare: a copy that waits in the relay for its store, and everything that an operator asks.
        tool("status", check=False)
        tool("queue", "list")
        tool("mailbox", "list", f"user0@{DOMAIN}")
        tool("fetch", "list")
        time.sleep(20)  # Prometheus comes by
    learn()
    # By a Service's address as well as by the pod's own: from the socket of the server's side both look the same.
    found = set()
    for source, target in watch.seen:
        (from_host, _), (to_host, number) = plain(source), plain(target)
        if from_host != to_host and from_host in by_address and to_host in by_address:
            pod = by_address[to_host]
            port = next((name for name, value in ports_of(pod).items() if value == number), None)
            if port in (GRPC, ADMIN):
                found.add((name_of(by_address[from_host]), name_of(pod), port))
    return found


def main():
    if own_cluster() is None:
        print("  skipped: policy (only on a cluster of our own)")
        return
    try:
        wrong = refused_and_passed()
    finally:
        kubectl("delete", "-f", "-", "--wait=false", input=STRANGERS)
    allowed, real = allowed_edges(), real_edges()
    print(f"  {len(allowed)} edges allowed, {len(real)} seen, {len(allowed & real)} the same")
    for edge in sorted(allowed | real):
        print(f"    {edge[0]:16} -> {edge[1]:16} {edge[2]:6} {'' if edge in allowed and edge in real else 'TOO MANY' if edge in allowed else 'MISSING'}")
    wrong += [f"allowed and not used: {edge}" for edge in sorted(allowed - real)]
    wrong += [f"used and not allowed: {edge}" for edge in sorted(real - allowed)]
    if wrong:
        raise Failed("; ".join(wrong))
