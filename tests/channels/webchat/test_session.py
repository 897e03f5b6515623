"""Tokens: who holds one is its visitor, who makes one up is nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.channels.webchat.session import Sessions

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
KEEP = timedelta(days=30)
SESSIONS = Sessions("chat", b"k" * 32, KEEP)


def test_a_token_names_its_account_for_as_long_as_it_is_kept() -> None:
    made = SESSIONS.new(NOW)
    again = SESSIONS.visitor(made.token, NOW + timedelta(hours=1))
    assert again is not None
    assert (again.account, again.token, again.until, again.is_renewed) == (
        made.account,
        made.token,
        NOW + KEEP,
        False,
    )
    assert SESSIONS.visitor(made.token, NOW + KEEP + timedelta(seconds=1)) is None


def test_a_visitor_who_comes_back_stays_the_same_for_ever() -> None:
    made, at = SESSIONS.new(NOW), NOW
    for _ in range(10):
        at += timedelta(days=20)
        found = SESSIONS.visitor(made.token, at)
        assert found is not None
        assert (found.account, found.is_renewed, found.until) == (made.account, True, at + KEEP)
        made = found


def test_no_two_visitors_are_alike_and_nothing_stored_leads_to_a_token() -> None:
    made = [SESSIONS.new(NOW) for _ in range(100)]
    assert len({one.account for one in made}) == len({one.token for one in made}) == 100
    assert all(one.account not in one.token and one.token not in repr(one) for one in made)


@pytest.mark.parametrize(
    "tampered",
    [
        lambda secret, at, signature: f"{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}.{at}.{signature}",
        lambda secret, at, signature: f"{secret}.{int(at) + 1}.{signature}",
        lambda secret, at, signature: f"{secret}.{at}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}",
        lambda secret, at, signature: f"{secret}.{at}",
        lambda secret, at, signature: f"{secret}.{at}.",
        lambda secret, at, signature: f" {secret}.{at}.{signature}",
        lambda secret, at, signature: f"{secret}.{at}.{signature}\n",
        lambda secret, at, signature: f"{secret}.99999999999.{signature}",
    ],
    ids=range(8),
)
def test_a_tampered_token_is_nobodys(tampered: object) -> None:
    assert callable(tampered)
    assert SESSIONS.visitor(tampered(*SESSIONS.new(NOW).token.split(".")), NOW) is None


def test_a_token_of_another_channel_installation_or_time_is_nobodys() -> None:
    token = SESSIONS.new(NOW).token
    assert Sessions("other", b"k" * 32, KEEP).visitor(token, NOW) is None
    assert Sessions("chat", b"o" * 32, KEEP).visitor(token, NOW) is None
    assert SESSIONS.visitor(token, NOW - timedelta(minutes=4)) is not None
    assert SESSIONS.visitor(token, NOW - timedelta(minutes=6)) is None


def test_without_a_key_nobody_gets_in() -> None:
    keyless = Sessions("chat", b"", KEEP)
    assert keyless.visitor(keyless.new(NOW).token, NOW) is None
