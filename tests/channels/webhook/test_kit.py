"""Three programs with forms of their own, each against the conformance kit."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.webhook import ConfiguredWebhook, WebhookSettings
from gateway.errors import ConfigError
from gateway.message import Raw
from gateway.testing.kit import ChannelConformance

HERE = Path(__file__).parent


class TestJson(ChannelConformance):
    """Signed over time and body."""

    kind = "webhook"
    settings: ClassVar = {
        "secret": "synthetic-secret-of-crm",
        "fields": {
            "text": "data.content",
            "name": "data.customer.name",
            "phone": ("data.customer.phone", "data.customer.mobile"),
            "category": "data.category",
            "kind": "data.type",
            "lodged_at": "data.created",
            "confidential": "data.secret",
        },
        "values": {"kind": {"ts": "complaint"}},
        "external_id": "data.id",
        "time_header": "X-Time",
        "prefix": "sha256=",
    }
    secrets = ("secret",)
    fixtures = HERE / "json"
    fresh_for = timedelta(minutes=5)

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """HMAC over the time, a dot and the body."""
        at = str(int(raw.received_at.timestamp()))
        mac = hmac.new(settings["secret"].encode(), at.encode() + b"." + raw.body, hashlib.sha256).hexdigest()
        return replace(raw, headers={**raw.headers, "x-time": at, "x-signature": f"sha256={mac}"})


class TestForm(ChannelConformance):
    """A form with a password."""

    kind = "webhook"
    settings: ClassVar = {
        "secret": "crm:synthetic-password",
        "proof": "basic",
        "body": "form",
        "fields": {"text": "msg", "phone": "tel", "lodged_at": "at"},
        "time_format": "%Y-%m-%d %H:%M:%S",
        "external_id": "id",
    }
    secrets = ("secret",)
    fixtures = HERE / "form"
    covers = "sender"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """Basic authentication."""
        word = base64.b64encode(settings["secret"].encode()).decode()
        return replace(raw, headers={**raw.headers, "authorization": f"Basic {word}"})


class TestXml(ChannelConformance):
    """Several in one document, known by their bytes, with a secret header."""

    kind = "webhook"
    settings: ClassVar = {
        "secret": "synthetic-secret-of-city",
        "proof": "secret",
        "header": "X-Api-Key",
        "body": "xml",
        "entries": "notice.case",
        "fields": {"text": "body", "phone": "phone"},
        "constants": {"respondent": "市政"},
    }
    secrets = ("secret",)
    fixtures = HERE / "xml"
    covers = "sender"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """The secret itself."""
        return replace(raw, headers={**raw.headers, "x-api-key": settings["secret"]})


@pytest.mark.parametrize(("changes", "names"), [({"fields": {"name": "a"}}, "fields.text"), ({"zone": "Mars"}, "zone")])
def test_what_cannot_work_is_told_at_the_start(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ConfiguredWebhook("crm", WebhookSettings(**{"fields": {"text": "t"}, "secret": "x" * 16, **changes}))
    assert names in caught.value.problems[0]
