"""The least an aiohttp server can do: parse the same JSON and say so; with a file, also commit the gateway's rows.

python -m benchmarks.bare PORT [SQLITE-FILE]
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from benchmarks.same_rows import made


async def parse_only(request: web.Request) -> web.Response:
    """Parse and answer."""
    body = orjson.loads(await request.read())
    return web.Response(body=orjson.dumps({"length": len(body["text"])}), status=201, content_type="application/json")


class PlainWriter:
    """Group commit by the raw driver of the rows that the gateway writes: the ceiling for any storage of ours."""

    def __init__(self, path: str) -> None:
        self.queue: queue.Queue[Any] = queue.Queue()
        self.rows = asyncio.run(made(Path(path)))
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.connection.execute(f"PRAGMA {pragma}")
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Write what waits, commit, answer; for ever."""
        number = 0
        while True:
            jobs = [self.queue.get()]
            while len(jobs) < 256 and not self.queue.empty():
                jobs.append(self.queue.get_nowait())
            complaints = [self.rows.of(number + place, raw) for place, (raw, _, _) in enumerate(jobs, 1)]
            number += len(jobs)
            self.connection.execute("BEGIN IMMEDIATE")
            for table, statement in self.rows.statements.items():
                self.connection.executemany(statement, [row for one in complaints for row in one[table]])
            self.connection.execute("COMMIT")
            jobs[0][2].call_soon_threadsafe(lambda done=jobs: [future.set_result(None) for _, future, _ in done])

    async def parse_and_commit(self, request: web.Request) -> web.Response:
        """Parse, wait for the commit, answer."""
        raw = await request.read()
        body = orjson.loads(raw)
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.queue.put((raw, future, loop))
        await future
        return web.Response(
            body=orjson.dumps({"length": len(body["text"])}), status=201, content_type="application/json"
        )


def main() -> None:
    """Serve until killed."""
    app = web.Application()
    if len(sys.argv) > 2:
        app.router.add_post("/", PlainWriter(sys.argv[2]).parse_and_commit)
    else:
        app.router.add_post("/", parse_only)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=_loop())


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
