"""`gateway tick`: one step of timers and dispatch, for cron-like use and tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.shape import ConfigFile, JsonAnyway, print_json, settings_of, zone_of
from gateway.cli.times import read_time
from gateway.cli.words import say

if TYPE_CHECKING:
    from ticket_core.model import JSON


def tick(
    now: Annotated[
        str, typer.Option("--now", metavar="TIME", help=say("当作现在的时间", "The time to take as now"))
    ] = "",
    config: ConfigFile = None,
    as_json: JsonAnyway = False,
) -> None:
    """Fire what is due and send what is owed, once; tells how many timers and notices it looked at."""
    print_json(asyncio.run(_tick(config, now)))


async def _tick(config: Path | None, now: str) -> JSON:
    from gateway.cli.carry import carrying_out

    settings = settings_of(config)
    async with carrying_out(settings) as carry_out:
        return await carry_out("tick", {"now": read_time(now, zone_of(settings)).isoformat() if now else None})
