"""Signatures and encryption beside the platform's published examples."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.channels.feishu import Feishu, FeishuSettings
from gateway.channels.feishu.seal import decrypted
from gateway.errors import Refused
from gateway.message import InboundMessage, Raw
from tests.channels.feishu.at_hand import SETTINGS, TOKEN, encrypted, signed, written

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
# Published on the platform's page about Encrypt Key.
HELLO = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
# Published there for the key "kudryavka"; whole in github.com/cyclone-robotics/feishu-python-sdk (test_decrypt_aes.py).
EVENT = (
    "FIAfJPGRmFZWkaxPQ1XrJZVbv2JwdjfLk4jx0k/U1deAqYK3AXOZ5zcHt/cC4ZNTqYwWUW/EoL+b2hW/C4zoAQQ5CeMtbxX2zHjm+E4nX/Aww+FHUL6i"
    "uIMaeL2KLxqdtbHRC50vgC2YI7xohnb3KuCNBMUzLiPeNIpVdnYaeteCmSaESb+AZpJB9PExzTpRDzCRv+T6o5vlzaE8UgIneC1sYu85BnPBEMTSuj1Z"
    "ZzfdQi7ZW992Z4dmJxn9e8FL2VArNm99f5Io3c2O4AcNsQENNKtfAAxVjCqc3mg5jF0nKabA+u/5vrUD76flX1UOF5fzJ0sApG2OEn9wfyPDRBsApn9o"
    "+fceF9hNrYBGsdtZrZYyGG387CGOtKsuj8e2E8SNp+Pn4E9oYejOTR+ZNLNi+twxaXVlJhr6l+RXYwEiMGQE9zGFBD6h2dOhKh3W84p1GEYnSRIz1+9/"
    "Hp66arjC7RCrhuW5OjCj4QFEQJiwgL45XryxHtiZ7JdAlPmjVsL03CxxFZarzxzffryrWUG3VkRdHRHbTsC34+ScoL5MTDU1QAWdqUC1T7xT0lCvQELa"
    "IhBTXAYrznJl6PlA83oqlMxpHh0gZBB1jFbfoUr7OQbBs1xqzpYK6Yjux6diwpQB1zlZErYJUfCqK7G/zI9yK/60b4HW0k3M+AvzMcw="
)


def bot(**settings: Any) -> Feishu:
    return Feishu("feishu", FeishuSettings(**{**SETTINGS, **settings}))


def knock(said: object, *, at: datetime = NOON) -> Raw:
    return Raw(channel="feishu", body=orjson.dumps(said), received_at=at, media_type="application/json")


def test_the_published_examples_are_decrypted() -> None:
    assert decrypted(HELLO, b"test key") == b"hello world"
    said = orjson.loads(decrypted(EVENT, b"kudryavka"))
    assert said["event"]["open_id"] == "ou_2ef04637d933f798dcb92c99e845ed09"
    (noted,) = bot().parse(knock({"encrypt": EVENT}))
    assert isinstance(noted, InboundMessage)
    assert (noted.automatic, noted.external_id) == ("event:user_status_change", "5226cd85b4d843dccee2e279d93f3ed3")


@pytest.mark.parametrize("text", ["", "AAAA", "é", HELLO[:-4], base64.b64encode(b"x" * 32).decode(), EVENT[:64]])
def test_what_was_not_made_with_our_key_is_not_opened(text: str) -> None:
    with pytest.raises(ValueError):
        decrypted(text, b"another key")


@pytest.mark.parametrize("key", ["", "kudryavka"])
def test_the_check_of_the_address_is_answered_without_a_signature(key: str) -> None:
    said = orjson.dumps({"challenge": "ajls384kdjx98XX", "token": TOKEN, "type": "url_verification"})
    body = encrypted(said, key) if key else said
    answer = bot(encrypt_key=key).challenge(Raw(channel="feishu", body=body, received_at=NOON))
    assert answer is not None
    assert orjson.loads(answer.body) == {"challenge": "ajls384kdjx98XX"}


def test_a_check_with_another_token_is_refused() -> None:
    said = {"challenge": "x", "token": "somebody else's", "type": "url_verification"}
    with pytest.raises(Refused):
        bot(encrypt_key="").challenge(knock(said))
    assert bot().challenge(knock(said)) is None, "not encrypted: it is no check of ours"
    with pytest.raises(Refused):
        bot().challenge(Raw(channel="feishu", body=encrypted(orjson.dumps(said)), received_at=NOON))


def test_an_event_is_no_check() -> None:
    assert bot().challenge(signed(knock(written("1", "断网")))) is None


def test_with_a_key_an_unsigned_event_is_refused_although_its_token_is_right() -> None:
    with pytest.raises(Refused):
        bot().verify(knock(written("1", "断网")))
    with pytest.raises(Refused):
        bot().verify(Raw(channel="feishu", body=encrypted(orjson.dumps(written("1", "断网"))), received_at=NOON))


@pytest.mark.parametrize(
    ("late", "taken"),
    [(timedelta(), True), (timedelta(hours=7, minutes=6), True), (timedelta(hours=8, seconds=1), False)],
)
def test_the_last_of_their_pushes_is_taken_and_an_older_one_is_not(late: timedelta, taken: bool) -> None:
    raw = replace(signed(knock(written("1", "断网"))), received_at=NOON + late)
    if taken:
        bot().verify(raw)
        return
    with pytest.raises(Refused):
        bot().verify(raw)


def test_what_is_signed_and_is_no_event_is_for_a_person() -> None:
    raw = signed(Raw(channel="feishu", body=b"[1,2", received_at=NOON))
    bot().verify(raw)
    with pytest.raises(ValueError):
        bot().parse(raw)


def test_only_lark_is_abroad() -> None:
    assert bot().overseas == ""
    assert bot(api_url="https://open.larksuite.com").overseas == "Lark"
