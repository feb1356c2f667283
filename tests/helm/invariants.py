"""What holds in every render of the chart, whatever the values: looked at in the objects, not in the templates."""
import re

import yaml

WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob", "Pod")
PKI = "-pki-"


def pod_spec(document):
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec if document["kind"] == "Pod" else spec["template"]["spec"]


def pod_labels(document):
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return document["metadata"]["labels"] if document["kind"] == "Pod" else spec["template"]["metadata"]["labels"]


def restricted(name, spec, own):
    """The Pod Security Standard `restricted`; `own`: containers that the chart writes, not those that values add."""
    pod = spec.get("securityContext", {})
    if pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{name}: no seccomp profile"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{name}: {key}"
    for volume in spec.get("volumes", []):
        kind = (set(volume) - {"name"}).pop()
        if kind not in ("configMap", "secret", "emptyDir", "projected", "downwardAPI", "persistentVolumeClaim", "ephemeral", "csi"):
            yield f"{name}: volume of kind {kind}"
    for container in own:
        context = container.get("securityContext", {})
        if not (context.get("runAsNonRoot") or pod.get("runAsNonRoot")) or 0 in (context.get("runAsUser"), pod.get("runAsUser")):
            yield f"{name}/{container['name']}: may run as root"
        if context.get("allowPrivilegeEscalation") is not False or context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{name}/{container['name']}: may get privileges"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{name}/{container['name']}: its root can be written"
        if not container.get("resources"):
            yield f"{name}/{container['name']}: no resources"


def secrets_of(spec):
    return [volume["secret"]["secretName"] for volume in spec.get("volumes", []) if "secret" in volume]


def keys(name, component, spec):
    """A pod has its own identity, and nobody the authority's key."""
    for secret in secrets_of(spec):
        if PKI not in secret:
            continue
        whose = secret.rsplit(PKI, 1)[1]
        if whose not in ("server", "operator" if component in ("tool", "test") else component):
            yield f"{name}: {component} mounts the key of {whose}"
    for volume in spec.get("volumes", []):
        if "secret" in volume and not volume["secret"].get("defaultMode", 0o644) & 0o7 == 0 and volume["name"] in ("mesh", "public", "keys", "password"):
            yield f"{name}: {volume['name']} can be read by everybody"


def names(document):
    name, kind = document["metadata"]["name"], document["kind"]
    longest = {"StatefulSet": 52, "CronJob": 52, "Service": 63, "Job": 63, "Deployment": 63}.get(kind, 253)
    if len(name) > longest:
        yield f"{kind} {name}: {len(name)} octets"
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
        yield f"{kind} {name} is no name"
    labels = dict(document["metadata"].get("labels", {}))
    if kind in WORKLOADS:
        labels.update(pod_labels(document))
    for key, value in labels.items():
        if len(value) > 63:
            yield f"{kind} {name}: label {key} has {len(value)} octets"


def ports(documents):
    """A Service leads to pods that there are, at ports that they have."""
    pods = [(pod_labels(document), {port["name"] for container in pod_spec(document)["containers"] for port in container.get("ports", [])})
            for document in documents if document["kind"] in ("Deployment", "StatefulSet")]
    for document in documents:
        if document["kind"] != "Service":
            continue
        selector = {key: value for key, value in document["spec"]["selector"].items() if not key.startswith("statefulset.")}
        found = [have for labels, have in pods if selector.items() <= labels.items()]
        name = document["metadata"]["name"]
        if len(found) != 1:
            yield f"Service {name}: leads to the pods of {len(found)} workloads"
        for port in document["spec"]["ports"]:
            if found and port["targetPort"] not in found[0]:
                yield f"Service {name}: no pod has a port {port['targetPort']}"


def scaling(documents):
    scaled = {(d["spec"]["scaleTargetRef"]["kind"], d["spec"]["scaleTargetRef"]["name"]): d for d in documents if d["kind"] == "HorizontalPodAutoscaler"}
    for document in documents:
        target = (document["kind"], document["metadata"]["name"])
        if target in scaled and "replicas" in document["spec"]:
            yield f"{target[0]} {target[1]} has replicas, which its autoscaler decides"
        if target[0] in ("Deployment", "StatefulSet") and target not in scaled and "replicas" not in document["spec"]:
            yield f"{target[0]} {target[1]} has no replicas"
    for (kind, name), document in scaled.items():
        component = document["metadata"]["labels"]["app.kubernetes.io/component"]
        if component in ("mailbox-store", "directory"):
            yield f"{name} is scaled by load"
        if component == "outbound-relay" and document["spec"]["behavior"].get("scaleDown", {}).get("selectPolicy") != "Disabled":
            yield f"{name} may lose a spool"


