"""Steps from the outbox to the body's own interface and back: in order, again and again, and what nobody took."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import update

from gateway.channels.preview import PreviewEmail
from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.config import Settings
from gateway.dispatch import Dispatcher
from gateway.keys import Keys
from gateway.loops import Health
from gateway.render import Renderer
from gateway.replies import Replies
from tests.channels.transfer.body import Body, body_of_the_state, says, taken
from tests.core.builders import PEOPLE
from tests.store.conftest import migrated_postgres, running, url
from ticket_core.calendar import load_calendar
from ticket_core.decide.delivery import RetryLadder
from ticket_core.errors import NothingToReport
from ticket_core.model import JSON, Command, Complainant, Source, Ticket, TicketDraft
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.service import act, intake
from ticket_core.source import load_source, with_clocks
from ticket_core.store.journals import SentNotice, list_notices
from ticket_core.store.schema import notice
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_events

__all__ = ["migrated_postgres", "url"]  # both databases

SECRET = "0123456789abcdef0123456789abcdef"
TEMPLATES = Path(__file__).parents[3] / "templates"


@lru_cache
def policy() -> Policy:
    sources = {"12345": load_source("12345")}
    profile = with_clocks(load_profile("transfer"), sources)
    return Policy(profiles={"transfer": profile}, calendar=load_calendar(()), directory=PEOPLE, sources=sources)


@dataclass(slots=True, kw_only=True)
class Office:
    """A gateway that handles cases of the city, and tells it by its interface."""

    store: Store
    dispatcher: Dispatcher
    body: Body
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def case(self, number: str = "CD1", again: str = "reopen") -> Ticket:
        """The city forwards one; `again` is what becomes of one that is finished."""
        draft = TicketDraft(
            channel="city",
            profile="transfer",
            received_at=self.now,
            raw=b"{}",
            text=f"小区停水{number}",
            complainant=Complainant(name="李四"),
            source=Source(body="12345", case_number=number),
        )
        rules = policy()
        sources = {name: replace(one, again=again) for name, one in rules.sources.items()}  # type: ignore[arg-type]
        made = await self.store.run_each(partial(intake, policy=replace(rules, sources=sources)), draft)
        assert made.ticket is not None
        return made.ticket

    async def act(self, ticket: Ticket, action: str, **fields: JSON) -> None:
        """Somebody goes on with it."""
        command = Command(
            ticket_id=ticket.id, action=action, actor="boss", role="supervisor", at=self.now, fields=fields
        )
        await self.store.run(lambda tx: act(tx, command, policy()))

    async def send(self, after: timedelta = timedelta(0)) -> None:
        """One pass of the dispatcher, so much later."""
        self.now += after
        await self.dispatcher.step(self.now)

    async def steps(self) -> list[SentNotice]:
        """The steps in the outbox, oldest first."""
        page = await self.store.read(lambda connection: list_notices(connection, limit=200))
        return [one for one in reversed(page.rows) if one.role == "source"]

    async def told(self) -> list[tuple[str, str]]:
        """Who was told that a step came to nothing."""
        page = await self.store.read(lambda connection: list_notices(connection, notice_name="step_failed"))
        return sorted((one.role, one.address) for one in page.rows)


@asynccontextmanager
async def office(url: str, body: Body, **settings: object) -> AsyncIterator[Office]:
    channel = Transfer("city", TransferSettings(source="12345", secret=SECRET, callback=body.url, **settings))  # type: ignore[arg-type]
    mail = PreviewEmail("mail", None)
    with running(url) as store:
        dispatcher = Dispatcher(
            store=store,
            policy=policy(),
            renderer=Renderer(TEMPLATES),
            keys=Keys(SECRET.encode()),
            transports={"city": channel, "email": mail, "sms": mail},
            settings=Settings(secret=SECRET),
            health=Health(),
        )
        yield Office(store=store, dispatcher=dispatcher, body=body)
        await channel.close()


async def test_a_busy_body_hears_the_steps_of_a_case_later_and_in_their_order(url: str) -> None:
    async with body_of_the_state(lambda: web.Response(status=503), says("busy")) as body, office(url, body) as here:
        one, other = await here.case("CD1"), await here.case("CD2")
        await here.act(one, "sign")
        await here.act(one, "contact", text="已致电")
        await here.act(one, "answer", text="已修复")
        await here.act(other, "sign")
        await here.send()
        assert body.names == []  # each case has tried its first step
        assert len(body.steps) == 2
        await here.send(timedelta(seconds=21))
        assert [step["step"] for step in body.steps if step["case_number"] == "CD1"] == [
            *("sign", "sign", "contact", "finish")
        ]
        assert [one["seq"] for one in body.steps if one["case_number"] == "CD1"] == [2, 2, 3, 4]
        assert {row.state for row in await here.steps()} == {"delivered"}
        assert body.doubled == []


async def test_the_order_is_that_of_events_whichever_process_wrote_the_steps(url: str) -> None:
    """Every process takes the ids of notices from a block of its own."""
    async with body_of_the_state() as body, office(url, body) as here:
        one = await here.case()
        await here.act(one, "sign")
        block = update(notice).where(notice.c.role == "source").values(id=notice.c.id + 1000)
        await here.store.run(lambda tx: tx.connection.execute(block))
        await here.act(one, "answer", text="已修复")
        await here.send()
        assert [step["step"] for step in body.steps] == ["sign", "finish"]


async def test_a_case_with_two_tickets_is_heard_of_in_the_order_in_which_they_were_given(url: str) -> None:
    async with body_of_the_state(lambda: web.Response(status=503)) as body, office(url, body) as here:
        old = await here.case()
        await here.act(old, "sign")
        await here.act(old, "answer", text="已修复")
        await here.act(old, "close")
        new = await here.case(again="new")
        assert new.id != old.id
        await here.act(new, "sign")
        await here.send()
        await here.send(timedelta(seconds=21))
        assert body.names == ["sign", "finish", "sign"]


async def test_a_step_that_does_not_hold_any_more_is_not_told(url: str) -> None:
    async with body_of_the_state(lambda: web.Response(status=503)) as body, office(url, body) as here:
        one = await here.case()
        await here.act(one, "answer", text="已修复")
        await here.send()  # they do not hear it
        await here.act(one, "reopen", reason="诉求人称未修复")
        await here.send(timedelta(minutes=1))
        (step,) = await here.steps()
        assert (step.state, step.cause, body.names) == ("suppressed", "taken_back", [])
        await here.act(one, "answer", text="已更换阀门")
        await here.send()
        assert [(said["step"], said["办理结果"]) for said in body.steps[1:]] == [("finish", "已更换阀门")]


async def test_a_step_says_the_same_however_late_it_is_heard(url: str) -> None:
    async with body_of_the_state(lambda: web.Response(status=503)) as body, office(url, body) as here:
        one = await here.case()
        await here.act(one, "sign")
        await here.send()
        await here.act(one, "answer", text="已修复")
        await here.act(one, "close")
        await here.send(timedelta(minutes=1))
        first, again, finish = body.steps
        assert first == again
        assert (first["status"], first["answer"], finish["status"]) == ("已签收", "", "已答复")


async def test_a_step_whose_answer_was_lost_goes_again_under_its_own_key(url: str) -> None:
    async with body_of_the_state(hold=30) as body, office(url, body, timeout=0.6) as here:
        one = await here.case()
        await here.act(one, "sign")
        await here.send()
        assert [row.state for row in await here.steps()] == ["temporary_failure"]
        body.hold = 0
        await here.send(timedelta(seconds=21))
        assert [row.state for row in await here.steps()] == ["delivered"]
        keys = [heard["Idempotency-Key"] for heard in body.headers]
        assert len(keys) == 2 and len(set(keys)) == 1
        assert len({heard["x-nonce"] for heard in body.headers}) == 2  # a signature is good for one try


async def test_the_body_says_when_and_is_not_asked_before(url: str) -> None:
    wait = {"Retry-After": "300"}
    async with (
        body_of_the_state(lambda: web.Response(status=429, headers=wait)) as body,
        office(url, body) as here,
    ):
        await here.act(await here.case(), "sign")
        await here.send()
        await here.send(timedelta(seconds=298))
        assert len(body.steps) == 1
        await here.send(timedelta(seconds=3))
        assert body.names == ["sign"]


async def test_what_the_body_refuses_for_good_is_told_to_handlers_and_supervisor(url: str) -> None:
    async with body_of_the_state(says(40012, "工单不存在")) as body, office(url, body) as here:
        one = await here.case()
        await here.act(one, "sign")
        await here.act(one, "answer", text="已修复")
        await here.send()
        await here.send()
        first, second = await here.steps()
        assert (first.state, first.cause, first.event_kind) == ("failed", "40012 200 40012 工单不存在", "signed")
        assert second.state == "delivered"  # the other steps go on
        assert await here.told() == [("handlers", "handler@example.com"), ("supervisor", "boss@example.com")]
        (event,) = await here.store.read(lambda connection: load_events(connection, one.id, "step_failed"))
        assert event.data == {
            "step": "签收",
            "cause": first.cause,
            "channel": "city",
            "source": "12345 政务服务便民热线",
            "told": first.id,
        }
        await here.send(timedelta(days=2))
        assert len(await here.told()) == 2  # once


async def test_a_body_that_is_away_for_a_day_is_given_up_and_somebody_is_told(url: str) -> None:
    async with body_of_the_state() as body, office(url, body, timeout=0.5) as here:
        body.script = [lambda: web.Response(status=502)] * 1000
        await here.act(await here.case(), "sign")
        for _ in range(4):
            await here.send(timedelta(hours=8, minutes=10))
        (step,) = await here.steps()
        assert (step.state, len(await here.told())) == ("failed", 2)


async def test_a_refusal_names_its_reason_in_the_bodys_own_words(url: str) -> None:
    async with body_of_the_state(taken(receipt="R9")) as body, office(url, body) as here:
        await here.act(await here.case(), "return", reason="非我部门职责")
        await here.send()
        (step,) = body.steps
        assert (step["step"], step["退单理由"], step["status"]) == ("return", "非我部门职责", "已退回")
        (row,) = await here.steps()
        assert (row.provider_id, json.loads(row.rendered)["退单理由"]) == ("R9", "非我部门职责")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_without_an_interface_steps_wait_and_nothing_is_wrong(url: str) -> None:
    async with office(url, Body()) as here:
        await here.act(await here.case(), "sign")
        await here.send()
        (step,) = await here.steps()
        assert (step.state, step.cause) == ("queued", "reply sheet")
        await here.send(timedelta(days=30))
        assert [row.state for row in await here.steps()] == ["queued"]  # it is not forgotten


async def test_what_came_to_nothing_is_told_again_in_its_order_when_somebody_wants_it(url: str) -> None:
    """A body whose interface is away over the holidays."""
    async with body_of_the_state(*[says(40012, "系统维护")] * 2) as body, office(url, body) as here:
        one = await here.case()
        await here.act(one, "sign")
        await here.act(one, "answer", text="已修复")
        await here.send()
        await here.send()
        assert [row.state for row in await here.steps()] == ["failed", "failed"]
        replies = Replies(here.store, policy(), RetryLadder())
        here.now += timedelta(days=9)
        body.script = [lambda: web.Response(status=503)]
        assert await replies.again("12345", actor="boss", at=here.now) == 2
        await here.send()
        assert [row.state for row in await here.steps()] == ["temporary_failure", "queued"]  # its tries begin anew
        await here.send(timedelta(seconds=21))
        assert body.names == ["sign", "finish"]
        with pytest.raises(NothingToReport):
            await replies.again("12345", actor="boss", at=here.now)
