"""What the operator is told about the settings of a bot."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.channels.base import Channel
from gateway.cli.findings import endpoints, of_borders, of_proof
from gateway.errors import ConfigError
from gateway.registry import build
from tests.channels.feishu.at_hand import KEY, SETTINGS


def made(**settings: Any) -> dict[str, Channel]:
    tables = {"feishu": {"kind": "feishu", **SETTINGS, **settings}}
    return build("channels", tables, common=frozenset({"kind"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_id", "9f5343c580712544"),
        ("verification_token", "short"),
        ("groups", "public"),
        ("api_url", "open.feishu.cn"),
        ("timeout", 16),
    ],
)
def test_a_bad_setting_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**{name: value})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [f"channels.feishu.{name}"]


def test_pushes_that_nobody_signs_and_servers_abroad_are_worth_a_warning() -> None:
    assert not [*of_borders(made()), *of_proof(made())]
    (warning,) = of_proof(made(encrypt_key=""))
    assert warning.startswith("channels.feishu.encrypt_key: empty")
    (warning,) = of_borders(made(api_url="https://open.larksuite.com"))
    assert "Lark" in warning
    assert KEY not in warning


def test_the_place_that_must_be_reached_is_known() -> None:
    assert [path for path, _ in endpoints(made(), {})] == ["channels.feishu"]
