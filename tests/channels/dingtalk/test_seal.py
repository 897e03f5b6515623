"""The signature beside one that openssl made, and the time for which it is good."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from gateway.channels.dingtalk import DingTalk, DingTalkSettings
from gateway.channels.dingtalk.seal import signature
from gateway.errors import Refused
from gateway.message import Raw
from tests.channels.dingtalk.at_hand import SETTINGS

# The platform publishes how to sign and no example. Time: that of its page; made once with
# printf '1577262236757\nsynthetic-secret' | openssl dgst -sha256 -hmac synthetic-secret -binary | base64
AT = "1577262236757"
SIGN = "7JmRW/CvFdmDkqqJIhjB56RcwjobBWiXrMzQecgiy9Y="


def push(at: str = AT, sign: str = SIGN, late: timedelta = timedelta()) -> Raw:
    now = datetime.fromtimestamp(int(AT) / 1000, UTC) + late
    return Raw(channel="dingtalk", body=b"{}", received_at=now, headers={"timestamp": at, "sign": sign})


def robot(**settings: object) -> DingTalk:
    return DingTalk("dingtalk", DingTalkSettings(**{**SETTINGS, **settings}))  # type: ignore[arg-type]


def test_we_sign_as_openssl_does() -> None:
    assert signature(AT, "synthetic-secret") == SIGN
    robot().verify(push())


@pytest.mark.parametrize("late", [timedelta(hours=1), -timedelta(hours=1)])
def test_an_hour_is_the_most_that_clocks_may_differ(late: timedelta) -> None:
    robot().verify(push(late=late))
    with pytest.raises(Refused):
        robot().verify(push(late=late * 1.001))


@pytest.mark.parametrize(
    ("at", "sign"),
    [
        (AT, ""),
        (AT, SIGN[:-1]),
        (AT, base64.b64encode(b"x" * 32).decode()),
        ("1577262236758", SIGN),
        ("", SIGN),
        ("１577262236757", SIGN),
        ("9" * 15, SIGN),
        ("\udcff", "\udcff"),
    ],
)
def test_what_nobody_signed_is_refused(at: str, sign: str) -> None:
    with pytest.raises(Refused):
        robot().verify(push(at, sign))


def test_key_and_message_are_not_changed_for_each_other() -> None:
    """As robots of Feishu do it."""
    assert signature("1", "23") != signature("12", "3")
    with pytest.raises(Refused):
        robot(app_secret="another-secret").verify(push())
