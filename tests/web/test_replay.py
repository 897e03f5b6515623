"""An input that nobody understood is read again once its channel can read it, by program and at the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.message import InboundMessage, Raw
from tests.web.api_house import Pushed, open_house
from tests.web.desk import signed_in
from tests.web.pages import text_of, value_of
from tests.web.site import gateway
from tests.web.test_api_doors import signed

ODD = "路灯不亮".encode()


async def test_a_program_has_an_input_read_again_and_a_second_time_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as house:
        await house.client.post("/channels/push", data=ODD, headers=signed(ODD))
        (line,) = (await (await house.get("/api/v1/inbound", by="wang")).json())["inbound"]
        path = f"/api/v1/inbound/{line['id']}/replay"
        told = {"id": line["id"], "channel": "push", "was": "triage", "outcome": "duplicate", "number": line["number"]}
        assert await (await house.post(path, by="wang")).json() == told

        def parse(self: Pushed, raw: Raw) -> list[InboundMessage]:
            return [
                InboundMessage(
                    channel="push", external_id="1", received_at=raw.received_at, raw=raw, text=raw.body.decode()
                )
            ]

        monkeypatch.setattr(Pushed, "parse", parse)
        assert [(await house.post(path, by=who)).status for who in ("", "chen")] == [401, 403]
        assert (await house.post("/api/v1/inbound/99/replay", by="wang")).status == 404
        assert (await house.post("/api/v1/inbound/x/replay", by="wang")).status == 404
        assert await (await house.post(path, by="root")).json() == {**told, "outcome": "opened"}
        assert await (await house.post(path, by="wang")).json() == {**told, "was": "opened"}
        ticket = await (await house.get(f"/api/v1/tickets/{line['number']}", by="wang")).json()
        assert (ticket["text"], ticket["triage"]) == ("路灯不亮", "")
        assert [(one["kind"], one["actor"]) for one in ticket["events"]][1] == ("replayed", "root")


async def test_of_two_complaints_in_one_input_each_is_read_again_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is understood now may be known by another id than what was not."""

    def parse(understood: bool) -> Callable[[Pushed, Raw], list[InboundMessage]]:
        def one(raw: Raw, number: int, external_id: str) -> InboundMessage:
            readable = understood or number == 1
            return InboundMessage(
                channel="push",
                external_id=external_id if readable else f"hash {number}",
                received_at=raw.received_at,
                raw=raw,
                text=f"路灯{number}不亮",
                readable=readable,
            )

        return lambda _self, raw: [one(raw, 1, "a1"), one(raw, 2, "a2")]

    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as house:
        monkeypatch.setattr(Pushed, "parse", parse(understood=False))
        await house.client.post("/channels/push", data=ODD, headers=signed(ODD))
        lines = (await (await house.get("/api/v1/inbound", by="wang")).json())["inbound"]
        (odd,) = (one for one in lines if one["outcome"] == "triage")
        monkeypatch.setattr(Pushed, "parse", parse(understood=True))
        told = await (await house.post(f"/api/v1/inbound/{odd['id']}/replay", by="wang")).json()
        assert (told["outcome"], told["number"]) == ("opened", odd["number"])
        ticket = await (await house.get(f"/api/v1/tickets/{odd['number']}", by="wang")).json()
        assert ticket["text"] == "路灯2不亮"
        assert len((await (await house.get("/api/v1/inbound", by="wang")).json())["inbound"]) == 2


async def test_the_journal_has_a_button_for_what_was_not_understood(tmp_path: Path) -> None:
    async with gateway(tmp_path) as site:
        now = datetime.now(UTC)
        raw = Raw(channel="web", body='{"text": "路灯不亮"}'.encode(), received_at=now)
        odd = InboundMessage(
            channel="web", external_id="1", received_at=now, raw=raw, readable=False, problem="unreadable"
        )
        taken = await site.reception.receive(odd)
        agent, path = await signed_in(site, "wang"), f"/console/inbound/{taken.inbound_id}"
        page = await text_of(await agent.get(path))
        assert "重新读取" in page
        form = {"csrf": value_of("csrf", page)}
        assert (await agent.post(f"{path}/replay", data={}, allow_redirects=False)).status == 403
        stranger = await signed_in(site, "zhao")
        assert (await stranger.post(f"{path}/replay", data=form, allow_redirects=False)).status == 403
        done = await agent.post(f"{path}/replay", data=form, allow_redirects=False)
        assert (done.status, done.headers["Location"]) == (303, f"{path}?replayed=opened")
        page = await text_of(await agent.get(done.headers["Location"]))
        assert "已重新读取：新建工单" in page
        assert f'action="{path}/replay"' not in page, "what had its effect has no other"
        assert taken.ticket is not None
        assert (await site.ticket(taken.ticket)).text == "路灯不亮"
        again = await agent.post(f"{path}/replay", data=form, allow_redirects=False)
        assert "结果没有变化" in await text_of(await agent.get(again.headers["Location"]))
