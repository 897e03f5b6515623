"""The complainant's key and the token in our mails."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import Keys
from ticket_core.number import number_of

_SECRET = b"synthetic secret of thirty-two bytes"


@pytest.mark.parametrize(
    ("ticket_id", "key", "token"),
    [
        (26030200000017, "u5gkxeaupgzt5ow6uwl6tkkq", "260302000000174.c4uw62bjig2nkwrq"),
        (26112000000001, "ksjmiysyegjjllsjj7asxksk", "261120000000017.v5d7lsb42erfbz7j"),
        (26123199999999, "k5wrcuxz6qu6j7bxxau66hhp", "261231999999999.rm6hhxz6g2hdemjd"),
    ],
)
def test_keys_and_tokens_that_were_given_out_stay_good(ticket_id: int, key: str, token: str) -> None:
    keys = Keys(_SECRET)
    assert (keys.key(ticket_id), keys.token(ticket_id)) == (key, token)
    assert keys.statement_of_key(ticket_id, f" {key}\n") == 1
    assert keys.ticket_of_token(token.upper()) == ticket_id


@given(st.binary(min_size=32, max_size=200), st.integers(min_value=1, max_value=10**13))
def test_key_and_token_are_the_hmac_of_the_standard_library(secret: bytes, ticket_id: int) -> None:
    def signed(purpose: str, size: int) -> str:
        mac = hmac.digest(secret, f"{purpose}:{ticket_id}".encode(), hashlib.sha256)
        return base64.b32encode(mac[:size]).decode().lower()

    keys = Keys(secret)
    assert keys.key(ticket_id) == signed("key", 15)
    assert keys.token(ticket_id) == f"{number_of(ticket_id)}.{signed('mail', 10)}"


def test_the_key_of_a_later_statement_is_no_other_statements_key() -> None:
    keys, ticket_id = Keys(_SECRET), 26112000000001
    second, twelfth = keys.key(ticket_id, 2), keys.key(ticket_id, 12)
    assert [keys.statement_of_key(ticket_id, key) for key in (second, twelfth)] == [2, 12]
    forged = ("2-" + keys.key(ticket_id), "1-" + keys.key(ticket_id), "3-" + second[2:], second[2:], "12-" + second[2:])
    assert [keys.statement_of_key(ticket_id, key) for key in forged] == [None] * 5
    assert keys.statement_of_key(ticket_id + 1, second) is None


@pytest.mark.parametrize(
    "forged", ["", "261120000000017", "261120000000017.v5d7lsb42erfbz7k", "x.y", "261120000000017."]
)
def test_a_forged_token_names_no_ticket(forged: str) -> None:
    assert Keys(_SECRET).ticket_of_token(forged) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(b"short")
