"""How forwarding bodies sign, written once more and independently of the gateway's own code."""

from __future__ import annotations

import hashlib
import hmac

import gmalg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

SECRET = "synthetic-secret-of-12345"
#: GM/T 0003.5-2012, annex A (the same in GB/T 32918.5-2017): its private key, and the public one.
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)


def hmac_of(digest: str, secret: str, said: bytes) -> bytes:
    """HMAC by SHA-256 or SM3."""
    if digest == "hmac-sha256":
        return hmac.new(secret.encode(), said, hashlib.sha256).digest()
    mac = HMAC(secret.encode(), hashes.SM3())
    mac.update(said)
    return mac.finalize()


def sm2_of(said: bytes, private: str = PRIVATE, user_id: bytes = b"1234567812345678") -> bytes:
    """The SM2 signature by another implementation (gmalg, from PyPI)."""
    signer = gmalg.SM2(bytes.fromhex(private), user_id)
    r, s = signer.sign(said)
    return bytes(r).rjust(32, b"\0") + bytes(s).rjust(32, b"\0")  # it leaves leading zeros out
