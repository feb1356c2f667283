"""A hostile or confused role inside of the mesh: it has a certificate of the mesh's authority, and the right to call what its role
may. Messages over the limit, octets that are no message, ids that do not exist, streams that are never read or never ended."""
import re
import time

import grpc

from tests.hostile.harness import KIB, MIB, PASSWORD, Wrong, case
from tests.support import messages
from tests.support.mesh import PROJECT
from tests.support.operator_call import field, fields

SERVERS = ("directory", "mailbox_store", "outbound_relay", "fetcher")
MAILBOX = "mailmesh.mailbox.v1.MailboxService"
LIMIT = 4 * MIB  # common/rpc/server.cc
# A stream that nobody reads holds the flow-control window (256 KiB) and the responses that wait on its way: 1 MiB was measured.
STREAM = MIB + MIB // 2
UNREAD = 64
SECONDS = 10


def channel(site, server, role="operator"):
    pki = site.mesh.dir / "pki" / role
    credentials = grpc.ssl_channel_credentials(*((pki / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")))
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    return grpc.secure_channel(site.mesh.endpoints[f"{server}.grpc"], credentials, options)


def call(link, method, request, seconds=SECONDS):
    """(name of the canonical code, response)"""
    try:
        return "OK", link.unary_unary(f"/{method}")(request, timeout=seconds)
    except grpc.RpcError as error:
        return error.code().name, error.details()


def stream_in(link, method, requests, seconds=SECONDS):
    try:
        return "OK", link.stream_unary(f"/{method}")(iter(requests), timeout=seconds)
    except grpc.RpcError as error:
        return error.code().name, error.details()


def methods():
    """{service: [(method, client streams, server streams)]} of all contracts."""
    found = {}
    for path in sorted(PROJECT.glob("proto/mailmesh/*/v1/*.proto")):
        text = path.read_text()
        package = re.search(r"^package (\S+);", text, re.M).group(1)
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
            found[f"{package}.{service}"] = [(name, bool(into), bool(out)) for name, into, out in re.findall(
                r"rpc (\w+)\((stream )?\w+\) returns \((stream )?\w+\)", body)]
    return found


SERVED = {"directory": ("mailmesh.directory.v1",), "mailbox_store": ("mailmesh.mailbox.v1", "mailmesh.fetch.v1.FetchJob"),
          "outbound_relay": ("mailmesh.relay.v1",), "fetcher": ("mailmesh.fetch.v1.FetcherService",)}
# Not called with random requests: they change the mesh that the other cases use, or end it.
LEFT_ALONE = {"Drain", "DeleteAccount", "DeleteDomain", "SetShard", "AddKey"}


def served_by(server):
    for service, names in methods().items():
        if service.startswith(SERVED[server]):
            for name, into, out in names:
                yield f"{service}/{name}", name, into, out


def any_call(link, method, into, out, requests, seconds=SECONDS):
    """Calls a method of any kind; gives the code. Reads at most 100 responses."""
    kind = {(False, False): link.unary_unary, (True, False): link.stream_unary, (False, True): link.unary_stream,
            (True, True): link.stream_stream}[(into, out)](f"/{method}")
    try:
        answer = kind(iter(requests) if into else requests[0], timeout=seconds)
        if out:
            for number, _ in enumerate(answer):
                if number == 99:
                    answer.cancel()
                    break
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def refuse(codes, allowed):
    wrong = {method: code for method, code in codes.items() if code not in allowed}
    if wrong:
        raise Wrong(", ".join(f"{method.split('.')[-1]}: {code}" for method, code in list(wrong.items())[:8]))
    return ", ".join(f"{list(codes.values()).count(code)} {code}" for code in sorted(set(codes.values())))


@case(SERVERS, each=2 * LIMIT)
def message_over_the_limit(site, listener):
    """4 MiB and an octet, to each method: RESOURCE_EXHAUSTED (gRPC's own), and the connection goes on."""
    with channel(site, listener) as link:
        codes = {method: any_call(link, method, into, out, [field(15, b"x" * (LIMIT + 1))]) for method, _, into, out in served_by(listener)}
        return refuse(codes, {"RESOURCE_EXHAUSTED"})


@case(SERVERS, each=2 * LIMIT)
def octets_that_are_no_message(site, listener):
    """What does not parse is refused as such; an unknown field is not an error."""
    with channel(site, listener) as link:
        codes = {}
        for method, name, into, out in served_by(listener):
            if name not in LEFT_ALONE:
                codes[method] = any_call(link, method, into, out, [b"\xff" * 1000], 5)
        # gRPC 1.51 refuses a request that it cannot parse by itself; in a stream it tells the server no more than that nothing
        # else comes, so that an upload ends with what was there (its size_bytes says so: 0).
        streams = {method: code for method, code in codes.items() if method.endswith(("/UploadBody", "/WatchMailboxes"))}
        refuse(streams, {"OK", "INTERNAL", "INVALID_ARGUMENT"})
        return refuse({m: c for m, c in codes.items() if m not in streams}, {"INTERNAL", "INVALID_ARGUMENT", "UNIMPLEMENTED", "CANCELLED"})


@case(SERVERS, each=2 * LIMIT)
def requests_of_nothing(site, listener):
    """An empty request to each method: an answer, or an error that says what is wrong; never one that says the server is."""
    with channel(site, listener) as link:
        codes = {}
        for method, name, into, out in served_by(listener):
            if name not in LEFT_ALONE and name not in ("WatchMailboxes", "CreateBackup", "VerifyStore"):
                codes[method] = any_call(link, method, into, out, [b""], 5)
        # fetcher_service.proto: DATA_LOSS says that it is no sealed credential.
        allowed = {"DATA_LOSS"} if listener == "fetcher" else set()
        return refuse(codes, allowed | {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNAUTHENTICATED",
                              "PERMISSION_DENIED", "ALREADY_EXISTS"})


@case(("mailbox_store",), each=2 * LIMIT)
def ids_that_do_not_exist(site, listener):
    """A known account and unknown mailboxes, UIDs, uploads and leases; then ids that are no ids."""
    account = account_id(site, "target@a.test")
    with channel(site, listener, "imap_gateway") as link:
        codes = {}
        for bad in (b"no-such-mailbox", b"\0" * 16, b"/" * 5000, "\u202e".encode() * 100):
            uids = field(1, b"\1") + field(2, b"\xff\xff\xff\xff\x0f")
            selector = field(4, b"")
            for name, request, out in (
                    ("OpenMailbox", field(1, account) + field(2, bad), False),
                    ("ReadView", field(1, account) + field(2, bad), True),
                    ("FetchContent", field(1, account) + field(2, bad) + field(3, uids) + selector, True),
                    ("GetContent", field(1, account) + field(2, bad) + field(3, uids) + selector, False),
                    ("FetchSummaries", field(1, account) + field(2, bad) + field(3, uids), True),
                    ("SearchMessages", field(1, account) + field(2, bad), False)):
                codes[f"{name} {bad[:6]!r}"] = any_call(link, f"{MAILBOX}/{name}", False, out, [request], 5)
        return refuse(codes, {"NOT_FOUND", "INVALID_ARGUMENT"})


def account_id(site, address):
    with channel(site, "directory") as link:
        code, response = call(link, "mailmesh.directory.v1.DirectoryService/GetAccount", field(2, address))
        if code != "OK":
            raise Wrong(f"GetAccount: {code} {response}")
        return fields(fields(response)[1][0])[1][0]


@case(SERVERS)
def methods_of_other_roles(site, listener):
    """A gateway's certificate where only operators may call: PERMISSION_DENIED; a method that is not there: UNIMPLEMENTED or denied."""
    allowed = {"directory": {"DirectoryService", "AuthService"}, "mailbox_store": {"DeliverMessage", "UploadBody"},
               "outbound_relay": {"RelayService"}, "fetcher": set()}[listener]
    with channel(site, listener, "smtp_ingress") as link:
        codes = {method: any_call(link, method, into, out, [b""], 5) for method, name, into, out in served_by(listener)
                 if not allowed & {name, method.split("/")[0].split(".")[-1]}}
        codes["NoSuchService/NoSuchMethod"] = call(link, "mailmesh.none.v1.NoSuchService/NoSuchMethod", b"")[0]
        codes["ControlService/Drain"] = call(link, "mailmesh.control.v1.ControlService/Drain", b"")[0]
        return refuse(codes, {"PERMISSION_DENIED"})


@case(SERVERS)
def metadata_without_measure(site, listener):
    """64 KiB of headers, and many of them: refused, and the next call is served."""
    with channel(site, listener) as link:
        health = link.unary_unary("/grpc.health.v1.Health/Check")
        said = []
        for metadata in ([("x-big", "y" * 64 * KIB)], [(f"x-{i}", "y") for i in range(5000)]):
            try:
                health(b"", timeout=5, metadata=metadata)
                said.append("OK")
            except grpc.RpcError as error:
                said.append(error.code().name)
    with channel(site, listener) as link:
        code, _ = call(link, "grpc.health.v1.Health/Check", b"")
        if code != "OK" or set(said) - {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "CANCELLED"}:
            raise Wrong(f"{said}, then {code}")
    return ", ".join(said)


def fill(site, count=24, size=MIB):
    """Mail to read: `count` messages of this size for the account "big"."""
    if site.mesh.messages_in("big@a.test") < count:
        with site.client("lmtp") as client:
            for number in range(count):
                client.deliver(messages.simple(f"big-{number}", size), recipients=["big@a.test"])
    account = account_id(site, "big@a.test")
    with channel(site, "mailbox_store", "imap_gateway") as link:
        code, response = call(link, f"{MAILBOX}/OpenMailbox", field(1, account) + field(2, "INBOX"))
        if code != "OK":
            raise Wrong(f"OpenMailbox: {code}")
        return account, fields(response)[1][0]


@case(("mailbox_store",), sessions=UNREAD, each=STREAM)
def streams_never_read(site, listener):
    """64 FetchContent of 24 MiB each, on connections of their own, of which nothing is read; others are served meanwhile."""
    account, mailbox = fill(site)
    request = field(1, account) + field(2, mailbox) + field(3, field(1, b"\1") + field(2, b"\xff\xff\xff\xff\x0f")) + field(4, whole_message())
    links, streams = [], []
    try:
        for _ in range(8):
            links.append(channel(site, listener, "imap_gateway"))
            streams += [links[-1].unary_stream(f"/{MAILBOX}/FetchContent")(request, timeout=60) for _ in range(UNREAD // 8)]
        # The first response shows that each is under way; then nobody reads.
        for stream in streams:
            next(stream)
        time.sleep(3)
        with channel(site, listener, "imap_gateway") as other:
            begin = time.monotonic()
            code, _ = call(other, f"{MAILBOX}/OpenMailbox", field(1, account) + field(2, "INBOX"))
        if code != "OK":
            raise Wrong(f"another call: {code}")
        return f"{UNREAD} held, another call took {(time.monotonic() - begin) * 1000:.0f} ms"
    finally:
        for stream in streams:
            stream.cancel()
        for link in links:
            link.close()


def whole_message():
    """A ContentSelector with nothing set: the whole message."""
    return b""


@case(("mailbox_store",), sessions=UNREAD, each=STREAM)
def watches_without_measure(site, listener):
    """Subscriptions to mailboxes that are not there, and more than a stream may have (kMaxWatches), of which nothing is read."""
    account = account_id(site, "target@a.test")

    def requests():
        for number in range(120_000):
            yield field(1, field(1, number) + field(2, account) + field(3, b"no-such-mailbox") + field(5, b"x"))

    with channel(site, listener, "imap_gateway") as link:
        stream = link.stream_stream(f"/{MAILBOX}/WatchMailboxes")(requests(), timeout=3)
        try:
            read = sum(1 for _ in stream)
            return f"{read} answers, then the end"
        except grpc.RpcError as error:
            if error.code().name not in ("NOT_FOUND", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "FAILED_PRECONDITION"):
                raise Wrong(error.code().name) from None
            return error.code().name


@case(("mailbox_store", "outbound_relay"), sessions=200, each=64 * KIB)
def uploads_never_finished(site, listener):
    """200 uploads that are begun and left open hold little, and others are taken beside and after them."""
    method = f"{MAILBOX}/UploadBody" if listener == "mailbox_store" else "mailmesh.relay.v1.RelayService/UploadBody"
    account = account_id(site, "target@a.test")
    piece = field(1, field(1, b"x" * 1000)) + (field(2, account) if listener == "mailbox_store" else b"")
    with channel(site, listener, "smtp_ingress") as link:
        stop = []

        def begun():
            yield piece
            while not stop:
                time.sleep(0.5)

        calls = [link.stream_unary(f"/{method}").future(begun(), timeout=20) for _ in range(200)]
        time.sleep(1)
        codes = [one.exception().code().name if one.done() else "held" for one in calls]
        for one in calls:
            one.cancel()
        stop.append(True)
        time.sleep(0.6)
        code, _ = stream_in(link, method, [piece])
        if code != "OK":
            raise Wrong(f"an upload after that: {code}")
        return ", ".join(f"{codes.count(code)} {code}" for code in sorted(set(codes)))


@case(("mailbox_store", "outbound_relay"), quick=False, each=4 * MIB)
def upload_of_a_gibibyte(site, listener):
    """A content beyond max_message_bytes: RESOURCE_EXHAUSTED before it is all there; a chunk over 256 KiB: INVALID_ARGUMENT."""
    method = f"{MAILBOX}/UploadBody" if listener == "mailbox_store" else "mailmesh.relay.v1.RelayService/UploadBody"
    first = field(2, account_id(site, "target@a.test")) if listener == "mailbox_store" else b""
    chunk = field(1, field(1, b"x" * 256 * KIB))
    with channel(site, listener, "smtp_ingress") as link:
        big, _ = stream_in(link, method, [first + field(1, field(1, b"x" * (256 * KIB + 1)))])
        code, _ = stream_in(link, method, (first + chunk for _ in range(4096)), 60)
        if code != "RESOURCE_EXHAUSTED" or big != "INVALID_ARGUMENT":
            raise Wrong(f"1 GiB: {code}; a chunk over the limit: {big}")
        return f"1 GiB: {code}; a chunk over the limit: {big}"
