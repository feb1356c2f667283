"""A real API server without nodes, for what a chart asks of one while it is rendered (`lookup`), and for what it refuses.

etcd and kube-apiserver are those that tests/kubernetes has built; they listen on ports of the system's choice on 127.0.0.1, keep their data in a
temporary folder, and end with it."""
import contextlib
import json
import os
import pathlib
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class ApiServer:
    def __init__(self, folder, port, token):
        self.folder, self.port, self.token = folder, port, token
        self.kubeconfig = folder / "kubeconfig"

    def call(self, method, path, body=None, kind="application/json"):
        """(status, answer) of the API."""
        tls = ssl.create_default_context(cafile=self.folder / "server.crt")
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {self.token}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, context=tls, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def get(self, path):
        status, answer = self.call("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def ready(self):
        try:
            return self.call("GET", "/api/v1/namespaces/default")[0] == 200
        except (OSError, ValueError):
            return False


@contextlib.contextmanager
def running(etcd, kube_apiserver, folder):
    folder = pathlib.Path(folder)
    client, peer, port, token = free_port(), free_port(), free_port(), secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "server.key",
                    "-out", folder / "server.crt", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"], check=True, capture_output=True)
    at, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    commands = [
        [etcd, "--name=one", f"--data-dir={folder}/etcd", "--unsafe-no-fsync", f"--listen-client-urls={at}", f"--advertise-client-urls={at}",
         f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=one={peers}", "--log-level=error"],
        [kube_apiserver, "--bind-address=127.0.0.1", f"--secure-port={port}", f"--etcd-servers={at}", f"--cert-dir={folder}/certs", f"--tls-cert-file={folder}/server.crt", f"--tls-private-key-file={folder}/server.key",
         f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112", "--endpoint-reconciler-type=none",
         "--advertise-address=192.0.2.1", "--shutdown-delay-duration=0s", "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={folder}/accounts.key",
         f"--service-account-signing-key-file={folder}/accounts.key", "--disable-admission-plugins=ServiceAccount"]]
    server = ApiServer(folder, port, token)
    processes = []
    try:
        for command in commands:
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(folder / f"{len(processes)}.log", "w")))
        end = time.monotonic() + 180
        while not server.ready():
            if time.monotonic() > end or any(process.poll() is not None for process in processes):
                raise RuntimeError("no API server: " + "".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log"))))
            time.sleep(0.3)
        server.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "one", "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "clusters": [{"name": "one", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(folder / "server.crt")}}],
            "users": [{"name": "one", "user": {"token": token}}]}))
        yield server
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:  # the API server waits for its own connections
                process.kill()
