"""What a forwarding body hears of the sheets that it mailed."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Connection, select

from gateway.channels.smtp.mail import Sender, mail_bytes
from gateway.config import Dispatch, Settings
from gateway.dispatch import Dispatcher
from gateway.loops import Health
from gateway.render import Renderer
from gateway.shipped import shipped_templates
from gateway.testing.house import opened_house
from tests.channels.email.test_forwarded import BODY, US, Desk, mail, read, sheet
from tests.dispatch.desk import Letterbox, Post
from ticket_core.store.queries import load_blob
from ticket_core.store.schema import notice


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_house(tmp_path) as house:
        yield Desk(house)


def _owed(connection: Connection) -> list[tuple[str, str, dict[str, Any]]]:
    rows = connection.execute(select(notice.c.address, notice.c.role, notice.c.said).order_by(notice.c.id))
    return [(address, role, json.loads(said)) for address, role, said in rows if said]


async def test_the_sender_hears_once_of_each_file_what_became_of_its_rows(desk: Desk) -> None:
    files = [("11月20日.csv", sheet(1, 2)), ("b.csv", b"no sheet")]
    await desk.take(mail(*files))
    await desk.take(mail(*files))  # the server had not heard that it was taken
    await desk.take(mail(*files, ("c.csv", sheet(3)), Reply_To="x@evil.example.org"))
    told = await desk.house.store.read(_owed)
    assert [(address, role, said["file"]) for address, role, said in told] == [
        (BODY, "forwarder", "11月20日.csv"),
        (BODY, "forwarder", "b.csv"),
        (BODY, "forwarder", "c.csv"),
    ]
    assert (told[0][2]["rows"], told[0][2]["taken"], told[1][2]["rows"]) == (2, 2, 0)
    assert told[0][2]["thread"] == ["<20261120.1@12345.example.net>"]
    assert "没有找到表头" in told[1][2]["problem"]
    assert told[1][2]["files"] == []
    ((report,), _, _) = (said["files"] for _, _, said in told)
    content = await desk.house.store.read(lambda connection: load_blob(connection, report["sha256"]))
    cells = CalamineWorkbook.from_filelike(io.BytesIO(content or b"")).get_sheet_by_index(0).to_python()
    assert [line[2:4] for line in cells[1:]] == [["CD000001", "opened"], ["CD000002", "opened"]]


@pytest.mark.parametrize(
    "more", [{"Auto_Submitted": "auto-generated"}, {"Precedence": "bulk"}, {"List_Id": "<a.example.org>"}], ids=str
)
async def test_a_machine_is_told_nothing(desk: Desk, more: dict[str, str]) -> None:
    assert await desk.take(mail(("a.csv", sheet(1)), **more)) == "automatic"
    assert await desk.house.tickets() == 1
    assert await desk.house.store.read(_owed) == []


async def test_the_report_of_a_crash_between_rows_and_mail_says_what_happened_first(desk: Desk) -> None:
    await desk.mailed.settled(read(mail(("a.csv", sheet(1)))))
    await desk.take(mail(("a.csv", sheet(1))))
    ((_, _, said),) = await desk.house.store.read(_owed)
    assert said["taken"] == 1


async def test_a_report_leaves_as_a_mail_with_the_sheet_and_no_more_than_the_caps_let_through(
    desk: Desk,
) -> None:
    for number in range(4):
        await desk.take(mail((f"{number}.csv", sheet(number))))
    post = Post()
    dispatcher = Dispatcher(
        store=desk.house.store,
        policy=desk.house.reception.policy,
        renderer=Renderer(shipped_templates()),
        keys=desk.house.reception.keys,
        transports={"email": Letterbox("email", post)},
        settings=Settings(dispatch=Dispatch(per_address_per_hour=3)),
        health=Health(),
    )
    await dispatcher.step()
    assert [one.to for one in post.sent] == [BODY] * 3
    ours = Sender(address=US, domain="example.com", reply_address=US)
    made = message_from_bytes(mail_bytes(post.sent[0], ours, datetime.now(UTC)), policy=policy.default)
    assert (made["Auto-Submitted"], made["In-Reply-To"]) == ("auto-replied", "<20261120.1@12345.example.net>")
    assert made["Subject"] == "接收结果：0.csv"
    (attached,) = made.iter_attachments()
    assert attached.get_filename() == "0.csv.report.xlsx"
    assert attached.get_content() == post.sent[0].attachments[0].content
    assert "共 1 行：接收 1 行" in made.get_body().get_content()
    states = await desk.house.store.read(lambda c: c.execute(select(notice.c.state, notice.c.cause)).all())
    assert sorted(map(tuple, states))[-1] == ("suppressed", "address_cap")
