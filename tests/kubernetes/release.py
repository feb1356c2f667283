"""One release of the chart on the cluster of KUBECONFIG, and what the phases ask of it."""
import functools
import json
import os
import pathlib
import subprocess

from tests.support.ports import wait_until

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CHART = PROJECT / "helm/mailmesh"
RELEASE = "mailmesh"
NAMESPACE = "mailmesh"
# What a role's pods are called in the cluster: app.kubernetes.io/component.
STATELESS = ("smtp-ingress", "imap-gateway", "pop3-gateway", "fetcher")
STATEFUL = ("directory", "mailbox-store", "outbound-relay")
ROLES = (*STATELESS, *STATEFUL)
HOSTNAME = "mail.example.test"
DOMAIN = "example.test"
PASSWORD = "correct horse"


class Failed(Exception):
    """A command ended with an error, or what the test expects does not hold."""


def run(*command, input=None, check=True, timeout=600):
    done = subprocess.run([str(c) for c in command], input=input, text=True, capture_output=True, timeout=timeout)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def kubectl(*arguments, input=None, check=True, timeout=600):
    return run("kubectl", *arguments, input=input, check=check, timeout=timeout).stdout


def get(*arguments):
    return json.loads(kubectl("get", *arguments, "-o", "json"))


def helm(*arguments, check=True):
    return run("helm", "--namespace", NAMESPACE, *arguments, check=check, timeout=900)


def pods(component=None):
    """The release's pods that are not on their way out."""
    labels = f"app.kubernetes.io/instance={RELEASE}" + (f",app.kubernetes.io/component={component}" if component else "")
    return [p for p in get("-n", NAMESPACE, "pods", "-l", labels)["items"] if "deletionTimestamp" not in p["metadata"]]


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def component_of(pod):
    return pod["metadata"]["labels"].get("app.kubernetes.io/component", "")


def workload(component):
    kind = "statefulset" if component in STATEFUL else "deployment"
    return f"{kind}/{RELEASE}-{component}"


def wait_ready(component, replicas=None, seconds=180):
    """Waits until a role has as many pods as it should have, and all of them are ready."""
    def ready():
        wanted = replicas if replicas is not None else get("-n", NAMESPACE, workload(component))["spec"]["replicas"]
        present = pods(component)
        return len(present) == wanted and all(map(is_ready, present))

    wait_until(ready, f"{component}: {replicas or 'all'} ready", seconds, 0.5)


def wait_all_ready(seconds=240):
    for component in ROLES:
        wait_ready(component, seconds=seconds)


def tool(*command, input=None, check=True):
    """`mailmesh COMMAND...` as an operator runs it in the cluster."""
    return run("kubectl", "-n", NAMESPACE, "exec", "-i", f"deployment/{RELEASE}-tool", "--", "/usr/bin/mailmesh", *command,
               input=input, check=check).stdout


@functools.cache
def nodes():
    """{name: address} of the cluster's nodes."""
    return {n["metadata"]["name"]: next(a["address"] for a in n["status"]["addresses"] if a["type"] == "InternalIP")
            for n in get("nodes")["items"]}


def own_cluster():
    """The folder of the scripts of the cluster that `run` made; None on somebody else's."""
    return pathlib.Path(os.environ["MAILMESH_CLUSTER"]) if "MAILMESH_CLUSTER" in os.environ else None


def on_node(node, *command, input=None, check=True):
    """Runs a command in a node's namespaces: only on our own cluster."""
    return run(own_cluster() / "inside", "-n", node, *command, input=input, check=check).stdout
