"""What a cloud's load balancer does for a Service with externalTrafficPolicy Local: asks each node's health port whether pods of the
Service are there, and sends connections to one of those that have some."""
import http.client
import random
import threading
import time

from tests.kubernetes.release import NAMESPACE, RELEASE, get, nodes
from tests.support.ports import wait_until

INTERVAL = 0.5


class Balancer:
    """`with`: asks until the end. address(port) is what a client connects to."""

    def __init__(self, component):
        self.service = get("-n", NAMESPACE, "service", f"{RELEASE}-{component}")
        self.ports = {p["name"]: p["nodePort"] for p in self.service["spec"]["ports"]}
        self.health = self.service["spec"].get("healthCheckNodePort")
        self.serving = list(nodes().values()) if self.health is None else []
        self._ended = threading.Event()
        self._asker = threading.Thread(target=self._ask_on, daemon=True)

    def __enter__(self):
        if self.health is not None:
            self._asker.start()
            wait_until(lambda: self.serving, f"{self.service['metadata']['name']}: a node that has a pod", 60)
        return self

    def __exit__(self, *_):
        self._ended.set()
        if self._asker.is_alive():
            self._asker.join()

    def _ask_on(self):
        while not self._ended.wait(INTERVAL if self.serving else 0.1):
            self.serving = [address for address in nodes().values() if self._has_pods(address)]

    def _has_pods(self, address):
        connection = http.client.HTTPConnection(address, self.health, timeout=1)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def address(self, port):
        end = time.monotonic() + 5
        while not (serving := self.serving):
            if time.monotonic() > end:
                raise ConnectionRefusedError(f"{self.service['metadata']['name']}: no node has a pod")
            time.sleep(0.05)
        return random.choice(serving), self.ports[port]
