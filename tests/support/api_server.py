"""The part of a Kubernetes API server that `mailmesh pki renew --kubernetes` talks to: Secrets of one namespace, over TLS, with
bearer tokens, resourceVersions, merge patches, and faults on demand. The chart's test has a real one (tests/kubernetes)."""
import base64
import http.server
import json
import os
import pathlib
import ssl
import threading

from tests.support.certificates import Authority

NAMESPACE = "mail"


class ApiServer:
    """`fault(method, name)` is asked for each request: None, a status code to answer instead, or "lost": carried out, and the
    connection is closed instead of an answer."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        authority = Authority(folder / "cluster")
        certificate, key = authority.issue("kubernetes", "IP:127.0.0.1")
        (folder / "api.pem").write_bytes(certificate + key)
        self.account = folder / "serviceaccount"
        self.account.mkdir()
        self.token = "a.token.of-ours"
        (self.account / "token").write_text(self.token)
        (self.account / "namespace").write_text(NAMESPACE)
        (self.account / "ca.crt").write_bytes(authority.certificate.read_bytes())
        self.secrets, self.requests, self.fault = {}, [], lambda method, name: None
        self._version, self._lock = 100, threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "api.pem")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.environment = {**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                            "KUBERNETES_SERVICE_PORT": str(self._server.server_address[1])}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def data(self, name):
        """{key: octets} of a Secret."""
        return {key: base64.b64decode(value) for key, value in self.secrets[name]["data"].items()}

    def put(self, name, data):
        """As an operator's kubectl does it."""
        with self._lock:
            self._store(name, {"metadata": {"name": name, **self.secrets.get(name, {}).get("metadata", {})},
                               "data": {key: base64.b64encode(value).decode() for key, value in data.items()}})

    def _store(self, name, secret):
        self._version += 1
        secret["metadata"]["resourceVersion"] = str(self._version)
        self.secrets[name] = secret
        return secret

    def _carry_out(self, method, name, body):
        """(code, object)"""
        there = self.secrets.get(name)
        if method == "POST":
            return (409, {"message": "already exists"}) if there else (201, self._store(name, body))
        if there is None:
            return 404, {"message": f'secrets "{name}" not found'}
        if method == "GET":
            return 200, there
        if body["metadata"].get("resourceVersion") != there["metadata"]["resourceVersion"]:
            return 409, {"message": "the object has been modified"}
        data = {**there["data"], **body.get("data", {})}
        return 200, self._store(name, {**there, "data": {key: value for key, value in data.items() if value is not None}})

    def _handler(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self):
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else {}
                prefix = f"/api/v1/namespaces/{NAMESPACE}/secrets"
                assert self.path.startswith(prefix), self.path
                name = self.path[len(prefix) + 1:] or body["metadata"]["name"]
                api.requests.append((self.command, name))
                fault = api.fault(self.command, name)
                if self.headers.get("Authorization") != f"Bearer {api.token}":
                    code, answer = 401, {"message": "Unauthorized"}
                elif isinstance(fault, int):
                    code, answer = fault, {"message": f"fault {fault}"}
                else:
                    kind = {"GET": None, "POST": "application/json", "PATCH": "application/merge-patch+json"}[self.command]
                    assert kind in (None, self.headers.get("Content-Type")), self.headers
                    with api._lock:
                        code, answer = api._carry_out(self.command, name, body)
                if fault == "lost":
                    self.close_connection = True
                    self.connection.close()
                    return
                octets = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = do_PATCH = _answer

            def log_message(self, *_):
                pass

            def finish(self):
                try:
                    super().finish()
                except OSError:
                    pass  # a connection that was to be lost

        return Handler
