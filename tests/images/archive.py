"""An image as `deploy/docker/build --output` writes it: an OCI archive, read without any container program."""
import hashlib
import io
import json
import tarfile


class Image:
    def __init__(self, path):
        with tarfile.open(path) as archive:
            self._blobs = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}
        index = json.loads(self._blobs["index.json"])
        self.manifest_digest = index["manifests"][0]["digest"]
        manifest = json.loads(self._blob(self.manifest_digest))
        self.config = json.loads(self._blob(manifest["config"]["digest"]))
        self.layers = [layer["digest"] for layer in manifest["layers"]]
        self.compressed = sum(layer["size"] for layer in manifest["layers"])
        self.size = 0
        self.files = {}
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(self._blob(layer))) as contents:
                for member in contents:
                    self.files["/" + member.name.strip("/")] = member
                    self.size += member.size

    def _blob(self, digest):
        kind, name = digest.split(":")
        blob = self._blobs[f"blobs/{kind}/{name}"]
        if hashlib.sha256(blob).hexdigest() != name:
            raise ValueError(f"{digest} is not what it says")
        return blob

    @property
    def settings(self):
        return self.config["config"]
