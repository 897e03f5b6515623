"""Files against the conformance kit: a recording, one of Asterisk with its note, a fax, a scan, an old codec."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.errors import ConfigError
from gateway.message import Raw
from gateway.registry import build
from gateway.testing.kit import ChannelConformance

PATTERN = r"(?P<at>\d{8}-\d{6})_(?P<caller>\d{7,12})"


class TestPushed(ChannelConformance):
    """Pushed and signed."""

    kind = "files"
    settings: ClassVar = {"secret": "synthetic-secret-of-a-switchboard", "name_pattern": PATTERN, "label": "语音留言"}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures"
    fresh_for = timedelta(minutes=5)
    opens_as = "triage"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """HMAC over time, name, note and body."""
        at = str(int(raw.received_at.timestamp()))
        said = [at, raw.headers.get("x-file-name", ""), raw.headers.get("x-file-note", ""), ""]
        mac = hmac.new(settings["secret"].encode(), "\n".join(said).encode() + raw.body, hashlib.sha256)
        return replace(raw, headers={**raw.headers, "x-timestamp": at, "x-signature": mac.hexdigest()})


class TestWithToken(ChannelConformance):
    """Pushed with a token."""

    kind = "files"
    settings: ClassVar = {"secret": "synthetic-secret-of-a-switchboard", "proof": "token", "name_pattern": PATTERN, "label": "语音留言"}  # fmt: skip  # noqa: E501
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures"
    covers = "sender"
    opens_as = "triage"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """A bearer token."""
        return replace(raw, headers={**raw.headers, "authorization": f"Bearer {settings['secret']}"})


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"folder": None}, "folder: required"),
        ({"name_pattern": "("}, "name_pattern: "),
        ({"name_pattern": r"(?P<phone>\d+)"}, "name_pattern: unknown group phone"),
        ({"name_pattern": r"\d+"}, "name_pattern: has none of the groups"),
        ({"zone": "Mars"}, "zone"),
        ({"secret": "short"}, "secret"),
        ({"told": {"colour": "a"}}, "told.colour"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build("channels", {"fax": {"kind": "files", "folder": "/tmp/fax", **changes}}, common=frozenset({"kind"}))
    assert names in caught.value.problems[0]
