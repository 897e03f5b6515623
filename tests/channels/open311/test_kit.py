"""The endpoint's channel against the kit; `example.form` is the example of GeoReport v2, POST Service Request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.errors import ConfigError
from gateway.message import Raw
from gateway.registry import build
from gateway.testing.kit import ChannelConformance
from tests.channels.open311.city import KEY, SERVICES


class TestOpen311(ChannelConformance):
    """Every rule for channels."""

    kind = "open311"
    settings: ClassVar = {"api_keys": {"app": KEY}, "services": SERVICES, "jurisdiction_id": "city.gov"}
    secrets = ("api_keys.app",)
    fixtures = Path(__file__).parent / "fixtures"
    covers = "sender"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """The key as a header; the paths of the standard take it out of the form."""
        return replace(raw, headers={**raw.headers, "x-api-key": settings["api_keys"]["app"]})


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"api_keys": {}}, "api_keys"),
        ({"api_keys": {"app": "short"}}, "api_keys.app"),
        ({"api_keys": {"a": KEY, "b": KEY}}, "two programs"),
        ({"services": [SERVICES[3], SERVICES[3]]}, "services.idea: named 2 times"),
        ({"services": [{"code": "x", "name": "X", "kind": "theft"}]}, "services.0.kind"),
        ({"services": [{"code": "a b", "name": "X"}]}, "services.0.code"),
        (
            {"services": [{"code": "x", "name": "X", "attributes": [
                {"code": "q", "description": "?", "datatype": "multivaluelist"}]}]},
            "services.x.attributes.q.values",
        ),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_at_the_start(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(
            "channels", {"city": {"kind": "open311", "api_keys": {"app": KEY}, **changes}}, common=frozenset({"kind"})
        )
    assert any(names in problem for problem in caught.value.problems)
    assert not any(KEY in problem for problem in caught.value.problems)
