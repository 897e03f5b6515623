"""A gateway with its pages for tests: real store, real core, people who can sign in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.importing import Imports
from gateway.keys import Keys
from gateway.mailed import Mailed
from gateway.normalize.contact import phone_key, read_phone
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from gateway.replays import Replays
from gateway.replies import Replies
from gateway.web.auth import SIGN_IN, SignIn
from gateway.web.callers import BUCKETS, make_buckets
from gateway.web.keys import IDENTITY_OF_PHONE, IMPORTING, LIMITS, RECEPTION, REPLAYS, REPLIES, SERVICE_NUMBER_OF
from gateway.web.limits import Limits
from gateway.web.pages.site import SITE, Site, setup_pages
from gateway.web.problems import problems
from gateway.web.recorded import NoSettings, WebIntake
from ticket_core.calendar import load_calendar
from ticket_core.decide.delivery import RetryLadder
from ticket_core.directory import Directory, Person
from ticket_core.model import Ticket
from ticket_core.number import ticket_id_of
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.source import load_source
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_ticket

PASSWORD = "correct horse"
PEOPLE = (
    Person(name="wang", label="王坐席", roles=("agent",), email="wang@example.com"),
    Person(name="zhao", label="赵维护", roles=("handler",), groups=("monitoring",), email="zhao@example.com"),
    Person(name="qian", label="钱建设", roles=("handler",), groups=("construction",), email="qian@example.com"),
    Person(name="sun", label="孙班长", roles=("supervisor",), email="sun@example.com"),
)
ACCOUNTS = (("wang", "agent"), ("zhao", "handler"), ("qian", "handler"), ("sun", "supervisor"), ("admin", "admin"))


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One gateway: its front desk, and how a browser or a client reaches it."""

    reception: Reception
    server: TestServer
    new_client: Callable[[], TestClient[web.Request, web.Application]]

    def url(self, path: str) -> str:
        """An address for a browser."""
        return str(self.server.make_url(path))

    async def ticket(self, number: str) -> Ticket:
        """A ticket as it stands."""
        ticket_id = ticket_id_of(number)
        assert ticket_id is not None
        return await self.reception.store.read(lambda connection: load_ticket(connection, ticket_id))


@contextlib.asynccontextmanager
async def gateway(folder: Path, *, limits: Limits | None = None) -> AsyncIterator[Gateway]:
    """A gateway on an empty database with the 10086 process."""
    policy = Policy(
        profiles={"telecom-10086": load_profile("telecom-10086")},
        calendar=load_calendar(()),
        directory=Directory(PEOPLE),
        sources={"12345": load_source("12345")},
    )
    store = Store(f"sqlite:///{folder}/gateway.sqlite3")
    store.open()
    keys = Keys(b"k" * 32)
    reading = Reading(profile="telecom-10086", ticket_of_token=keys.ticket_of_token, area_code="028")
    readings = dict.fromkeys(("web", "phone", "api", "city"), reading)
    reception = Reception(store, policy, keys, readings, lambda: None)
    sign_in = SignIn(store, secure=False, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    limits = limits or Limits(intakes_per_minute=0, requests_per_minute=0)
    app = web.Application(middlewares=[problems], client_max_size=limits.body_bytes)
    app[RECEPTION] = reception
    app[REPLIES] = Replies(reception.store, reception.policy, RetryLadder())
    channels = {"web": WebIntake("web", NoSettings())}
    app[REPLAYS] = Replays(reception, Mailed(reception, {}), channels, readings, lambda: None)
    app[SIGN_IN] = sign_in
    importing = Imports(reception, [Transfer("city", TransferSettings(source="12345"))])
    app[IMPORTING] = importing
    app.on_shutdown.append(lambda _: importing.close())
    app[LIMITS] = limits
    app[BUCKETS] = make_buckets(limits)
    app[IDENTITY_OF_PHONE] = lambda written: phone_key(read_phone(written, area_code="028"))
    app[SERVICE_NUMBER_OF] = lambda written: (read_phone(written).e164 or written).removeprefix("+86")
    app[SITE] = Site(name="示范通信投诉受理中心", hotline="10086", signature="示范通信", profile="telecom-10086")
    setup_pages(app)
    for name, role in ACCOUNTS:
        label = next((person.label for person in PEOPLE if person.name == name), "管理员")
        await sign_in.create_account(name, role, PASSWORD, label)
    clients: list[TestClient[web.Request, web.Application]] = []

    def new_client() -> TestClient[web.Request, web.Application]:
        client = TestClient(server)
        clients.append(client)
        return client

    server = TestServer(app)
    try:
        await server.start_server()
        yield Gateway(reception=reception, server=server, new_client=new_client)
    finally:
        for client in clients:
            await client.close()
        await server.close()
        store.close()
