"""A certificate authority for a test, and one certificate that all sides show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """Files in PEM."""

    ca: Path
    cert: Path
    key: Path

    def words(self) -> list[str]:
        """For ``dask scheduler`` and ``dask worker``."""
        files = ("--tls-ca-file", self.ca), ("--tls-cert", self.cert), ("--tls-key", self.key)
        return ["--protocol", "tls", *(str(word) for pair in files for word in pair)]

    def table(self, address: str) -> str:
        """The profile's ``workers``."""
        return (
            f'{{ address = "{address}", ca_file = "{self.ca}", cert_file = "{self.cert}",'
            f' key_file = "{self.key}" }}'
        )


def certificates(folder: Path) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test cluster")])
    root = _sign(issuer, issuer, authority.public_key(), authority, is_ca=True)
    leaf = _sign(subject, issuer, own.public_key(), authority, is_ca=False)
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    made.ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.cert.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
