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


def test_a_signature_in_capitals_is_a_signature() -> None:
    raw = pushed({})
    crm().verify(replace(raw, headers={"x-signature": raw.headers["x-signature"].upper()}))


def read(document: object, **settings: Any) -> list[InboundMessage]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return [one for one in crm(**settings).parse(replace(pushed({}), body=body)) if isinstance(one, InboundMessage)]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"phone": "13800001234"}, "no text"),
        ([{"text": "断网"}, {"text": "停水", "at": "昨天"}], "entry 2: lodged_at: not a time"),
        ({"text": "停水", "at": "11/3/2026"}, "lodged_at: not a time"),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_by_its_name(document: object, problem: str) -> None:
    *_, message = read(document, fields={"text": "text", "lodged_at": "at"})
    assert (message.readable, message.problem) == (False, problem)


@pytest.mark.parametrize("body", ["json", "form"])
def test_a_push_in_the_characters_of_chinese_windows_is_read(body: Any) -> None:
    written = '{"text": "退订不了"}'.encode("gbk") if body == "json" else "text=退订不了".encode("gbk")
    (message,) = read(written, body=body)
    assert message.text == "退订不了"


@pytest.mark.parametrize("body", ["json", "xml"])
@pytest.mark.parametrize("external_id", ["", "id"])
def test_of_a_push_of_many_each_is_kept_by_itself_and_can_be_read_again(body: Any, external_id: str) -> None:
    """With two hundred entries the whole push would stand in the journal two hundred times."""
    entries = [{"id": f"a{number}", "text": f"停水{number}天"} for number in range(1, 12)]
    written: object = {"data": {"list": [*entries, {"id": "a12"}]}}
    if body == "xml":
        rows = "".join(f"<list><id>{one['id']}</id><text>{one['text']}</text></list>" for one in entries)
        written = f"<data>{rows}<list><id>a12</id></list></data>".encode()
    settings = {"body": body, "entries": "data.list", "external_id": external_id}
    *understood, unread = messages = read(written, **settings)
    assert [one.text for one in understood] == [one["text"] for one in entries]
    assert unread.problem == "entry 12: no text"
    for one in messages:
        assert len(one.raw.body) < 80
        (again,) = read(one.raw.body, **settings)
        assert (again.text, again.external_id) == (one.text, one.external_id)


def test_lists_and_objects_within_an_entry_are_read_as_people_would() -> None:
    said = {"text": ["断网三天", {"floor": 3}], "phone": ["13800001234", "13800005678"], "path": ["网络", "宽带"]}
    (message,) = read(said, fields={"text": "text", "phone": "phone", "category": "path"})
    assert message.text == '断网三天\n{"floor":3}'
    assert message.fields["category"] == ("网络", "宽带")
    assert message.fields["complainant"] == {"phone": "13800001234"}


def test_an_entry_that_nobody_understood_may_come_again_mended() -> None:
    good, bad = read([{"id": "1", "text": "停水"}, {"id": "2"}], external_id="id")
    mended = read([{"id": "2", "text": "停电"}], external_id="id")
    assert mended[0].external_id not in (good.external_id, bad.external_id)
    assert bad.raw == good.raw, "few are kept as they came, byte for byte"


def test_a_single_push_stays_known_by_its_bytes() -> None:
    raw = pushed({"text": "断网三天"})
    (message,) = crm().parse(raw)
    assert isinstance(message, InboundMessage)
    assert message.external_id == f"sha256:{hashlib.sha256(raw.body).hexdigest()}"
