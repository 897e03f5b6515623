"""`gateway serve`: everything that is configured, until Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import TYPE_CHECKING

from gateway.cli.failures import Failed
from gateway.cli.shape import ConfigFile, keep_private, settings_of, tell
from gateway.cli.words import say

if TYPE_CHECKING:
    from gateway.config import Settings

_SETTLING = 0.3  # seconds after which a door that cannot be opened has said so
#: Objects made before the collector looks, and how many looks before it looks at the older ones, and the oldest.
_COLLECT_AFTER = (20_000, 20, 100)


def serve(config: ConfigFile = None) -> None:
    """Run everything that is configured: channels, dispatcher, timers, web. Stops cleanly on SIGINT and SIGTERM."""
    from gateway.logs import set_up_logs

    settings = settings_of(config)
    set_up_logs()
    keep_private()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings))
    tell(say("已停止", "stopped"))


async def _serve(settings: Settings) -> None:
    from gateway import control
    from gateway.app import assemble, running, serving
    from gateway.cli.banner import banner, troubles
    from gateway.cli.demo import make_accounts
    from gateway.cli.work import commands_of
    from ticket_core.errors import StoreLocked

    parts = assemble(settings)
    try:
        async with (
            running(parts),
            serving(parts) as base_url,
            control.listening(settings.database.url, commands_of(parts)),
        ):
            logins = await make_accounts(parts) if settings.demo else []
            await asyncio.sleep(_SETTLING)
            _leave_what_stays()
            print("\n".join([*banner(parts, base_url, logins), *troubles(parts)]), flush=True)
            await _asked_to_stop()
            tell(say("正在停止……", "stopping..."))
    except StoreLocked as error:
        raise Failed(say(f"已有网关在运行：{error}", f"a gateway runs already: {error}")) from error


def _leave_what_stays() -> None:
    """Have the collector pass over all that was made at the start: of a request's time it took a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def _asked_to_stop() -> None:
    """Wait for Ctrl-C or the service manager; a second Ctrl-C stops at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    await asked.wait()


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """The faster loop where it is installed."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
