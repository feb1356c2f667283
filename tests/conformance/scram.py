"""The client's side of SCRAM (RFC 5802, RFC 7677, RFC 9266), computed apart from the code that is tested."""
import base64
import hashlib
import hmac


def _base64(octets):
    return base64.b64encode(octets).decode()


def _expand(secret, label, context, size, hash_name):
    """HKDF-Expand-Label of RFC 8446, 7.1."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    out, block, number = b"", b"", 0
    while len(out) < size:
        number += 1
        block = hmac.digest(secret, block + info + bytes([number]), hash_name)
        out += block
    return out[:size]


def tls_exporter(exporter_secret, hash_name):
    """RFC 8446, 7.5, with the label, the empty context and the length of RFC 9266, 4.2."""
    empty = hashlib.new(hash_name).digest()
    derived = _expand(exporter_secret, b"EXPORTER-Channel-Binding", empty, len(empty), hash_name)
    return _expand(derived, b"exporter", empty, 32, hash_name)


class Scram:
    """first() gives the client's first message, final(challenge) its second and what the server must prove, all as base64.

    binding: octets of the channel binding "tls-exporter", for the -PLUS mechanisms."""

    def __init__(self, hash_name, user, password, binding=None, nonce="fyko+d2lbbFgONRv9qkxdawL"):
        self.hash_name = hash_name.lower().replace("-", "")
        self.password = password.encode()
        self.header = b"n,," if binding is None else b"p=tls-exporter,,"
        self.binding = binding or b""
        self.bare = f"n={user},r={nonce}"

    def _hmac(self, key, text):
        return hmac.digest(key, text, self.hash_name)

    def first(self):
        return _base64(self.header + self.bare.encode())

    def final(self, challenge):
        server_first = base64.b64decode(challenge).decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        salted = hashlib.pbkdf2_hmac(self.hash_name, self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c={_base64(self.header + self.binding)},r={fields['r']}"
        signed = f"{self.bare},{server_first},{without_proof}".encode()
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self.hash_name, client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        verifier = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return _base64(f"{without_proof},p={_base64(proof)}".encode()), _base64(b"v=" + _base64(verifier).encode())
