"""A forwarding body's own interface on a real server, which fails as theirs do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from gateway.testing.loopback import Loopback, listening

Answer = Callable[[], web.StreamResponse]


def taken(**more: Any) -> Answer:
    """They took it."""
    return lambda: web.json_response({"code": 0, **more})


def says(code: object, message: str = "", status: int = 200) -> Answer:
    """They say something else."""
    return lambda: web.json_response({"code": code, "msg": message}, status=status)


@dataclass(slots=True, kw_only=True)
class Body(Loopback):
    """What it heard, and what it answers: the `script` in turn, then that it took it, or `refusal`, a status.

    `hold` seconds go by first.
    """

    script: list[Answer] = field(default_factory=list)
    hold: float = 0
    refusal: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)  # idempotency key -> step
    doubled: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps as they were read, every try of them."""
        return [orjson.loads(one) for one in self.raw]

    @property
    def cases(self) -> set[str]:
        """The cases of which it took a step."""
        return {step["case_number"] for step in self.steps if step["id"] in self.taken}

    @property
    def names(self) -> list[str]:
        """The steps it took, in their order."""
        return list(self.taken.values())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One push of ours."""
        body = await request.read()
        self.headers.append(dict(request.headers))
        self.raw.append(body)
        await asyncio.sleep(self.hold)
        if self.refusal:
            return web.Response(status=self.refusal)
        answer = (self.script.pop(0) if self.script else taken())()
        key = request.headers["Idempotency-Key"]
        if answer.status == 200 and b'"code": 0' in (getattr(answer, "body", b"") or b""):
            if key in self.taken:
                self.doubled.append(key)
            self.taken[key] = orjson.loads(body)["step"]
        return answer


def body_of_the_state(*script: Answer, hold: float = 0) -> AbstractAsyncContextManager[Body]:
    """The interface, listening."""
    return listening(Body(script=list(script), hold=hold), "/callback")
