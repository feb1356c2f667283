"""The other site's address and certificate: known before it starts, because the chart is told whom the fetcher may trust."""
import os

from tests.kubernetes.release import PROJECT, run

# In our own cluster's network, or an address of this machine that the cluster's pods reach.
ADDRESS = os.environ.get("MAILMESH_OUTSIDE", "10.250.0.254")
FOLDER = PROJECT / "build/kubernetes/outside" / ADDRESS


def certificate():
    """(certificate, key), self-signed for the address, in PEM files."""
    files = FOLDER / "certificate.pem", FOLDER / "key.pem"
    if not files[0].exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=outside",
            "-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", files[1], "-out", files[0])
    return files
