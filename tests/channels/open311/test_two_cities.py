"""Two gateways, one in each city: what is forwarded from the one is a report at the other, and its end comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway.app import assemble, opened
from gateway.channels.open311 import Open311City
from gateway.config import Settings
from gateway.loops import take
from gateway.message import InboundMessage, Raw
from tests.channels.open311.city import KEY
from tests.channels.open311.house import city
from ticket_core.store.journals import list_notices
from ticket_core.store.queries import TicketFile, TicketFilter, list_tickets, load_file

LAMP = {
    "text": "路灯不亮三天了",
    "place": "红星路二段 (30.657000, 104.082000)",
    "complainant": {"name": "李四", "phone": "13800001234"},
}


async def test_a_ticket_is_forwarded_worked_on_and_answered_without_a_person_telling_the_other(tmp_path: Path) -> None:
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
    async with city(tmp_path / "east", shows=["answer"]) as east:
        url = str(east.client.make_url("/open311/v2"))
        people = [
            {
                "name": "east-office",
                "label": "东城",
                "roles": ["handler"],
                "groups": ["service"],
                "chats": ["east:001"],
            },
            {"name": "sun", "roles": ["supervisor"], "email": "sun@example.com"},
        ]
        made = Settings(
            secret="w" * 32,
            channels={"east": {"kind": "open311-city", "url": url, "api_key": KEY, "address": "西城"}},
            people=people,
            database={"url": f"sqlite:///{tmp_path / 'west' / 'west.sqlite3'}"},
        )
        async with opened(assemble(made)) as west:
            at = datetime.now(UTC)
            raw = Raw(channel="web", body=b"{}", received_at=at)
            await west.reception.receive(
                InboundMessage(channel="web", external_id=None, received_at=at, raw=raw, fields=LAMP)
            )

            async def case() -> TicketFile:
                page = await west.store.read(lambda connection: list_tickets(connection, TicketFilter(), at))
                (listed,) = page.rows
                return await west.store.read(partial(load_file, ticket_id=listed.ticket.id))

            async def ask() -> None:
                channel = west.channels["east"]
                assert isinstance(channel, Open311City)
                async for update, done in channel._updates():
                    await take(channel, update, west.reception.receive, west.dispatcher.record_receipt)
                    await done()

            await west.dispatcher.step()
            reports = await east.get("/v2/requests", "service_requests", api_key=KEY)
            (number,) = (one["service_request_id"] for one in reports)
            there = await east.ticket(number)
            assert "路灯不亮三天了" in there.text
            assert there.place == LAMP["place"]
            assert "13800001234" not in there.text, "whom it is from is not forwarded"
            notices = await west.store.read(list_notices)
            assert next(one for one in notices.rows if one.medium == "east").provider_id == number

            await east.act(number, "accept")
            await east.act(number, "answer", text="已换灯泡")
            await east.act(number, "close")
            for _ in range(2):
                await ask()
            told = [event for event in (await case()).events if event.kind == "reported_back"]
            assert [(event.actor, str(event.data["text"]).partition(" ")[2]) for event in told] == [
                ("east-office", "in_progress: 已开始办理"),
                ("east-office", "in_progress: 已答复: 已换灯泡"),
                ("east-office", "closed: 已办结"),
            ]
            assert (await case()).ticket.open, "whether the complainant is answered is ours to decide"
            await west.dispatcher.step()
            assert len(await east.get("/v2/requests", "service_requests", api_key=KEY)) == 1
            notices = await west.store.read(list_notices)
            assert [one.role for one in notices.rows if one.notice == "reported_back"] == ["supervisor"] * 3
