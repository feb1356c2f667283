"""A real API server (etcd, kube-apiserver) without a cluster, where tests/kubernetes has built them; RBAC decides."""
import base64
import json
import os
import pathlib
import ssl
import subprocess
import urllib.request

from tests.support.certificates import Authority
from tests.support.ports import free_ports, wait_until

CACHE = pathlib.Path(os.environ.get("MAILMESH_CLUSTER_CACHE", pathlib.Path(
    os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "mailmesh-cluster"))
PROGRAMS = [CACHE / "bin" / name for name in ("etcd", "kube-apiserver")]
NAMESPACE = "mail"


def is_there():
    return all(program.exists() for program in PROGRAMS)


class KubeApi:
    """`account`: the folder of a service account that may do what `rules` (of an RBAC role) say, and nothing else."""

    def __init__(self, folder, rules):
        folder = pathlib.Path(folder)
        etcd_port, peer_port, port = free_ports(3)
        authority = Authority(folder / "cluster")
        self._context = ssl.create_default_context(cafile=authority.certificate)
        for name, octets in zip(("api.crt", "api.key"), authority.issue("kubernetes", "IP:127.0.0.1,DNS:kubernetes")):
            (folder / name).write_bytes(octets)
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", folder / "accounts.key"], check=True, capture_output=True)
        (folder / "tokens").write_text("admins-token,admin,admin,system:masters\n"
                                       f"accounts-token,system:serviceaccount:{NAMESPACE}:pki,pki\n")
        self.account = folder / "serviceaccount"
        self.account.mkdir()
        (self.account / "token").write_text("accounts-token")
        (self.account / "namespace").write_text(NAMESPACE)
        (self.account / "ca.crt").write_bytes(authority.certificate.read_bytes())
        self.environment = {**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
        self._url = f"https://127.0.0.1:{port}"
        etcd_url, peer_url = (f"http://127.0.0.1:{one}" for one in (etcd_port, peer_port))
        etcd, api = PROGRAMS
        self._log = (folder / "log").open("w")
        self._processes = []
        self._start(etcd, "--name=one", f"--data-dir={folder}/etcd", "--unsafe-no-fsync", f"--listen-client-urls={etcd_url}",
                    f"--advertise-client-urls={etcd_url}", f"--listen-peer-urls={peer_url}",
                    f"--initial-advertise-peer-urls={peer_url}", f"--initial-cluster=one={peer_url}")
        # A loopback address may not stand among the endpoints of the service "kubernetes".
        self._start(api, "--bind-address=127.0.0.1", f"--secure-port={port}", f"--etcd-servers={etcd_url}",
                    "--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC", f"--token-auth-file={folder}/tokens",
                    f"--tls-cert-file={folder}/api.crt", f"--tls-private-key-file={folder}/api.key",
                    "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={folder}/accounts.key",
                    f"--service-account-signing-key-file={folder}/accounts.key", "--endpoint-reconciler-type=none",
                    "--advertise-address=192.0.2.1", "--disable-admission-plugins=ServiceAccount", f"--cert-dir={folder}/apiserver")
        wait_until(self._is_ready, "the API server", 120, 0.5)
        self.admin("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        of_rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
        self.admin("POST", f"{of_rbac}/roles", {"metadata": {"name": "pki"}, "rules": rules})
        self.admin("POST", f"{of_rbac}/rolebindings", {
            "metadata": {"name": "pki"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pki"},
            "subjects": [{"kind": "ServiceAccount", "name": "pki", "namespace": NAMESPACE}]})

    def _start(self, *command):
        self._processes.append(subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log))

    def _is_ready(self):
        try:
            return self.admin("GET", "/readyz") == b"ok"
        except OSError:
            return False

    def admin(self, method, path, body=None):
        """As the cluster's administrator: the answer's octets."""
        request = urllib.request.Request(self._url + path, method=method, data=None if body is None else json.dumps(body).encode(), headers={
            "Authorization": "Bearer admins-token",
            "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"})
        with urllib.request.urlopen(request, timeout=30, context=self._context) as response:
            return response.read()

    def secret(self, name):
        return json.loads(self.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"))

    def data(self, name):
        """{key: octets} of a Secret."""
        return {key: base64.b64decode(value) for key, value in self.secret(name)["data"].items()}

    def put(self, name, data):
        """Changes these keys of a Secret."""
        self.admin("PATCH", f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}",
                   {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}})

    def close(self):
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()
