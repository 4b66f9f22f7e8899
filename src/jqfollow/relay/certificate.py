"""The relay's certificate: given by a person, or made at the first start; a PC accepts this one and no other."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from jqfollow.relay.config import RelayConfig
from jqfollow.relay.errors import RelayError
from jqfollow.wire.private_file import write_private

CERTIFICATE = "engine.pem"
KEY = "engine-key.pem"
_VALID = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
"""Of one that is made: pinned, it ends with the PC's file. Fixed, for a server's clock may be wrong when it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Both files, and what a PC is told."""

    cert: Path
    key: Path
    pinned: str
    """PEM; empty: a public CA's, which a PC verifies by the host's name."""

    def changed(self) -> tuple[int, int]:
        """Another value once one of the files is another: it was renewed."""
        return self.cert.stat().st_mtime_ns, self.key.stat().st_mtime_ns


def ensure_certificate(config: RelayConfig, folder: Path) -> Certificate:
    """What the configuration names, or else what is made in the folder once.

    Raises:
        RelayError: what it names cannot be read, does not belong together, or is for another host.
    """
    if config.tls_cert:
        return _given(config)
    cert, key = folder / CERTIFICATE, folder / KEY
    if not (cert.exists() and key.exists()):
        _make(cert, key)
    return Certificate(cert=cert, key=key, pinned=cert.read_text(encoding="ascii"))


def _given(config: RelayConfig) -> Certificate:
    cert, key = Path(config.tls_cert).expanduser(), Path(config.tls_key).expanduser()
    try:
        text = cert.read_bytes()
        read = x509.load_pem_x509_certificate(text)
        private = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise RelayError(f"证书读不了：{error} / tls_cert or tls_key cannot be used: {error}") from error
    if private.public_key() != read.public_key():
        raise RelayError("tls_cert 与 tls_key 不是一对 / tls_cert and tls_key do not belong together")
    own = read.issuer == read.subject
    names = _names(read)
    if not own and config.public not in names and f"*.{config.public.partition('.')[2]}" not in names:
        raise RelayError(
            f"证书是给 {'、'.join(names) or '?'} 的，而 public 是 {config.public} / "
            f"the certificate is for {', '.join(names) or '?'}, public is {config.public}"
        )
    return Certificate(cert=cert.resolve(), key=key.resolve(), pinned=text.decode("ascii") if own else "")


def _names(read: x509.Certificate) -> list[str]:
    try:
        told = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*told.get_values_for_type(x509.DNSName), *map(str, told.get_values_for_type(x509.IPAddress))]


def _make(cert: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jqfollow relay")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID[0])
        .not_valid_after(_VALID[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, SHA256())
    )
    write_private(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_private(cert, made.public_bytes(Encoding.PEM))
