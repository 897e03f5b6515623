"""What other programs get wrong: words that are none of ours, one bad entry among good ones, headers of any bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.webhook import ConfiguredWebhook, WebhookSettings
from gateway.errors import ConfigError, Refused
from gateway.message import InboundMessage, Raw
from gateway.testing.house import House, opened_house
from ticket_core.number import ticket_id_of
from ticket_core.store.queries import TicketFile, load_file

SECRET = "synthetic-secret-of-crm"


def crm(**settings: Any) -> ConfiguredWebhook:
    fields = {"text": "text", "kind": "kind", "priority": "priority", "phone": "phone"}
    return ConfiguredWebhook("crm", WebhookSettings(**{"fields": fields, "secret": SECRET, **settings}))


def pushed(document: object, **headers: str) -> Raw:
    body = json.dumps(document).encode()
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Raw(channel="crm", body=body, received_at=datetime.now(UTC), headers={"x-signature": mac, **headers})


async def taken(house: House, raw: Raw) -> list[TicketFile]:
    channel = crm()
    house.admit(channel)
    ids = [ticket_id_of(one.ticket or "") for one in await house.accept(channel, raw)]
    return [await house.store.read(partial(load_file, ticket_id=one)) for one in ids if one is not None]


async def test_a_kind_or_priority_that_is_none_of_ours_loses_nothing_and_no_deadline(tmp_path: Path) -> None:
    async with opened_house(tmp_path) as house:
        (file,) = await taken(house, pushed({"text": "断网三天", "kind": "Beschwerde", "priority": "P1"}))
        assert (file.ticket.kind, file.ticket.priority) == ("complaint", "normal")
        assert file.timers


async def test_one_bad_entry_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with opened_house(tmp_path) as house:
        files = await taken(house, pushed([{"text": "断网三天"}, {"phone": "13800001234"}, {"text": "停水"}]))
        assert [bool(one.ticket.triage) for one in files] == [False, True, False]
        assert files[1].ticket.triage == "entry 2: no text"
        assert "13800001234" in files[1].ticket.text


@pytest.mark.parametrize("value", ["\udcff\udcfe", "é", ""])
def test_a_signature_of_any_bytes_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        crm().verify(replace(pushed({}), headers={"x-signature": value}))
    with pytest.raises(Refused):
        crm(time_header="x-time").verify(pushed({}, **{"x-time": value}))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"proof": "secret", "time_header": "x-time"}, "time_header"),
        ({"header": ""}, "header"),
        ({"fields": {"name": "a"}, "zone": "Mars"}, "fields.text"),
    ],
)
def test_what_would_not_protect_is_told_at_the_start(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        crm(**changes)
    assert names in caught.value.problems[0]


def test_a_single_push_stays_known_by_its_bytes() -> None:
    raw = pushed({"text": "断网三天"})
    (message,) = crm().parse(raw)
    assert isinstance(message, InboundMessage)
    assert message.external_id == f"sha256:{hashlib.sha256(raw.body).hexdigest()}"
