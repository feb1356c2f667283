#!/usr/bin/env python3
"""Enforces NetworkPolicies on one node, as Debian has no CNI plugin that does: reads pods, namespaces and policies twice a second and
writes them as one nft table.

Ingress and egress; podSelector, namespaceSelector, ipBlock; ports by number, range and name. What a node sends to its own pods passes, as
Kubernetes wants. A stand-in for a CNI with policies: IPv4 only, and a new pod has its rules half a second late.
Usage: network_policy.py API KEYS"""
import json
import ssl
import subprocess
import sys
import time
import urllib.request

INTERVAL = 0.5
EVERYBODY = "0.0.0.0/0"


def opener(keys):
    context = ssl.create_default_context(cafile=f"{keys}/ca.crt")
    context.load_cert_chain(f"{keys}/admin.crt", f"{keys}/admin.key")
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def selects(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], expression.get("values") or []
        fits = {"In": labels.get(key) in values, "NotIn": labels.get(key) not in values,
                "Exists": key in labels, "DoesNotExist": key not in labels}
        if not fits[expression["operator"]]:
            return False
    return True


class Pod:
    def __init__(self, item):
        self.namespace, self.labels = item["metadata"]["namespace"], item["metadata"].get("labels") or {}
        self.address = item["status"]["podIP"]
        containers = item["spec"]["containers"] + (item["spec"].get("initContainers") or [])
        self.ports = {(p.get("protocol", "TCP"), p["name"]): p["containerPort"]
                      for c in containers for p in c.get("ports") or [] if "name" in p}


class Table:
    def __init__(self, pods, namespaces, policies):
        self.pods, self.namespaces, self.policies = pods, namespaces, policies

    def peers(self, selectors, namespace):
        """(address, the pod behind it or None) of a rule's peers. An absent or empty list means everybody."""
        for selector in selectors or [{"ipBlock": {"cidr": EVERYBODY}}]:
            if block := selector.get("ipBlock"):
                if ":" in block["cidr"]:
                    continue  # IPv6
                but = "".join(f" != {address}" for address in block.get("except") or [])
                yield block["cidr"] + but, None
                continue
            for pod in self.pods:
                if "namespaceSelector" in selector:
                    here = selects(selector["namespaceSelector"], self.namespaces.get(pod.namespace, {}))
                else:
                    here = pod.namespace == namespace
                if here and selects(selector.get("podSelector") or {}, pod.labels):
                    yield pod.address, pod

    @staticmethod
    def ports(ports, pod):
        """nft's words for a rule's ports; a named one is the pod's that has it."""
        for port in ports or [None]:
            if port is None:
                yield ""
                continue
            protocol, number = port.get("protocol", "TCP"), port.get("port")
            if isinstance(number, str):
                number = pod and pod.ports.get((protocol, number))
                if number is None:
                    continue
            if number is None:
                yield f"meta l4proto {protocol.lower()}"
            else:
                yield f"{protocol.lower()} dport {number}" + (f"-{port['endPort']}" if "endPort" in port else "")

    def rules(self, pod, direction):
        """What may pass from (Egress) or to (Ingress) a pod; None where no policy selects it."""
        field, peers, other = ("egress", "to", "daddr") if direction == "Egress" else ("ingress", "from", "saddr")
        mine = [p for p in self.policies if p["metadata"]["namespace"] == pod.namespace
                and direction in p["spec"].get("policyTypes", ["Ingress"]) and selects(p["spec"].get("podSelector") or {}, pod.labels)]
        if not mine:
            return None
        found = []
        for policy in mine:
            for rule in policy["spec"].get(field) or []:
                for address, peer in self.peers(rule.get(peers), pod.namespace):
                    cidr, *but = address.split(" != ")
                    exceptions = "".join(f" ip {other} != {e}" for e in but)
                    for words in self.ports(rule.get("ports"), peer if direction == "Egress" else pod):
                        found.append(f"ip {other} {cidr}{exceptions} {words} return")
        return sorted(set(found))

    def text(self):
        chains, jumps = [], {"Egress": [], "Ingress": []}
        for pod in self.pods:
            for direction, side in (("Egress", "saddr"), ("Ingress", "daddr")):
                rules = self.rules(pod, direction)
                if rules is not None:
                    name = f"{direction.lower()}_{pod.address.replace('.', '_')}"
                    chains.append(f"chain {name} {{\n" + "\n".join(rules) + "\ncounter drop\n}\n")
                    jumps[direction].append(f"ip {side} {pod.address} jump {name}\n")
        established = "ct state established,related accept\n"
        return ("table ip policies\ndelete table ip policies\ntable ip policies {\n" + "".join(chains)
                + "chain forwarded {\ntype filter hook forward priority -10; policy accept;\n" + established
                + "".join(jumps["Egress"]) + "".join(jumps["Ingress"])
                + "}\nchain arriving {\ntype filter hook input priority -10; policy accept;\n" + established
                + "".join(jumps["Egress"]) + "}\n}\n")


def main(api_address, keys):
    api, last = opener(keys), None

    def items(path):
        return json.load(api.open(api_address + path, timeout=10))["items"]

    while True:
        try:
            namespaces = {n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in items("/api/v1/namespaces")}
            pods = [Pod(p) for p in items("/api/v1/pods") if p["status"].get("podIP") and not p["spec"].get("hostNetwork")
                    and p["status"].get("phase") not in ("Succeeded", "Failed")]
            text = Table(pods, namespaces, items("/apis/networking.k8s.io/v1/networkpolicies")).text()
            if text != last:
                subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
                last = text
        except Exception as error:  # the API is away, or a rule that nft does not take: what stands, stands
            print(time.strftime("%T"), error, flush=True)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main(*sys.argv[1:])
