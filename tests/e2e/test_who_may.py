"""Every method of every role is called by every role, by the tool's, and by strangers: who gets through is who the one table says
(docs/security/calls.md), over mutual TLS on TCP."""
import collections
import contextlib
import pathlib
import re
import subprocess
import tempfile
import unittest

import grpc

from tests.support.certificates import Authority
from tests.support.mesh import BIN, PROJECT, ROLES, Mesh
from tests.support.operator_call import fields

REFUSED = "this role may not call this method"
OPERATOR = "operator"
# Ends the server that it asks.
LAST = "mailmesh.control.v1.ControlService/Drain"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
ANYWHERE = ("grpc.health.", "grpc.reflection.", "mailmesh.control.")

Method = collections.namedtuple("Method", "path takes_stream gives_stream")


def methods():
    """All methods of all contracts, from protoc's own description of them."""
    proto, grpc_proto = PROJECT / "proto", pathlib.Path("/usr/share/grpc-proto")
    files = [*proto.glob("mailmesh/*/v1/*.proto"), grpc_proto / "grpc/health/v1/health.proto",
             grpc_proto / "grpc/reflection/v1alpha/reflection.proto"]
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{proto}", f"-I{grpc_proto}", f"--descriptor_set_out={out.name}", *map(str, files)], check=True)
        descriptors = pathlib.Path(out.name).read_bytes()
    found = []
    for file in (fields(one) for one in fields(descriptors)[1]):  # descriptor.proto: FileDescriptorProto and what is in it
        for service in (fields(one) for one in file.get(6, [])):
            for method in (fields(one) for one in service.get(2, [])):
                found.append(Method(f"{file[2][0].decode()}.{service[1][0].decode()}/{method[1][0].decode()}",
                                    bool(method.get(5, [0])[0]), bool(method.get(6, [0])[0])))
    return found


def table():
    """{method: (served by, roles that may)} of docs/security/calls.md, and its roles."""
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")]
            for line in (PROJECT / "docs/security/calls.md").read_text().splitlines() if line.startswith("|")]
    roles = rows[0][2:]
    return {row[0]: (row[1], {role for role, word in zip(roles, row[2:]) if word == "yes"}) for row in rows[2:]}, roles


class WhoMay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.enterClassContext(Mesh(arguments=["--grpc", "tcp"]))
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.pki = cls.mesh.dir / "pki"
        cls.methods = methods()
        cls.table, cls.roles = table()
        cls.trusted = (cls.pki / "operator/ca.crt").read_bytes()
        # What strangers might have: also one who got the mesh's authority to sign something that is not a role.
        cls.ours = Authority(cls.scratch / "ours", cls.pki / "authority/ca.crt", cls.pki / "authority/ca.key")
        cls.others = Authority(cls.scratch / "others")

    def files_of(self, role):
        return (self.pki / role / "tls.crt").read_bytes(), (self.pki / role / "tls.key").read_bytes()

    def channel(self, server, pair, trusted=None):
        certificate, key = pair or (None, None)
        credentials = grpc.ssl_channel_credentials(trusted or self.trusted, key, certificate)
        # Our own certificates name 127.0.0.1; connections are not shared between callers.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100)]
        return grpc.secure_channel(self.mesh.endpoints[f"{server}.grpc"], credentials, options)

    @staticmethod
    def call(channel, method):
        """(name of the code, details): of an empty request, or of the first response."""
        kind = {(False, False): channel.unary_unary, (True, False): channel.stream_unary, (False, True): channel.unary_stream,
                (True, True): channel.stream_stream}[method.takes_stream, method.gives_stream](f"/{method.path}")
        try:
            answer = kind(iter([b""]) if method.takes_stream else b"", timeout=3)
            if method.gives_stream:
                next(answer, None)
                answer.cancel()
            return "OK", ""
        except grpc.RpcError as error:
            return error.code().name, error.details()

    def served(self):
        """(server, method) of all that is there, what ends a server last."""
        there = [(server, method) for server in ROLES for method in self.methods if self.table[method.path][0] in (server, "all")]
        return sorted(there, key=lambda one: one[1].path == LAST)

    def call_all(self, make_channel):
        """{(server, method): (code, details)}, over one connection to each server."""
        with contextlib.ExitStack() as stack:
            channels = {server: stack.enter_context(make_channel(server)) for server in ROLES}
            return {(server, method.path): self.call(channels[server], method) for server, method in self.served()}

    def test_1_the_table_has_every_method(self):
        self.assertEqual(sorted(one.path for one in self.methods), sorted(self.table))
        self.assertEqual(sorted(self.roles), sorted([*ROLES, OPERATOR]))

    def test_2_strangers_get_nothing(self):
        operator = "URI:mailmesh://role/operator"
        strangers = {
            "of another authority": (self.others.issue("operator", operator), {"UNAVAILABLE"}),
            "expired": (self.ours.issue("expired", operator, "20200101000000Z", "20200102000000Z"), {"UNAVAILABLE"}),
            "not valid yet": (self.ours.issue("early", operator, "20480101000000Z", "20490101000000Z"), {"UNAVAILABLE"}),
            "without a certificate": (None, {"UNAVAILABLE"}),
            "of a role that is none": (self.ours.issue("nobody", "URI:mailmesh://role/nobody"), {"PERMISSION_DENIED"}),
            "of no role's name": (self.ours.issue("empty", "URI:mailmesh://role/"), {"PERMISSION_DENIED"}),
            "with more behind the role": (self.ours.issue("more", operator + "/x"), {"PERMISSION_DENIED"}),
            "with another scheme": (self.ours.issue("scheme", "URI:https://role/operator"), {"PERMISSION_DENIED"}),
            "with the role as a host name": (self.ours.issue("dns", "DNS:mailmesh://role/operator"), {"PERMISSION_DENIED"}),
            "with the role as its common name": (self.ours.issue("operator", "DNS:operator"), {"PERMISSION_DENIED"}),
        }
        calls = 0
        for who, (pair, codes) in strangers.items():
            results = self.call_all(lambda server, pair=pair: self.channel(server, pair))
            calls += len(results)
            through = {where: result for where, result in results.items() if result[0] not in codes}
            self.assertEqual(through, {}, f"a stranger, {who}")
        without_tls = self.call_all(lambda server: grpc.insecure_channel(self.mesh.endpoints[f"{server}.grpc"]))
        calls += len(without_tls)
        self.assertEqual({code for code, _ in without_tls.values()}, {"UNAVAILABLE"})
        print(f"    {len(strangers) + 1} strangers: {calls} calls, 0 through")

    def test_3_roles_get_what_the_table_says(self):
        results = {}
        # The operator comes last: it is the one whom servers end for.
        for role in [*ROLES, OPERATOR]:
            pair = self.files_of(role)
            for (server, path), result in self.call_all(lambda server, pair=pair: self.channel(server, pair)).items():
                results[server, path, role] = result
        wrong, through = {}, 0
        for (server, path, role), (code, details) in results.items():
            may = role in self.table[path][1]
            refused = code == "PERMISSION_DENIED" and details == REFUSED
            through += not refused
            # Whoever may is answered by a handler; nobody's server is away, or without the method.
            missing = code in ("UNAVAILABLE", "UNKNOWN") or code == "UNIMPLEMENTED" and path != REFLECTION
            if may == refused or may and missing:
                wrong[server, path, role] = (code, details)
        self.assertEqual(wrong, {})
        pairs = {(path, role) for server, path, role in results}
        allowed = sum(len(roles) for _, roles in self.table.values())
        self.assertEqual(len(pairs), len(self.methods) * len(self.roles))
        self.assertEqual(sum(role in self.table[path][1] for path, role in pairs), allowed)
        print(f"    {len(self.methods)} methods, {len(self.roles)} roles: {len(results)} calls to {len(ROLES)} servers, "
              f"{through} through, {len(results) - through} refused; the table has {allowed} pairs")
        self.mesh.wait_all_serving()


