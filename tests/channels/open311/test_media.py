"""Photos that come with a report or an update, as parts of its form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, FormData

from gateway.web.open311.form import apart_from_key, read_form
from tests.channels.open311.city import KEY
from tests.channels.open311.house import LAMP, City, city, valid_json, valid_xml
from ticket_core.store.journals import list_inbound, load_input
from ticket_core.store.queries import load_blob, load_file

PNG = b"\x89PNG\r\n\x1a\n" + b"\r\n--\r\n" * 3


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


async def post(
    house: City, form: Mapping[str, str], *files: tuple[str, str, bytes], path: str = "requests.json"
) -> ClientResponse:
    """A form with files, under a boundary that is another each time."""
    data = FormData(quote_fields=False)
    for name, value in {**form, "api_key": KEY}.items():
        data.add_field(name, value)
    for field, name, content in files:
        data.add_field(field, BytesIO(content), filename=name, content_type="application/octet-stream")
    return await house.client.post(f"/open311/v2/{path}", data=data())


async def kept(house: City, number: str) -> list[tuple[str, str, bytes]]:
    """The files of a ticket, in their order."""
    ticket = await house.ticket(number)
    file = await house.parts.store.read(lambda connection: load_file(connection, ticket.id))
    found = []
    for one in (attachment for said in file.complaints for attachment in said.attachments):
        content = await house.parts.store.read(lambda connection, sha256=one.sha256: load_blob(connection, sha256))
        found.append((one.name, one.media_type, content))
    return found


async def test_photos_of_a_report_and_its_updates_are_kept_with_it(house: City) -> None:
    response = await post(house, LAMP, ("media", "路灯.png", PNG), ("media[]", "b.txt", b"A17"), ("photo", "", b""))
    (told,) = await valid_json(response, "posted")
    number = told["service_request_id"]
    assert response.status == 201
    update = {"service_request_id": number, "update_id": "u1", "description": "还是不亮", "status": "CLOSED"}
    for _ in range(2):
        again = await post(house, update, ("media", "c.png", PNG + b"c"), path="servicerequestupdates.json")
        assert again.status == 200, "delivered again it has another boundary"
    assert await kept(house, number) == [
        ("路灯.png", "image/png", PNG),
        ("b.txt", "text/plain", b"A17"),
        ("c.png", "image/png", PNG + b"c"),
    ]
    assert (await house.ticket(number)).place == "红星路二段 (30.657000, 104.082000)"


async def test_a_report_with_photos_that_is_delivered_again_has_one_effect(house: City) -> None:
    first, again, other = [
        await post(house, LAMP, ("media", "a.png", content)) for content in (PNG, PNG, PNG + b"other")
    ]
    assert [one.status for one in (first, again, other)] == [201, 200, 201]
    assert await first.json() == await again.json()


async def test_the_journal_keeps_the_photo_and_not_the_key(house: City) -> None:
    await post(house, LAMP, ("media", "a.png", PNG))
    page = await house.parts.store.read(list_inbound)
    found = await house.parts.store.read(lambda connection: load_input(connection, page.rows[0].id))
    assert found is not None
    raw = found[1]
    assert KEY.encode() not in raw
    assert read_form(raw).files[0].content == PNG
    assert apart_from_key(raw) == (raw, ""), "what is kept is kept as it is"


WRONG: list[tuple[list[tuple[str, str, bytes]], str]] = [
    ([("media", "a.png", PNG)] * 11, "media: "),
    ([("media", "a.exe", PNG)], "media.0.name"),
    ([("media", "a.png", PNG), ("media", "b.png", b"MZ\x00\x00")], "media.1.content"),
    ([("media", "a.png", PNG.ljust((10 << 20) + 1))], "media.0.content"),
]


async def test_files_that_are_not_taken_are_told_and_nothing_is_kept(house: City) -> None:
    for files, names in WRONG:
        response = await post(house, LAMP, *files, path="requests.xml")
        assert response.status == 400
        assert names in str(valid_xml(await response.read(), "errors").findtext("error/description"))
    assert not (await house.parts.store.read(list_inbound)).rows


BROKEN: list[bytes] = [
    b"--",
    b"--\r\n",
    b"--x\r\nno head",
    b"--x\r\n\r\nno name\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut off',
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--',
    b"--" + b"x" * 80 + b"\r\n",
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_form_that_is_broken_is_none(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_form(body)


async def test_a_broken_form_is_told_and_a_form_without_files_stays_small(house: City) -> None:
    headers: Any = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = await house.client.post("/open311/v2/requests.json", data=BROKEN[4], headers=headers)
    assert (broken.status, await valid_json(broken, "errors") != []) == (400, True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = BytesIO(b"description=" + b"x" * (1 << 20))
    large = await house.client.post("/open311/v2/requests.json", data=body, headers=headers)
    assert (large.status, await valid_json(large, "errors") != []) == (413, True)
