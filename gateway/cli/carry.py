"""Who carries a command out: the running gateway where there is one, else this process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gateway import control
from gateway.cli.failures import Failed
from gateway.cli.words import say
from gateway.control import NobodyListens
from gateway.logs import set_up_logs
from ticket_core.errors import StoreLocked

if TYPE_CHECKING:
    from gateway.config import Settings
    from ticket_core.model import JSON

Call = Callable[[str, Mapping[str, "JSON"]], Awaitable["JSON"]]


@contextlib.asynccontextmanager
async def carrying_out(settings: Settings) -> AsyncIterator[Call]:
    """A function that does commands of `gateway.cli.work` by name.

    Raises:
        Failed: another process holds the SQLite file and does not listen.
    """
    url = settings.database.url
    try:
        await control.call(url, "ping", {})
    except NobodyListens:
        pass
    else:
        yield partial(control.call, url)
        return
    # Not before: what is needed to do it here takes seconds to load.
    from gateway.app import assemble, opened
    from gateway.cli.private import keep_private
    from gateway.cli.work import COMMANDS

    set_up_logs()
    keep_private(settings)
    parts = assemble(settings)
    try:
        async with opened(parts):
            yield lambda name, arguments: COMMANDS[name](parts, arguments)
    except StoreLocked as error:
        raise Failed(say(f"{error}，但它没有应答", f"{error}, which does not answer")) from error
