"""A self-signed certificate for 127.0.0.1, made anew for each test run by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate and its key as PEM files."""

    certificate: Path
    key: Path

    def for_server(self) -> ssl.SSLContext:
        """Return the context of a server that shows this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def for_client(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this certificate and no other, and checks the name."""
        return ssl.create_default_context(cafile=str(self.certificate))


def make_certificate(folder: Path) -> Certificate:
    """Write a certificate for `localhost` and 127.0.0.1, valid for two days, into `folder`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl is not installed (on Debian: apt install openssl)")
    made = Certificate(certificate=folder / "certificate.pem", key=folder / "key.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(made.key)]
    subprocess.run(
        [openssl, "req", "-x509", "-days", "2", *key, *subject, "-out", str(made.certificate)],
        check=True,
        capture_output=True,
    )
    return made
