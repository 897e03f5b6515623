"""The control socket: how a command reaches the process that holds the SQLite file.

One process holds the file, so while ``gateway serve`` runs it carries out what writes. It listens on a Unix socket in
the temporary folder, named by the database's path; only the same user (or root) is heard, and the caller sees to it
that the socket belongs to the owner of the database.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import ClientConnectorError, ClientSession, ClientTimeout, UnixConnector, web
from sqlalchemy import make_url

from gateway.errors import GatewayError
from ticket_core.errors import TicketError
from ticket_core.store.engine import is_sqlite

if TYPE_CHECKING:
    from ticket_core.model import JSON

log = structlog.get_logger(__name__)

#: Does one command; what it raises on purpose (`GatewayError`, `TicketError`) is told to the caller.
Command = Callable[[Mapping[str, "JSON"]], Awaitable["JSON"]]

_LONGEST_NAME = 100  # bytes
_LARGEST = 256 << 20  # bytes: a recorded input with its attachments, in base64
_PATIENCE = ClientTimeout(total=600, connect=5)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid of the other side (Linux, SO_PEERCRED)


class NobodyListens(GatewayError):
    """No running gateway holds this database; do it here."""


class CommandFailed(GatewayError):
    """The running gateway could not do it; the text says why."""


def socket_path(url: str) -> Path | None:
    """Where the process that holds this database listens; None when nobody has to, as on PostgreSQL or in memory."""
    database = make_url(url).database
    if not is_sqlite(url) or not database or database == ":memory:":
        return None
    name = hashlib.sha256(str(Path(database).resolve()).encode()).hexdigest()[:24]
    path = Path(tempfile.gettempdir()) / f"complaint-gateway-{name}.sock"
    # The system takes no longer name for a socket.
    return path if len(bytes(path)) <= _LONGEST_NAME else Path("/tmp") / path.name  # noqa: S108  its owner is checked


@contextlib.asynccontextmanager
async def listening(url: str, commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Carry out `commands` by name for callers on this machine until the end of the block.

    Call it only while holding the database file: a socket that is there already belongs to a process that has died.
    """
    path = socket_path(url)
    if path is None:
        yield
        return
    application = web.Application(client_max_size=_LARGEST)
    application.router.add_post("/{command}", _answering(commands))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
    await runner.setup()
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)  # the socket is made with mode 600: no moment in which others can open it
        try:
            door.bind(str(path))
        finally:
            os.umask(before)
        await web.SockSite(runner, door).start()
        yield
    finally:
        await runner.cleanup()
        door.close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


async def call(url: str, command: str, arguments: Mapping[str, JSON]) -> JSON:
    """Have the process that holds this database do a command.

    Raises:
        NobodyListens: no process does; nothing was done.
        CommandFailed: it was refused or went wrong.
    """
    path = socket_path(url)
    if path is None or not _is_trusted(path, url):
        raise NobodyListens("no running gateway")
    async with ClientSession(connector=UnixConnector(str(path)), timeout=_PATIENCE) as session:
        try:
            async with session.post(f"http://gateway/{command}", json=dict(arguments)) as response:
                answer: dict[str, JSON] = await response.json()
        except ClientConnectorError as error:  # its owner died and left it behind
            raise NobodyListens("no running gateway") from error
    if response.status != web.HTTPOk.status_code:
        raise CommandFailed(str(answer.get("error")))
    return answer["result"]


def _answering(commands: Mapping[str, Command]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if _caller(request) not in {None, os.getuid(), 0}:
            return web.json_response({"error": "not yours"}, status=403)
        command = commands.get(request.match_info["command"])
        if command is None:
            return web.json_response({"error": "the running gateway does not know this command"}, status=404)
        try:
            return web.json_response({"result": await command(await request.json())})
        except (GatewayError, TicketError, OSError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=422)
        except Exception as error:
            log.exception("command_failed", command=request.match_info["command"])
            text = f"{type(error).__name__} in the running gateway; its log says more"
            body = json.dumps({"error": text})
            raise web.HTTPInternalServerError(text=body, content_type="application/json") from error

    return answer


def _caller(request: web.Request) -> int | None:
    """The user id of the other side; None where the system does not tell and the socket's mode has to do."""
    sock = None if request.transport is None else request.transport.get_extra_info("socket")
    if sock is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials: bytes = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[1])


def _is_trusted(path: Path, url: str) -> bool:
    """Whether a socket is there that belongs to us or to the owner of the database, not to a catcher of secrets."""
    database = make_url(url).database
    try:
        owner = path.lstat().st_uid
        return path.is_socket() and owner in {os.getuid(), Path(database or "").stat().st_uid}
    except FileNotFoundError:
        return False
