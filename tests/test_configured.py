"""What the operator's file names, made."""

from __future__ import annotations

import pytest

from gateway.config import Settings
from gateway.configured import make_transports

_SMS = {"kind": "sms", "url": "https://sms.example.com/send"}


@pytest.mark.parametrize(
    ("own", "signature"),
    [({}, "示范通信"), ({"signature": "示范热线"}, "示范热线"), ({"signature": ""}, "")],
)
def test_sms_are_signed_by_the_organisation_unless_the_transport_says_otherwise(
    own: dict[str, str], signature: str
) -> None:
    settings = Settings.model_validate({"organisation": {"signature": "示范通信"}, "transports": {"text": _SMS | own}})
    assert make_transports(settings)["sms"].settings.signature == signature


def test_a_transport_without_a_signature_gets_none() -> None:
    mail = {"kind": "smtp", "host": "smtp.example.com", "address": "out@example.com"}
    settings = Settings.model_validate({"organisation": {"signature": "示范通信"}, "transports": {"mail": mail}})
    assert not hasattr(make_transports(settings)["email"].settings, "signature")
