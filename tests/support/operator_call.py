"""Calls a role's gRPC methods as the operator does, over its Unix socket, with curl: gRPC is a POST of length-prefixed messages.

Messages are given and returned as octets; `field` and `fields` write and read the few kinds that tests need."""
import pathlib
import subprocess
import tempfile
import urllib.parse


class CallFailed(Exception):
    """`code`: the canonical code's number."""

    def __init__(self, code, message):
        super().__init__(f"grpc-status {code}: {message}")
        self.code = int(code)


def _varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """One field of a message: text, octets, a number or a flag."""
    if isinstance(value, (str, bytes)):
        octets = value.encode() if isinstance(value, str) else value
        return _varint(number << 3 | 2) + _varint(len(octets)) + octets
    return _varint(number << 3) + _varint(int(value))


def fields(octets):
    """{number: [values]} of a message: numbers, or octets of texts and of messages in it."""
    found, at = {}, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            octet = octets[at]
            at += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    while at < len(octets):
        key = take()
        if key & 7 == 0:
            value = take()
        elif key & 7 == 2:
            size = take()
            value, at = octets[at:at + size], at + size
        else:
            raise ValueError(f"wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def call(endpoint, method, message=b"", seconds=120, metadata=()):
    """The responses of one call, as octets. `endpoint`: "unix:PATH"; `metadata`: "name: value" each."""
    assert endpoint.startswith("unix:"), endpoint
    with tempfile.TemporaryDirectory() as folder:
        headers, body = pathlib.Path(folder, "headers"), pathlib.Path(folder, "body")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--unix-socket", endpoint[5:], "--max-time", str(seconds),
             "-H", "content-type: application/grpc", "-H", "te: trailers", *(f"-H{line}" for line in metadata), "--data-binary", "@-", "-D", headers, "-o", body,
             f"http://localhost/{method}"],
            input=b"\0" + len(message).to_bytes(4, "big") + message, capture_output=True, check=False)
        if done.returncode != 0:
            raise CallFailed(14, done.stderr.decode())
        told = dict(line.split(":", 1) for line in headers.read_text().splitlines() if ":" in line)
        octets = body.read_bytes() if body.exists() else b""
    status = told.get("grpc-status", "2").strip()
    if status != "0":
        raise CallFailed(status, urllib.parse.unquote(told.get("grpc-message", "").strip()))
    responses = []
    while octets:
        size = int.from_bytes(octets[1:5], "big")
        responses.append(octets[5:5 + size])
        octets = octets[5 + size:]
    return responses
