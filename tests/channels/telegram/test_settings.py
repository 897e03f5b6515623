"""What the operator writes: addresses, secrets, and what `gateway check` says of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.channels.telegram import Telegram, TelegramSettings
from gateway.cli.findings import endpoints, of_borders
from gateway.config import Http, Settings
from gateway.configured import make_channels
from gateway.errors import ConfigError, Refused
from gateway.message import Raw
from tests.channels.telegram.test_kit import HEADER
from tests.servers.telegram import TOKEN


def test_pushes_need_an_address_where_telegram_finds_us() -> None:
    for table in ({}, {"public_url": "http://tousu.example.com"}):
        with pytest.raises(ConfigError, match="public_url"):
            Telegram("bot", TelegramSettings(token=TOKEN, mode="webhook", **table))


def test_the_secret_of_the_file_stands_before_the_one_made_from_the_token() -> None:
    own = TelegramSettings(token=TOKEN, secret="synthetic-secret-0123456789")
    assert own.secret_for("bot") == "synthetic-secret-0123456789"
    made = TelegramSettings(token=TOKEN)
    assert made.secret_for("bot") != made.secret_for("other")


def test_a_header_that_is_no_text_is_refused() -> None:
    bot = Telegram("bot", TelegramSettings(token=TOKEN, mode="webhook", public_url="https://tousu.example.com"))
    raw = Raw(channel="bot", body=b"{}", received_at=datetime(2026, 3, 2, tzinfo=UTC), headers={HEADER: "\udcff"})
    with pytest.raises(Refused):
        bot.verify(raw)


def test_the_gateways_public_address_is_the_bots() -> None:
    table = {"kind": "telegram", "token": TOKEN, "mode": "webhook"}
    made = make_channels(Settings(http=Http(public_url="https://tousu.example.com"), channels={"bot": table}))
    assert made["bot"].settings.public_url == "https://tousu.example.com"


def test_the_check_warns_that_words_leave_the_mainland() -> None:
    made = make_channels(Settings(channels={"bot": {"kind": "telegram", "token": TOKEN}}))
    (warning,) = of_borders(made)
    assert warning.startswith("channels.bot: Telegram takes what people write out of the mainland")


def test_the_check_looks_for_the_place_of_the_bot_api() -> None:
    made = make_channels(Settings(channels={"bot": {"kind": "telegram", "token": TOKEN}}))
    ((path, place),) = endpoints(made, {})
    assert (path, place.url) == ("channels.bot", "https://api.telegram.org")
