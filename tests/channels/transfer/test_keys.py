"""SM2 keys as OpenSSL and GmSSL write them, read as the same numbers; everything else is refused with a reason."""

from __future__ import annotations

import base64
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from gateway.channels.transfer import Transfer, sm2
from gateway.channels.transfer.keys import private_key, public_key
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import ConfigError
from tests.channels.transfer.at_hand import PRIVATE, PUBLIC
from tests.servers.process import missing

OURS, THEIRS = sm2.private_key(bytes.fromhex(PRIVATE)), sm2.public_key(bytes.fromhex(PUBLIC))
PASSWORD = "synthetic-password"
ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    written = (
        bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes([tag]) + written + content


def pem(name: str, document: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(document).decode(), 64))
    return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----\n"


NUMBER = der(4, bytes.fromhex(PRIVATE))
CURVE = der(0xA0, ALGORITHM[-10:])
EC_KEY = der(0x30, der(2, b"\1"), NUMBER, CURVE, der(0xA1, der(3, b"\0", bytes.fromhex(PUBLIC))))
PKCS8 = der(0x30, der(2, b"\0"), ALGORITHM, der(4, EC_KEY))
SPKI = der(0x30, ALGORITHM, der(3, b"\0", bytes.fromhex(PUBLIC)))


def of_gmssl(password: str, *, digest: str = "2a811ccf5501831102", cipher: str = "2a811ccf55016802") -> bytes:
    """PKCS #8 under PBES2 of HMAC-SM3 and SM4, with the length of the key among the rules, as GmSSL 3 has it."""
    salt, start, rounds = bytes(range(16)), bytes(range(16, 32)), 1000
    key = PBKDF2HMAC(hashes.SM3(), 16, salt, rounds).derive(password.encode())
    padder, sealer = padding.PKCS7(128).padder(), Cipher(algorithms.SM4(key), modes.CBC(start)).encryptor()
    sealed = sealer.update(padder.update(PKCS8) + padder.finalize()) + sealer.finalize()
    prf = der(0x30, der(6, bytes.fromhex(digest)))
    rules = der(0x30, der(4, salt), der(2, rounds.to_bytes(2, "big")), der(2, b"\x10"), prf)
    derived = der(0x30, der(6, bytes.fromhex("2a864886f70d01050c")), rules)
    way = der(0x30, derived, der(0x30, der(6, bytes.fromhex(cipher)), der(4, start)))
    return der(0x30, der(0x30, der(6, bytes.fromhex("2a864886f70d01050d")), way), der(4, sealed))


@pytest.mark.parametrize(
    "written",
    [
        PRIVATE,
        PRIVATE.lower(),
        base64.b64encode(bytes.fromhex(PRIVATE)).decode(),
        pem("PRIVATE KEY", PKCS8),
        PKCS8.hex(),
        base64.b64encode(PKCS8).decode(),
        pem("EC PARAMETERS", ALGORITHM[-10:]) + pem("EC PRIVATE KEY", EC_KEY),
        pem("PRIVATE KEY", PKCS8).replace("\n", " "),
    ],
)
def test_a_private_key_is_read_however_it_is_written(written: str) -> None:
    assert private_key(written) == OURS


@pytest.mark.parametrize(
    "written", [PUBLIC, PUBLIC[2:], pem("PUBLIC KEY", SPKI), SPKI.hex(), base64.b64encode(SPKI).decode()]
)
def test_a_public_key_is_read_however_it_is_written(written: str) -> None:
    assert public_key(written) == THEIRS


def test_a_key_that_gmssl_protects_is_opened_by_its_password() -> None:
    written = pem("ENCRYPTED PRIVATE KEY", of_gmssl(PASSWORD))
    assert private_key(written, PASSWORD) == OURS
    for password, problem in (("", "private_key_password is needed"), ("another", "not opened|not an SM2|not a whole")):
        with pytest.raises(ValueError, match=problem):
            private_key(written, password)
    strange = pem("ENCRYPTED PRIVATE KEY", of_gmssl(PASSWORD, cipher="2a811ccf55016801"))
    with pytest.raises(ValueError, match="not known"):
        private_key(strange, PASSWORD)


def test_a_document_in_place_of_a_key_is_named_with_its_setting() -> None:
    with pytest.raises(ConfigError) as caught:
        Transfer("bank", TransferSettings(source="12378", private_key=pem("CERTIFICATE", SPKI)))
    assert caught.value.problems == ["private_key: no PRIVATE KEY but CERTIFICATE"]
    settings = {"private_key": pem("ENCRYPTED PRIVATE KEY", of_gmssl(PASSWORD)), "private_key_password": PASSWORD}
    Transfer("bank", TransferSettings(source="12378", signature="sm2", **settings))


@pytest.mark.parametrize("cut", range(1, len(PKCS8), 9))
def test_a_key_that_was_cut_is_none(cut: int) -> None:
    for whole, read in ((PKCS8, private_key), (SPKI, public_key)):
        with pytest.raises(ValueError):
            read(whole[:cut].hex() if cut < len(whole) else whole[:-1].hex())
        with pytest.raises(ValueError):
            read((whole + b"\0" * cut).hex())


# --- OpenSSL 3 as the oracle


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    program = shutil.which("openssl")
    if program is None:
        missing("openssl is not installed (on Debian: apt install openssl)")
    return subprocess.run([program, *arguments], input=given, capture_output=True, check=True).stdout


def test_openssl_and_we_read_each_others_keys_and_signatures(tmp_path: Path) -> None:
    written = openssl("genpkey", "-algorithm", "SM2")
    public = openssl("pkey", "-pubout", given=written).decode()
    (tmp_path / "key.pem").write_bytes(written)
    (tmp_path / "said").write_bytes(b"message digest")
    ours = private_key(written.decode())
    assert public_key(public) == sm2.public_of(ours)
    told = ("-rawin", "-in", str(tmp_path / "said"), "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    signed = openssl("pkeyutl", "-sign", "-inkey", str(tmp_path / "key.pem"), *told)
    assert sm2.verify(public_key(public), b"message digest", sm2.from_der(signed))
    (tmp_path / "signature").write_bytes(sm2.to_der(sm2.sign(ours, b"message digest")))
    checked = ("-sigfile", str(tmp_path / "signature"))
    assert b"Verified Successfully" in openssl(
        "pkeyutl", "-verify", "-inkey", str(tmp_path / "key.pem"), *checked, *told
    )
    for cipher in ("sm4-cbc", "aes-256-cbc", "aes-128-cbc"):
        way = ("-topk8", "-v2", cipher, "-iter", "1000", "-passout", f"pass:{PASSWORD}")
        assert private_key(openssl("pkcs8", *way, given=written).decode(), PASSWORD) == ours


def test_a_key_of_another_curve_is_refused_although_its_number_would_do() -> None:
    written = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    bare = openssl("ec", given=written).decode()
    for other in (written.decode(), bare):
        with pytest.raises(ValueError, match="of another kind or curve"):
            private_key(other)
    with pytest.raises(ValueError, match="of another kind or curve"):
        public_key(openssl("pkey", "-pubout", given=written).decode())
