"""`gateway serve` killed while a page pushes: what it said it has, it has; what it did not say is taken in once."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from tests.channels.webchat.at_hand import said
from tests.channels.webchat.live import Page
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.slow

CHAT = '[channels.chat]\nkind = "webchat"\nmessages_per_minute = 1000\n'


async def pushed_until_killed(page: Page) -> tuple[list[str], list[str]]:
    """The ids of all messages that the page pushed, and of those that it was told are taken in."""
    pushed: list[str] = []
    taken: list[str] = []

    async def push(number: int) -> None:
        name = f"message-{number:04}"
        pushed.append(name)
        answer = await page.push(said(f"路灯坏了{number}", name))
        assert answer.status == 200
        taken.append(name)

    number = 0
    try:
        while True:
            await asyncio.gather(*(push(number + one) for one in range(4)))
            number += 4
    except (ClientError, OSError):
        return pushed, taken


async def test_a_killed_gateway_has_all_that_it_said_it_has_and_takes_nothing_in_twice(tmp_path: Path) -> None:
    terminal = Terminal(folder=tmp_path)
    terminal.configure(CHAT)
    async with ClientSession(f"http://127.0.0.1:{terminal.http}") as client:
        with terminal.serving() as served:
            page = await Page(client=client).begin()
            pushing = asyncio.create_task(pushed_until_killed(page))
            async with page.listening():
                await page.hears("受理编号")
            served.stop(signal.SIGKILL)
            pushed, taken = await pushing
        assert taken
        with terminal.serving():
            assert set(taken) <= set(journaled(terminal, page))
            for name in pushed:  # the page was not told, or forgot that it was
                answer = await page.push(said(f"路灯坏了{int(name[-4:])}", name))
                assert answer.status == 200
            assert sorted(journaled(terminal, page)) == sorted(pushed)
            lines = (await page.get("/chat/chat/lines")).document["lines"]
            shown = [line["id"] for line in lines if line["by"] == "you"]
            assert len(shown) == len(set(shown)) == min(len(pushed), 100)
            assert len(terminal.run("tickets", "list", "--json").lines) == 1


def journaled(terminal: Terminal, page: Page) -> list[str]:
    """The ids of all messages of this visitor that the journal has."""
    lines = terminal.run("inbound", "list", "--json", "--limit", "5000").lines
    assert all(line["external_id"].startswith(f"{page.account}:") for line in lines)
    return [line["external_id"].partition(":")[2] for line in lines]
