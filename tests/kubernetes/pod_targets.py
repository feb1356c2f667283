"""Prometheus's discovery of pods, served to it over HTTP: Debian's Prometheus is built without that for Kubernetes. The labels are named as
kubernetes_sd_configs names them, so that the rest of the configuration is as elsewhere. Runs beside Prometheus, with its account."""
import http.server
import json
import re
import ssl
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
PORT = 9099


def pods():
    token = open(f"{ACCOUNT}/token").read()
    request = urllib.request.Request("https://kubernetes.default.svc/api/v1/pods", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10, context=ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")) as answer:
        return json.load(answer)["items"]


def targets():
    """One for each port of each pod."""
    for pod in pods():
        metadata, address = pod["metadata"], pod["status"].get("podIP")
        if not address or pod["status"]["phase"] in ("Succeeded", "Failed"):
            continue
        labels = {"__meta_kubernetes_pod_name": metadata["name"], "__meta_kubernetes_pod_ip": address}
        for kind in ("label", "annotation"):
            for name, value in (metadata.get(f"{kind}s") or {}).items():
                labels[f"__meta_kubernetes_pod_{kind}_" + re.sub(r"\W", "_", name)] = value
        for container in pod["spec"]["containers"]:
            for port in container.get("ports") or []:
                yield {"targets": [f"{address}:{port['containerPort']}"],
                       "labels": labels | {"__meta_kubernetes_pod_container_port_name": port.get("name", "")}}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(list(targets())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
