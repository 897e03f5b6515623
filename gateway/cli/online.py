"""`gateway check --online`: whether what is configured can be reached, each within a time limit, all at once."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.channels.base import Channel, Transport
from gateway.cli.findings import endpoints
from gateway.config import Settings
from ticket_core.store.engine import reader_engine

_PATIENCE = 5.0  # seconds for each place
#: By scheme of an address, and by security of a mail server.
_PORTS = {"https": 443, "http": 80, "tls": 465, "starttls": 587, "none": 25}


async def unreachable(
    settings: Settings, channels: Mapping[str, Channel], transports: Mapping[str, Transport]
) -> list[str]:
    """What cannot be reached, one problem a place with its reason."""
    places = list(endpoints(channels, transports))
    found = await asyncio.gather(_database(settings.database.url), *(_place(path, one) for path, one in places))
    return [problem for problem in found if problem]


async def _database(url: str) -> str:
    def ask() -> None:
        engine = reader_engine(url, 1)
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        finally:
            engine.dispose()

    if url.startswith("sqlite"):
        return ""  # a file, made at the first start
    try:
        await asyncio.wait_for(asyncio.to_thread(ask), _PATIENCE)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"database.url: {_reason(error)}"
    return ""


async def _place(path: str, place: Any) -> str:
    parts = urlsplit(str(getattr(place, "url", "")))
    secure = parts.scheme == "https" or getattr(place, "security", "") == "tls"
    host = parts.hostname or str(getattr(place, "host", ""))
    port = parts.port or getattr(place, "port", 0) or _PORTS[parts.scheme or getattr(place, "security", "none")]
    context = ssl.create_default_context(cafile=getattr(place, "ca_file", None) or None) if secure else None
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)
    except (OSError, TimeoutError) as error:
        return f"{path}: {host}:{port}: {_reason(error)}"
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE:.0f} seconds"
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
