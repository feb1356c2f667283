"""A Prometheus of Debian's that scrapes a mesh every second, with the rules of deploy/monitoring."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request

import yaml

from tests.support.ports import free_ports, wait_until

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "deploy/monitoring"


class Prometheus:
    def __init__(self, mesh):
        self.targets = sorted(address for name, address in mesh.endpoints.items() if name.endswith(".admin"))

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-test-prometheus-"))
        config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        rules = yaml.safe_load((MONITORING / "rules/mailmesh.yaml").read_text())
        for group in rules["groups"]:
            group.pop("interval", None)
        (self.folder / "rules").mkdir()
        (self.folder / "rules/mailmesh.yaml").write_text(yaml.safe_dump(rules))
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        (self.folder / "targets.yaml").write_text(yaml.safe_dump([{"targets": self.targets}]))
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yaml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address={self.address}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until(self.ready, "Prometheus", 60)
        except BaseException:
            print((self.folder / "log").read_text()[-3000:])
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        """The `data` of an answer; urllib raises for a query that is wrong."""
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}", data, timeout=30) as response:
            return json.load(response)["data"]

    def query(self, expression):
        """[(labels, value)]"""
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=expression)["result"]]
