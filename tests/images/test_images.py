"""The images themselves: what is in them, as whom they run, that nothing is missing, that they start with nothing to write to,
and that the same inputs give the same octets."""
import contextlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import time
import unittest

from tests.images import containers, seccomp
from tests.images.archive import Image
from tests.images.containers import podman
from tests.support.mesh import BIN, PROJECT, ROLES
from tests.support.ports import wait_until

PREFIX = "localhost/mailmesh-test"
TARGETS = (*ROLES, "mailmesh")
USER = 10001
LARGEST = 100 << 20
EPOCH = 1700000000
# What a break-in would look for.
UNWANTED = {"sh", "bash", "dash", "ash", "busybox", "env", "python3", "perl", "curl", "wget", "apt", "apt-get", "dpkg", "su", "mount"}


def program(target):
    return "mailmesh" if target == "mailmesh" else f"mailmesh-{target}"


def build(folder, binaries=BIN, **environment):
    """Builds all images, and returns {target: Image}."""
    start = time.monotonic()
    subprocess.run([PROJECT / "deploy/docker/build", "--with", "buildah", "--base", "mmdebstrap", "--binaries", binaries,
                    "--prefix", PREFIX, "--tag", "1", "--output", folder],
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), **environment})
    print(f"    built in {time.monotonic() - start:.0f} s")
    return {target: Image(pathlib.Path(folder, f"{target}.tar")) for target in TARGETS}


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="mailmesh-images-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        containers.configure(cls.dir)
        head = subprocess.run(["git", "-C", PROJECT, "rev-parse", "HEAD"], text=True, capture_output=True)
        cls.commit = head.stdout.strip()
        cls.images = build(cls.dir / "first")

    def test_1_sizes(self):
        for target, image in self.images.items():
            mib = 1 << 20
            print(f"    {target:15} {image.size / mib:6.1f} MiB, compressed {image.compressed / mib:5.1f}, own layer "
                  f"{sum(m.size for m in image.files.values() if m.name.startswith('usr/bin/')) / mib:5.1f} program")
            self.assertLess(image.size, LARGEST, target)

    def test_2_settings(self):
        for target, image in self.images.items():
            with self.subTest(target):
                settings = image.settings
                self.assertEqual(settings["User"], f"{USER}:{USER}")
                self.assertEqual(settings["StopSignal"], "SIGTERM")
                self.assertEqual(settings["Entrypoint"], [f"/usr/bin/{program(target)}"])
                self.assertEqual(settings.get("Cmd"), None if target == "mailmesh" else ["--config", "/etc/mailmesh/config.yaml"])
                labels = {k.removeprefix("org.opencontainers.image."): v for k, v in settings["Labels"].items()}
                self.assertEqual(labels["revision"], self.commit)
                self.assertRegex(labels["version"], r"^\d+\.\d+\.\d+$")
                self.assertEqual(labels["created"], "2023-11-14T22:13:20Z")
                self.assertEqual(labels["licenses"], "Apache-2.0")
                self.assertTrue(labels["title"].endswith(target if target != "mailmesh" else "tool"), labels["title"])
                self.assertTrue(labels["description"])
                self.assertTrue(image.config["created"].startswith("2023-11-14T22:13:20"), image.config["created"])

    def test_3_contents(self):
        for target, image in self.images.items():
            with self.subTest(target):
                programs = [p for p, m in image.files.items() if m.isfile() and re.match(r"/usr/(bin|sbin|local)/", p)]
                self.assertEqual(programs, [f"/usr/bin/{program(target)}"])
                self.assertEqual([p for p in image.files if os.path.basename(p) in UNWANTED and not image.files[p].isdir()], [])
                for path, member in image.files.items():
                    self.assertFalse(member.mode & (stat.S_ISUID | stat.S_ISGID), path)
                    self.assertEqual(member.mtime, EPOCH, path)
                    if member.uid != 0:
                        self.assertTrue(member.isdir(), path)
                        self.assertEqual((member.uid, member.gid, member.mode & 0o777), (USER, USER, 0o700), path)
                    elif member.mode & 0o022 and not member.issym():
                        self.assertEqual(path, "/tmp")
                # Scanners find Debian's packages; licences come along.
                packages = {p.split("/")[-1] for p in image.files if p.startswith("/var/lib/dpkg/status.d/")}
                self.assertIn("libc6", packages)
                self.assertIn("libgrpc++1.51", packages)
                self.assertIn(program(target).replace("_", "-"), packages)
                for package in (p for p in packages if not p.startswith("mailmesh")):
                    self.assertIn(f"/usr/share/doc/{package}/copyright", image.files)

    def test_4_one_layer_is_shared(self):
        self.assertEqual(len({image.layers[0] for image in self.images.values()}), 1)
        self.assertEqual(len({image.layers[-1] for image in self.images.values()}), len(TARGETS))

    def test_5_nothing_is_missing(self):
        for target in TARGETS:
            with self.subTest(target):
                listed = podman("run", "--rm", "--network=none", "--entrypoint=/lib64/ld-linux-x86-64.so.2", f"{PREFIX}/{target}:1",
                                "--list", f"/usr/bin/{program(target)}").stdout
                self.assertNotIn("not found", listed)
                libraries = set(re.findall(r"=> (\S+)", listed))
                self.assertGreater(len(libraries), 20)
                # And none too many: each library in the image is one that the program names.
                files = self.images[target].files
                there = {p for p, m in files.items() if m.isfile() and ".so" in os.path.basename(p)}
                self.assertEqual(there - {"/usr/lib64/ld-linux-x86-64.so.2"}, {"/usr" + p.removeprefix("/usr") for p in libraries})
                version = podman("run", "--rm", "--network=none", "--read-only", f"{PREFIX}/{target}:1", "--version").stdout
                self.assertRegex(version, r"\d+\.\d+\.\d+")

    def test_6_every_role_starts_with_nothing_to_write_to(self):
        """Read-only root, no capability, no network but its own; and only the system calls that the systemd units allow."""
        profile = self.dir / "seccomp.json"
        profile.write_text(seccomp.profile())
        pki = self.make_certificate()
        for role in ROLES:
            with self.subTest(role), contextlib.ExitStack() as stack:
                config = self.dir / f"{role}.yaml"
                config.write_text(self.config(role))
                name = f"mailmesh-images-{os.getpid()}-{role}"
                stack.callback(podman, "rm", "-f", "-v", "-t", "0", name, check=False)
                podman("run", "-d", "--name", name, "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--network=none",
                       "--security-opt=no-new-privileges", f"--security-opt=seccomp={profile}", "-v", "/var/lib/mailmesh",
                       "-v", "/run/mailmesh", "-v", f"{config}:/etc/mailmesh/config.yaml:ro",
                       "-v", f"{pki}:/etc/mailmesh/public:ro", f"{PREFIX}/{role}:1")
                try:
                    wait_until(lambda: '"ready"' in containers.logs(name), f"{role} is ready", 60, 0.5)
                except TimeoutError:
                    self.fail(containers.logs(name))
                pid = containers.inspect(name)["State"]["Pid"]
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                self.assertRegex(status, rf"Uid:\s+{USER}\s+{USER}")
                self.assertRegex(status, r"CapEff:\s+0+\n")
                self.assertRegex(status, r"NoNewPrivs:\s+1")
                self.assertRegex(status, r"Seccomp:\s+2")
                root = next(line.split() for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines() if line.split()[4] == "/")
                self.assertIn("ro", root[5].split(","))
                podman("stop", "-t", "30", name)
                self.assertEqual(containers.inspect(name)["State"]["ExitCode"], 0, containers.logs(name))

    def make_certificate(self):
        folder = self.dir / "pki"
        for arguments in (["init", folder], ["issue", folder, "mail", "--dns", "mail.example.test"]):
            subprocess.run([BIN / "mailmesh", "pki", *arguments], check=True, stdout=subprocess.DEVNULL)
        public = self.dir / "public"
        public.mkdir()
        for name in ("mail.pem", "mail.key"):
            shutil.copy(folder / name, public / name)
            os.chown(public / name, USER, USER)
        return public

    @staticmethod
    def config(role):
        lines = ["common:", "  admin: {listen: \"127.0.0.1:9100\"}", f"  grpc: {{listen: \"unix:/run/mailmesh/{role}.sock\"}}"]
        if role not in ("directory", "mailbox_store"):
            lines += ["  peers:", "    directory: {endpoint: \"unix:/run/mailmesh/directory.sock\"}"]
        if role == "smtp_ingress":
            lines += ["    outbound_relay: {endpoint: \"unix:/run/mailmesh/outbound_relay.sock\"}", "mx: {listen: \"127.0.0.1:10025\"}"]
        lines += {"directory": ["database: {path: /var/lib/mailmesh/db}"],
                  "mailbox_store": ["database: {path: /var/lib/mailmesh/db}"],
                  "outbound_relay": ["spool: {path: /var/lib/mailmesh/db}", "dns: {forwarders: [\"127.0.0.1:53\"]}"],
                  "fetcher": ["key_ring: /var/lib/mailmesh/keys"],
                  "imap_gateway": ["imap: {listen: \"127.0.0.1:10143\"}"],
                  "pop3_gateway": ["pop3: {listen: \"127.0.0.1:10110\"}"]}.get(role, [])
        if role.endswith(("_gateway", "_ingress")):
            lines += ["tls:", "  certificates:",
                      "    - {certificate: /etc/mailmesh/public/mail.pem, private_key: /etc/mailmesh/public/mail.key}"]
        return "\n".join(lines) + "\n"

    def test_7_the_same_inputs_give_the_same_octets(self):
        """Once more from nothing, in a store of its own: a base made anew, packages installed anew, programs copied in another order
        at another time."""
        storage = self.dir / "storage"
        (self.dir / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{storage}/root"\nrunroot = "{storage}/run"\n')
        binaries = self.dir / "binaries"
        binaries.mkdir()
        for target in reversed(TARGETS):
            shutil.copyfile(BIN / program(target), binaries / program(target))
            os.chmod(binaries / program(target), 0o700)
            os.utime(binaries / program(target), (1, 1))
        environment = {"CONTAINERS_STORAGE_CONF": str(self.dir / "storage.conf"), "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
        try:
            second = build(self.dir / "second", binaries, **environment)
        finally:
            subprocess.run(["buildah", "rmi", "-a", "-f"], env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
            subprocess.run(["umount", storage / "root/overlay"], stderr=subprocess.DEVNULL)
        for target in TARGETS:
            print(f"    {target:15} {self.images[target].manifest_digest}")
            self.assertEqual(second[target].manifest_digest, self.images[target].manifest_digest, target)


if __name__ == "__main__":
    unittest.main()
