"""Phase 1: images, `helm install`, all roles ready, `helm test`, and every target of Prometheus up."""
import base64
import json
import pathlib
import ssl
import time

from tests.kubernetes import images, outside
from tests.kubernetes.release import (CHART, DOMAIN, NAMESPACE, PASSWORD, RELEASE, ROLES, Failed, get, helm, kubectl, nodes, pods, tool,
                                      wait_all_ready)
from tests.support.ports import wait_until

FOLDER = pathlib.Path(__file__).parent
ACCOUNTS = 6  # four that get mail, two maildrops


def chart_values(tag="first"):
    exempt = f"smtpIngress.config.limits.exempt_networks={{{outside.ADDRESS}/32}}"  # all clients of the test come from there
    return [CHART, "-f", FOLDER / "values.yaml", *images.values(tag), "--set", exempt]


def upgrade(*arguments, tag="first", check=True):
    """`helm upgrade` to the test's values and these."""
    return helm("upgrade", RELEASE, *chart_values(tag), *arguments, "--wait", "--timeout", "10m", check=check)


def public_context():
    """TLS as a user of this mail server has it: its authority is known."""
    authority = base64.b64decode(get("-n", NAMESPACE, "secret", f"{RELEASE}-pki-server")["data"]["ca.crt"]).decode()
    return ssl.create_default_context(cadata=authority)


def give_addresses():
    """What a cloud's controller does for Services of type LoadBalancer, where there is none. The address is nobody's: Balancer goes to the
    nodes."""
    for service in get("-n", NAMESPACE, "services")["items"]:
        if service["spec"]["type"] == "LoadBalancer" and not service["status"]["loadBalancer"].get("ingress"):
            status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "Proxy"}]}}}
            kubectl("-n", NAMESPACE, "patch", "service", service["metadata"]["name"], "--subresource=status", "--type=merge", "-p", json.dumps(status))


def install():
    kubectl("apply", "-f", "-", input=json.dumps({
        "apiVersion": "v1", "kind": "Namespace",
        # The API server refuses what breaks the restricted Pod Security Standard.
        "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}))
    kubectl("apply", "-f", "-", input=json.dumps({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "outside", "namespace": NAMESPACE},
        "data": {"authority.pem": outside.certificate()[0].read_text()}}))
    began = time.monotonic()
    # Not --wait: it waits for load balancers too, which are given their addresses here.
    helm("upgrade", "--install", RELEASE, *chart_values(), "--timeout", "10m")
    give_addresses()
    wait_all_ready()
    print(f"  installed and ready after {time.monotonic() - began:.0f} s: {len(pods())} pods on {len(nodes())} nodes", flush=True)


def add_accounts():
    tool("domain", "add", DOMAIN, check=False)
    for number in range(ACCOUNTS):
        tool("account", "create", f"user{number}@{DOMAIN}", "--password-stdin", input=PASSWORD + "\n", check=False)


def targets():
    answer = kubectl("get", "--raw", "/api/v1/namespaces/monitoring/pods/prometheus:9090/proxy/api/v1/targets?state=active")
    return [(t["labels"]["component"], t["labels"]["pod"], t["health"], t["lastError"]) for t in json.loads(answer)["data"]["activeTargets"]]


def watch():
    """Every role is found by its annotations, and every target is up."""
    kubectl("apply", "-f", "-", input=(FOLDER / "prometheus.yaml").read_text().replace("@DEBIAN@", f"{images.DEBIAN}:{images.DEBIAN_TAG}"))
    script = kubectl("-n", "monitoring", "create", "configmap", "pod-targets", f"--from-file={FOLDER / 'pod_targets.py'}", "--dry-run=client", "-o", "yaml")
    kubectl("apply", "-f", "-", input=script)
    kubectl("-n", "monitoring", "wait", "--for=condition=Ready", "pod/prometheus", "--timeout=120s")

    def all_up():
        found = targets()
        return {component for component, *_ in found} >= set(ROLES) and all(health == "up" for _, _, health, _ in found) and found
    try:
        found = wait_until(all_up, "every target is up", 60, 1)
    except TimeoutError:
        raise Failed(f"targets: {targets()}") from None
    for component, pod, health, _ in sorted(found):
        print(f"    {component:16} {pod:40} {health}")
    print(f"  {len(found)} of {len(found)} targets up")


def main():
    images.provide("first")
    install()
    began = time.monotonic()
    helm("test", RELEASE, "--timeout", "5m")
    print(f"  helm test: ok, {time.monotonic() - began:.0f} s", flush=True)
    add_accounts()
    watch()
