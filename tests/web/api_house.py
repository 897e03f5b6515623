"""A gateway's JSON API over a real store and a real server, with people, channels and tokens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from gateway.channels.base import Answer, Channel, Webhook
from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import Refused
from gateway.importing import Imports
from gateway.keys import Keys
from gateway.loops import take
from gateway.mailed import Mailed
from gateway.message import Accepted, DeliveryReceipt, InboundMessage, Raw
from gateway.normalize.contact import phone_key, read_phone
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from gateway.replays import Replays
from gateway.replies import Replies
from gateway.web.api import add_api
from gateway.web.auth import SIGN_IN, SignIn
from gateway.web.keys import (
    ACCEPT,
    DOORS,
    IDENTITY_OF_PHONE,
    IMPORTING,
    LIMITS,
    PARTS,
    RECEPTION,
    REPLAYS,
    REPLIES,
    SERVICE_NUMBER_OF,
)
from gateway.web.limits import Limits
from gateway.web.meters import METERS, Meters
from gateway.web.problems import problems
from ticket_core.calendar import load_calendar
from ticket_core.decide.delivery import RetryLadder
from ticket_core.directory import Directory, Person
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.source import load_source
from ticket_core.store.store import Store

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PEOPLE = (
    Person(name="wang", roles=("agent",), groups=("monitoring",), email="wang@example.com"),
    Person(name="chen", roles=("handler",), groups=("maintenance",), email="chen@example.com"),
    Person(name="zhao", roles=("supervisor",), email="zhao@example.com"),
)
LIBERAL = Limits(intakes_per_minute=0, requests_per_minute=0)


@dataclass(frozen=True)
class NoSettings:
    """A channel without settings."""


class Pushed(Webhook):
    """A platform that signs the body with a shared word, and checks the address by GET."""

    Settings = NoSettings
    limit = 1000

    def verify(self, raw: Raw) -> None:
        if raw.headers.get("x-signature") != hmac.digest(b"word", raw.body, hashlib.sha256).hex():
            raise Refused(401, "the signature is wrong")

    def parse(self, raw: Raw) -> Sequence[InboundMessage]:
        return [
            InboundMessage(
                channel=self.name,
                external_id=hashlib.sha256(raw.body).hexdigest(),
                received_at=raw.received_at,
                raw=raw,
                text=raw.body.decode("ascii"),
            )
        ]

    def challenge(self, raw: Raw) -> Answer | None:
        return Answer(body=raw.query["echo"].encode()) if "echo" in raw.query else None

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        return Answer(body=",".join(one.outcome for one in accepted).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The API as callers reach it, and what stands behind it."""

    client: TestClient[Any, Any]
    reception: Reception
    sign_in: SignIn
    parts: dict[str, str | None]
    tokens: Mapping[str, str]

    async def post(self, path: str, body: object = None, *, by: str = "", **headers: str) -> ClientResponse:
        return await self.client.post(path, json=body, headers=self.headers(by, headers))

    async def get(self, path: str, *, by: str = "", **headers: str) -> ClientResponse:
        return await self.client.get(path, headers=self.headers(by, headers))

    async def complain(self, **fields: object) -> dict[str, Any]:
        """A complaint that is taken in: the answer."""
        response = await self.post("/api/v1/complaints", {"text": "宽带断了三天没人处理", **fields})
        assert response.status == 201, await response.text()
        return dict(await response.json())

    def headers(self, by: str, headers: Mapping[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {**named, **({"Authorization": f"Bearer {self.tokens[by]}"} if by else {})}


@asynccontextmanager
async def open_house(url: str, limits: Limits = LIBERAL) -> AsyncIterator[House]:
    """A gateway's API over the database at `url`, with a token for each of PEOPLE and for an administrator."""
    store = Store(url)
    store.open()
    try:
        policy = Policy(
            profiles={"telecom-10086": load_profile("telecom-10086")},
            calendar=load_calendar(),
            directory=Directory(PEOPLE),
            sources={"12345": load_source("12345")},
        )
        keys = Keys(b"k" * 32)
        reading = Reading(profile="telecom-10086", ticket_of_token=keys.ticket_of_token)
        meters = Meters()
        readings = dict.fromkeys(("web", "phone", "push", "city"), reading)
        reception = Reception(store, policy, keys, readings, lambda: None, meters.count_input)
        sign_in = SignIn(store, secure=False, hasher=FAST)
        roles = {"wang": "agent", "chen": "handler", "zhao": "supervisor", "root": "admin"}
        tokens = {name: await sign_in.create_token(name, role) for name, role in roles.items()}
        parts: dict[str, str | None] = {"dispatcher": None, "push": None}
        app = _application(reception, sign_in, limits, parts, meters)
        app[REPLAYS] = Replays(reception, Mailed(reception, {}), app[DOORS], readings, lambda: None)
        async with TestClient(TestServer(app)) as client:
            yield House(client=client, reception=reception, sign_in=sign_in, parts=parts, tokens=tokens)
    finally:
        store.close()


def _application(
    reception: Reception, sign_in: SignIn, limits: Limits, parts: dict[str, str | None], meters: Meters
) -> web.Application:
    async def record(_receipt: DeliveryReceipt) -> None:
        raise AssertionError("no receipts here")

    async def accept(channel: Channel, raw: Raw) -> Sequence[Accepted]:
        return await take(channel, raw, reception.receive, record)

    def service_number(written: str) -> str:
        return (read_phone(written).e164 or "").removeprefix("+86") or written

    app = web.Application(middlewares=[problems], client_max_size=limits.body_bytes)
    app[RECEPTION] = reception
    app[REPLIES] = Replies(reception.store, reception.policy, RetryLadder())
    app[SIGN_IN] = sign_in
    app[METERS] = meters
    app[LIMITS] = limits
    app[DOORS] = {"push": Pushed("push", NoSettings())}
    app[ACCEPT] = accept
    importing = Imports(reception, [Transfer("city", TransferSettings(source="12345"))])
    app[IMPORTING] = importing
    app.on_shutdown.append(lambda _: importing.close())
    app[PARTS] = {name: partial(parts.__getitem__, name) for name in parts}
    app[IDENTITY_OF_PHONE] = lambda written: phone_key(read_phone(written))
    app[SERVICE_NUMBER_OF] = service_number
    add_api(app)
    return app