class WithoutTls(unittest.TestCase):
    """An address that is no Unix socket and no certificates: nothing starts."""

    @classmethod
    def setUpClass(cls):
        mesh = cls.enterClassContext(Mesh())
        cls.configs = {role: (mesh.dir / f"config/{role}.yaml").read_text() for role in ROLES}
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def start(self, role, text):
        config = self.scratch / f"{role}.yaml"
        config.write_text(text)
        return subprocess.run([BIN / f"mailmesh-{role}", "--config", config], capture_output=True, text=True, timeout=30)

    def refuse(self, role, pattern, replacement, says):
        text, count = re.subn(pattern, replacement, self.configs[role])
        self.assertGreater(count, 0, pattern)
        done = self.start(role, text)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("common.grpc.tls: is required where " + says, done.stderr)

    def test_every_role_listens_with_it_only(self):
        for role in ROLES:
            self.refuse(role, r"listen: unix:.*", "listen: 127.0.0.1:0", "common.grpc.listen is host:port")

    def test_every_role_calls_with_it_only(self):
        peers = [(role, peer) for role, text in self.configs.items() for peer in re.findall(r"(\w+):\n\s+endpoint: unix:", text)]
        self.assertGreaterEqual(len(peers), 6)
        for role, peer in peers:
            for address in ("127.0.0.1:1", "dns:///directory.test:1", "127.0.0.1:1,127.0.0.1:2"):
                self.refuse(role, rf"({peer}:\n\s+endpoint:) unix:.*", rf"\1 {address}", f"the peer {peer} is no Unix socket")
        self.refuse("directory", r"(shards:\n\s+\S+:) unix:.*", r"\1 127.0.0.1:1", "the shard 0 is no Unix socket")

    def test_a_mixture_is_no_way_round(self):
        text = re.sub(r"(directory:\n\s+endpoint: unix:\S+)", r"\1,127.0.0.1:1", self.configs["imap_gateway"])
        done = self.start("imap_gateway", text)
        self.assertEqual(done.returncode, 2)
        self.assertIn("common.peers.directory.endpoint", done.stderr)

    def test_a_certificate_of_another_role_does_not_start(self):
        subprocess.run([BIN / "mailmesh", "pki", "init", self.scratch / "pki", "--roles", "fetcher"], check=True, capture_output=True)
        folder = self.scratch / "pki/fetcher"
        tls = f"listen: 127.0.0.1:0\n    tls: {{certificate: {folder}/tls.crt, private_key: {folder}/tls.key, authority: {folder}/ca.crt}}"
        done = self.start("directory", re.sub(r"listen: unix:.*", tls, self.configs["directory"]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not of this role: it needs the URI name mailmesh://role/directory", done.stderr)

    def test_the_tool_says_what_it_needs(self):
        mesh = self.scratch / "mesh.yaml"
        mesh.write_text("directory: 127.0.0.1:1\n")
        done = subprocess.run([BIN / "mailmesh", "--mesh", mesh, "domain", "list"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:1 needs certificates (mutual TLS)", done.stderr)


if __name__ == "__main__":
    unittest.main()
