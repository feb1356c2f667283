"""Certificates as no tool of ours makes them: expired ones, with names of the wrong kind, of other authorities. By openssl(1)."""
import pathlib
import subprocess


class Authority:
    """Signs with `certificate` and `key`, or with a pair of its own that it makes in `folder`."""

    def __init__(self, folder, certificate=None, key=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = certificate, key
        if certificate is None:
            self.certificate, self.key = self.folder / "ca.crt", self.folder / "ca.key"
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                          "-subj", "/CN=Another authority", "-keyout", self.key, "-out", self.certificate)
        (self.folder / "index").write_text("")
        (self.folder / "config").write_text(
            f"[ca]\ndefault_ca = this\n[this]\ndatabase = {self.folder}/index\nnew_certs_dir = {self.folder}\nrand_serial = yes\n"
            "default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = optional\n")

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def issue(self, name, alternative_names, start="20200101000000Z", end="20491231235959Z"):
        """(certificate, key) as octets. `alternative_names` as openssl writes them: "URI:mailmesh://role/operator"."""
        request, key, out, extensions = (self.folder / f"{name}.{what}" for what in ("csr", "key", "crt", "ext"))
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        extensions.write_text(f"basicConstraints = critical,CA:FALSE\nextendedKeyUsage = serverAuth,clientAuth\n"
                              f"authorityKeyIdentifier = keyid\nsubjectAltName = {alternative_names}\n")
        self._openssl("ca", "-batch", "-notext", "-config", self.folder / "config", "-cert", self.certificate, "-keyfile", self.key,
                      "-in", request, "-out", out, "-extfile", extensions, "-startdate", start, "-enddate", end)
        return out.read_bytes(), key.read_bytes()
