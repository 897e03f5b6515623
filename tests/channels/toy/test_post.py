"""The toy post transport against the conformance kit."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import ClassVar

from aiohttp import web

from gateway.testing.kit import BUSY_FOR, Arrived, Provider, TransportConformance, http_provider


def read(_: web.Request, body: bytes) -> Arrived:
    """A notice as the provider reads it."""
    said = json.loads(body)
    return Arrived(reference=said["id"], to=tuple(said["to"].replace(";", ",").split(",")), text=said["text"])


class TestPost(TransportConformance):
    """Every rule for transports."""

    kind = "toy-post"
    settings: ClassVar = {"url": "http://127.0.0.1:9/", "key": "synthetic-key", "timeout": 0.5}
    secrets = ("key",)

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """One on this machine."""
        wait = {"retry-after": str(int(BUSY_FOR.total_seconds()))}
        answers = {
            None: lambda one: web.json_response(
                {"taken": one.reference, "by": "the toy post office, which likes to talk"}
            ),
            "busy": lambda one: web.Response(status=429, headers=wait),
            "refused": lambda one: web.Response(status=422),
        }
        return http_provider(read, answers, lambda url: {"url": url})