def policies(documents):
    """Every pod has a policy for both directions; port 25 outside is the relay's."""
    covered = {}
    for document in documents:
        if document["kind"] == "NetworkPolicy":
            component = document["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
            covered[component] = document
            if document["spec"]["policyTypes"] != ["Ingress", "Egress"]:
                yield f"{component}: the policy leaves a direction open"
            for rule in document["spec"].get("egress", []):
                numbers = {port["port"] for port in rule.get("ports", [])}
                if not numbers:
                    yield f"{component}: an egress rule for every port"
                if 25 in numbers and component != "outbound-relay":
                    yield f"{component} may reach port 25 outside"
    if not covered:
        return
    for document in documents:
        if document["kind"] in WORKLOADS:
            component = pod_labels(document)["app.kubernetes.io/component"]
            if component not in covered:
                yield f"{document['kind']} {document['metadata']['name']}: no policy for {component}"


def problems(text, release):
    documents = [document for document in yaml.safe_load_all(text) if document]
    found, seen = [], set()
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if (kind, name) in seen and "helm.sh/hook" not in document["metadata"].get("annotations", {}):
            found.append(f"{kind} {name} is there twice")
        seen.add((kind, name))
        if name in ("text", f"{release}-more"):
            continue  # of extraManifests
        found += names(document)
        if document["metadata"].get("labels", {}).get("app.kubernetes.io/instance") != release:
            found.append(f"{kind} {name}: not labelled as of this release")
        if kind == "ServiceAccount" and document.get("automountServiceAccountToken") is not False:
            found.append(f"ServiceAccount {name}: its token is mounted")
        if kind in WORKLOADS:
            spec, component = pod_spec(document), pod_labels(document)["app.kubernetes.io/component"]
            own = [container for container in spec["containers"] + spec.get("initContainers", []) if container["name"] not in ("before", "beside")]
            found += restricted(name, spec, own)
            found += keys(name, component, spec)
            if bool(spec.get("automountServiceAccountToken")) != (component == "pki"):
                found.append(f"{kind} {name}: token mounted: {spec.get('automountServiceAccountToken')}")
    for rule in (ports, scaling, policies):
        found += rule(documents)
    return found


def edge_problems(project):
    """files/roles.yaml says who calls whom; services/mailmesh/up/roles.h says it too, for a mesh on one machine, where shards are found
    through the directory."""
    table = yaml.safe_load((project / "helm/mailmesh/files/roles.yaml").read_text())
    chart = {row["role"]: {table[callee]["role"] for callee in row.get("calls", [])} for row in table.values()}
    source = re.sub(r"\s+", " ", (project / "services/mailmesh/up/roles.h").read_text())
    rows = re.findall(r'\{"(\w+)", (\{(?:\{[^}]*\}(?:, )?)*\}), \{([^{}]*)\}, \d+, \d+\}', source)
    if len(rows) != len(chart):
        yield f"roles.h has {len(rows)} roles, the chart {len(chart)}"
    for role, ports_text, peers in rows:
        peers = set(re.findall(r"\w+", peers))
        if peers != chart.get(role, set()) - {"mailbox_store"}:
            yield f"{role} calls {sorted(peers)} by roles.h, {sorted(chart.get(role, ()))} by the chart"
        listeners = {name: int(port) for name, port in re.findall(r'\{"(\w+)", (\d+)\}', ports_text)}
        [row] = [row for row in table.values() if row["role"] == role]
        if listeners != {name: port["service"] for name, port in row.get("ports", {}).items()}:
            yield f"{role}: listeners of roles.h and of the chart differ"


def monitoring_problems(project, text):
    """The chart's rules and dashboards are those of deploy/monitoring, and what Prometheus writes in braces has come through."""
    source = project / "deploy/monitoring"
    documents = [document for document in yaml.safe_load_all(text) if document]
    [rule] = [document for document in documents if document["kind"] == "PrometheusRule"]
    groups = {group["name"]: group for group in rule["spec"]["groups"]}
    for path in sorted((source / "rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            rendered = [{key: value for key, value in one.items()} for one in groups.get(group["name"], {"rules": []})["rules"]]
            for one in rendered:
                if "alert" in one:
                    one["annotations"] = {key: value for key, value in one["annotations"].items() if key != "runbook_url"}
            if rendered != group["rules"]:
                yield f"group {group['name']} is not as in {path.name}"
            for one in groups.get(group["name"], {"rules": []})["rules"]:
                if "alert" in one and one["annotations"].get("runbook_url") != f"https://example.org/runbooks/{one['alert']}.md":
                    yield f"alert {one['alert']}: runbook_url is {one['annotations'].get('runbook_url')}"
    rendered = {}
    for document in documents:
        if document["kind"] == "ConfigMap" and "grafana_dashboard" in document["metadata"]["labels"]:
            rendered.update(document["data"])
    for path in sorted((source / "dashboards").glob("*.json")):
        if rendered.pop(path.name, "").strip() != path.read_text().strip():
            yield f"dashboard {path.name} is not as it is"
    for name in rendered:
        yield f"dashboard {name} has no source"
