"""Asking for updates, being pushed to, and fetching files: on good days and on bad ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram.error import Conflict, InvalidToken, NetworkError

from gateway.channels.base import PermanentDelivery, TransientDelivery
from gateway.channels.telegram import Telegram, TelegramSettings
from gateway.channels.telegram.channel import ALLOWED
from gateway.message import Accepted, InboundMessage, Raw
from tests.channels.telegram.at_hand import SENT_AT, bot_at, pressed, written
from tests.servers.telegram import TOKEN, TelegramServer, telegram_server

PUBLIC: dict[str, Any] = {"mode": "webhook", "public_url": "http://127.0.0.1:9/"}


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


async def asked(bot: Telegram, count: int, *, done: bool = True) -> list[str]:
    """The ids of the first `count` messages that asking brings; each is taken in where it is `done`."""
    ids: list[str] = []
    async with asyncio.timeout(10), contextlib.aclosing(bot.poll()) as inputs:  # type: ignore[type-var]
        async for raw, mark in inputs:
            for one in bot.parse(raw):
                assert isinstance(one, InboundMessage)
                ids.append(str(one.external_id))
            if done:
                await mark()
            if len(ids) >= count:
                break
    return ids


async def test_what_was_not_committed_comes_again_and_what_was_does_not(server: TelegramServer) -> None:
    await server.happen(*(written(number, f"第{number}条") for number in (5, 6, 7)))
    async with bot_at(server) as bot:
        assert await asked(bot, 3, done=False) == ["m:700000001:5", "m:700000001:6", "m:700000001:7"]
        assert await asked(bot, 2) == ["m:700000001:5", "m:700000001:6"]
        assert await asked(bot, 1) == ["m:700000001:7"]
        await server.happen(written(8, "第8条"))
        assert await asked(bot, 1) == ["m:700000001:8"]


async def test_where_it_stopped_is_known_after_a_restart(server: TelegramServer) -> None:
    await server.happen(written(5, "一"), written(6, "二"))
    async with bot_at(server) as bot:
        await asked(bot, 1)
        memory = bot.memory
    async with bot_at(server) as bot:
        bot.memory = memory
        assert await asked(bot, 1) == ["m:700000001:6"]
    assert [said["offset"] for method, said in server.asked if method == "getUpdates" and "offset" in said] == ["6"]


async def test_an_update_that_nobody_understands_does_not_hold_up_the_next(server: TelegramServer) -> None:
    broken: dict[str, Any] = {"update_id": 5, "message": {"message_id": "five", "date": None}}
    await server.happen(broken, written(6, "half a pair: \ud83d"), written(7, "二"))
    async with bot_at(server) as bot, contextlib.aclosing(bot.poll()) as inputs:  # type: ignore[type-var]
        seen = []
        async for raw, mark in inputs:
            with contextlib.suppress(ValueError):
                seen += bot.parse(raw)
            await mark()
            if seen:
                break
    assert len(seen) == 1


async def test_a_press_is_confirmed_after_the_commit(server: TelegramServer) -> None:
    await server.happen(pressed(5, "/confirm", press="77"))
    async with bot_at(server) as bot:
        await asked(bot, 1, done=False)
        assert server.pressed == []
        await asked(bot, 1)
        assert server.pressed == ["77"]
        server.faults = {"answerCallbackQuery": "no chat"}  # the query is too old
        await server.happen(pressed(6, "/confirm", press="78"), written(7, "二"))
        assert len(await asked(bot, 2)) == 2


async def test_a_webhook_that_is_set_is_told_with_what_to_do(server: TelegramServer) -> None:
    server.webhook = "https://elsewhere.example.com/hook"
    async with bot_at(server) as bot:
        with pytest.raises(Conflict, match="deleteWebhook"):
            await asked(bot, 1)


async def test_a_second_gateway_with_the_same_token_is_told(server: TelegramServer) -> None:
    async with bot_at(server, long_poll=5) as first, bot_at(server) as second:
        asking = asyncio.create_task(asked(first, 1))
        while not server.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with pytest.raises(Conflict, match="stop the other one"):
            await asked(second, 1)
        await server.happen(written(5, "一"))
        assert await asking == ["m:700000001:5"]


async def test_a_wrong_token_says_so_without_showing_it(server: TelegramServer) -> None:
    async with bot_at(server, token=TOKEN[:-3] + "xyz") as bot:
        with pytest.raises(InvalidToken) as caught:
            await asked(bot, 1)
    assert TOKEN[:-3] not in str(caught.value)


@pytest.mark.parametrize("fault", ["broken", "silent", "cut off", "busy"])
async def test_a_bad_hour_ends_the_asking_with_its_reason(server: TelegramServer, fault: str) -> None:
    server.faults = {"getUpdates": fault}  # type: ignore[dict-item]
    async with bot_at(server, timeout=0.3) as bot:
        with pytest.raises(Exception) as caught:
            await asked(bot, 1)
        assert isinstance(caught.value, NetworkError) or "Too Many" in str(caught.value)
        server.faults = {}
        await server.happen(written(5, "一"))
        assert await asked(bot, 1) == ["m:700000001:5"]


async def test_a_month_of_asking_loses_nothing_and_survives_the_random_ids_after_a_quiet_week(
    server: TelegramServer,
) -> None:
    """After a week without updates Telegram begins at a random id, which may be lower."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    taken: list[str] = []
    written_ids: list[str] = []
    first = 900_000
    async with bot_at(server, timeout=0.2) as bot:
        bot.clock = lambda: now
        for day in range(30):
            quiet = 10 <= day < 18
            if day == 18:
                first = 1_000
            if not quiet:
                for number in range(3):
                    first += 1
                    await server.happen(written(first, "还没修好", number=day * 10 + number))
                    written_ids.append(f"m:700000001:{day * 10 + number}")
            server.faults = {"getUpdates": "broken"} if day % 5 == 2 else {}
            while len(taken) < len(written_ids) and not server.faults:
                async with contextlib.aclosing(bot.poll()) as inputs:  # type: ignore[type-var]
                    async for raw, mark in inputs:
                        said = bot.parse(raw)
                        taken += [str(one.external_id) for one in said if isinstance(one, InboundMessage)]
                        await mark()
                        if day % 4 == 3 or len(taken) >= len(written_ids):  # a restart in between
                            break
            now += timedelta(days=1)
        server.faults = {}
    assert taken == written_ids


