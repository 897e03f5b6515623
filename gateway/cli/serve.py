"""`gateway serve`: everything that is configured, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.cli.failures import Failed
from gateway.cli.shape import ConfigFile, settings_of, tell
from gateway.cli.words import say, spoken_here

if TYPE_CHECKING:
    from gateway.app import Parts
    from gateway.config import Settings

#: What the system says about a port that cannot be had; anything else is about the address.
_PORT_TROUBLE = {
    errno.EADDRINUSE: ("已被占用", "already in use"),
    errno.EACCES: ("没有权限使用", "needs a privilege"),
}
_SETTLING = 0.3  # seconds after which a door that cannot be opened has said so
#: Objects made before the collector looks, and how many looks before it looks at the older ones, and the oldest.
_COLLECT_AFTER = (20_000, 20, 100)


def serve(config: ConfigFile = None) -> None:
    """Run everything that is configured: channels, dispatcher, timers, web. Stops cleanly on SIGINT and SIGTERM."""
    from gateway.cli.private import keep_private
    from gateway.logs import set_up_logs

    settings = settings_of(config)
    set_up_logs()
    keep_private(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings))
    tell(say("已停止", "stopped"))


async def _serve(settings: Settings) -> None:
    from gateway import control
    from gateway.app import assemble, running
    from gateway.cli.banner import banner, troubles
    from gateway.cli.demo import make_accounts
    from gateway.cli.work import commands_of
    from ticket_core.errors import StoreLocked

    parts = assemble(settings)
    try:
        async with (
            running(parts),
            _serving(parts) as base_url,
            control.listening(settings.database.url, commands_of(parts)),
        ):
            logins = await make_accounts(parts) if settings.demo else []
            await asyncio.sleep(_SETTLING)
            _leave_what_stays()
            asked = _stop_when_asked()  # before Ctrl-C is offered
            print("\n".join([*banner(parts, base_url, logins), *troubles(parts)]), flush=True)
            await asked.wait()
            tell(say("正在停止……", "stopping..."))
    except StoreLocked as error:
        raise Failed(say(f"已有网关在运行：{spoken_here(str(error))}", f"a gateway runs already: {error}")) from error


@contextlib.asynccontextmanager
async def _serving(parts: Parts) -> AsyncIterator[str]:
    """The web application, listening; where it cannot, the setting to change is told."""
    from gateway.app import serving

    async with contextlib.AsyncExitStack() as stack:
        try:
            base_url = await stack.enter_async_context(serving(parts))
        except OSError as error:
            raise Failed(_cannot_listen(parts.settings, error)) from error
        yield base_url


def _cannot_listen(settings: Settings, error: OSError) -> str:
    http = settings.http
    if error.errno not in _PORT_TROUBLE:
        return say(f"http.host = {http.host}：无法监听：{error}", f"http.host = {http.host}: cannot listen: {error}")
    reason = say(*_PORT_TROUBLE[error.errno])
    return say(
        f"http.port = {http.port}：{http.host} 的这个端口{reason}。请在配置文件的 [http] 中改 port，"
        f"或这样启动：GATEWAY_HTTP__PORT={http.port + 1} gateway serve",
        f"http.port = {http.port}: this port of {http.host} is {reason}. Change port under [http] in the configuration "
        f"file, or start with: GATEWAY_HTTP__PORT={http.port + 1} gateway serve",
    )


def _leave_what_stays() -> None:
    """Have the collector pass over all that was made at the start: of a request's time it took a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _stop_when_asked() -> asyncio.Event:
    """Set by Ctrl-C or the service manager; a second Ctrl-C stops at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    return asked


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """The faster loop where it is installed."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
