"""An agent at the desk, without scripts: signs in, writes calls down, does the actions of tickets."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from gateway.message import InboundMessage, Raw
from tests.web.pages import text_of, value_of
from tests.web.site import PASSWORD, Gateway

Client = TestClient[web.Request, web.Application]


async def signed_in(site: Gateway, name: str) -> Client:
    """A client with a session of this account."""
    client = site.new_client()
    answer = await client.post("/console/sign-in", data={"name": name, "password": PASSWORD}, allow_redirects=False)
    assert answer.headers["Location"] == "/console/"
    return client


async def take_call(client: Client, **fields: str) -> str:
    """Write a call down; the ticket's number."""
    answer = await post_call(client, **fields)
    assert answer.status == 303, await answer.text()
    found = re.fullmatch(r"/console/tickets/(\d{15})\?done=call", answer.headers["Location"])
    assert found
    return found[1]


async def post_call(client: Client, **fields: str) -> ClientResponse:
    """Send the phone form."""
    page = await text_of(await client.get("/console/calls/new"))
    given = {name: value_of(name, page) for name in ("csrf", "token", "call_started_at")}
    given |= {"kind": "complaint", "entry": "hotline", "disposition": "submit", "text": "宽带断了三天没人处理"}
    return await client.post("/console/calls", data={**given, **fields}, allow_redirects=False)


async def do(client: Client, number: str, action: str, **fields: str) -> ClientResponse:
    """Do an action by its form."""
    page = await text_of(await client.get(f"/console/tickets/{number}"))
    given = {"csrf": value_of("csrf", page), "token": value_of("token", page), **fields}
    return await client.post(f"/console/tickets/{number}/{action}", data=given, allow_redirects=False)


def message(received_at: datetime, **values: Any) -> InboundMessage:
    """A message of the web channel."""
    raw = Raw(channel="web", body=b"{}", received_at=received_at)
    return InboundMessage(channel="web", external_id=None, received_at=received_at, raw=raw, **values)