async def test_the_webhook_is_set_once_with_address_secret_and_kinds(server: TelegramServer) -> None:
    async with bot_at(server, "hotline", **PUBLIC) as bot:
        assert await asked(bot, 0) == []
        assert await asked(bot, 0) == []
        assert server.webhook == "http://127.0.0.1:9/channels/hotline"
        assert server.secret == bot.settings.secret_for("hotline")
        assert tuple(server.allowed) == ALLOWED
        assert [method for method, _ in server.asked].count("setWebhook") == 1
        server.webhook = "https://elsewhere.example.com/"
        await asked(bot, 0)
        assert server.webhook == "http://127.0.0.1:9/channels/hotline"


async def test_what_telegram_says_of_failing_pushes_is_shown(server: TelegramServer) -> None:
    async with bot_at(server, **PUBLIC) as bot:
        bot.clock = lambda: datetime.fromtimestamp(SENT_AT, UTC) + timedelta(minutes=1)
        server.pushing_failed = "SSL error"
        await asked(bot, 0)
        assert bot.trouble == {"pushes": "SSL error; 0 waiting"}
        bot.clock = lambda: datetime.fromtimestamp(SENT_AT, UTC) + timedelta(hours=1)
        await asked(bot, 0)
        assert bot.trouble == {}


async def test_while_telegram_cannot_be_reached_the_loop_says_that_the_webhook_is_not_set(
    server: TelegramServer,
) -> None:
    server.faults = {"getWebhookInfo": "cut off"}
    async with bot_at(server, **PUBLIC) as bot:
        with pytest.raises(NetworkError):
            await asked(bot, 0)
        server.faults = {}
        await asked(bot, 0)
        assert server.webhook


def test_a_push_of_a_press_is_answered_with_its_confirmation() -> None:
    bot = Telegram("bot", TelegramSettings(token=TOKEN))
    press = b'{"update_id":1,"callback_query":{"id":"77","from":{"id":1},"data":"/confirm"}}'
    at = datetime(2026, 3, 2, tzinfo=UTC)
    answer = bot.answer_to(Raw(channel="bot", body=press, received_at=at), [Accepted(outcome="automatic")])
    assert answer.media_type == "application/json"
    assert answer.body == b'{"method":"answerCallbackQuery","callback_query_id":"77"}'
    assert bot.answer_to(Raw(channel="bot", body=b'{"update_id":1}', received_at=at), []).body == b""


async def test_a_file_is_fetched_by_its_id(server: TelegramServer) -> None:
    server.files = {"F1": ("photos/file_7.jpg", b"\xff\xd8" + b"x" * 300_000)}
    async with bot_at(server) as bot:
        got = await bot.fetch("F1")
    assert (got.name, got.content, got.reference) == ("file_7.jpg", b"\xff\xd8" + b"x" * 300_000, "F1")


async def test_a_file_that_is_gone_too_large_or_on_somebodys_disk_is_never_fetched(server: TelegramServer) -> None:
    server.files = {
        "large": ("documents/a.bin", b"x" * ((20 << 20) + 1)),
        "local": ("/var/lib/telegram-bot-api/etc/passwd", b"root"),
        "up": ("photos/../../secrets", b"secret"),
        "away": ("photos/%2e%2e/x", b"secret"),
    }
    async with bot_at(server) as bot:
        for reference in ("gone", *server.files):
            with pytest.raises(PermanentDelivery) as caught:
                await bot.fetch(reference)
            assert TOKEN not in str(caught.value)
    assert not [method for method, _ in server.asked if method != "getFile"]


@pytest.mark.parametrize(
    "fault", [{"file": "broken"}, {"file": "cut off"}, {"getFile": "busy"}, {"getFile": "cut off"}]
)
async def test_a_file_that_did_not_come_through_is_fetched_again_later(server: TelegramServer, fault: Any) -> None:
    server.files = {"F1": ("photos/file_7.jpg", b"x" * 300_000)}
    server.faults = fault
    async with bot_at(server) as bot:
        with pytest.raises(TransientDelivery):
            await bot.fetch("F1")
        server.faults = {}
        assert len((await bot.fetch("F1")).content) == 300_000
