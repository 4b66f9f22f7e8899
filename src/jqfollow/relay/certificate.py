"""The engine's certificate, made at the first start; a PC accepts this one and no other."""

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from jqfollow.clock import Clock
from jqfollow.wire.private_file import write_private

CERTIFICATE = "engine.pem"
KEY = "engine-key.pem"
_VALID = timedelta(days=3650)


def ensure_certificate(folder: Path, clock: Clock) -> str:
    """The certificate's PEM; both files are made where they are not."""
    if not ((folder / CERTIFICATE).exists() and (folder / KEY).exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jqfollow relay")])
        now = clock.now()
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        write_private(folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write_private(folder / CERTIFICATE, made.public_bytes(Encoding.PEM))
    return (folder / CERTIFICATE).read_text(encoding="ascii")
