"""What the operator is told about the settings of a robot."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.channels.base import Channel
from gateway.cli.findings import endpoints, of_borders
from gateway.errors import ConfigError
from gateway.registry import build
from tests.channels.dingtalk.at_hand import SETTINGS


def made(**settings: Any) -> dict[str, Channel]:
    tables = {"dingtalk": {"kind": "dingtalk", **SETTINGS, **settings}}
    return build("channels", tables, common=frozenset({"kind"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_key", "ding key"),
        ("app_secret", "short"),
        ("robot_code", "a b"),
        ("mode", "webhook"),
        ("groups", "thread"),
        ("api_url", "api.dingtalk.com"),
        ("timeout", 0),
    ],
)
def test_a_bad_setting_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**{name: value})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [f"channels.dingtalk.{name}"]


def test_a_robot_without_a_code_of_its_own_is_known_by_its_application() -> None:
    assert made()["dingtalk"].settings.robot == SETTINGS["app_key"]
    assert made(robot_code="robot-1")["dingtalk"].settings.robot == "robot-1"


def test_servers_abroad_are_worth_a_warning() -> None:
    assert not [*of_borders(made())]
    (warning,) = of_borders(made(api_url="https://api.dingtalk.io"))
    assert "DingTalk" in warning


def test_the_place_that_must_be_reached_is_known() -> None:
    assert [path for path, _ in endpoints(made(), {})] == ["channels.dingtalk"]
