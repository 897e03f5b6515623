"""Secrets of a ticket that need no storage: the complainant's key, and the token in the mails we send.

Both are HMAC-SHA256 over the ticket's id with the installation's secret, so nobody can forge or guess one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from itertools import product

from ticket_core.number import number_of, ticket_id_of

_BLOCK = 64  # bytes of one step of SHA-256
_KEY_BYTES = 15  # 120 bits, 24 characters
_TOKEN_BYTES = 10  # 80 bits, 16 characters
_LATER = re.compile(r"([2-9]|[1-9][0-9]{1,5})-")  # before the key of a later statement
#: Base32 (RFC 4648, section 6) in small letters, two characters for ten bits.
_PAIRS = tuple(map("".join, product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)))
_SHIFTS = {size: tuple(range(size * 8 - 10, -1, -10)) for size in (_KEY_BYTES, _TOKEN_BYTES)}


class Keys:
    """Makes and checks the secrets of tickets. `secret` must have at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret must have at least 32 bytes")
        padded = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def key(self, ticket_id: int, statement: int = 1) -> str:
        """The complainant's key 查询码: with the number it opens the public view of the ticket.

        Whoever wrote a later `statement`, ``N-…``, has a key for that one and for how things stand, and no more: it
        joined the ticket by a phone or address that anybody can write down.
        """
        if statement == 1:
            return self._sign(b"key", ticket_id, _KEY_BYTES)
        return f"{statement}-{self._sign(b'key.%d' % statement, ticket_id, _KEY_BYTES)}"

    def statement_of_key(self, ticket_id: int, given: str) -> int | None:
        """The statement whose key this is, 1 for the whole ticket's; None for a wrong one, in constant time."""
        given = given.strip()
        statement = _LATER.match(given)
        seq = 1 if statement is None else int(statement[1])
        good = hmac.compare_digest(self.key(ticket_id, seq).encode(), given.encode(errors="replace"))
        return seq if good else None

    def token(self, ticket_id: int) -> str:
        """What a mail of ours about this ticket carries, as ``NUMBER.SIGNATURE``: an answer to it finds its ticket."""
        return f"{number_of(ticket_id)}.{self._sign(b'mail', ticket_id, _TOKEN_BYTES)}"

    def ticket_of_token(self, token: str) -> int | None:
        """The ticket whose token this is; None for anything forged or broken. Letters' case does not matter."""
        number, _, signature = token.strip().partition(".")
        ticket_id = ticket_id_of(number)
        if ticket_id is None:
            return None
        good = self._sign(b"mail", ticket_id, _TOKEN_BYTES)
        return ticket_id if hmac.compare_digest(good.encode(), signature.lower().encode()) else None

    def of_channel(self, name: str) -> bytes:
        """The secret of one channel, for what it signs itself."""
        return self._mac(b"channel:" + name.encode())

    def _mac(self, said: bytes) -> bytes:
        # HMAC by RFC 2104 with both pads hashed beforehand: a third of the library's cost, for each intake and mail.
        # hmac.digest would let the interpreter lock go, and each request wait for the writer thread to give it back.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(said)
        outer.update(inner.digest())
        return outer.digest()

    def _sign(self, purpose: bytes, ticket_id: int, size: int) -> str:
        bits = int.from_bytes(self._mac(b"%b:%d" % (purpose, ticket_id))[:size])
        text = ""
        for shift in _SHIFTS[size]:
            text += _PAIRS[bits >> shift & 1023]
        return text
