"""The benchmarks keep working: a quick run of one case of each kind, one of replicas, and what they write."""
import json
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from tests.support import peers
from tests.support.mesh import PROJECT

CASES = ("lmtp_4k_32_one", "relay_4k_8", "imap_copy", "imap_mixed", "pop3_single", "idle_tls")


class Bench(unittest.TestCase):
    def setUp(self):
        try:
            peers.require_root()
        except peers.Unavailable as error:
            self.skipTest(str(error))

    def test_replicas(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        done = subprocess.run([PROJECT / "tests/bench/replicas", "--quick", "--only", "relay", "--output", folder], capture_output=True,
                              text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = json.loads((folder / "replicas.json").read_text())["rows"]
        self.assertEqual([row["replicas"] for row in rows], [1, 2, 4])
        for row in rows:
            self.assertEqual((len(row["shares"]), row["errors"]), (row["replicas"], []))
            # Relays are called in turns; so short a load may pass one by.
            self.assertGreaterEqual(sum(share > 0 for share in row["shares"].values()), min(2, row["replicas"]), row)
            self.assertGreater(row["cpu_ms_by_role"]["outbound_relay"], 0)
        self.assertIn("outbound_relay: relay in and out", (folder / "replicas.md").read_text())

    def test_quick_run(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        command = [PROJECT / "tests/bench/run", "--quick", "--peers=mdbox", "--output", folder]
        for name in CASES:
            command += ["--only", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        cases = {case["name"]: case for case in json.loads((folder / "results.json").read_text())["cases"]}
        self.assertEqual(sorted(cases), sorted(CASES))
        for case in cases.values():
            for side in ("mailmesh", "mdbox"):
                figures = case["sides"][side]
                self.assertGreater(figures["count"], 0, case)
                if case["bar"] == "kib":  # of so few connections: what the process gives back meanwhile may be more
                    self.assertIsNotNone(figures["kib"], case)
                else:
                    self.assertGreater(figures[case["bar"]], 0, case)
        self.assertIn("relay in and out", (folder / "results.md").read_text())
        xml.etree.ElementTree.parse(folder / "plot.svg")


if __name__ == "__main__":
    unittest.main()
