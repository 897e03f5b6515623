"""A whole gateway with an Open311 endpoint, and answers that are held against the schemas."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from lxml import etree

from gateway.app import Parts, assemble, opened, web_application
from gateway.config import Settings
from tests.channels.open311.city import KEY, SERVICES
from ticket_core.model import Command, Ticket
from ticket_core.number import ticket_id_of
from ticket_core.store.tickets import load_ticket

SCHEMAS = Path(__file__).parent / "schemas"
_JSON = json.loads((SCHEMAS / "georeport-v2.json").read_bytes())
_XML = etree.XMLSchema(etree.parse(str(SCHEMAS / "georeport-v2.xsd")))
LAMP = {
    "service_code": "lamp",
    "address_string": "红星路二段",
    "lat": "30.657",
    "long": "104.082",
    "first_name": "四",
    "last_name": "李",
    "phone": "13800001234",
    "email": "li@example.com",
    "description": "路灯不亮三天了, 打 13800001234 找我。",
    "attribute[pole]": "A17",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """The endpoint as programs reach it."""

    client: TestClient[Any, Any]
    parts: Parts

    async def get(self, path: str, schema: str, *, expect: int = 200, **query: str) -> Any:
        """A document in both forms, each valid; its JSON."""
        query = {name: value for name, value in query.items() if value}
        as_json = await self.client.get(f"/open311{path}.json", params=query)
        as_xml = await self.client.get(f"/open311{path}.xml", params=query)
        assert (as_json.status, as_xml.status) == (expect, expect), await as_json.text()
        valid_xml(await as_xml.read(), _root(schema))
        assert as_xml.headers["Content-Type"] == "text/xml; charset=utf-8"
        return await valid_json(as_json, schema)

    async def post(
        self, path: str, form: Mapping[str, Any], *, key: str = KEY, headers: Mapping[str, str] | None = None
    ) -> ClientResponse:
        """A form as programs send it, with the key in it."""
        fields = [*form.items(), *([("api_key", key)] if key else [])]
        return await self.client.post(f"/open311/v2/{path}", data=fields, headers=dict(headers or {}))

    async def report(self, **changes: str) -> str:
        """A lamp that is dark; its number."""
        response = await self.post("requests.json", {**LAMP, **changes})
        assert response.status == 201, await response.text()
        (told,) = await valid_json(response, "posted")
        return str(told["service_request_id"])

    async def ticket(self, number: str) -> Ticket:
        """As it is now."""
        ticket_id = ticket_id_of(number)
        assert ticket_id is not None
        return await self.parts.store.read(lambda connection: load_ticket(connection, ticket_id))

    async def act(self, number: str, action: str, **fields: Any) -> None:
        """An agent does something."""
        ticket_id = ticket_id_of(number)
        assert ticket_id is not None
        now = datetime.now(UTC)
        await self.parts.reception.act(
            Command(ticket_id=ticket_id, action=action, actor="wang", role="agent", at=now, fields=fields)
        )


@asynccontextmanager
async def city(folder: Path, *, channels: Mapping[str, Any] | None = None, **settings: Any) -> AsyncIterator[City]:
    """A gateway whose only channel of this kind is ``city``, with these settings over its usual ones."""
    usual = {"kind": "open311", "api_keys": {"app": KEY}, "services": SERVICES, "jurisdiction_id": "city.gov"}
    made = Settings(
        secret="s" * 32,
        channels={**(channels or {"city": {**usual, **settings}})},
        database={"url": f"sqlite:///{folder / 'city.sqlite3'}"},
        http={"requests_per_minute": 0, "intakes_per_minute": 0, "public_url": "https://city.example.com"},
    )
    async with opened(assemble(made)) as parts, TestClient(TestServer(web_application(parts))) as client:
        yield City(client=client, parts=parts)


async def valid_json(response: ClientResponse, schema: str) -> Any:
    """The document, which must be as the schema says."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    document = json.loads(await response.read())
    validator = jsonschema_rs.validator_for({**_JSON, "$ref": f"#/$defs/{schema}"}, validate_formats=True)
    assert [str(error.message) for error in validator.iter_errors(document)] == []
    return document


def valid_xml(body: bytes, root: str) -> Any:
    """The document, which must be as the schema says."""
    assert body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    document = etree.fromstring(body)
    assert document.tag == root
    assert _XML.validate(document), _XML.error_log
    return document


def _root(schema: str) -> str:
    return {"posted": "service_requests", "token": "service_requests"}.get(schema, schema)
