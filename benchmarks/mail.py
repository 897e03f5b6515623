"""Mail from its bytes to the committed ticket with its notices, beside the standard library merely decoding it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from benchmarks.house import generic_policy, open_store, scratch
from benchmarks.mail_parse import decode_with_stdlib
from benchmarks.measure import Found, Outcome, Sample, Scale, Variant, in_turn
from benchmarks.people import mails
from gateway.channels.email import Door, Email, EmailSettings
from gateway.keys import Keys
from gateway.loops import take
from gateway.message import DeliveryReceipt, Raw
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from ticket_core.store.store import Store

_PART = "mail"
_BOUND = 2.0
#: As many as the door takes at a time, and a mailbox hands over together.
_AT_ONCE = 40


async def run(scale: Scale) -> Outcome:
    """The same mix of mails for both, in one process; each mail from another sender."""
    with scratch() as folder:
        async with open_store(folder / "mail.sqlite3") as store:
            variants = {"stdlib decodes": _stdlib(scale.count), "gateway": _gateway(store, scale.count)}
            found = Found(_PART, await in_turn(variants, scale.rounds, part=_PART))
    rate = found.ratio("rate", "gateway", "stdlib decodes")
    target = found.at_least("mails taken in, to mails decoded by the standard library", _BOUND, rate)
    return Outcome(figures=found.figures, targets=(target,))


def _stdlib(count: int) -> Variant:
    async def once(number: int) -> Sample:
        made = list(mails(number * count, count))
        wall, cpu = time.perf_counter(), time.process_time()
        for raw in made:
            decode_with_stdlib(raw)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rate": count / wall, "cpu": cpu / count * 1e6}

    return once


def _gateway(store: Store, count: int) -> Variant:
    keys = Keys(b"benchmark" * 4)
    reading = Reading(profile="generic", ticket_of_token=keys.ticket_of_token)
    channel = Email("mail", EmailSettings(address="tousu@example.com", door=Door(port=0)))
    reception = Reception(store, generic_policy(), keys, {"mail": reading}, lambda: None)

    async def record(receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        raise AssertionError("none of these mails is a delivery report")

    async def once(number: int) -> Sample:
        made = iter(list(mails(number * count, count)))
        outcomes: list[str] = []

        async def session() -> None:
            for body in made:
                raw = Raw(channel="mail", body=body, received_at=datetime.now(UTC), media_type="message/rfc822")
                outcomes.extend(one.outcome for one in await take(channel, raw, reception.receive, record))

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(session() for _ in range(_AT_ONCE)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if outcomes != ["opened"] * count:
            raise RuntimeError(f"not every mail opened a ticket: {sorted(set(outcomes))}")
        return {"rate": count / wall, "cpu": cpu / count * 1e6}

    return once
